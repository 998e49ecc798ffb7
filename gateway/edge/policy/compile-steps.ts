// The steps of a Mapping, compiled, in the order that gateway/steps.ts states.
import type { ForwardTarget, LoadBalancer, Mapping, RedirectTarget } from "../../../routing/model/mapping.ts";
import type { CompiledRewrite } from "../../../routing/route/rewrite.ts";
import { stepsOf, type StepConditions, type StepName } from "../../steps.ts";
import type { ExternalClients } from "../external/external-clients.ts";
import type { UpstreamPool } from "../upstream/pool.ts";
import { addressRulesOf } from "../../callers/address-rules.ts";
import type { Callers } from "../identity/callers.ts";
import { compileLimit, type CompiledLimit } from "../limits/compiled-limit.ts";
import type { Limiter } from "../limits/limiter.ts";
import { limitsOf } from "../../callers/effective-limits.ts";
import type { EvidenceCounts } from "../../shared/evidence-counts.ts";
import { evidenceStep } from "../steps/evidence.ts";
import { addressesStep } from "../steps/addresses.ts";
import { bodyLimitStep } from "../steps/body-limit.ts";
import { compileCors, corsStep } from "../steps/cors.ts";
import { feedbackStep } from "../steps/feedback.ts";
import { externalAuthStep } from "../external/external-auth.ts";
import { identityStep } from "../steps/identity.ts";
import { rateLimitServiceStep } from "../external/rate-limit-service.ts";
import { memberStep } from "../steps/member.ts";
import { leasedRateLimitStep } from "../steps/leased-rate-limit.ts";
import { rateLimitStep } from "../steps/rate-limit.ts";
import { redirectStep } from "../steps/redirect.ts";
import { rewriteStep } from "../steps/rewrite-limits.ts";
import type { Step } from "../steps/step.ts";
import { stickinessStep } from "../steps/stickiness.ts";
import { noUpgradeStep, upgradeStep } from "../steps/upgrade.ts";

/** What steps need of the gateway's limits. */
export interface StepLimits {
  /** 0: any body. */
  readonly bodyBytes: number;
  readonly requestLineBytes: number;
  readonly feedbackBodyBytes: number;
  readonly retryTotalBytes: number;
}

/** What a step is compiled from. */
export interface StepParts {
  readonly mapping: Mapping;
  /** null: a redirect. */
  readonly forward: ForwardTarget | null;
  /** null: a redirect has none. */
  readonly pool: UpstreamPool | null;
  readonly rewrite: CompiledRewrite;
  readonly limits: StepLimits;
  readonly callers: Callers;
  readonly limiter: Limiter;
  /** Who is asked about requests, at the moment. */
  readonly external: ExternalClients;
  /** Counter slot, or −1. */
  readonly slot: number;
  readonly evidence: EvidenceCounts;
  /** 0: none. */
  readonly idleTimeoutMs: number;
}

/** How each step is made, where its row in gateway/steps.ts says that the Mapping has it. */
const compilers: Readonly<Record<StepName, (parts: StepParts) => Step>> = {
  cors: ({ forward }) => corsStep(compileCors(forward!.cors)!),
  addresses: ({ mapping: { guard, namespace }, callers }) =>
    addressesStep(addressRulesOf(guard, namespace, callers.policy)!),
  identity: ({ mapping, callers }) =>
    identityStep(() => callers.admittance(mapping), callers, callers.policy?.clientHeader === true),
  member: () => memberStep,
  "external-auth": ({ forward, external }) => externalAuthStep(external, forward!.externalPolicy),
  "rate-limit": ({ mapping, callers, limiter }) =>
    limitsStep(compiledLimits(mapping, callers, limiter), callers, limiter),
  "rate-limit-service": ({ forward, pool, external }) =>
    rateLimitServiceStep(external, forward!.externalPolicy.labels ?? [], pool?.key ?? ""),
  // Where there is no room for one, none is held, and its puid must come in the head.
  feedback: ({ limits: { feedbackBodyBytes, retryTotalBytes } }) =>
    feedbackStep(retryTotalBytes < feedbackBodyBytes ? 0 : feedbackBodyBytes),
  redirect: ({ mapping: { target, match }, limits }) =>
    redirectStep(target as RedirectTarget, match.path, limits.requestLineBytes),
  upgrade: ({ forward, pool }) =>
    pool !== null && forward!.upgrades.includes("websocket") ? upgradeStep(pool) : noUpgradeStep,
  "body-limit": ({ limits }) => bodyLimitStep(limits.bodyBytes),
  rewrite: ({ rewrite, limits }) => rewriteStep(rewrite, limits.requestLineBytes),
  stickiness: ({ forward }) => stickinessStep((forward!.loadBalancer as HashBalancer).on),
  evidence: ({ mapping: { series }, slot, evidence, forward, idleTimeoutMs }) =>
    evidenceStep({ slot, namespace: series.namespace, deployment: series.deployment }, evidence, {
      timeoutMs: shortestOf(forward!),
      idleTimeoutMs,
    }),
};

/** Of one try and of the whole answer; 0: neither has a limit. */
function shortestOf({ timeout, retry }: ForwardTarget): number {
  const limits = [timeout.ms, retry?.perTryTimeoutMs ?? 0].filter((ms) => ms > 0);
  return limits.length === 0 ? 0 : Math.min(...limits);
}

type HashBalancer = Extract<LoadBalancer, { readonly kind: "hash" }>;

/** null: there is nothing to do, which costs a request one comparison. */
export function compileSteps(
  kind: Pick<StepConditions, "upgrade" | "feedback">,
  parts: StepParts,
): readonly Step[] | null {
  const { mapping, limits, callers, external } = parts;
  const names = stepsOf(mapping, {
    bodyBytes: limits.bodyBytes,
    ...kind,
    policy: callers.policy,
    external: external.services,
  });
  return names.length === 0 ? null : Object.freeze(names.map((name) => compilers[name](parts)));
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
