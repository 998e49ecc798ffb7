// Problems: declarations that are not served as written. They are values, never exceptions, so that one bad object cannot touch another.
import { visible } from "./visible.ts";

/** The object that a Mapping or a Problem comes from. `namespace` is "" for cluster-scoped things such as a Grants file. */
export interface ObjectRef {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** `error`: not served; `warning`: served differently; `info`: not served yet. */
export type ProblemLevel = "error" | "warning" | "info";

/** The declared codes as keys. `k8s/problems/all.ts` adds them, because most of them are words of Kubernetes, which routing does not know. */
// oxlint-disable-next-line typescript/no-empty-interface, typescript/no-empty-object-type -- filled by declaration merging
export interface ProblemCodes {}

/** Stable kebab-case identifier, a metric label: `bad-value`, `claim-contested`. One that is not declared does not compile. */
export type ProblemCode = keyof ProblemCodes;

export interface Problem {
  readonly code: ProblemCode;
  readonly level: ProblemLevel;
  readonly subject: ObjectRef;
  /** What part of the object: `metadata.annotations["seldon.io/rest-timeout"]`, `spec.predictors[1].traffic`, a file with line and column. */
  readonly field: string;
  /** One sentence: what is wrong, what Sluice does instead, and what to write. Never holds a secret. */
  readonly sentence: string;
}

/** Codes that tell such a difference. */
const differences: ReadonlySet<string> = new Set(["differs", "shares-scaled"]);

/** Served, but with another outcome than Seldon's operator and Ambassador have for the same object. */
export function isDifference({ code }: Problem): boolean {
  return differences.has(code);
}

/** Text form used by `sluice check`, goldens and logs: `error claim-contested Mapping prod/x spec.prefix: sentence`. */
export function printProblem(problem: Problem): string {
  return printProblemAt(problem, "");
}

/** The same with where the object was read, `a.yaml:12`, behind its name; "": nothing is known of that. */
export function printProblemAt(problem: Problem, origin: string): string {
  const { kind, namespace, name } = problem.subject;
  const subject = namespace === "" ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
  const field = problem.field === "" ? "" : ` ${problem.field}`;
  return visible(
    `${problem.level} ${problem.code} ${subject}${origin === "" ? "" : ` (${origin})`}${field}: ${problem.sentence}`,
  );
}

/** Total order for output: subject, field, code, sentence. Problems printed in this order are the same whatever the order of input. */
export function compareProblems(a: Problem, b: Problem): number {
  return (
    compareText(a.subject.namespace, b.subject.namespace) ||
    compareText(a.subject.kind, b.subject.kind) ||
    compareText(a.subject.name, b.subject.name) ||
    compareText(a.field, b.field) ||
    compareText(a.code, b.code) ||
    compareText(a.sentence, b.sentence)
  );
}

/** Order by UTF-16 code units, the same on every machine (never by locale). */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
