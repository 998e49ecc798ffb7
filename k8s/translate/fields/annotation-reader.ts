// AnnotationReader: the values of one object's annotations, and Problems of those that cannot be read.
import type { DeploymentAnnotations, Predictor } from "../model/deployment.ts";
import type { Report } from "../values/report.ts";
import { annotationOf, writeOf, wrongText, type Annotation } from "./annotation.ts";

export class AnnotationReader {
  readonly #annotations: DeploymentAnnotations;
  readonly #report: Report;
  readonly #predictors: readonly Predictor[];
  readonly #defaultTimeoutMs: number;
  #isReadable = true;

  constructor(
    annotations: DeploymentAnnotations,
    report: Report,
    predictors: readonly Predictor[] = [],
    defaultTimeoutMs = 0,
  ) {
    this.#annotations = annotations;
    this.#report = report;
    this.#predictors = predictors;
    this.#defaultTimeoutMs = defaultTimeoutMs;
  }

  /** false: the object is invalid by what has been read so far. */
  get isReadable(): boolean {
    return this.#isReadable;
  }

  /** A bad text is an error where it decides, else a warning, and gets what its declaration says. */
  read<T>(one: Annotation<T>): T {
    const written = annotationOf(this.#annotations, one);
    if (written === null || (one.unless !== null && annotationOf(this.#annotations, { name: one.unless }) !== null))
      return one.absent;
    const { text, field } = written;
    const write = writeOf(one, this.#predictors);
    if (text === "" && one.empty !== "text") {
      this.#report(
        "warning",
        one.empty === "absent" ? "empty-field" : "bad-value",
        field,
        `Sluice ignores this annotation because it is empty; write ${write}, or remove it`,
      );
      return one.absent;
    }
    const parsed = one.read(text, this.#predictors);
    if (parsed.kind === "value") return parsed.value;
    const { bad } = one;
    if (bad.kind === "invalid") this.#isReadable = false;
    const outcome =
      bad.kind === "default" ? bad.instead(this.#defaultTimeoutMs) : "the Mappings of the object are not valid";
    this.#report(
      one.decides === "how" ? "warning" : "error",
      "bad-value",
      field,
      `${wrongText(text, parsed.reason)}, so ${outcome}; write ${write}`,
    );
    return one.unreadable;
  }
}
