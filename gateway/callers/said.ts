// Who may call a Mapping, in words for people: what `who` and `explain` print, of the terms that the data plane holds to.
import type { ExternalServices } from "../../routing/model/external-services.ts";
import type { Mapping } from "../../routing/model/mapping.ts";
import type { AddressRule, FrontSettings } from "../../routing/model/table-change.ts";
import type { CallPolicy } from "./call-policy.ts";
import type { Admittance } from "./effective.ts";
import { kindOf } from "./providers/kinds.ts";
import { authWords, limitServiceWords } from "./external-words.ts";
import { closedBy, frontTermsOf, termsOf, type CallTerms, type FrontTerms } from "./terms.ts";
import { addressListText, addressTexts, admittanceText, limitsSince, limitsText, sinceText } from "./words.ts";

/** What holds of a gateway beside a Mapping. */
export interface CallWorld {
  readonly policy: CallPolicy;
  readonly external: ExternalServices;
  readonly front: FrontSettings | null;
  /** As the option says; null: it does not. */
  readonly trustedHops: number | null;
  /** Providers whose keys were not read here, though a gateway may have them. */
  readonly unread: ReadonlySet<string>;
}

/** One thing that a caller must be, and who says so. */
export interface CallersPart {
  /** `anybody`, `clients of corp`, `as the AuthService says (…)`, `nobody: …`. */
  readonly words: string;
  readonly since: string;
}

/** Who may call one Mapping. */
export interface CallersSaid {
  /** All of them hold; one or two. */
  readonly callers: readonly CallersPart[];
  /** Providers of which one must admit; empty: none is asked, as anybody may call, or nobody. */
  readonly asks: readonly string[];
  /** From which addresses, and since what: each list that holds; empty: from any. */
  readonly addresses: readonly string[];
  /** How much may come, and since what: each thing that says so; empty: any number. */
  readonly limits: readonly string[];
}

export function callersSaid(
  mapping: Mapping,
  { policy, external, front, trustedHops, unread }: CallWorld,
): CallersSaid {
  const terms = termsOf(mapping, policy, external);
  const first = frontTermsOf(front, trustedHops);
  const addresses = [
    ...first.addresses.flatMap((rule) => frontTexts(rule, first.isAddressKnown)),
    ...addressTexts(mapping, terms.addresses),
  ];
  const limits = limitsOf(terms, mapping);
  const { admittance } = terms;
  const names = admittance.kind === "providers" ? admittance.names : [];
  const keyless = names.filter((name) => {
    const provider = policy.providers[name]!;
    return !unread.has(name) && kindOf(provider).keys(provider) === "none";
  });
  const asks = closedBy(terms, first) === null ? names : [];
  return { callers: partsOf(terms, first, mapping, keyless), asks, addresses, limits };
}

/** `keyless`: providers that have no keys. */
function partsOf(
  terms: CallTerms,
  front: FrontTerms,
  mapping: Mapping,
  keyless: readonly string[],
): readonly CallersPart[] {
  const { admittance, auth } = terms;
  const own: CallersPart = { words: ownWords(admittance, keyless), since: sinceText(admittance, mapping) };
  switch (closedBy(terms, front)) {
    case "front-addresses":
      return [{ words: "nobody: the list of addresses that may call is invalid (403)", since: theModule }];
    case "address-unknown":
      return [
        {
          words:
            "nobody: the number of trusted proxies is invalid, so Sluice knows no client's address, and addresses decide who may call (403)",
          since: `xff_num_trusted_hops of ${theModule}`,
        },
      ];
    case "admittance":
      return [own];
    case "auth-service":
      return [{ words: "nobody: the AuthService is invalid (500)", since: sinceAuth }];
    case "rate-limit-service":
      return [{ words: "nobody: the RateLimitService is invalid (500)", since: sinceLabels(mapping) }];
    case "rate-limit-domain":
      return [
        {
          words: "nobody: the domain of these labels is misspelt: the RateLimitService spells it differently (500)",
          since: sinceLabels(mapping),
        },
      ];
    case null: {
      const asked = authWords(auth);
      if (asked === null) return [own];
      const part = { words: asked, since: sinceAuth };
      return admittance.kind === "anybody" ? [part] : [own, part];
    }
  }
}

const theModule = "Ambassador's Module";

/** A provider without keys admits nobody, so providers without keys alone are nobody's. */
function ownWords(admittance: Admittance, keyless: readonly string[]): string {
  if (admittance.kind !== "providers" || keyless.length === 0) return admittanceText(admittance);
  const lacking = `${keyless.join(" and ")} ${keyless.length === 1 ? "has" : "have"} no keys`;
  return keyless.length === admittance.names.length
    ? `nobody: ${lacking}`
    : `${admittanceText(admittance)} (${lacking}, so ${keyless.length === 1 ? "it admits" : "they admit"} nobody)`;
}

function sinceLabels({ source }: Mapping): string {
  return `labels of ${source.kind} ${source.namespace}/${source.name}`;
}

/** What only asks a service says so itself. */
export const sinceAuth = "the AuthService";
/** One rule of the Module; nothing for one without lists, which lets nobody call. */
function frontTexts({ kind, peer, remote }: AddressRule, isAddressKnown: boolean): readonly string[] {
  const since = `ip_${kind} of ${theModule}`;
  const words = kind === "allow" ? "only from" : "not from";
  // Nobody's address is in a list.
  const parts = [
    remote.length === 0 || !isAddressKnown ? "" : addressListText(remote),
    peer.length === 0 ? "" : `${addressListText(peer)} at the other end of the connection`,
  ].filter((part) => part !== "");
  return parts.length === 0 ? [] : [`${words} ${parts.join(" or ")} (${since})`];
}

function limitsOf({ limits, rateLimit }: CallTerms, mapping: Mapping): readonly string[] {
  const own = limits.limits.length === 0 ? [] : [`${limitsText(limits)} (${limitsSince(limits, mapping)})`];
  const asked = limitServiceWords(rateLimit);
  return asked === null ? own : [...own, asked];
}
