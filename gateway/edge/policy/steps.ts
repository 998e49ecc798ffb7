// The steps of a Mapping, compiled, in the order that gateway/steps.ts states.
import type { Mapping } from "../../../routing/model/mapping.ts";
import type { CompiledRewrite } from "../../../routing/route/rewrite.ts";
import { stepsOf, type StepName } from "../../steps.ts";
import type { ExternalClients } from "../external/external-clients.ts";
import type { UpstreamPool } from "../upstream/pool.ts";
import { addressRulesOf } from "../../callers/address-rules.ts";
import type { Callers } from "../identity/callers.ts";
import { compileLimit, type CompiledLimit } from "../limits/compiled-limit.ts";
import type { Limiter } from "../limits/limiter.ts";
import { limitsOf } from "../../callers/effective-limits.ts";
import { addressesStep } from "./addresses.ts";
import { bodyLimitStep } from "./body-limit.ts";
import { compileCors, corsStep } from "./cors.ts";
import { externalAuthStep } from "./external-auth.ts";
import { identityStep } from "./identity.ts";
import { rateLimitServiceStep } from "./rate-limit-service.ts";
import { leasedRateLimitStep } from "./leased-rate-limit.ts";
import { rateLimitStep } from "./rate-limit.ts";
import { redirectStep } from "./redirect.ts";
import { rewriteStep } from "./rewrite-limits.ts";
import type { Step } from "./step.ts";
import { stickinessStep } from "./stickiness.ts";
import { noUpgradeStep, upgradeStep } from "./upgrade.ts";

/** What steps need of the gateway's limits. */
export interface StepLimits {
  /** 0: any body. */
  readonly bodyBytes: number;
  readonly requestLineBytes: number;
}

/** What else of its Mapping is compiled and steps use; null: a redirect has none. */
export interface StepParts {
  readonly pool: UpstreamPool | null;
  readonly rewrite: CompiledRewrite;
  /** Who is asked about requests, at the moment. */
  readonly external: ExternalClients;
}

/** null: there is nothing to do, which costs a request one comparison. */
export function compileSteps(
  mapping: Mapping,
  upgrade: boolean,
  parts: StepParts,
  limits: StepLimits,
  callers: Callers,
  limiter: Limiter,
): readonly Step[] | null {
  const names = stepsOf(mapping, {
    bodyBytes: limits.bodyBytes,
    upgrade,
    policy: callers.policy,
    external: parts.external.services,
  });
  return names.length === 0
    ? null
    : Object.freeze(names.map((name) => compileStep(name, mapping, parts, limits, callers, limiter)));
}

const stepsOfRejected = new WeakMap<Mapping, readonly Step[] | null>();

/** Of a request that has a Route and nobody to take it: what its failure says to browsers, and preflights, are its Mapping's all the same. */
export function rejectedSteps(mapping: Mapping | null): readonly Step[] | null {
  if (mapping === null || mapping.target.kind !== "forward") return null;
  const known = stepsOfRejected.get(mapping);
  if (known !== undefined) return known;
  const cors = compileCors(mapping.target.cors);
  const steps = cors === null ? null : Object.freeze([corsStep(cors)]);
  stepsOfRejected.set(mapping, steps);
  return steps;
}

function compileStep(
  name: StepName,
  mapping: Mapping,
  { pool, rewrite, external }: StepParts,
  limits: StepLimits,
  callers: Callers,
  limiter: Limiter,
): Step {
  const { target, match, guard, namespace } = mapping;
  if (name === "identity")
    return identityStep(() => callers.admittance(mapping), callers, callers.policy?.clientHeader === true);
  if (name === "rate-limit") return limitsStep(compiledLimits(mapping, callers, limiter), callers, limiter);
  if (name === "addresses") return addressesStep(addressRulesOf(guard, namespace, callers.policy)!);
  if (target.kind === "redirect") return redirectStep(target, match.path, limits.requestLineBytes);
  switch (name) {
    case "cors":
      return corsStep(compileCors(target.cors)!);
    case "external-auth":
      return externalAuthStep(external, target.kept);
    case "rate-limit-service":
      return rateLimitServiceStep(external, target.kept.labels ?? [], pool?.key ?? "");
    case "upgrade":
      return pool !== null && target.upgrades.includes("websocket") ? upgradeStep(pool) : noUpgradeStep;
    case "body-limit":
      return bodyLimitStep(limits.bodyBytes);
    case "rewrite":
      return rewriteStep(rewrite, limits.requestLineBytes);
    case "stickiness":
      if (target.loadBalancer.kind === "hash") return stickinessStep(target.loadBalancer.on);
      break;
    case "redirect":
      break;
  }
  throw new Error(`the Mapping has no step ${name}`);
}

/** Mappings of one object share what they count; what the platform says of all is counted for each object. */
function compiledLimits(
  { guard, namespace, source }: Mapping,
  { policy }: Callers,
  { memory }: Limiter,
): readonly CompiledLimit[] {
  const owner = { namespace, object: `${source.kind} ${source.namespace}/${source.name}` };
  return limitsOf(guard, namespace, policy).limits.map((limit) => compileLimit(limit, owner, memory));
}

function limitsStep(limits: readonly CompiledLimit[], { policy }: Callers, limiter: Limiter): Step {
  return limiter.leases === null
    ? rateLimitStep(limits, limiter)
    : leasedRateLimitStep(limits, limiter, limiter.leases, policy?.limitsWithoutRedis ?? "close");
}
