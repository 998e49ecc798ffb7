// Who may call, in words for people: of `explain` and `who`.
import type { Mapping } from "../../routing/model/mapping.ts";
import type { AddressList, AddressRules } from "./address-rules.ts";
import { printLimit } from "../../routing/model/rate-limit.ts";
import type { CallPolicy } from "./call-policy.ts";
import type { EffectiveLimits } from "./effective-limits.ts";
import { admittanceOf, type Admittance, type Since } from "./effective.ts";

/** Of what neither an object nor the policy says. */
export const sinceNothing = "nothing says otherwise";

/** `clients of corp or keys`, `anybody`, `nobody: …`. */
export function admittanceText(admittance: Admittance): string {
  switch (admittance.kind) {
    case "anybody":
      return "anybody";
    case "providers":
      return admittance.names.length === 0
        ? "nobody: it names no provider"
        : `clients of ${admittance.names.join(" or ")}`;
    case "nobody":
      return `nobody: ${admittance.sentence}`;
  }
}

/** Which object, or which place of the policy, says so. */
export function sinceText({ since }: Admittance, mapping: Pick<Mapping, "source" | "namespace">): string {
  return fieldText(since, "auth", mapping);
}

/** Addresses that are shown of a list. */
const mostShown = 8;

/** `10.0.0.0/8, 192.0.2.7/32 and 2 more`. */
export function addressListText(blocks: readonly string[]): string {
  const more = blocks.length > mostShown ? ` and ${blocks.length - mostShown} more` : "";
  return `${blocks.slice(0, mostShown).join(", ")}${more}`;
}

/** `only from 10.0.0.0/8 (sluice.io/allow of …)`, `not from …`: each list that holds. Empty: any address may call. */
export function addressTexts(
  mapping: Pick<Mapping, "source" | "namespace">,
  rules: AddressRules | null,
): readonly string[] {
  if (rules === null) return [];
  const text = (words: string, field: "allow" | "deny", { blocks, since }: AddressList): string =>
    `${words} ${addressListText(blocks)} (${fieldText(since, field, mapping)})`;
  return [
    ...rules.allow.map((list) => text("only from", "allow", list)),
    ...rules.deny.map((list) => text("not from", "deny", list)),
  ];
}

function fieldText(
  since: Since,
  field: "auth" | "allow" | "deny",
  { source, namespace }: Pick<Mapping, "source" | "namespace">,
): string {
  switch (since) {
    case "object":
      return `sluice.io/${field} of ${source.kind} ${source.namespace}/${source.name}`;
    case "namespace":
      return `namespaces.${namespace}.${field} of the policy`;
    case "defaults":
      return `defaults.${field} of the policy`;
    case "nothing":
      return sinceNothing;
  }
}

/** `100/s burst 200; 5000/h per client`. */
export function limitsText({ limits }: EffectiveLimits): string {
  return limits.length === 0 ? "any number" : limits.map(printLimit).join("; ");
}

export function limitsSince(
  { since }: EffectiveLimits,
  { source, namespace }: Pick<Mapping, "source" | "namespace">,
): string {
  switch (since) {
    case "object":
      return `sluice.io/rate-limit of ${source.kind} ${source.namespace}/${source.name}`;
    case "namespace":
      return `namespaces.${namespace}.rateLimit of the policy`;
    case "defaults":
      return "defaults.rateLimit of the policy";
    case "nothing":
      return sinceNothing;
  }
}

/** A caller as somebody names it: `PROVIDER/CLIENT`, or a provider alone. */
export interface NamedCaller {
  readonly provider: string;
  /** "": any of its clients. */
  readonly client: string;
}

/** null: it is none. */
export function namedCaller(text: string): NamedCaller | null {
  const at = text.indexOf("/");
  const [provider, client] = at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
  return provider === "" || (at >= 0 && client === "") ? null : { provider, client };
}

/** `app of keys`, `a client of keys`. */
export function nameText({ provider, client }: NamedCaller): string {
  return client === "" ? `a client of ${provider}` : `${client} of ${provider}`;
}

/** Would this caller be let in? null: nobody is asked for. */
export function admitsText(
  mapping: Pick<Mapping, "guard" | "namespace">,
  named: NamedCaller,
  policy: CallPolicy,
): string {
  const { provider } = named;
  const admittance = admittanceOf(mapping.guard, mapping.namespace, policy);
  const who = nameText(named);
  if (admittance.kind === "anybody") return `${who} may call, as anybody may`;
  if (admittance.kind === "nobody") return `${who} may not call, as nobody may`;
  if (!Object.hasOwn(policy.providers, provider)) return `${who} may not call: the policy has no provider ${provider}`;
  return admittance.names.includes(provider)
    ? `${who} may call, once its credentials prove it`
    : `${who} may not call: only clients of ${admittance.names.join(" or ")} may`;
}
