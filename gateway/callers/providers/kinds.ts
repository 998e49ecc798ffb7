// The kinds of providers, a line each.
import { variants, type Schema } from "../../schema/schema.ts";
import { apiKeys } from "./api-keys.ts";
import { basic } from "./basic.ts";
import { jwt } from "./jwt.ts";
import { mtls } from "./mtls.ts";
import type { ProviderKind } from "./provider.ts";

export const kinds = { "api-keys": apiKeys, basic, jwt, mtls };

type Kinds = typeof kinds;
/** A provider with its keys, as data workers hold it. */
export type Provider = ReturnType<Kinds[keyof Kinds]["complete"]>;
/** A provider as the policy file says it. */
export type ProviderDeclaration = Parameters<Kinds[keyof Kinds]["complete"]>[0];

export const providerSchema: Schema<ProviderDeclaration> = variants(
  "kind",
  Object.fromEntries(Object.entries(kinds).map(([kind, { schema }]) => [kind, schema as Schema<ProviderDeclaration>])),
);

/** What is declared once a kind. The caller gives its functions providers of this kind alone. */
export function kindOf({ kind }: Provider | ProviderDeclaration): ProviderKind<ProviderDeclaration, Provider> {
  return kinds[kind] as unknown as ProviderKind<ProviderDeclaration, Provider>;
}
