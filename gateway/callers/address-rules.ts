// Which addresses may call a Mapping.
import type { Guard } from '../../routing/guard.ts';

/** Lists of canonical blocks of addresses. */
export interface AddressRules {
  /** An address that lies in one of these is refused, whatever else says. */
  readonly deny: readonly (readonly string[])[];
  /** It lies in each of these: every one who may say it must let it in. None: any address does. */
  readonly allow: readonly (readonly string[])[];
}

/** null: any address may call. */
export function addressRulesOf({ allow, deny }: Guard): AddressRules | null {
  return allow === null && deny === null ? null : { deny: deny === null ? [] : [deny], allow: allow === null ? [] : [allow] };
}
