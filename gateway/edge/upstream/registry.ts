// All Upstreams of a worker that were used, by key. Compiled Mappings hold their pool, so a request looks nothing up. A pool is made when the first
// request asks for it, from what the table knows of its Upstream, and follows the table from then on.
import { nothingKnown, type KnownUpstream } from "../../../routing/arena/upstream-record.ts";
import type { UpstreamContext } from "./upstream-context.ts";
import { AddressPools } from "./address-pool.ts";
import { UpstreamPool } from "./pool.ts";

/** The table that was taken last, as the registry asks it: one that is newer is not taken on the way. */
export interface KnownUpstreams {
  readonly taken: {
    upstream(key: string): (KnownUpstream & { readonly number: number; readonly serial: number }) | null;
  };
}

/** The pools of one Upstream, and what they were told last. */
interface UsedUpstream {
  readonly key: string;
  /** Of its record; −1: it had none. */
  number: number;
  serial: number;
  live: UpstreamPool | null;
  shadow: UpstreamPool | null;
}

export class UpstreamRegistry {
  readonly #context: UpstreamContext;
  readonly #table: KnownUpstreams;
  // Copies for shadows never share a connection with what they are copies of.
  readonly #liveAddressPools = new AddressPools();
  readonly #shadowAddressPools = new AddressPools();
  readonly #used = new Map<string, UsedUpstream>();
  /** By number of the record. */
  readonly #byNumber = new Map<number, UsedUpstream>();
  /** Those of which nothing is known: they have no number to be told by. */
  readonly #unknown = new Set<UsedUpstream>();

  constructor(context: UpstreamContext, table: KnownUpstreams) {
    this.#context = context;
    this.#table = table;
  }

  /** The pool of a key. One that the table does not know has no Endpoints. */
  liveOf(key: string): UpstreamPool {
    const used = this.#usedOf(key);
    if (used.live === null) {
      used.live = new UpstreamPool(this.#context, key, this.#liveAddressPools, "live");
      tellLive(used.live, this.#table.taken.upstream(key) ?? nothingKnown);
    }
    return used.live;
  }

  /** The same for copies: another pool, with the same Endpoints. */
  shadowOf(key: string): UpstreamPool {
    const used = this.#usedOf(key);
    if (used.shadow === null) {
      used.shadow = new UpstreamPool(this.#context, key, this.#shadowAddressPools, "shadow");
      tell(used.shadow, this.#table.taken.upstream(key) ?? nothingKnown);
    }
    return used.shadow;
  }

  /** The table is another one: Upstreams of these numbers may have changed; null: any may have. */
  changed(numbers: readonly number[] | null): void {
    if (numbers === null) {
      // Numbers and serials may be those of other memory.
      for (const used of Array.from(this.#used.values())) this.#follow(used, true);
      return;
    }
    // All of them first: following one may give it the number of another that was not followed yet.
    const changed = new Set(this.#unknown);
    for (const number of numbers) {
      const used = this.#byNumber.get(number);
      if (used !== undefined) changed.add(used);
    }
    for (const used of changed) this.#follow(used, false);
  }

  #usedOf(key: string): UsedUpstream {
    let used = this.#used.get(key);
    if (used === undefined) {
      used = { key, number: -1, serial: 0, live: null, shadow: null };
      this.#used.set(key, used);
      this.#number(used, this.#table.taken.upstream(key));
    }
    return used;
  }

  #number(used: UsedUpstream, known: { readonly number: number; readonly serial: number } | null): void {
    if (used.number >= 0 && this.#byNumber.get(used.number) === used) this.#byNumber.delete(used.number);
    used.number = known?.number ?? -1;
    used.serial = known?.serial ?? 0;
    if (known === null) this.#unknown.add(used);
    else {
      this.#unknown.delete(used);
      this.#byNumber.set(known.number, used);
    }
  }

  /** `always`: it is told also what looks as it was. */
  #follow(used: UsedUpstream, always: boolean): void {
    const known = this.#table.taken.upstream(used.key);
    if (known === null) {
      // It may never have been there: then a Mapping still names it.
      if (used.number >= 0) this.#remove(used);
      return;
    }
    if (!always && known.number === used.number && known.serial === used.serial) return;
    this.#number(used, known);
    if (used.live !== null) tellLive(used.live, known);
    if (used.shadow !== null) tell(used.shadow, known);
  }

  #remove(used: UsedUpstream): void {
    used.live?.leave();
    // Copies that were not sent are nobody's loss.
    used.shadow?.close();
    this.#used.delete(used.key);
    this.#unknown.delete(used);
    if (this.#byNumber.get(used.number) === used) this.#byNumber.delete(used.number);
  }

  close(): void {
    for (const used of Array.from(this.#used.values())) {
      this.#remove(used);
      used.live?.close();
    }
  }
}

function tell(pool: UpstreamPool, { upstream, endpoints, endpointSlots }: KnownUpstream): void {
  if (upstream !== null) pool.describe(upstream);
  if (endpoints !== null) pool.setEndpoints(endpoints, endpointSlots);
}

/** Copies have no limits of their own, and go to whoever there is. */
function tellLive(pool: UpstreamPool, known: KnownUpstream): void {
  pool.countAt(known.breakerSlot);
  tell(pool, known);
  pool.setFailing(new Set(known.failing));
}
