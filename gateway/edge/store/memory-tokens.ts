// Tokens in the memory of the process: every data worker sees what any of them has given, at once. Bounded: where a bucket is full a
// token of the namespace that has most there ends, and that is counted. One writer a part; a reader sees a token whole or not at all, by its sequence number.
import type { CounterBlock } from "../../shared/memory/counters.ts";
import { fixed } from "../../shared/metrics/fixed.ts";
import { bucketTokens, tokenWords } from "../../shared/memory/token-memory.ts";
import type { RevokedTokens } from "../../shared/messages.ts";
import {
  mostTokensOfClient,
  noToken,
  tokenSeconds,
  type FoundToken,
  type NamespaceOf,
  type TokenStore,
} from "./token-store.ts";

// Words of a token. The sequence number is odd while the token is written.
const sequenceAt = 0;
const endAt = 1;
const sinceAt = 2;
const digestAt = 4;
const clientAt = 12;
const digestWords = 8;
/** One token more of a namespace counts for more than all that a client may have. */
const namespaceWeight = 2 * bucketTokens;

export class MemoryTokens implements TokenStore {
  readonly #parts: readonly Int32Array[];
  readonly #own: Int32Array;
  readonly #counters: CounterBlock;
  readonly #epochMs: () => number;
  readonly #namespaceOf: NamespaceOf;
  /** Places in its own part of each client's tokens, oldest first. Some may be somebody else's by now. */
  readonly #places = new Map<string, number[]>();

  /** `memory`: of all workers; `worker`: which part is its own. */
  constructor(
    memory: readonly SharedArrayBuffer[],
    worker: number,
    counters: CounterBlock,
    epochMs: () => number,
    namespaceOf: NamespaceOf,
  ) {
    this.#parts = memory.map((part) => new Int32Array(part));
    this.#own = this.#parts[worker]!;
    this.#counters = counters;
    this.#epochMs = epochMs;
    this.#namespaceOf = namespaceOf;
    this.#takeOver();
  }

  /** What the worker before it gave. One that ended in the middle of a token has given it to nobody. */
  #takeOver(): void {
    const own = this.#own;
    const found: { readonly place: number; readonly since: number; readonly client: string }[] = [];
    for (let place = 0; place < own.length; place += tokenWords) {
      if (own[place]! % 2 !== 0) this.#write(place, null);
      if (own[place + endAt] !== 0)
        found.push({ place, since: own[place + sinceAt]!, client: this.#clientAt(own, place) });
    }
    for (const { place, client } of found.toSorted((a, b) => a.since - b.since)) this.#placesOf(client).push(place);
  }

  find(digest: Buffer): FoundToken {
    const now = this.#second();
    for (const part of this.#parts) {
      const client = this.#findIn(part, digest, now);
      if (client !== null) return { kind: "token", client };
    }
    return noToken;
  }

  /** Its client; null: it is not there, or it is being written. */
  #findIn(part: Int32Array, digest: Buffer, now: number): string | null {
    const place = this.#placeIn(part, digest);
    if (place < 0) return null;
    const sequence = Atomics.load(part, place);
    if (sequence % 2 !== 0 || Atomics.load(part, place + endAt) <= now || !isAt(part, place, digest)) return null;
    const client = this.#clientAt(part, place);
    return Atomics.load(part, place) === sequence ? client : null;
  }

