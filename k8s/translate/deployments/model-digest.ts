// Which model a predictor is: a digest of its graph and pods. A release begins anew when it changes, and at no other edit: not when somebody scales
// the predictor, or moves its declared traffic.
import { createHash } from "node:crypto";
import { arrayOf, fieldOf, recordOf, type UnknownRecord } from "../values/value.ts";

/** The same on every replica and for the same fields in any order. */
export function modelDigest(predictor: UnknownRecord): string {
  const pods = [...arrayOf(fieldOf(predictor, "componentSpecs")), fieldOf(predictor, "componentSpec") ?? null];
  return digestOf({
    graph: fieldOf(predictor, "graph") ?? null,
    pods: pods.map((pod) => fieldOf(recordOf(pod), "spec") ?? null),
  });
}

/** Of the arms that a release names, in the order of the spec. `models`: of each arm. */
export function digestOfArms(arms: readonly string[], models: readonly string[], named: readonly string[]): string {
  return digestOf(arms.flatMap((arm, at) => (named.includes(arm) ? [[arm, models[at]]] : [])));
}

/** 16 hexadecimal digits. */
export function digestOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value, inOrder)).digest("hex").slice(0, 16);
}

function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
