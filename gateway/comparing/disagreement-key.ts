// Which disagreements are the same one: the same two predictors differ at the same paths by the same values.
import { hash } from "node:crypto";
import type { PairVerdict } from "../../routing/release/compare/comparison.ts";

export interface Differing extends Pick<PairVerdict, "reason" | "differences"> {
  readonly predictor: string;
  readonly against: string;
  /** Of the request. Its query may differ with each. */
  readonly path: string;
  readonly primaryStatus: number;
  readonly shadowStatus: number;
}

/** Equal for those that are the same. Of a bounded length. */
export function disagreementKey(one: Differing): string {
  const { predictor, against, path, reason, differences, primaryStatus, shadowStatus } = one;
  const [asked] = path.split("?", 1);
  const values = differences.map((difference) => [difference.path, difference.primary, difference.shadow]);
  return hash(
    "sha1",
    JSON.stringify([predictor, against, asked, reason, values, primaryStatus, shadowStatus]),
    "base64",
  );
}
