// Tokens: who has which, and until when. A token is known by its digest alone.
import { hash } from "node:crypto";
import type { RevokedTokens } from "../../shared/messages.ts";

/** How long a token holds, s, as Seldon's. */
export const tokenSeconds = 43_200;

/** Of one client, at once: its oldest ends when it asks for more. */
export const mostTokensOfClient = 1000;

export type FoundToken =
  /** Of this client (`OAuthClient.id`). */
  | { readonly kind: "token"; readonly client: string }
  /** Never given, at its end, revoked, or ended for a newer one. */
  | { readonly kind: "none" }
  /** It cannot be told now. */
  | AwayToken;

export interface AwayToken {
  readonly kind: "away";
  readonly sentence: string;
}

/** The namespace of a client (`OAuthClient.id`); null: there is no such client any more, and its tokens lead nowhere. */
export type NamespaceOf = (client: string) => string | null;

export const noToken: FoundToken = Object.freeze({ kind: "none" });

export interface TokenStore {
  /** At once where it is known. Never rejects. */
  find(digest: Buffer): FoundToken | Promise<FoundToken>;
  /** Keeps a token of a client for `tokenSeconds`. */
  give(digest: Buffer, client: string): Promise<{ readonly kind: "given" } | AwayToken>;
  /** Ends a token; of the process, or of all replicas. */
  revoke(digest: Buffer): Promise<RevokedTokens>;
  /** Ends all tokens of a client. */
  revokeClient(client: string): Promise<RevokedTokens>;
}

/** Of what a client sent as a token, in whatever bytes. */
export function tokenDigest(token: Uint8Array): Buffer {
  return hash("sha256", token, "buffer");
}
