// AnnotationReader: the values of one object's annotations, and Problems of those that cannot be read.
import type { DeploymentAnnotations, Predictor } from "../model/deployment.ts";
import type { Report } from "../values/report.ts";
import { annotationOf, writeOf, wrongText, type Annotation, type BadText } from "./annotation.ts";

const outcomes: Readonly<Record<Exclude<BadText["kind"], "default">, string>> = {
  "not-served": "the SeldonDeployment is not served",
  "no-traffic": "the SeldonDeployment gets no traffic",
  "no-callers": "every request is rejected",
};

export class AnnotationReader {
  readonly #annotations: DeploymentAnnotations;
  readonly #report: Report;
  readonly #predictors: readonly Predictor[];
  readonly #defaultTimeoutMs: number;
  #served: "yes" | "withheld" | "no" = "yes";

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

  /** What has been read so far allows. `withheld`: it may get no traffic. `no`: it may have no Route. */
  get served(): "yes" | "withheld" | "no" {
    return this.#served;
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
    if (bad.kind === "not-served") this.#served = "no";
    else if (bad.kind !== "default" && this.#served === "yes") this.#served = "withheld";
    const outcome = bad.kind === "default" ? bad.instead(this.#defaultTimeoutMs) : outcomes[bad.kind];
    this.#report(
      one.decides === "how" ? "warning" : "error",
      "bad-value",
      field,
      `${wrongText(text, parsed.reason)}, so ${outcome}; write ${write}`,
    );
    return one.unreadable;
  }
}
