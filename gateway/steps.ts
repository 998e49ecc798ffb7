// Steps: what may happen to a request between its Route and an Endpoint. Their names, in the one order in which they are taken, and which of them
// a Mapping has; the data plane compiles them (gateway/edge/policy), `explain` lists them.
import type { ExternalServices } from "../routing/model/external-services.ts";
import type { Mapping } from "../routing/model/mapping.ts";
import type { CallPolicy } from "./callers/call-policy.ts";
import { termsOf } from "./callers/terms.ts";
import { compileRewrite } from "../routing/route/rewrite.ts";

/**
 * The order, and why: what answers instead of the model comes before what prepares the way to it, and what is asked without credentials
 * before anything that may refuse. A step that is added stands where its reason says.
 */
export const stepOrder = [
  // A browser asks without credentials whether it may ask: nothing may refuse that question, and any later answer needs its fields.
  "cors",
  // Where it comes from, which costs least to know: before it is asked who calls, and whoever is refused learns nothing.
  "addresses",
  // Who calls: before anything that costs, or tells about the model.
  "identity",
  // It asks outside about whoever was not refused yet, and may choose another Route, so what depends on the Route comes behind it.
  "external-auth",
  // How much may come, of whom: once it is known who calls, and before anything is made for the request.
  "rate-limit",
  // Of those that may call; it asks outside, so what can be told here comes first.
  "rate-limit-service",
  // It goes elsewhere: limits and choices of an upstream do not concern it.
  "redirect",
  // May it become a tunnel? Before limits of a body, which a tunnel has not.
  "upgrade",
  // Before a byte of the body is kept or sent.
  "body-limit",
  // What the rewrite makes of the path: the last that may refuse, for it is the most work.
  "rewrite",
  // Chooses among Endpoints; whoever is refused gets no cookie.
  "stickiness",
] as const;

export type StepName = (typeof stepOrder)[number];

/** What decides, beside its Mapping, which steps a request passes. */
export interface StepConditions {
  /** The longest body that is taken; 0: any. */
  readonly bodyBytes: number;
  /** The request asks to change to WebSocket. */
  readonly upgrade: boolean;
  /** Who may call; null: it is not known yet. */
  readonly policy: CallPolicy | null;
  /** Who is asked about requests. */
  readonly external: ExternalServices;
}

/** The steps of a request that a Mapping takes, in their order. */
export function stepsOf(
  mapping: Mapping,
  { bodyBytes, upgrade, policy, external }: StepConditions,
): readonly StepName[] {
  const { target, match } = mapping;
  const terms = termsOf(mapping, policy, external);
  const callers = {
    addresses: terms.addresses !== null,
    identity: policy === null || policy.clientHeader || terms.admittance.kind !== "anybody",
    "external-auth": terms.auth.kind !== "none",
    "rate-limit": terms.limits.limits.length > 0,
    "rate-limit-service": terms.rateLimit.kind !== "none",
  };
  if (target.kind === "redirect")
    return stepOrder.filter(
      (name) => name === "redirect" || (name in callers && callers[name as keyof typeof callers]),
    );
  const rewrite = compileRewrite(match.path, target.rewrite);
  const has: Readonly<Record<StepName, boolean>> = {
    ...callers,
    cors: target.cors !== null,
    redirect: false,
    upgrade,
    "body-limit": bodyBytes > 0,
    // Only these can make a dot segment, or too long a path, of what a client sent.
    rewrite: rewrite.kind === "regex" || (rewrite.kind === "prefix" && rewrite.open),
    stickiness: target.loadBalancer.kind === "hash",
  };
  return stepOrder.filter((name) => has[name]);
}
