// An answer of a peer, checked by hand and part by part: first who says it, in words that no version changes; then the counts, which a version that does not
// fit may have in another shape.
import type { ArmCounts } from "../../../routing/release/statistics/arm-counts.ts";
import { maxAskedDeployments, type Evidence } from "../../api/peer.ts";

/** Predictors of one deployment: more are no answer of a replica. */
const maxPredictors = 256;

type Said = Pick<Evidence, "instance" | "version" | "table">;

export type PeerAnswer =
  | {
      readonly kind: "said";
      readonly said: Said;
      /** null: its counts are none. */
      readonly counts: Evidence | null;
    }
  | { readonly kind: "bad"; readonly sentence: string };

export function readEvidence(value: unknown, readCounts: (value: unknown) => ArmCounts | null): PeerAnswer {
  const { instance, version, table, deployments } = recordOf(value);
  const isText = (text: unknown, pattern: RegExp): text is string => typeof text === "string" && pattern.test(text);
  if (!isText(instance, /^[\w.-]{1,64}$/) || !isText(version, /^[\w.+-]{1,64}$/) || !isText(table, /^[\w:.-]{0,128}$/))
    return { kind: "bad", sentence: "its answer does not say who it is" };
  const said = { instance, version, table };
  const read = listOf(deployments, maxAskedDeployments, (one) => deploymentOf(one, readCounts));
  return { kind: "said", said, counts: read === null ? null : { ...said, deployments: read } };
}

type Deployment = Evidence["deployments"][number];

function deploymentOf(value: unknown, readCounts: (value: unknown) => ArmCounts | null): Deployment | null {
  const { namespace, name, predictors } = recordOf(value);
  if (!isName(namespace) || !isName(name)) return null;
  const read = listOf(predictors, maxPredictors, (one) => {
    const { predictor, counts } = recordOf(one);
    const arm = readCounts(counts);
    return isName(predictor) && arm !== null ? { predictor, counts: arm } : null;
  });
  return read === null ? null : { namespace, name, predictors: read };
}

/** null: it is no list, too long a one, or something in it is wrong. */
function listOf<T>(value: unknown, max: number, read: (value: unknown) => T | null): readonly T[] | null {
  if (!Array.isArray(value) || value.length > max) return null;
  const all: T[] = [];
  for (const one of value) {
    const item = read(one);
    if (item === null) return null;
    all.push(item);
  }
  return all;
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value.length <= 253;
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

/** May replicas of two versions add up their counts? Of one major version, one minor version apart at most, as in an upgrade. What is no version fits nothing. */
export function fits(own: string, other: string): boolean {
  const [one, two] = [parts(own), parts(other)];
  return one !== null && two !== null && one.major === two.major && Math.abs(one.minor - two.minor) <= 1;
}

function parts(version: string): { readonly major: number; readonly minor: number } | null {
  const [, major, minor] = /^(\d{1,6})\.(\d{1,6})\.\d/.exec(version) ?? [];
  return major === undefined ? null : { major: Number(major), minor: Number(minor) };
}
