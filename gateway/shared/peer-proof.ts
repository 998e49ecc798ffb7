// How replicas know each other: who asks shows that it has the key of `--peer-key`, and so does who answers. The key itself is never sent.
import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/** The scheme of the Authorization header, and the header of an answer that has the next challenge and the proof. */
export const peerScheme = "Sluice-Peer";
export const challengeHeader = "x-sluice-peer-challenge";
export const proofHeader = "x-sluice-peer-proof";

/** A challenge, a nonce, a proof: texts of these letters, and no longer ones. */
export const peerToken = /^[\w-]{1,128}$/;

/** The first signs, and each of them is believed: a new key is written behind the old one in all replicas, then before it, and then the old one goes. */
export type PeerKeys = readonly [string, ...string[]];

/** `url`: path and query as they are sent. */
export function requestProof(key: string, url: string, challenge: string, nonce: string): string {
  return proof(key, ["request", url, challenge, nonce]);
}

/** Of an answer with status 200. */
export function answerProof(key: string, url: string, nonce: string, body: Buffer | string): string {
  return proof(key, ["answer", url, nonce, createHash("sha256").update(body).digest("hex")]);
}

/** One of the keys that the proof was made with; null: none of them. It takes the same time for each proof of the right length. */
export function keyOf(keys: readonly string[], shown: string, proofBy: (key: string) => string): string | null {
  let found: string | null = null;
  for (const key of keys) if (isSame(shown, proofBy(key))) found ??= key;
  return found;
}

export function isSame(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Parts as JSON, so that no two lists of parts are one text. */
function proof(key: string, parts: readonly string[]): string {
  return createHmac("sha256", key)
    .update(JSON.stringify(["sluice-peer-1", ...parts]))
    .digest("base64url");
}