  /** Where its digest stands; −1: nowhere. */
  #placeIn(part: Int32Array, digest: Buffer): number {
    const first = bucketOf(part, digest);
    const word = digest.readInt32LE(0);
    for (let place = first; place < first + bucketTokens * tokenWords; place += tokenWords) {
      if (part[place + digestAt] === word && isAt(part, place, digest)) return place;
    }
    return -1;
  }

  #clientAt(part: Int32Array, place: number): string {
    const bytes = Buffer.allocUnsafe(digestWords * 4);
    for (let word = 0; word < digestWords; word++)
      bytes.writeInt32LE(Atomics.load(part, place + clientAt + word), word * 4);
    return bytes.toString("hex");
  }

  give(digest: Buffer, client: string): Promise<{ readonly kind: "given" }> {
    const places = this.#placesOf(client);
    const now = this.#second();
    const own = this.#own;
    // What is no longer its own, or at its end.
    while (places.length > 0 && (own[places[0]! + endAt]! <= now || this.#clientAt(own, places[0]!) !== client))
      places.shift();
    if (places.length >= mostTokensOfClient) {
      this.#write(places.shift()!, null);
      this.#count("replaced");
    }
    const place = this.#roomFor(digest, client, now);
    const before = places.indexOf(place);
    if (before >= 0) places.splice(before, 1);
    this.#write(place, { digest, client, now });
    places.push(place);
    return Promise.resolve({ kind: "given" });
  }

  /**
   * A place of its bucket: one that is free, or of a client that is gone. Else of the namespace that has most of them, the new token counted among its own, and there
   * of the client that has most, the oldest: tokens of one namespace end no other's but of one that has more.
   */
  #roomFor(digest: Buffer, client: string, now: number): number {
    const own = this.#own;
    const first = bucketOf(own, digest);
    for (let place = first; place < first + bucketTokens * tokenWords; place += tokenWords)
      if (own[place + endAt]! <= now) return place;
    const clients = Array.from({ length: bucketTokens }, (_, at) => this.#clientAt(own, first + at * tokenWords));
    const namespaces = clients.map((one) => this.#namespaceOf(one));
    this.#count("evicted");
    const gone = namespaces.indexOf(null);
    if (gone >= 0) return first + gone * tokenWords;
    const namespace = this.#namespaceOf(client);
    let victim = first;
    let most = 0;
    for (let at = 0; at < bucketTokens; at++) {
      const place = first + at * tokenWords;
      const weight =
        namespaceWeight * countOf(namespaces, namespaces[at]!, namespace) + countOf(clients, clients[at]!, client);
      if (weight < most || (weight === most && own[place + sinceAt]! >= own[victim + sinceAt]!)) continue;
      most = weight;
      victim = place;
    }
    return victim;
  }

  /** `token` null: the place is free. */
  #write(
    place: number,
    token: { readonly digest: Buffer; readonly client: string; readonly now: number } | null,
  ): void {
    const own = this.#own;
    const sequence = own[place]! | 1;
    Atomics.store(own, place + sequenceAt, sequence);
    Atomics.store(own, place + endAt, token === null ? 0 : token.now + tokenSeconds);
    Atomics.store(own, place + sinceAt, token === null ? 0 : token.now);
    const client = Buffer.from(token?.client ?? "", "hex");
    for (let word = 0; word < digestWords; word++) {
      Atomics.store(own, place + digestAt + word, token === null ? 0 : token.digest.readInt32LE(word * 4));
      Atomics.store(own, place + clientAt + word, token === null ? 0 : client.readInt32LE(word * 4));
    }
    Atomics.store(own, place + sequenceAt, (sequence + 1) | 0);
  }

  /** Of its own part: each worker is told. */
  revoke(digest: Buffer): Promise<RevokedTokens> {
    const place = this.#placeIn(this.#own, digest);
    return Promise.resolve({ kind: "revoked", count: place < 0 ? 0 : this.#end([place]) });
  }

  revokeClient(client: string): Promise<RevokedTokens> {
    const places = (this.#places.get(client) ?? []).filter((place) => this.#clientAt(this.#own, place) === client);
    this.#places.delete(client);
    return Promise.resolve({ kind: "revoked", count: this.#end(places) });
  }

  /** How many of them held still. */
  #end(places: readonly number[]): number {
    const now = this.#second();
    let count = 0;
    for (const place of places) {
      if (this.#own[place + endAt]! > now) count += 1;
      this.#write(place, null);
    }
    return count;
  }

  #placesOf(client: string): number[] {
    const known = this.#places.get(client);
    if (known !== undefined) return known;
    // Clients come and go with their SeldonDeployments; their tokens do not last longer than half a day.
    for (const [other, places] of this.#places) if (places.length === 0) this.#places.delete(other);
    const places: number[] = [];
    this.#places.set(client, places);
    return places;
  }

  #count(outcome: keyof typeof fixed.oauthTokens): void {
    this.#counters.add(fixed.oauthTokens[outcome], 1);
  }

  #second(): number {
    return Math.floor(this.#epochMs() / 1000);
  }
}

/** How many of a bucket are of `one`; who comes counts among its own for more than one, so that it gives where others have as many. */
function countOf(all: readonly (string | null)[], one: string | null, comes: string | null): number {
  return all.reduce((count, other) => (other === one ? count + 1 : count), one === comes ? 1.5 : 0);
}

/** First word of the bucket in which a token may stand. */
function bucketOf(part: Int32Array, digest: Buffer): number {
  const buckets = part.length / (bucketTokens * tokenWords);
  // Other words than the first, which is compared.
  return (digest.readUInt32LE(4) % buckets) * bucketTokens * tokenWords;
}

function isAt(part: Int32Array, place: number, digest: Buffer): boolean {
  // Digests of tokens tell nothing about tokens: how long this takes may be seen.
  for (let word = 0; word < digestWords; word++)
    if (Atomics.load(part, place + digestAt + word) !== digest.readInt32LE(word * 4)) return false;
  return true;
}
