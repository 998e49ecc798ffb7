// What `sluice check` found, for whichever form it is printed in.
import { placeOfField, placeOfOrigin, type FilePlace } from "../../../k8s/source/read.ts";
import type { ObjectRef, Problem, ProblemLevel } from "../../../routing/text/problem.ts";
import type { ReadCounts } from "../manifests.ts";
import type { Verdict } from "./verdicts.ts";

export interface Report {
  readonly verdicts: readonly Verdict[];
  /** Those that are printed and count. */
  readonly problems: readonly Problem[];
  /** Problems of ignored codes. */
  readonly ignored: number;
  /** Problems that concern none of the named deployments. */
  readonly ofOthers: number;
  readonly read: ReadCounts;
  /** Objects of another ambassador-id. */
  readonly ofAnotherId: number;
  /** Where an object was read: `iris.yaml:12`; "": nothing is known of that. */
  readonly originOf: (ref: ObjectRef) => string;
  /** Levels that fail the check. */
  readonly failing: readonly ProblemLevel[];
  /** Where k8s/PROBLEMS.md can be read, without a fragment; null: nobody has said. */
  readonly helpUrl: string | null;
}

/** null: it is of a cluster, or of no file. */
export function placeOf({ subject, field }: Problem, originOf: Report["originOf"]): FilePlace | null {
  if (subject.kind === "File") return placeOfField(subject.name, field);
  const origin = originOf(subject);
  // Of a kind that is not read the field says where it is.
  return placeOfOrigin(origin === "" && /:\d+(?: items\S*)?$/.test(field) ? field : origin);
}

/** Where a code is explained. */
export function helpOf(code: string, { helpUrl }: Report): string {
  return `${helpUrl ?? "k8s/PROBLEMS.md"}#${code}`;
}

/** `Mapping prod/x`. */
export function subjectWords({ kind, namespace, name }: ObjectRef): string {
  return namespace === "" ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}
