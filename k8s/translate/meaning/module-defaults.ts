// Defaults of a Module: what Mappings have that do not say it themselves, and what all of them have.
import type {
  Cors,
  ForwardTarget,
  HeaderEdits,
  ExternalPolicy,
  LoadBalancer,
  RetryPolicy,
  TimeLimit,
} from "../../../routing/model/mapping.ts";
import type { Label } from "../../../routing/model/rate-limit-labels.ts";
import type { Breaker } from "../../../routing/model/upstream.ts";
import { commonPart } from "../collections/common-part.ts";
import { plainTarget } from "./plain-target.ts";
import type { UpstreamLimits } from "../backends/upstreams.ts";

/** Fields of a Mapping that a Module may say for those that do not. */
export const defaultable = [
  "add_request_headers",
  "remove_request_headers",
  "add_response_headers",
  "remove_response_headers",
  "timeout_ms",
  "cluster_idle_timeout_ms",
  "cluster_max_connection_lifetime_ms",
  "retry_policy",
  "circuit_breakers",
  "load_balancer",
  "cors",
  "resolver",
  "add_linkerd_headers",
] as const;
export type Defaultable = (typeof defaultable)[number];

/** What is not in `said` has the value that holds without a Module. */
export interface MappingDefaults {
  readonly said: readonly Defaultable[];
  readonly requestHeaders: HeaderEdits;
  readonly responseHeaders: HeaderEdits;
  readonly timeout: TimeLimit | null;
  readonly retry: RetryPolicy | null;
  readonly loadBalancer: LoadBalancer;
  readonly cors: Cors | null;
  readonly limits: Pick<UpstreamLimits, "idleTimeoutMs" | "maxLifetimeMs" | "breakers">;
  readonly dial: "endpoints" | "service" | null;
  readonly linkerd: boolean;
  /** Rate-limit labels by domain, which come before those of a Mapping. */
  readonly labels: Readonly<Record<string, readonly Label[]>>;
  /** Edits of every Mapping, after its own. */
  readonly everyRequest: HeaderEdits;
  readonly everyResponse: HeaderEdits;
}

export const noDefaults: MappingDefaults = Object.freeze({
  said: Object.freeze([]),
  requestHeaders: plainTarget.requestHeaders,
  responseHeaders: plainTarget.responseHeaders,
  timeout: null,
  retry: null,
  loadBalancer: plainTarget.loadBalancer,
  cors: null,
  limits: Object.freeze({ idleTimeoutMs: null, maxLifetimeMs: null, breakers: Object.freeze([]) }),
  dial: null,
  linkerd: false,
  labels: Object.freeze({}),
  everyRequest: plainTarget.requestHeaders,
  everyResponse: plainTarget.responseHeaders,
});

type Target = Omit<ForwardTarget, "upstream" | "dialService">;

/** A target that says only the fields `said`, with what the Module says of the others. `service`: `name:port`, told to Linkerd where `linkerd`, or the Module, asks for it. */
export function targetWith<T extends Target>(
  target: T,
  said: readonly Defaultable[],
  defaults: MappingDefaults,
  linkerd: boolean,
  service: string,
): T {
  const left = (field: Defaultable): boolean => defaults.said.includes(field) && !said.includes(field);
  const toLinkerd = left("add_linkerd_headers") ? defaults.linkerd : linkerd;
  if (defaults === noDefaults && !toLinkerd) return target;
  const editsOf = (
    own: HeaderEdits,
    given: HeaderEdits,
    direction: "request" | "response",
    every: HeaderEdits,
  ): HeaderEdits => {
    const [add, remove] = [left(`add_${direction}_headers`), left(`remove_${direction}_headers`)];
    const mixed =
      add && remove
        ? given
        : !add && !remove
          ? own
          : { add: add ? given.add : own.add, remove: remove ? given.remove : own.remove };
    return joined(mixed, every);
  };
  const requestHeaders = editsOf(target.requestHeaders, defaults.requestHeaders, "request", defaults.everyRequest);
  return {
    ...target,
    // What a client says of it would steer Linkerd.
    requestHeaders: toLinkerd
      ? joined(requestHeaders, { remove: [], add: [{ name: "l5d-dst-override", value: service, append: false }] })
      : requestHeaders,
    responseHeaders: editsOf(target.responseHeaders, defaults.responseHeaders, "response", defaults.everyResponse),
    timeout: left("timeout_ms") && defaults.timeout !== null ? defaults.timeout : target.timeout,
    retry: left("retry_policy") ? defaults.retry : target.retry,
    loadBalancer: left("load_balancer") ? defaults.loadBalancer : target.loadBalancer,
    cors: left("cors") ? defaults.cors : target.cors,
    externalPolicy: externalPolicyWith(target.externalPolicy, defaults.labels),
  };
}

