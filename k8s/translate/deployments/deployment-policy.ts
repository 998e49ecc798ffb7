// Policy of an SD: what all of its annotations say together, with defaults, and what a bad one gets.
import type { Guard } from "../../../routing/model/guard.ts";
import type { RetryPolicy, TimeLimit } from "../../../routing/model/mapping.ts";
import type { NamedMatch } from "../../../routing/model/match.ts";
import type { ObjectRef, Problem, ProblemLevel, ProblemCode } from "../../../routing/text/problem.ts";
import { defaultBreaker, type Breaker } from "../../../routing/model/upstream.ts";
import {
  annotationOf,
  emptiableAnnotations,
  externalNameOf,
  isExternalName,
  isWeight,
  keys,
  knownAnnotations,
  type WrittenAnnotation,
} from "../fields/annotations.ts";
import { nearAnnotation } from "../fields/deployment-fields.ts";
import type { Deployment, DeploymentAnnotations, Predictor } from "../model/deployment.ts";
import { decodeGuard } from "./guard.ts";
import { parseHeaders, parseRegexHeaders } from "./header-grammar.ts";
import { idleOf } from "./time-limits.ts";
import { maxTimeMs } from "../fields/field-table.ts";
import { exampleTraffic, parseTraffic } from "./traffic-text.ts";
import type { Defaultable } from "../meaning/module-defaults.ts";
import { notText, numberOf, quoted } from "../values/value.ts";

/** What the annotations of an SD say, with defaults. */
export interface DeploymentPolicy {
  /** External name: `seldon.io/ambassador-service-name`, else the SD's own. */
  readonly externalName: string;
  /** Level-1 weight of the SD among those that share its external name, or null. */
  readonly weight: number | null;
  /** `seldon.io/ambassador-shadow`: every predictor is a shadow. */
  readonly shadow: boolean;
  readonly headers: readonly NamedMatch[];
  /** `withheld`: its share cannot be read, so it is never ready. `no`: a condition or its name cannot, and it would take traffic that was not meant for it. */
  readonly served: "yes" | "withheld" | "no";
  readonly restTimeout: TimeLimit;
  readonly grpcTimeout: TimeLimit;
  readonly restIdle: TimeLimit;
  readonly grpcIdle: TimeLimit;
  readonly retry: RetryPolicy | null;
  readonly breakers: readonly Breaker[];
  /** What annotations say of that which a Module may say; time limits always have a value. */
  readonly said: readonly Defaultable[];
  readonly guard: Guard;
  /** `traffic` of each predictor, `sluice.io/traffic` applied. */
  readonly traffic: readonly (number | null)[];
  /** Field of the `sluice.io/traffic` that was applied, or null. */
  readonly trafficField: string | null;
}

/** Reads every annotation. `anonymous`: a Grant lets the namespace be called by anybody. One that decides which requests or how many and cannot be read is an error; any other keeps its default (warning). */
export function decodePolicy(
  deployment: Deployment,
  defaultTimeout: TimeLimit,
  anonymous: boolean,
): { readonly policy: DeploymentPolicy; readonly problems: readonly Problem[] } {
  const reading = new Reading(deployment, defaultTimeout);
  reading.checkKeys();
  const retries = reading.integer(keys.retries, "a whole number of 0 or more");
  const breakers = reading.breakers();
  const header = reading.headers();
  const rest = reading.timeout([keys.restTimeout, keys.restReadTimeout]);
  const grpc = reading.timeout([keys.grpcTimeout, keys.grpcReadTimeout]);
  const guard = reading.guard(anonymous);
  const [externalName, weight, shadow] = [reading.externalName(), reading.weight(), reading.shadow()];
  const policy: DeploymentPolicy = {
    externalName,
    weight,
    shadow,
    headers: header,
    served: reading.served,
    restTimeout: rest,
    grpcTimeout: grpc,
    restIdle: idleOf(rest),
    grpcIdle: idleOf(grpc),
    retry:
      retries === null || retries === 0
        ? null
        : { retryOn: ["gateway-error"], numRetries: retries, perTryTimeoutMs: null },
    breakers,
    said: [
      "timeout_ms",
      ...(retries === null ? [] : (["retry_policy"] as const)),
      ...(breakers.length === 0 ? [] : (["circuit_breakers"] as const)),
    ],
    guard,
    ...reading.traffic(deployment.predictors),
  };
  return { policy, problems: reading.problems };
}

