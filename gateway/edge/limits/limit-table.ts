// LimitTable: how much each client has used of each limit, in memory that all workers of the process share, by a generic cell rate algorithm (GCRA).
//
// A cell is what one client has of one limit: a key, and a state, which is its theoretical arrival time (TAT): when its next request would come if
// it took the average pace. A request is admitted when that is at most a burst ahead of now. A cell whose TAT has passed says nothing: its client
// is as free as a stranger, so it is the first that makes room. Where no cell of a set is idle, the namespace that has the most of them gives one, of
// the limit that has the most of these the one that is idle soonest: whoever floods a limit, or all of a namespace, evicts clients of these.
//
// No lock: a worker may end between any two steps. A state changes by one compare-exchange. Key and state carry a stamp, which counts the keys of
// their way. Room is made by a state with the next stamp, before another key comes: a key whose state is ahead of it counts as not there, and no
// request is admitted on a state that is about to go. An insertion is one compare-exchange of the word `newest` of its set, which holds the new key
// and its way; whoever inserts next first writes that key to its way. So no key stands in a set twice, and nothing is half inserted.
import {
  idleUnitMs,
  isBusy,
  setBytes,
  setLayout,
  stampsAhead,
  ways,
  type LimitMemory,
} from "../../shared/memory/limit-memory.ts";
import type { CompiledLimit } from "./compiled-limit.ts";
import type { KeyedHash } from "./keyed-hash.ts";

/** Upper half of a key: way (3 bits), stamp (5), namespace of the limit (12), the limit (12). Its lower half is hash. */
const wayShift = 29;
const stampShift = 24;
const stampMask = 31;
const identityMask = 0xff_ffff;
const namespaceShift = 12;
/** One cell more of a namespace counts for more than all cells that a limit may have. */
const namespaceWeight = 2 * ways;
/** A state is a stamp (5 bits) and a TAT (48), as one whole number. */
const tatRange = 2 ** 48;
/** When a cell is idle is a stamp (5 bits) and a time (27). */
const idleShift = 27;
const mostIdleUnits = 2 ** 27 - 1;

export class LimitTable {
  readonly #halves: Uint32Array;
  readonly #words: BigInt64Array;
  readonly #memory: LimitMemory;
  readonly #evicted: () => void;

  /** `evicted`: a cell that said something has made room. */
  constructor(memory: LimitMemory, evicted: () => void) {
    this.#memory = memory;
    this.#halves = new Uint32Array(memory.buffer);
    this.#words = new BigInt64Array(memory.buffer);
    this.#evicted = evicted;
  }

