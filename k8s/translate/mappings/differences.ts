// Where a raw Mapping means something else here than in Ambassador: a Problem each, with what to write for the old behaviour.
import { mostRetries } from "../deployments/deployment-differences.ts";
import type { Fields } from "../fields/fields.ts";
import type { RawMapping } from "./mapping.ts";
import { fieldOf, numberOf, recordOf, scalarText, textOf } from "../values/value.ts";

/** Words of `retry_on` that Ambassador knows, one at a time. */
const ambassadorRetryWords = new Set([
  "5xx",
  "gateway-error",
  "connect-failure",
  "retriable-4xx",
  "refused-stream",
  "retriable-status-codes",
]);

/** Prefixes of the paths that Seldon's gRPC Routes take. */
const grpcPackages = /^\/(?:seldon\.protos|tensorflow\.serving|inference\.)/;

/** Of a Mapping that is served. `fields`: of its document; `apiVersion` as written. */
export function reportMappingDifferences(fields: Fields, apiVersion: string, raw: RawMapping): void {
  const tell: Tell = (name, sentence) => fields.report("info", "differs", name, sentence);
  if (apiVersion === "ambassador/v0")
    tell(
      "apiVersion",
      "ambassador/v0 is served here, and Emissary 2 and later refuse it; write getambassador.io/v2 for both",
    );
  if (
    apiVersion.endsWith("/v3alpha1") &&
    ["hostname", "host"].every((name) => !fields.has(name)) &&
    raw.match.host.kind === "any"
  ) {
    tell(
      "hostname",
      'a Mapping of v3alpha1 without hostname is served for every host here, and nowhere by Emissary; write hostname: "*" for both',
    );
  }
  for (const name of ["host", "hostname"]) {
    const written = textOf(fields.take(name));
    if (/:\d+$/.test(written) && raw.match.host.kind !== "regex")
      tell(
        name,
        "the port is no part of the host here, and Ambassador matches only requests that name it; write the host without a port",
      );
  }
  if (raw.redirect !== null && raw.match.query.length > 0)
    tell(
      "query_parameters",
      "a redirect holds only for these query parameters here, and for all requests with Ambassador; remove them for that",
    );
  if (raw.redirect === null) reportPolicy(fields, raw, tell);
}

type Tell = (name: string, sentence: string) => void;

function reportPolicy(fields: Fields, raw: RawMapping, tell: Tell): void {
  const retry = recordOf(fields.take("retry_policy"));
  const words = textOf(fieldOf(retry, "retry_on")).trim();
  if (raw.target.retry !== null && !ambassadorRetryWords.has(words))
    tell(
      "retry_policy",
      "retry_on with several words, or with those of Envoy, is served here, and Ambassador drops the Mapping; write one of its words",
    );
  const retries = numberOf(fieldOf(retry, "num_retries"));
  if (raw.target.retry !== null && retries !== null && retries > mostRetries)
    tell(
      "retry_policy",
      `a request is tried again ${mostRetries} times at most, and ${retries} times by Envoy; write up to ${mostRetries}`,
    );
  const resolver = scalarText(fields.take("resolver")) ?? "";
  const byEndpoint = resolver === "endpoint" || resolver === "kubernetes-endpoint";
  if (Object.keys(recordOf(fields.take("load_balancer"))).length > 0 && !byEndpoint)
    tell(
      "load_balancer",
      "it is served here, and Ambassador drops a Mapping with a load_balancer unless its resolver is endpoint; write resolver: endpoint for both",
    );
  if (raw.limits.healthCheck !== null && !byEndpoint)
    tell(
      "health_checks",
      "Endpoints are checked here, and Ambassador checks only with resolver: endpoint; remove health_checks for that",
    );
  const weight = raw.weight;
  if (weight !== null && !Number.isInteger(weight))
    tell("weight", `${weight} is exact here, and Ambassador rounds it; write a whole number for both`);
  const path =
    raw.match.path.kind === "prefix"
      ? raw.match.path.prefix
      : raw.match.path.kind === "exact"
        ? raw.match.path.path
        : "";
  if (grpcPackages.test(path) && !raw.match.headers.some(({ name }) => name === "namespace")) {
    tell(
      "prefix",
      "gRPC calls with the metadata seldon or namespace go to the deployment that these name and never here, and with Ambassador those that no deployment takes come here; write the headers seldon and namespace for calls of one deployment",
    );
  }
}
