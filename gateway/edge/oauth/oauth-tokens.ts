// Tokens of the OAuth gateway as a data worker gives and verifies them.
import type { OAuthClient } from "../../callers/oauth-client.ts";
import {
  factsOf,
  mostAheadMs,
  tokenBytes,
  tokenLength,
  tokenMs,
  TokenSigner,
  type TokenFacts,
} from "../../callers/oauth-token.ts";
import type { OAuthClients } from "./oauth-clients.ts";

/** Verified tokens that a worker remembers, to verify none twice: where they are full it forgets all. */
export const mostVerified = 4096;

export interface VerifiedToken {
  readonly facts: TokenFacts;
  readonly client: OAuthClient;
}

export class OAuthTokens {
  readonly #clients: OAuthClients;
  readonly #epochMs: () => number;
  #signer: TokenSigner;
  /** By their text. */
  readonly #verified = new Map<string, VerifiedToken>();

  constructor(keys: readonly Uint8Array[], clients: OAuthClients, epochMs: () => number) {
    this.#signer = new TokenSigner(keys);
    this.#clients = clients;
    this.#epochMs = epochMs;
  }

  /** Only these keys count from now on. */
  setKeys(keys: readonly Uint8Array[]): void {
    this.#signer = new TokenSigner(keys);
    this.#verified.clear();
  }

  /** A token of a client, valid for 12 hours, and for longer where it must end at `firstEndMs` or later. */
  give(client: OAuthClient, firstEndMs: number): string {
    return this.#signer.sign(client, Math.max(Math.floor(this.#epochMs()) + tokenMs, firstEndMs));
  }

  /** null: forged, ended, of a client that is gone or has another secret, or no token at all. Whether it is revoked is not asked here. */
  verify(text: Uint8Array): VerifiedToken | null {
    if (text.length !== tokenLength) return null;
    const key = Buffer.from(text.buffer, text.byteOffset, text.length).toString("latin1");
    const found = this.#verified.get(key) ?? this.#signed(key);
    if (found === null) return null;
    const { facts, client } = found;
    const leftMs = facts.endMs - this.#epochMs();
    if (leftMs > 0 && leftMs <= mostAheadMs && this.#clients.ofToken(facts.client) === client) return found;
    this.#verified.delete(key);
    return null;
  }

  #signed(text: string): VerifiedToken | null {
    const bytes = tokenBytes(text);
    if (bytes === null) return null;
    const facts = factsOf(bytes);
    const client = this.#clients.ofToken(facts.client);
    if (!this.#signer.isSigned(bytes, client) || client === null) return null;
    const found = { facts, client };
    if (this.#verified.size >= mostVerified) this.#verified.clear();
    this.#verified.set(text, found);
    return found;
  }
}
