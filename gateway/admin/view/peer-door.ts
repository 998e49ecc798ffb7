// The door for peers: a challenge that this process made a moment ago, answered by the key, and each answer good for one request.
import { createHmac, randomBytes } from "node:crypto";
import {
  answerProof,
  isSame,
  keyOf,
  peerScheme,
  peerToken,
  requestProof,
  type PeerKeys,
} from "../../shared/peer-proof.ts";

/** A challenge is good for so long, ms: longer than the time between two looks of a peer. */
export const challengeMs = 60_000;
/** Requests that are remembered so that none is let in twice. Only who has the key fills them. */
export const maxRemembered = 4096;

export class PeerDoor {
  readonly #keys: () => PeerKeys | null;
  readonly #nowMs: () => number;
  readonly #secret = randomBytes(32);
  /** Proofs that were let in, with their time, the oldest first. */
  readonly #used = new Map<string, number>();

  /** `keys` null: there is no key that can be used now, so nobody is let in. `nowMs` never goes back. */
  constructor(keys: () => PeerKeys | null, nowMs: () => number) {
    this.#keys = keys;
    this.#nowMs = nowMs;
  }

  challenge(): string {
    const at = Math.floor(this.#nowMs()).toString(36);
    return `${at}-${this.#stamp(at)}`;
  }

  /** Lets one request in, once. */
  admits(authorization: string, url: string): boolean {
    const shown = shownIn(authorization);
    if (shown === null || !this.#isOwn(shown.challenge)) return false;
    if (this.#keyOf(shown, url) === null) return false;
    this.#forget();
    if (this.#used.has(shown.proof) || this.#used.size >= maxRemembered) return false;
    this.#used.set(shown.proof, this.#nowMs());
    return true;
  }

  /** Of the answer to a request that was let in; null: it was let in by other means. */
  proofOf(authorization: string, url: string, body: string): string | null {
    const shown = shownIn(authorization);
    const key = shown === null ? null : this.#keyOf(shown, url);
    return key === null ? null : answerProof(key, url, shown!.nonce, body);
  }

  #keyOf({ challenge, nonce, proof }: Shown, url: string): string | null {
    return keyOf(this.#keys() ?? [], proof, (key) => requestProof(key, url, challenge, nonce));
  }

  #isOwn(challenge: string): boolean {
    const [at = "", ...stamp] = challenge.split("-");
    const ageMs = this.#nowMs() - Number.parseInt(at, 36);
    return isSame(stamp.join("-"), this.#stamp(at)) && ageMs < challengeMs;
  }

  #stamp(at: string): string {
    return createHmac("sha256", this.#secret).update(at).digest("base64url");
  }

  #forget(): void {
    const before = this.#nowMs() - challengeMs;
    for (const [proof, atMs] of this.#used) {
      if (atMs > before) return;
      this.#used.delete(proof);
    }
  }
}

interface Shown {
  readonly challenge: string;
  readonly nonce: string;
  readonly proof: string;
}

function shownIn(authorization: string): Shown | null {
  const [scheme, challenge = "", nonce = "", proof = "", ...more] = authorization.split(" ", 5);
  const parts = [challenge, nonce, proof];
  return scheme === peerScheme && more.length === 0 && parts.every((part) => peerToken.test(part))
    ? { challenge, nonce, proof }
    : null;
}
