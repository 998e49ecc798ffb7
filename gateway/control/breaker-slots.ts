// Breaker slots: which cells of the shared blocks hold what an Upstream has in use. A slot lives until no worker can use it any more, so
// that two Upstreams never count in the same cells.
import { breakerCell, maxBreakerSlots } from '../counters.ts';

interface Owned {
  readonly slot: number;
  /** Number of the first table without the Upstream; null while it is in the table. */
  goneInVersion: number | null;
}

export class BreakerSlots {
  readonly #byUpstream = new Map<string, Owned>();
  /** Freed slots, used again before new ones. */
  readonly #free: number[] = [];
  #next = 0;
  #taken: (readonly [number, string])[] = [];
  #freed: number[] = [];

  /** `kept`: slots of an earlier control worker. Those that `own` does not name again are gone in table `version`, the first of this one. */
  constructor(kept: readonly (readonly [slot: number, upstreamKey: string])[], version: number) {
    const used = new Set<number>();
    for (const [slot, key] of kept) {
      this.#byUpstream.set(key, { slot, goneInVersion: version });
      used.add(slot);
      this.#next = Math.max(this.#next, slot + 1);
    }
    for (let slot = 0; slot < this.#next; slot++) if (!used.has(slot)) this.#free.push(slot);
  }

  /** The slot of an Upstream in the table, or −1: all slots are in use, and it counts in each worker alone. */
  slotOf(upstreamKey: string): number {
    return this.#byUpstream.get(upstreamKey)?.slot ?? -1;
  }

  /** The Upstream is in the table from now on. */
  own(upstreamKey: string): void {
    const known = this.#byUpstream.get(upstreamKey);
    if (known !== undefined) {
      known.goneInVersion = null;
      return;
    }
    const slot = this.#free.pop() ?? (this.#next < maxBreakerSlots ? this.#next++ : -1);
    if (slot < 0) return;
    this.#byUpstream.set(upstreamKey, { slot, goneInVersion: null });
    this.#taken.push([slot, upstreamKey]);
  }

  /** The Upstream is not in table `version` and later ones. */
  disown(upstreamKey: string, version: number): void {
    const known = this.#byUpstream.get(upstreamKey);
    if (known !== undefined) known.goneInVersion = version;
  }

  /** Frees the slots that nobody can use any more: every worker holds a table without the Upstream (`heldByAll`), and nothing is in use in any block. */
  sweep(blocks: readonly Float64Array[], heldByAll: number): void {
    for (const [key, { slot, goneInVersion }] of this.#byUpstream) {
      if (goneInVersion === null || heldByAll < goneInVersion) continue;
      if (blocks.some((block) => isInUse(block, slot))) continue;
      this.#byUpstream.delete(key);
      this.#free.push(slot);
      this.#freed.push(slot);
    }
  }

  /** What was taken and freed since the last call, for `Kept`. */
  drainChanges(): { readonly taken: readonly (readonly [number, string])[]; readonly freed: readonly number[] } {
    const changes = { taken: this.#taken, freed: this.#freed };
    this.#taken = [];
    this.#freed = [];
    return changes;
  }
}

function isInUse(block: Float64Array, slot: number): boolean {
  for (let cell = breakerCell(slot, 0); cell < breakerCell(slot + 1, 0); cell++) if (block[cell] !== 0) return true;
  return false;
}
