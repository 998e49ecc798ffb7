// The comparisons of one deployment, as all replicas have counted them.
import { comparedDeploymentShape, type ComparedDeployment } from "../../api/comparisons.ts";
import { endpoints } from "../../admin/endpoints.ts";
import type { Asking } from "../admin.ts";
import { askFor } from "../gateway/ask.ts";
import { findDeployment } from "../named-deployment.ts";

export type Asked =
  | { readonly kind: "asked"; readonly compared: ComparedDeployment }
  | { readonly kind: "failed"; readonly sentence: string };

/** `named`: `NAMESPACE/NAME`, or `NAME` where one namespace has it. */
export async function askComparison(asking: Asking, named: string, namespace: string | null): Promise<Asked> {
  const found = await findDeployment(asking, named, namespace);
  if (found.kind === "failed") return found;
  const path = endpoints.comparison.path
    .replace("{namespace}", encodeURIComponent(found.namespace))
    .replace("{name}", encodeURIComponent(found.name));
  const { url, adminToken } = asking;
  const answer = await askFor(
    url,
    { method: "GET", path, body: null, accept: "application/json", adminToken },
    comparedDeploymentShape,
  );
  return answer.kind === "failed" ? answer : { kind: "asked", compared: answer.value };
}
