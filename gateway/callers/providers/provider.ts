// Providers: named ways to authenticate callers. A kind of providers is one object here, listed in `kinds.ts`; its verifier is in `gateway/edge/identity/`.
import {
  converted,
  nameOf,
  namespaceNames,
  needed,
  notEmpty,
  object,
  oneOrMany,
  only,
  optional,
  type Fields,
  type Place,
  type Schema,
  type ValuesOf,
} from "../../schema/schema.ts";
import type { CredentialPlace } from "./credential-place.ts";
import type { Material, MaterialPlace } from "./material.ts";

/** What all providers have, with their keys and without. */
export interface ProviderBase<K extends string = string> {
  readonly kind: K;
  /** Namespaces whose objects may name it; empty: all. */
  readonly namespaces: readonly string[];
  /** Where in a request its credentials may stand; empty: not in its head. */
  readonly places: readonly CredentialPlace[];
}

/** A provider as the policy file says it. */
export interface DeclaredBase<K extends string = string> extends ProviderBase<K> {
  /** null: it has no keys. */
  readonly from: MaterialPlace | null;
}

/** `none`: nobody can show what it admits; `unknown`: an issuer publishes its keys, and they were not fetched. */
export type KeysState = "some" | "none" | "unknown";

export interface ProviderKind<D extends DeclaredBase, P extends ProviderBase> {
  /** What clients show, for people. */
  readonly shows: string;
  /** What the policy file may say of one, beside `kind` and `namespaces`. */
  readonly fields: Fields;
  readonly schema: Schema<D>;
  /** The provider with its keys. `material` null: there are none. `wrong` takes sentences about keys that cannot be used, with nothing of the keys. */
  readonly complete: (declared: D, material: Material | null, wrong: string[]) => P;
  readonly keys: (provider: P) => KeysState;
  /** `next`, whose keys are unknown, with those of `before` if they have one place. */
  readonly withKeysOf: (next: P, before: P) => P;
}

type Said<K extends string, F extends Fields> = ValuesOf<F> & Pick<ProviderBase<K>, "kind" | "namespaces">;

/** `declare`: what the fields come to; undefined where it refuses. */
export function providerKind<K extends string, F extends Fields, D extends DeclaredBase<K>, P extends ProviderBase<K>>(
  kind: K,
  {
    declare,
    ...own
  }: Omit<ProviderKind<D, P>, "schema" | "fields"> & {
    readonly fields: F;
    readonly declare: (said: Said<K, F>, place: Place) => D | undefined;
  },
): ProviderKind<D, P> {
  const fields = { kind: needed(only(kind), "", own.shows), namespaces, ...own.fields };
  return { ...own, schema: converted(object(fields), (said, place) => declare(said as unknown as Said<K, F>, place)) };
}

/** Without the field any namespace may name it; a list that was emptied says the opposite. */
const namespaces = optional(
  oneOrMany(
    nameOf(namespaceNames),
    notEmpty("is empty: write the namespaces that may name the provider, or remove it, and any may"),
  ),
  [],
  "Only objects of these namespaces may name the provider. Absent: all may",
);
