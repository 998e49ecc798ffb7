// Terms of a call: all that decides who may call a Mapping, and how often. One rule for the data plane's steps, `explain` and `who`; `check` asks the part of it that
// an object itself decides.
import type {
  AuthService,
  Consulted,
  ExternalServices,
  RateLimitService,
} from "../../routing/model/external-services.ts";
import { isMisspeltDomain } from "../../routing/model/rate-limit-labels.ts";
import type { Mapping } from "../../routing/model/mapping.ts";
import type { AddressRule, FrontSettings } from "../../routing/model/table-change.ts";
import { addressRulesOf, type AddressRules } from "./address-rules.ts";
import type { CallPolicy } from "./call-policy.ts";
import { admittanceOf, type Admittance } from "./effective.ts";
import { limitsOf, type EffectiveLimits } from "./effective-limits.ts";

export interface CallTerms {
  /** null: any address may call. */
  readonly addresses: AddressRules | null;
  readonly admittance: Admittance;
  /** Who is asked about each of its requests. */
  readonly auth: Consulted<AuthService>;
  readonly limits: EffectiveLimits;
  /** Who is asked how many may come. */
  readonly rateLimit: LimitsAsked;
}

/** `misspelt`: the labels are of a domain that nearly is the service's, so the limit that they mean is not known. */
export type LimitsAsked =
  | Consulted<RateLimitService>
  | { readonly kind: "misspelt"; readonly domain: string; readonly served: string };

const nobodyAsked = Object.freeze({ kind: "none" } as const);

/** What holds for a Mapping. `policy` null: it is not known yet, and nobody may call. A redirect asks no service outside (routing rule 24). */
export function termsOf(
  { target, guard, namespace }: Mapping,
  policy: CallPolicy | null,
  external: ExternalServices,
): CallTerms {
  const isForward = target.kind === "forward";
  return {
    addresses: addressRulesOf(guard, namespace, policy),
    admittance: admittanceOf(guard, namespace, policy),
    auth: isForward && !target.externalPolicy.bypassAuth ? external.auth : nobodyAsked,
    limits: limitsOf(guard, namespace, policy),
    rateLimit: isForward ? limitsAsked(target.externalPolicy.labels ?? [], external.rateLimit) : nobodyAsked,
  };
}

/** Who is asked about labels of these domains. If the service cannot be read, any of them may be its domain. */
export function limitsAsked(
  labels: readonly { readonly domain: string }[],
  rateLimit: ExternalServices["rateLimit"],
): LimitsAsked {
  if (labels.length === 0 || rateLimit.kind !== "service") return labels.length === 0 ? nobodyAsked : rateLimit;
  const served = rateLimit.service.domain;
  const misspelt = labels.find(({ domain }) => isMisspeltDomain(domain, served));
  if (misspelt !== undefined) return { kind: "misspelt", domain: misspelt.domain, served };
  return labels.some(({ domain }) => domain === served) ? rateLimit : nobodyAsked;
}

/** What holds of every request that a Route takes, before its Mapping is asked. */
export interface FrontTerms {
  /** Each must let the request pass. */
  readonly addresses: readonly AddressRule[];
  /** False: how many proxies are to be believed cannot be read, so no client comes from a known address. */
  readonly isAddressKnown: boolean;
}

/** `trustedHops`: as the option of the gateway says it, which goes before the table; null: it does not. */
export function frontTermsOf(front: FrontSettings | null, trustedHops: number | null): FrontTerms {
  return { addresses: front?.addresses ?? [], isAddressKnown: (trustedHops ?? front?.trustedHops ?? 0) !== "unknown" };
}

/** Why nobody at all may call; null: somebody may. The first reason in the order in which a request is asked. */
export function closedBy(
  { addresses, admittance, auth, rateLimit }: CallTerms,
  front: FrontTerms,
):
  | "front-addresses"
  | "address-unknown"
  | "admittance"
  | "auth-service"
  | "rate-limit-service"
  | "rate-limit-domain"
  | null {
  if (front.addresses.some(({ kind, peer, remote }) => kind === "allow" && peer.length === 0 && remote.length === 0))
    return "front-addresses";
  const asksClients =
    addresses !== null ||
    front.addresses.some(({ kind, peer, remote }) => (kind === "allow" ? peer.length === 0 : remote.length > 0));
  if (!front.isAddressKnown && asksClients) return "address-unknown";
  if (admittance.kind === "nobody" || (admittance.kind === "providers" && admittance.names.length === 0))
    return "admittance";
  if (auth.kind === "closed") return "auth-service";
  if (rateLimit.kind === "misspelt") return "rate-limit-domain";
  return rateLimit.kind === "closed" ? "rate-limit-service" : null;
}