/** A whole number as the operator reads it (Go's `strconv.Atoi`): without white space, point or exponent. null: it is none. */
function operatorsInteger(text: string): number | null {
  return /^[+-]?\d{1,15}$/.test(text) ? Number(text) : null;
}

class Reading {
  readonly problems: Problem[] = [];
  served: DeploymentPolicy["served"] = "yes";
  readonly #subject: ObjectRef;
  readonly #deployment: Deployment;
  readonly #annotations: DeploymentAnnotations;
  readonly #defaultTimeout: TimeLimit;

  constructor(deployment: Deployment, defaultTimeout: TimeLimit) {
    this.#defaultTimeout = defaultTimeout;
    this.#deployment = deployment;
    this.#subject = deployment.ref;
    this.#annotations = deployment.annotations;
  }

  /** Hidden and misspelt annotations. */
  checkKeys(): void {
    const { spec, metadata } = this.#annotations;
    for (const key in metadata) {
      const hiding = spec[key];
      if (!knownAnnotations.has(key) || hiding === undefined || hiding === metadata[key]) continue;
      this.#report(
        "warning",
        "annotation-hidden",
        `metadata.annotations["${key}"]`,
        `spec.annotations has this key with another value and that one counts; remove it from spec.annotations or write the value there`,
      );
    }
    for (const key of emptiableAnnotations) {
      const written = this.#written(key);
      if (written?.text === "")
        this.#report(
          "warning",
          "empty-field",
          written.field,
          "it has no value and counts as not written, so requests come here without what it would say; write its value, or remove it",
        );
    }
    for (const [place, annotations] of [
      ["spec", spec],
      ["metadata", metadata],
    ] as const) {
      for (const key in annotations) {
        if (knownAnnotations.has(key)) continue;
        const near = nearAnnotation(key, knownAnnotations);
        const field = `${place}.annotations["${key.slice(0, 120)}"]`;
        // With one that decides, and is not written as well, the SeldonDeployment was not read.
        if (near !== null || /^(?:seldon\.io\/ambassador-|sluice\.io\/)/.test(key)) {
          this.#report(
            "warning",
            "unknown-annotation",
            field,
            `this annotation is not known and is ignored; ${near === null ? "correct its spelling or remove it" : `write ${near}, or remove it`}`,
          );
        }
      }
    }
  }

  externalName(): string {
    const written = this.#written(keys.serviceName);
    const name = externalNameOf(this.#deployment);
    if (written?.text === "")
      this.#bad(
        "bad-service-name",
        written,
        "the SeldonDeployment's own name is used",
        'letters, digits, "-", "." and "/" between names, or remove it',
      );
    else if (written !== null && !isExternalName(written.text))
      this.#refuse(
        "no",
        "bad-service-name",
        written,
        "is not a name for a path",
        'letters, digits, "-", "." and "/" between names',
      );
    return name;
  }

  weight(): number | null {
    const written = this.#written(keys.weight);
    if (written === null || written.text === "") return null;
    if (isWeight(written.text)) return numberOf(written.text);
    this.#refuse("withheld", "bad-weight", written, "is not a weight", "a percentage from 0 to 100");
    return 0;
  }

  shadow(): boolean {
    const written = this.#written(keys.shadow);
    if (written === null || written.text === "") return false;
    if (written.text === notText) {
      this.#refuse("no", "bad-shadow", written, "is neither true nor false", "true or false, in quotes");
      return false;
    }
    if (!["false", "0", "no", "off", "n"].includes(written.text.trim().toLowerCase())) return true;
    this.#report(
      "warning",
      "shadow-false",
      written.field,
      `${quoted(written.text)} means no shadow here, while Seldon took any text for a shadow; remove the annotation`,
    );
    return false;
  }

  headers(): readonly NamedMatch[] {
    const headers: NamedMatch[] = [];
    for (const [key, parse] of [
      [keys.header, parseHeaders],
      [keys.regexHeader, parseRegexHeaders],
    ] as const) {
      const written = this.#written(key);
      if (written === null || written.text === "") continue;
      const { pairs, wrong } = parse(written.text);
      headers.push(...pairs);
      if (wrong.length > 0) this.#refuse("no", "bad-header", written, wrong.join(" and "), '"name: value", one a line');
    }
    return headers;
  }

  /** The first key that is there counts, also with a bad value. */
  timeout(names: readonly string[]): TimeLimit {
    for (const key of names) {
      const written = this.#written(key);
      if (written === null) continue;
      const ms = operatorsInteger(written.text);
      if (ms !== null && ms >= 0 && ms <= maxTimeMs) return { ms, setBy: `annotation ${key}` };
      this.#bad(
        "bad-timeout",
        written,
        `the default of ${this.#defaultTimeout.ms} ms is used`,
        "whole milliseconds, 0 for none",
      );
      break;
    }
    return this.#defaultTimeout;
  }

  integer(key: string, what: string): number | null {
    const written = this.#written(key);
    if (written === null || written.text.trim() === "") return null;
    const number = operatorsInteger(written.text);
    if (number !== null && number >= 0 && number <= maxTimeMs) return number;
    this.#bad("bad-number", written, "it counts as not written", what);
    return null;
  }

  /** Any of the four gives one entry; what is not written has Ambassador's default. */
  breakers(): readonly Breaker[] {
    const limits = [keys.maxConnections, keys.maxPending, keys.maxRequests, keys.maxRetries].map((key) =>
      this.integer(key, "a whole number of 0 or more"),
    );
    if (limits.every((limit) => limit === null)) return [];
    const [connections, pending, requests, retries] = limits;
    return [
      {
        priority: "default",
        maxConnections: connections ?? defaultBreaker.maxConnections,
        maxPendingRequests: pending ?? defaultBreaker.maxPendingRequests,
        maxRequests: requests ?? defaultBreaker.maxRequests,
        maxRetries: retries ?? defaultBreaker.maxRetries,
      },
    ];
  }

  /** One that cannot be read leaves the Routes, which nobody is ready for. */
  guard(anonymous: boolean): Guard {
    const { guard, readable } = decodeGuard(this.#annotations, anonymous, (...report) => this.#report(...report));
    if (!readable && this.served === "yes") this.served = "withheld";
    return guard;
  }

  /** `main=75,canary=25`: predictors that are not named get 0; with anything wrong the spec's values stay. */
  traffic(predictors: readonly Predictor[]): Pick<DeploymentPolicy, "traffic" | "trafficField"> {
    const fromSpec = { traffic: predictors.map(({ traffic }) => traffic), trafficField: null };
    const written = this.#written(keys.traffic);
    if (written === null || written.text === "") return fromSpec;
    const read = parseTraffic(written.text, predictors);
    if (read.kind === "wrong") {
      this.#report(
        "error",
        "bad-traffic",
        written.field,
        `${read.reason}, so the traffic of the spec holds; write for example ${exampleTraffic(predictors)}`,
      );
      return fromSpec;
    }
    return { traffic: predictors.map(({ name }) => read.shares.get(name) ?? 0), trafficField: written.field };
  }

  #written(key: string): WrittenAnnotation | null {
    return annotationOf(this.#annotations, key);
  }

  /** A value that decides which requests or how many, and cannot be read. */
  #refuse(
    served: "withheld" | "no",
    code: ProblemCode,
    written: WrittenAnnotation,
    wrong: string,
    write: string,
  ): void {
    if (this.served !== "no") this.served = served;
    this.#report(
      "error",
      code,
      written.field,
      `${quoted(written.text)} ${wrong}: the SeldonDeployment is not served, because it could take requests that were not meant for it; write ${write}`,
    );
  }

  #bad(code: ProblemCode, written: WrittenAnnotation, instead: string, write: string): void {
    this.#report(
      "warning",
      code,
      written.field,
      `${quoted(written.text)} cannot be read and ${instead}; write ${write}`,
    );
  }

  #report(level: ProblemLevel, code: ProblemCode, field: string, sentence: string): void {
    this.problems.push({ code, level, subject: this.#subject, field, sentence });
  }
}
