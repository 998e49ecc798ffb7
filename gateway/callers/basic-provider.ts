// The provider `basic`: callers show a user and a password (RFC 7617).
import { placeOf } from "./material-place.ts";
import { readPasswords, type PasswordHash } from "./passwords.ts";
import type { PolicyEntry } from "./policy-entry.ts";
import type { Material, MaterialPlace, ProviderBase } from "./provider.ts";

interface BasicRules extends ProviderBase {
  readonly kind: "basic";
  /** The credentials go on to the model. */
  readonly forwardsCredentials: boolean;
}

export interface BasicDeclaration extends BasicRules {
  readonly from: MaterialPlace;
}

export interface BasicProvider extends BasicRules {
  /** By name; null: they were never got, and nobody is admitted. */
  readonly users: Readonly<Record<string, PasswordHash>> | null;
}

/** `secret: NAMESPACE/NAME` or `file: FILE` with lines of htpasswd; `forwardCredentials` (false). */
export function decodeBasic(entry: PolicyEntry, base: ProviderBase): BasicDeclaration {
  return { ...base, kind: "basic", from: placeOf(entry), forwardsCredentials: entry.flag("forwardCredentials", false) };
}

/** The provider with its users: all entries of a Secret hold lines. What cannot be used is said in `wrong`, without hash or password. */
export function basicOf(
  { kind, namespaces, forwardsCredentials }: BasicDeclaration,
  material: Material | null,
  wrong: string[],
): BasicProvider {
  const rules = { kind, namespaces, forwardsCredentials };
  if (material === null) return { ...rules, users: null };
  const text = [...material].map(([, lines]) => lines.toString()).join("\n");
  return { ...rules, users: readPasswords(text, wrong) };
}
