// Limiter: what a worker has of the limits of rate: the table, its time, and whose cell a request is counted in.
import { fieldNamed, fieldText } from "../../../routing/request/bytes.ts";
import { fixed } from "../../shared/metrics/fixed.ts";
import type { LimitMemory } from "../../shared/memory/limit-memory.ts";
import type { Caller } from "../identity/verifier.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import type { ClientFacts } from "../message/client-facts.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import { readClientAddress } from "../message/request-values.ts";
import { compileLimit, type CompiledLimit } from "./compiled-limit.ts";
import { KeyedHash } from "./keyed-hash.ts";
import type { LeaseBook } from "./lease-book.ts";
import { LimitTable } from "./limit-table.ts";

/** What of a request says whose it is. */
export interface LimitedRequest {
  readonly head: WireRequestHead;
  readonly facts: ClientFacts;
  /** null: nobody has said it. */
  readonly caller: Caller | null;
}

/** In the key of the hash, so that no client is an address, and no value of a field is none. */
export const kinds = { all: 0, client: 1, address: 2, header: 3, absent: 4 } as const;
/** An IPv6 address is counted by its network: whoever has one has 2^64 addresses. */
const networkBytes = 8;
const nothing = new Uint8Array(0);

export class Limiter {
  readonly table: LimitTable;
  readonly memory: LimitMemory;
  /** null: there is one replica. */
  readonly leases: LeaseBook | null;
  /** Of each limit, what one of so many replicas counts by itself. */
  readonly #shares = new WeakMap<CompiledLimit, { readonly replicas: number; readonly share: CompiledLimit }>();
  readonly #worker: WorkerContext;
  readonly #aheadMs: number;
  readonly #providerKeys = new Map<string, number>();
  /** Of the request that is looked at. */
  readonly #address = new Uint8Array(16);

  /** `aheadMs`: by how much the time of the table is ahead of the worker's clock. */
  constructor(memory: LimitMemory, aheadMs: number, worker: WorkerContext, leases: LeaseBook | null) {
    this.leases = leases;
    this.memory = memory;
    this.#worker = worker;
    this.#aheadMs = aheadMs;
    this.table = new LimitTable(memory, () => worker.counters.add(fixed.rateLimitEvictions, 1));
  }

  /** Time of the table, ms. */
  get nowMs(): number {
    return this.#worker.nowMs + this.#aheadMs;
  }

  /** Whose cell of the limit it is, into `hash`. Whoever has not said who it is counts as its address. */
  identify(limit: CompiledLimit, request: LimitedRequest, hash: KeyedHash): void {
    const { per } = limit.limit;
    if (per.kind === "all") hash.ofBytes(limit.key0, limit.key1 ^ kinds.all, nothing, 0, 0);
    else if (per.kind === "header") identifyField(limit, request.head, per.name, hash);
    else if (per.kind === "client" && request.caller !== null)
      hash.ofText(
        limit.key0,
        limit.key1 ^ kinds.client ^ this.#providerKey(request.caller.provider),
        request.caller.client,
      );
    else this.#identifyAddress(limit, request, hash);
  }

  /** There are few providers: a text of both names would be made for each request. */
  #providerKey(provider: string): number {
    const known = this.#providerKeys.get(provider);
    if (known !== undefined) return known;
    const key = providerKeyOf(this.memory, provider);
    this.#providerKeys.set(provider, key);
    return key;
  }

  /** The same in words, equal in all replicas. */
  textOf({ limit }: CompiledLimit, { head, facts, caller }: LimitedRequest): string {
    const { per } = limit;
    if (per.kind === "all") return "all";
    if (per.kind === "header") return fieldTexts(head, per.name);
    if (per.kind === "client" && caller !== null) return `client ${caller.provider}/${caller.client}`;
    const length = readClientAddress(head, facts, this.#address);
    return length === 0
      ? "absent"
      : `address ${Buffer.from(this.#address.subarray(0, Math.min(length, networkBytes))).toString("hex")}`;
  }

  /** What is left for one of so many replicas while they cannot count together. */
  shareOf(limit: CompiledLimit, replicas: number): CompiledLimit {
    const known = this.#shares.get(limit);
    if (known?.replicas === replicas) return known.share;
    const { permits, periodMs, burst, per } = limit.limit;
    const share = compileLimit(
      { permits, periodMs: periodMs * replicas, burst: Math.max(1, Math.floor(burst / replicas)), per },
      limit.owner,
      this.memory,
      limit.text,
    );
    this.#shares.set(limit, { replicas, share });
    return share;
  }

  /** Those of whom a believed proxy says no address are one client together. */
  #identifyAddress({ key0, key1 }: CompiledLimit, { head, facts }: LimitedRequest, hash: KeyedHash): void {
    const address = this.#address;
    const length = readClientAddress(head, facts, address);
    if (length === 0) hash.ofBytes(key0, key1 ^ kinds.absent, nothing, 0, 0);
    else hash.ofBytes(key0, key1 ^ kinds.address, address, 0, Math.min(length, networkBytes));
  }
}

/** What a provider adds to the key of its clients. */
export function providerKeyOf({ secret }: LimitMemory, provider: string): number {
  const hash = new KeyedHash();
  hash.ofText(secret[0], secret[1], provider);
  // The kinds are in the lowest bits.
  return hash.low & ~0xff;
}

/** All values of a field in their order; without the field, everybody together. */
function identifyField({ key0, key1 }: CompiledLimit, head: WireRequestHead, name: string, hash: KeyedHash): void {
  const { bytes, fields } = head;
  let field = fieldNamed(head, name, 0);
  if (field < 0) {
    hash.ofBytes(key0, key1 ^ kinds.absent, nothing, 0, 0);
    return;
  }
  hash.low = key0;
  hash.high = key1 ^ kinds.header;
  for (; field >= 0; field = fieldNamed(head, name, field + 1))
    hash.ofBytes(hash.low, hash.high, bytes, fields[field * 4 + 2]!, fields[field * 4 + 3]!);
}

function fieldTexts(head: WireRequestHead, name: string): string {
  const texts: string[] = [];
  for (let field = fieldNamed(head, name, 0); field >= 0; field = fieldNamed(head, name, field + 1))
    texts.push(fieldText(head, name, field));
  return texts.length === 0 ? "absent" : `header ${JSON.stringify(texts)}`;
}
