// Policy of an SD: what all of its annotations say together, with defaults.
import type { Guard } from "../../../routing/model/guard.ts";
import type { RetryPolicy, TimeLimit } from "../../../routing/model/mapping.ts";
import type { NamedMatch } from "../../../routing/model/match.ts";
import { defaultBreaker, type Breaker } from "../../../routing/model/upstream.ts";
import { annotationOf, type DeploymentAnnotations } from "../fields/annotation.ts";
import { knownAnnotations } from "../fields/annotation-names.ts";
import { annotations as declared, type AnnotationValues } from "../fields/annotations.ts";
import { externalNameOf, type Deployment } from "../model/deployment.ts";
import { guardOf } from "./guard.ts";
import { idleOf } from "./time-limits.ts";
import type { Defaultable } from "../meaning/module-defaults.ts";
import type { Report } from "../values/report.ts";
import { quoted } from "../values/value.ts";

/** The values of all annotations, and what follows from several of them. */
export interface DeploymentPolicy extends AnnotationValues {
  /** The name in its paths: `seldon.io/ambassador-service-name`, else the SD's own. */
  readonly externalName: string;
  /** Conditions of both header annotations. */
  readonly headers: readonly NamedMatch[];
  readonly rest: Limits;
  readonly grpc: Limits;
  readonly retry: RetryPolicy | null;
  readonly breakers: readonly Breaker[];
  /** Fields that a Module may set and these annotations set, too. Time limits always have a value. */
  readonly said: readonly Defaultable[];
  readonly guard: Guard;
  /** Percent of each predictor: of `sluice.io/traffic`, which leaves 0 to those that it does not name, else of the spec. */
  readonly shares: readonly (number | null)[];
  /** Field of the `sluice.io/traffic` that was applied, or null. */
  readonly trafficField: string | null;
}

interface Limits {
  readonly timeout: TimeLimit;
  readonly idle: TimeLimit;
}

/** `anonymous`: a Grant lets the namespace be called by anybody. */
export function policyOf(
  deployment: Deployment,
  defaultTimeout: TimeLimit,
  anonymous: boolean,
  report: Report,
): DeploymentPolicy {
  const { annotations, predictors, values } = deployment;
  reportHidden(annotations, report);
  const { retries, traffic } = values;
  const breakers = breakersOf(values);
  reportFalseShadow(annotations, values, report);
  return {
    ...values,
    externalName: externalNameOf(deployment),
    headers: [...values.header, ...values.regexHeader],
    rest: limitsOf(values, ["restTimeout", "restReadTimeout"], defaultTimeout),
    grpc: limitsOf(values, ["grpcTimeout", "grpcReadTimeout"], defaultTimeout),
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
    guard: guardOf(values, anonymous),
    shares: predictors.map((predictor) => (traffic === null ? predictor.traffic : (traffic.get(predictor.name) ?? 0))),
    trafficField: traffic === null ? null : annotationOf(annotations, declared.traffic)!.field,
  };
}

function reportHidden({ spec, metadata }: DeploymentAnnotations, report: Report): void {
  for (const key in metadata) {
    const hiding = spec[key];
    if (!knownAnnotations.has(key) || hiding === undefined || hiding === metadata[key]) continue;
    report(
      "warning",
      "annotation-hidden",
      `metadata.annotations["${key}"]`,
      "spec.annotations has this key with another value, which counts; remove it there, or write the value there",
    );
  }
}

function reportFalseShadow(texts: DeploymentAnnotations, { shadow }: AnnotationValues, report: Report): void {
  const written = annotationOf(texts, declared.shadow);
  if (shadow || written === null || written.text === "") return;
  report(
    "warning",
    "differs",
    written.field,
    `${quoted(written.text)} means no shadow here, but Seldon took any text for a shadow; remove the annotation`,
  );
}

/** The first of these annotations that has a value, else the default. */
function limitsOf(
  values: AnnotationValues,
  keys: readonly ("restTimeout" | "restReadTimeout" | "grpcTimeout" | "grpcReadTimeout")[],
  defaultTimeout: TimeLimit,
): Limits {
  const key = keys.find((one) => values[one] !== null);
  const timeout = key === undefined ? defaultTimeout : { ms: values[key]!, setBy: `annotation ${declared[key].name}` };
  return { timeout, idle: idleOf(timeout) };
}

/** Any of the four gives one entry; the others have Ambassador's defaults. */
function breakersOf({ maxConnections, maxPending, maxRequests, maxRetries }: AnnotationValues): readonly Breaker[] {
  if ([maxConnections, maxPending, maxRequests, maxRetries].every((limit) => limit === null)) return [];
  return [
    {
      priority: "default",
      maxConnections: maxConnections ?? defaultBreaker.maxConnections,
      maxPendingRequests: maxPending ?? defaultBreaker.maxPendingRequests,
      maxRequests: maxRequests ?? defaultBreaker.maxRequests,
      maxRetries: maxRetries ?? defaultBreaker.maxRetries,
    },
  ];
}
