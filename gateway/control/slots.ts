// Slots: which cells of the shared blocks count for which Series. A slot lives from the first Mapping that names its Series until ten
// minutes after the last one, and is then zeroed and used again.
import type { Series } from '../../routing/mapping.ts';
import { maxSlots, slotCell, slotLayout } from '../counters.ts';

/** Series stay visible this long after their last Mapping. */
export const seriesAfterlifeMs = 600_000;

interface Owned {
  readonly slot: number;
  readonly series: Series;
  /** Ids of the Mappings that count here. */
  readonly owners: Set<string>;
  /** When the last owner went, and the version of the first table without it; null while it is owned. */
  orphaned: { readonly atMs: number; readonly version: number } | null;
}

/** One slot in use. */
export interface UsedSlot {
  readonly slot: number;
  readonly series: Series;
}

export class SeriesSlots {
  readonly #bySeries = new Map<string, Owned>();
  readonly #byMapping = new Map<string, Owned>();
  /** Freed slots, used again before new ones. */
  readonly #free: number[] = [];
  #next = 0;
  #taken: (readonly [number, Series])[] = [];
  #freed: number[] = [];
  #refused = 0;

  /** `kept`: slots of an earlier control worker, without owners until `own` names them again. */
  constructor(kept: readonly (readonly [slot: number, series: Series])[], nowMs: number) {
    const used = new Set<number>();
    for (const [slot, series] of kept) {
      this.#bySeries.set(seriesKey(series), { slot, series, owners: new Set(), orphaned: { atMs: nowMs, version: 0 } });
      used.add(slot);
      this.#next = Math.max(this.#next, slot + 1);
    }
    for (let slot = 0; slot < this.#next; slot++) if (!used.has(slot)) this.#free.push(slot);
  }

  /** Slots in use, in order of their first use. */
  get used(): Iterable<UsedSlot> {
    return this.#bySeries.values();
  }

  /** Mappings that count without a slot, because every slot is in use. */
  get refused(): number {
    return this.#refused;
  }

  /** The slot of a Mapping in the table, or −1. */
  slotOf(mappingId: string): number {
    return this.#byMapping.get(mappingId)?.slot ?? -1;
  }

  /** The Mapping is in the table from now on: gives its Series a slot. `version` is that of the table in which an earlier Series of it ends. */
  own(mappingId: string, series: Series, version: number, nowMs: number): void {
    const key = seriesKey(series);
    const owned = this.#bySeries.get(key) ?? this.#take(key, series);
    if (this.#byMapping.get(mappingId) === owned) return;
    this.disown(mappingId, version, nowMs);
    if (owned === undefined) return;
    owned.owners.add(mappingId);
    owned.orphaned = null;
    this.#byMapping.set(mappingId, owned);
  }

  /** The Mapping is not in table `version` and later ones. */
  disown(mappingId: string, version: number, nowMs: number): void {
    const owned = this.#byMapping.get(mappingId);
    if (owned === undefined) return;
    this.#byMapping.delete(mappingId);
    owned.owners.delete(mappingId);
    if (owned.owners.size === 0) owned.orphaned = { atMs: nowMs, version };
  }

  /**
   * Frees and zeroes slots whose Series nobody can count any more: no owner for ten minutes, every worker holds a table without one
   * (`heldByAll`), and no request is in flight in any block.
   */
  sweep(blocks: readonly Float64Array[], heldByAll: number, nowMs: number): void {
    for (const [key, { slot, orphaned }] of this.#bySeries) {
      if (orphaned === null || nowMs - orphaned.atMs < seriesAfterlifeMs || heldByAll < orphaned.version) continue;
      const inFlight = slotCell(slot, slotLayout.inFlight);
      if (blocks.some((block) => block[inFlight] !== 0)) continue;
      for (const block of blocks) block.fill(0, slotCell(slot, 0), slotCell(slot + 1, 0));
      this.#bySeries.delete(key);
      this.#free.push(slot);
      this.#freed.push(slot);
    }
  }

  /** What was taken and freed since the last call, for `Kept`. */
  drainChanges(): { readonly taken: readonly (readonly [number, Series])[]; readonly freed: readonly number[] } {
    const changes = { taken: this.#taken, freed: this.#freed };
    this.#taken = [];
    this.#freed = [];
    return changes;
  }

  #take(key: string, series: Series): Owned | undefined {
    const slot = this.#free.pop() ?? (this.#next < maxSlots ? this.#next++ : -1);
    if (slot < 0) {
      this.#refused += 1;
      return undefined;
    }
    const owned: Owned = { slot, series, owners: new Set(), orphaned: null };
    this.#bySeries.set(key, owned);
    this.#taken.push([slot, series]);
    return owned;
  }
}

function seriesKey(series: Series): string {
  return `${series.namespace} ${series.deployment} ${series.predictor} ${series.role} ${series.protocol}`;
}
