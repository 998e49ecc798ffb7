// Guards: what an object says about who may call and how much. What it does not say follows from the policy of the platform.

/** Who may call. */
export type Auth =
  /** Callers that one of these providers of identities admits. An unknown provider admits no caller. */
  | { readonly kind: "providers"; readonly names: readonly string[] }
  /** Every caller, where the policy or a Grant lets the namespace say so; else no caller. */
  | { readonly kind: "open"; readonly granted: boolean };

/** So many requests in so long, as a generic cell rate algorithm counts them. */
export interface RateLimit {
  /** 1 or more, in `periodMs`. */
  readonly permits: number;
  readonly periodMs: number;
  /** How many may come at once, 1 or more. */
  readonly burst: number;
  /** What is counted by itself: the deployment as a whole, each caller, each address, each value of a field (name in lower case). */
  readonly per:
    | { readonly kind: "all" }
    | { readonly kind: "client" }
    | { readonly kind: "address" }
    | { readonly kind: "header"; readonly name: string };
}

export interface Guard {
  /** null: it says nothing. */
  readonly auth: Auth | null;
  /** Blocks of addresses in canonical form; null: it says nothing. */
  readonly allow: readonly string[] | null;
  readonly deny: readonly string[] | null;
  /** null: it says nothing. */
  readonly limits: readonly RateLimit[] | null;
}

/** It says nothing. */
export const plainGuard: Guard = Object.freeze({ auth: null, allow: null, deny: null, limits: null });

/** Most providers that one object may name. */
export const mostProviders = 16;
/** The name of a provider: lower-case letters, digits and "-", at most 63; not `none`, and not `oauth`, by which callers of the OAuth gateway are known. */
export const providerName = /^(?!(?:none|oauth)$)[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

/** `corp`, `corp, keys` or `none`, in any case of letters for `none` alone; names once each, at most `mostProviders`. null: it is none of these. */
export function parseAuth(
  text: string,
): { readonly kind: "providers"; readonly names: readonly string[] } | { readonly kind: "open" } | null {
  const names = text.split(",").map((name) => name.trim());
  if (names.length === 1 && names[0]!.toLowerCase() === "none") return { kind: "open" };
  return names.length <= mostProviders &&
    new Set(names).size === names.length &&
    names.every((name) => providerName.test(name))
    ? { kind: "providers", names }
    : null;
}
