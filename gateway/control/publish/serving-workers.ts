// Serving workers: which table each connected data worker reads, and when a change is served by all of them.

interface Worker {
  readonly wake: () => void;
  /** Version that it reads; 0: none. */
  held: number;
  /** What it lacks without which it refuses everybody; null: nothing. */
  lacks: string | null;
}

/** A change that some worker does not serve yet. */
interface Unserved {
  readonly version: number;
  /** Epoch ms. */
  readonly readAtMs: number;
  /** Epoch ms; 0: nobody has taken it. */
  lastTakenMs: number;
}

/** Changes whose time to live is measured at once. A worker that hangs, and is not replaced, leaves more: those before are not measured. */
export const maxUnserved = 4096;

export class ServingWorkers {
  readonly #live: (seconds: number) => void;
  readonly #workers = new Map<number, Worker>();
  #unserved: Unserved[] = [];

  /** `live`: every worker serves a change. `seconds`: from the first byte read to the last worker that took it. */
  constructor(live: (seconds: number) => void) {
    this.#live = live;
  }

  /** The version that all read or have passed; 0 when one of them reads none. Infinity without workers. */
  get heldByAll(): number {
    return Math.min(...[...this.#workers.values()].map(({ held }) => held));
  }

  get connected(): number {
    return this.#workers.size;
  }

  /** How many serve this version or a later one. */
  holding(version: number): number {
    return [...this.#workers.values()].filter(({ held }) => held >= version).length;
  }

  /** How many serve a table, and lack nothing without which they would refuse everybody. */
  get serving(): number {
    return [...this.#workers.values()].filter(({ held, lacks }) => held > 0 && lacks === null).length;
  }

  /** What some worker lacks, for people; null: nothing. */
  get lacking(): string | null {
    for (const [worker, { lacks, held }] of this.#workers) {
      if (lacks !== null || held === 0) return `data worker ${worker} waits for ${lacks ?? "its first table"}`;
    }
    return null;
  }

  join(worker: number, wake: () => void): void {
    this.#workers.set(worker, { wake, held: 0, lacks: null });
    wake();
  }

  leave(worker: number): void {
    this.#workers.delete(worker);
    this.#countServed();
  }

  wake(): void {
    for (const { wake } of this.#workers.values()) wake();
  }

  /** A change whose first byte was read at `readAtMs`, epoch ms, leads to this version. */
  published(version: number, readAtMs: number): void {
    this.#unserved.push({ version, readAtMs, lastTakenMs: 0 });
    if (this.#unserved.length > maxUnserved) this.#unserved.shift();
  }

  /** A worker reads this version since `atMs`, epoch ms. false: it is not connected. */
  taken(worker: number, version: number, atMs: number): boolean {
    const one = this.#workers.get(worker);
    if (one === undefined) return false;
    one.held = version;
    for (const change of this.#unserved)
      if (change.version <= version) change.lastTakenMs = Math.max(change.lastTakenMs, atMs);
    this.#countServed();
    return true;
  }

  /** What a worker lacks from now on; null: nothing. */
  lacks(worker: number, what: string | null): void {
    const one = this.#workers.get(worker);
    if (one !== undefined) one.lacks = what;
  }

  #countServed(): void {
    const held = this.heldByAll;
    this.#unserved = this.#unserved.filter(({ version, readAtMs, lastTakenMs }) => {
      if (version > held) return true;
      if (lastTakenMs > 0) this.#live(Math.max(0, lastTakenMs - readAtMs) / 1000);
      return false;
    });
  }
}
