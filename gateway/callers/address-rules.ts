// Which addresses may call a Mapping: what the platform's policy and the object itself say together.
import type { Guard } from "../../routing/model/guard.ts";
import type { CallPolicy, Rules } from "./call-policy.ts";
import type { Since } from "./effective.ts";

/** Canonical blocks of addresses, and who wrote them. */
export interface AddressList {
  readonly blocks: readonly string[];
  readonly since: Since;
}

export interface AddressRules {
  /** An address that lies in one of these is refused, whatever else says. */
  readonly deny: readonly AddressList[];
  /** It lies in each of these: everybody who may say it must let it in. None: any address does. */
  readonly allow: readonly AddressList[];
}

/**
 * The platform's list and the object's hold both. Of the platform's, what a namespace's rules allow stands in place of what the defaults allow,
 * and what is denied by either is denied. null: any address may call. `policy` null: it is not known yet, and nobody may call for another reason.
 */
export function addressRulesOf(
  guard: Pick<Guard, "allow" | "deny">,
  namespace: string,
  policy: CallPolicy | null,
): AddressRules | null {
  const defaults = policy?.defaults ?? null;
  const own = policy !== null && Object.hasOwn(policy.namespaces, namespace) ? policy.namespaces[namespace]! : null;
  const platform =
    own !== null && own.allow !== null ? listOf(own.allow, "namespace") : listOf(defaults?.allow, "defaults");
  const deny = [
    ...listOf(defaults?.deny, "defaults"),
    ...listOf(own?.deny, "namespace"),
    ...listOf(guard.deny, "object"),
  ];
  const allow = [...platform, ...listOf(guard.allow, "object")];
  return deny.length === 0 && allow.length === 0 ? null : { deny, allow };
}

function listOf(blocks: Rules["allow"] | undefined, since: Since): readonly AddressList[] {
  return blocks === null || blocks === undefined ? [] : [{ blocks, since }];
}
