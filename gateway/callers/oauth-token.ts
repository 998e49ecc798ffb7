// Tokens of Seldon's OAuth gateway carry themselves: any process that has the key can verify one, and nobody keeps it. 72 bytes, written as 96
// characters of base64url: version, mark of the key, client (16), end (6, epoch ms), id (16), HMAC-SHA256 (32). The signature also covers
// `OAuthClient.id`, which the token does not hold: a token ends with the key, the secret or the SeldonDeployment, and gives nobody a digest of a secret to guess at.
import { createHmac, hash, randomBytes, timingSafeEqual } from "node:crypto";
import { credentialDigest } from "../../routing/text/credential-digest.ts";
import type { OAuthClient } from "./oauth-client.ts";

/** How long a token is valid, ms, as Seldon's. */
export const tokenMs = 43_200_000;
/** Clocks of replicas may differ by this, ms. */
export const clockMarginMs = 60_000;
/** A token that ends later than this from now was given by a clock that was wrong, ms. */
export const mostAheadMs = tokenMs + 5 * clockMarginMs;
export const tokenLength = 96;

const version = 1;
const at = { mark: 1, client: 2, end: 18, id: 24, signature: 40, length: 72 } as const;

/** What a token says. */
export interface TokenFacts {
  /** `tokenClient` of its SeldonDeployment. */
  readonly client: string;
  /** 32 hex digits. */
  readonly id: string;
  /** Epoch ms. */
  readonly endMs: number;
}

/** Tokens that end before their time. */
export interface Revocation {
  /** `tokenClient` of their SeldonDeployment. */
  readonly client: string;
  /** null: every token of this client that ends at `endMs` or earlier. */
  readonly id: string | null;
  /** When the last of them would have ended, epoch ms. */
  readonly endMs: number;
}

/** How a token names its SeldonDeployment: 32 hex digits. */
export function tokenClient(namespace: string, deployment: string): string {
  return credentialDigest("oauth token", namespace, deployment).slice(0, 32);
}

/** Bytes of a token, unverified; null: a text that is not exactly what `TokenSigner.sign` writes. */
export function tokenBytes(text: string): Buffer | null {
  // 96 characters of this alphabet are 72 bytes in one way only: no padding, no spare bits.
  if (text.length !== tokenLength || !/^[\w-]+$/.test(text)) return null;
  const bytes = Buffer.from(text, "base64url");
  return bytes[0] === version ? bytes : null;
}

export function factsOf(bytes: Buffer): TokenFacts {
  return {
    client: bytes.toString("hex", at.client, at.end),
    endMs: bytes.readUIntBE(at.end, at.id - at.end),
    id: bytes.toString("hex", at.id, at.signature),
  };
}

/** Signs with its first key, and verifies with all of them. */
export class TokenSigner {
  readonly #keys: readonly { readonly mark: number; readonly key: Uint8Array }[];

  /** `keys`: one or more, of at least 32 bytes. */
  constructor(keys: readonly Uint8Array[]) {
    this.#keys = keys.map((key) => ({ mark: hash("sha256", key, "buffer")[0]!, key }));
  }

  /** `id`: 16 bytes. */
  sign(client: OAuthClient, endMs: number, id: Buffer = randomBytes(at.signature - at.id)): string {
    const { mark, key } = this.#keys[0]!;
    const bytes = Buffer.alloc(at.length);
    bytes[0] = version;
    bytes[at.mark] = mark;
    bytes.write(tokenClient(client.namespace, client.deployment), at.client, "hex");
    bytes.writeUIntBE(endMs, at.end, at.id - at.end);
    id.copy(bytes, at.id);
    signatureOf(key, bytes, client.id).copy(bytes, at.signature);
    return bytes.toString("base64url");
  }

  /** Takes as long where there is no such client (null). */
  isSigned(bytes: Buffer, client: OAuthClient | null): boolean {
    const isTrue = this.#keys.some(
      ({ mark, key }) =>
        mark === bytes[at.mark] &&
        timingSafeEqual(signatureOf(key, bytes, client?.id ?? ""), bytes.subarray(at.signature)),
    );
    return isTrue && client !== null;
  }
}

function signatureOf(key: Uint8Array, bytes: Buffer, id: string): Buffer {
  return createHmac("sha256", key).update(bytes.subarray(0, at.signature)).update(id).digest();
}
