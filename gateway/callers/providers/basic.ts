// The provider `basic`: callers show a user and a password (RFC 7617).
import { byDefault, flag } from "../../schema/schema.ts";
import { materialFields, onePlaceOf, type Material, type MaterialPlace } from "./material.ts";
import { readPasswords, type PasswordHash } from "./passwords.ts";
import { providerKind, type DeclaredBase, type ProviderBase } from "./provider.ts";

interface BasicRules extends ProviderBase<"basic"> {
  /** The credentials go on to the model. */
  readonly forwardsCredentials: boolean;
}

export interface BasicDeclaration extends BasicRules, DeclaredBase<"basic"> {
  readonly from: MaterialPlace;
}

export interface BasicProvider extends BasicRules {
  /** By name; null: they were never read, and nobody is admitted. */
  readonly users: Readonly<Record<string, PasswordHash>> | null;
}

const lines = "lines of htpasswd: bcrypt with a cost of at most 14, or `{SHA}`";

export const basic = providerKind("basic", {
  shows: "user and password",
  fields: {
    ...materialFields(lines, lines),
    forwardCredentials: byDefault(flag, false, "`true`: the model gets the user and password, too"),
  },
  declare({ secret, file, forwardCredentials, ...base }, place): BasicDeclaration | undefined {
    const from = onePlaceOf([secret, file], place);
    return from && { ...base, from, places: [{ kind: "basic" }], forwardsCredentials: forwardCredentials };
  },
  complete: basicOf,
  keys: ({ users }) => (users === null || Object.keys(users).length === 0 ? "none" : "some"),
  withKeysOf: (next) => next,
});

/** The provider with its users: all entries of a Secret hold lines. */
function basicOf(
  { kind, namespaces, places, forwardsCredentials }: BasicDeclaration,
  material: Material | null,
  wrong: string[],
): BasicProvider {
  const rules = { kind, namespaces, places, forwardsCredentials };
  if (material === null) return { ...rules, users: null };
  const text = [...material].map(([, lines]) => lines.toString()).join("\n");
  return { ...rules, users: readPasswords(text, wrong) };
}