  /**
   * Takes one permit. `nowMs` since the table's start; a worker whose clock lags takes for that time no more than it should. What is left of the
   * burst, in units of the limit, 0 or more; below 0: nothing is taken, and so much was missing.
   */
  take(limit: CompiledLimit, client: KeyedHash, nowMs: number): number {
    const now = Math.floor(nowMs * limit.unitsPerMs);
    const { low, high } = client;
    const set = this.#setOf(limit, high);
    const identity = limit.kind;
    let way = this.#find(set, low, identity);
    for (;;) {
      if (way < 0) way = this.#insert(set, low, identity, nowMs);
      const place = ((set + setLayout.states) >>> 3) + way;
      const state = Atomics.load(this.#words, place);
      // The key is looked at after the state: while it stands there, no later key has written its state.
      const stamp = this.#stampAt(set, way, low, identity);
      const tat = Number(state) - stamp * tatRange;
      if (stamp < 0 || tat < 0 || tat >= tatRange) {
        way = -1;
        continue;
      }
      const next = (tat > now ? tat : now) + limit.permit;
      const left = limit.tolerance - (next - now);
      if (left < 0) return left;
      // First that it is busy, then why: whoever makes room and sees the old state fails to change it.
      this.#isBusyUntil(((set + setLayout.idle) >>> 2) + way, stamp, next / limit.unitsPerMs);
      if (Atomics.compareExchange(this.#words, place, state, BigInt(stamp * tatRange + next)) === state) return left;
    }
  }

  /** What `take` would say, without taking. */
  look(limit: CompiledLimit, client: KeyedHash, nowMs: number): number {
    const now = Math.floor(nowMs * limit.unitsPerMs);
    const { low, high } = client;
    const set = this.#setOf(limit, high);
    const identity = limit.kind;
    const way = this.#find(set, low, identity);
    if (way < 0) return limit.tolerance - limit.permit;
    const state = Atomics.load(this.#words, ((set + setLayout.states) >>> 3) + way);
    const stamp = this.#stampAt(set, way, low, identity);
    const tat = Number(state) - stamp * tatRange;
    const used = stamp >= 0 && tat < tatRange && tat > now ? tat - now : 0;
    return limit.tolerance - limit.permit - used;
  }

  /** Gives back a permit that was taken. Of a cell that has made room meanwhile there is nothing to give back to. */
  giveBack(limit: CompiledLimit, client: KeyedHash): void {
    const { low, high } = client;
    const set = this.#setOf(limit, high);
    const identity = limit.kind;
    for (;;) {
      const way = this.#find(set, low, identity);
      if (way < 0) return;
      const place = ((set + setLayout.states) >>> 3) + way;
      const state = Atomics.load(this.#words, place);
      const stamp = this.#stampAt(set, way, low, identity);
      const tat = Number(state) - stamp * tatRange;
      if (stamp < 0 || tat < limit.permit || tat >= tatRange) return;
      if (Atomics.compareExchange(this.#words, place, state, BigInt(stamp * tatRange + tat - limit.permit)) === state)
        return;
    }
  }

  /** First byte of the set of a key. */
  #setOf(limit: CompiledLimit, high: number): number {
    const { wholeSets, clientSets } = this.#memory;
    const index = limit.whole
      ? Math.floor((high / 2 ** 32) * wholeSets)
      : wholeSets + Math.floor((high / 2 ** 32) * clientSets);
    return index * setBytes;
  }

  /** Below 0: it is not there, or its insertion is not finished. */
  #find(set: number, low: number, identity: number): number {
    const halves = this.#halves;
    const first = (set + setLayout.keys) >>> 2;
    for (let way = 0; way < ways; way++) {
      if (halves[first + way * 2] === low && (halves[first + way * 2 + 1]! & identityMask) === identity) return way;
    }
    return -1;
  }

  /** Stamp of the key in this way; below 0: it holds another one. */
  #stampAt(set: number, way: number, low: number, identity: number): number {
    const at = ((set + setLayout.keys) >>> 2) + way * 2;
    const high = this.#halves[at + 1]!;
    return this.#halves[at] === low && (high & identityMask) === identity ? (high >>> stampShift) & stampMask : -1;
  }

  /** The way where the key stands from now on, whoever has inserted it. */
  #insert(set: number, low: number, identity: number, nowMs: number): number {
    const words = this.#words;
    const newestAt = set >>> 3;
    const keysAt = (set + setLayout.keys) >>> 3;
    const statesAt = (set + setLayout.states) >>> 3;
    for (;;) {
      const newest = Atomics.load(words, newestAt);
      this.#finish(newestAt, keysAt, newest);
      // A key that has made room stands there still: it comes back to its own way, so that it never stands in two.
      const found = this.#find(set, low, identity);
      const idle = found >= 0 ? -1 : this.#idleWay(set, nowMs);
      const way = found >= 0 ? found : idle >= 0 ? idle : this.#victim(set, identity);
      const stamp = this.#stampOf(set, way);
      const nextStamp = (stamp + 1) & stampMask;
      const state = Atomics.load(words, statesAt + way);
      if (Math.floor(Number(state) / tatRange) === stamp) {
        if (found >= 0) return found;
        const busy = this.#isBusy(set, way, nowMs);
        // Its client has come since it was chosen: another way makes room. One that comes only now finds its state changed. And where somebody was
        // inserted meanwhile, it may be this key, or a way that was seen idle too late.
        if (busy && (way === idle || Atomics.load(words, newestAt) !== newest)) continue;
        if (Atomics.compareExchange(words, statesAt + way, state, BigInt(nextStamp * tatRange)) !== state) continue;
        if (busy) this.#evicted();
      }
      const key = BigInt.asIntN(
        64,
        (BigInt(((way << wayShift) | (nextStamp << stampShift) | identity) >>> 0) << 32n) | BigInt(low),
      );
      // Whoever has inserted something meanwhile may have inserted this key.
      if (Atomics.compareExchange(words, newestAt, newest, key) !== newest) continue;
      this.#finish(newestAt, keysAt, key);
      return way;
    }
  }

  /** Writes the key of the newest insertion to its way, unless it is there, or others have been inserted since. */
  #finish(newestAt: number, keysAt: number, newest: bigint): void {
    if (newest === 0n) return;
    const at = keysAt + Number(BigInt.asUintN(3, newest >> 61n));
    const old = Atomics.load(this.#words, at);
    // Of a later insertion, the key that stands there may be the later one.
    if (old !== newest && Atomics.load(this.#words, newestAt) === newest)
      Atomics.compareExchange(this.#words, at, old, newest);
  }

  /** A way whose client is as free as a stranger, or that nobody has; below 0: there is none. */
  #idleWay(set: number, nowMs: number): number {
    for (let way = 0; way < ways; way++) if (!this.#isBusy(set, way, nowMs)) return way;
    return -1;
  }

  /** The way that makes room for a key where no client is idle. */
  #victim(set: number, identity: number): number {
    let victim = 0;
    let most = 0;
    for (let way = 0; way < ways; way++) {
      const its = this.#identityAt(set, way);
      // The newcomer counts among its own.
      let count = 1.5 * nearness(its, identity);
      for (let other = 0; other < ways; other++) count += nearness(its, this.#identityAt(set, other));
      if (count < most || (count === most && this.#idleUnits(set, way) >= this.#idleUnits(set, victim))) continue;
      most = count;
      victim = way;
    }
    return victim;
  }

  #stampOf(set: number, way: number): number {
    return (this.#halves[((set + setLayout.keys) >>> 2) + way * 2 + 1]! >>> stampShift) & stampMask;
  }

  #identityAt(set: number, way: number): number {
    return this.#halves[((set + setLayout.keys) >>> 2) + way * 2 + 1]! & identityMask;
  }

  #isBusy(set: number, way: number, nowMs: number): boolean {
    return isBusy(this.#halves, set, way, nowMs);
  }

  #idleUnits(set: number, way: number): number {
    return this.#halves[((set + setLayout.idle) >>> 2) + way]! & mostIdleUnits;
  }

  /** Later than it is written there for this key. A key of a later stamp has its own time. */
  #isBusyUntil(at: number, stamp: number, untilMs: number): void {
    const until = Math.min(mostIdleUnits, Math.ceil(untilMs / idleUnitMs));
    for (;;) {
      const idle = this.#halves[at]!;
      const ahead = stampsAhead(idle >>> idleShift, stamp);
      if (ahead > 0 || (ahead === 0 && (idle & mostIdleUnits) >= until)) return;
      if (Atomics.compareExchange(this.#halves, at, idle, ((stamp << idleShift) | until) >>> 0) === idle) return;
    }
  }
}

/** What one cell counts for another where room has to be made. */
function nearness(one: number, other: number): number {
  if (one >>> namespaceShift !== other >>> namespaceShift) return 0;
  return one === other ? namespaceWeight + 1 : namespaceWeight;
}