/** The same of the limits of an Upstream. */
export function limitsWith(
  limits: UpstreamLimits,
  said: readonly Defaultable[],
  defaults: MappingDefaults,
): UpstreamLimits {
  const left = (field: Defaultable): boolean => defaults.said.includes(field) && !said.includes(field);
  const [idle, lifetime, breakers] = [
    left("cluster_idle_timeout_ms"),
    left("cluster_max_connection_lifetime_ms"),
    left("circuit_breakers"),
  ];
  if (!idle && !lifetime && !breakers) return limits;
  return {
    ...limits,
    idleTimeoutMs: idle ? defaults.limits.idleTimeoutMs : limits.idleTimeoutMs,
    maxLifetimeMs: lifetime ? defaults.limits.maxLifetimeMs : limits.maxLifetimeMs,
    breakers: breakers ? defaults.limits.breakers : limits.breakers,
  };
}

/** By those joined: most Mappings have no edits of their own, and one object then serves them all. */
const known = new WeakMap<HeaderEdits, { readonly after: HeaderEdits; readonly both: HeaderEdits }>();

function joined(edits: HeaderEdits, after: HeaderEdits): HeaderEdits {
  if (after.add.length + after.remove.length === 0) return edits;
  if (edits.add.length + edits.remove.length === 0) return after;
  const before = known.get(edits);
  if (before?.after === after) return before.both;
  const both = commonPart({ remove: [...edits.remove, ...after.remove], add: [...edits.add, ...after.add] });
  known.set(edits, { after, both });
  return both;
}

/** Labels of a Mapping with those of the Module before those of each group, as Ambassador does. */
function externalPolicyWith(policy: ExternalPolicy, defaults: MappingDefaults["labels"]): ExternalPolicy {
  const { labels } = policy;
  if (labels === null || !labels.some(({ domain }) => Object.hasOwn(defaults, domain))) return policy;
  return {
    ...policy,
    labels: labels.map((group) =>
      Object.hasOwn(defaults, group.domain)
        ? { ...group, labels: [...defaults[group.domain]!, ...group.labels] }
        : group,
    ),
  };
}

/** The Breakers, edits and limits of one Module, frozen, so that all Mappings share them. */
export function sharedDefaults(defaults: MappingDefaults): MappingDefaults {
  const shared = <V extends object | null>(value: V): V =>
    value === null || Object.isFrozen(value) ? value : commonPart(value);
  const breakers: readonly Breaker[] = shared(defaults.limits.breakers);
  return Object.freeze({
    ...defaults,
    requestHeaders: shared(defaults.requestHeaders),
    responseHeaders: shared(defaults.responseHeaders),
    timeout: shared(defaults.timeout),
    retry: shared(defaults.retry),
    loadBalancer: shared(defaults.loadBalancer),
    cors: shared(defaults.cors),
    limits: shared({ ...defaults.limits, breakers }),
    everyRequest: shared(defaults.everyRequest),
    everyResponse: shared(defaults.everyResponse),
  });
}
