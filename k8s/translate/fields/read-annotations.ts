// Reading the annotations of one object: their values, and Problems of those that cannot be read.
import type { Report } from "../values/report.ts";
import {
  annotationOf,
  writeOf,
  wrongText,
  type Annotation,
  type Named,
  type DeploymentAnnotations,
} from "./annotation.ts";
import { annotations, type AnnotationValues } from "./annotations.ts";

export type AnnotationKey = keyof typeof annotations;

export const annotationKeys = Object.keys(annotations) as readonly AnnotationKey[];

/** Those without which the object is not valid when they cannot be read. */
export const decidingKeys: readonly AnnotationKey[] = annotationKeys.filter(
  (key) => annotations[key].bad.kind === "invalid",
);

/** Those that say who may call, and how much. */
export const guardKeys = ["auth", "allow", "deny", "rateLimit"] as const satisfies readonly AnnotationKey[];

const absentValues = Object.fromEntries(
  annotationKeys.map((key) => [key, annotations[key].absent]),
) as unknown as AnnotationValues;

export interface ReadAnnotations {
  /** `absent` of those that were not to be read. */
  readonly values: AnnotationValues;
  /** false: the object is not valid. */
  readonly isValid: boolean;
}

/** `outcome`: what becomes of the object where a deciding text cannot be read, as words behind "so". */
export function readAnnotations(
  keys: readonly AnnotationKey[],
  texts: DeploymentAnnotations,
  predictors: readonly Named[],
  outcome: string,
  report: Report,
): ReadAnnotations {
  const values: Partial<Record<AnnotationKey, unknown>> = {};
  let isValid = true;
  for (const key of keys) {
    const one: Annotation<unknown> = annotations[key];
    const written = annotationOf(texts, one);
    if (written === null || (one.unless !== null && annotationOf(texts, { name: one.unless }) !== null)) continue;
    const { text, field } = written;
    const write = writeOf(one, predictors);
    if (text === "" && one.empty !== "text") {
      report(
        "warning",
        one.empty === "absent" ? "empty-field" : "bad-value",
        field,
        `Sluice ignores this annotation because it is empty; write ${write}, or remove it`,
      );
      continue;
    }
    const parsed = one.read(text, predictors);
    if (parsed.kind === "wrong") {
      if (one.bad.kind === "invalid") isValid = false;
      report(
        one.decides === "how" ? "warning" : "error",
        "bad-value",
        field,
        `${wrongText(text, parsed.reason)}, so ${one.bad.kind === "default" ? one.bad.instead : outcome}; write ${write}`,
      );
    }
    values[key] = parsed.kind === "value" ? parsed.value : one.unreadable;
  }
  // Most objects have none of them: one object serves all.
  const said = values as Partial<AnnotationValues>;
  return { values: Object.keys(values).length === 0 ? absentValues : { ...absentValues, ...said }, isValid };
}
