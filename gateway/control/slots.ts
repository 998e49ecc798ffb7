// Slots of Series: which cells of the shared blocks count for which Series. A slot lives from the first Mapping that names its Series until
// ten minutes after the last one, and is then zeroed and used again.
import type { Series } from '../../routing/mapping.ts';
import { maxSlots, slotCell, slotLayout } from '../counters.ts';
import { SlotAllocation } from './slot-allocation.ts';
import type { Allocated, SlotChanges } from './slot-allocation.ts';

/** Series stay visible this long after their last Mapping. */
export const seriesAfterlifeMs = 600_000;

/** One slot in use. */
export interface UsedSlot {
  readonly slot: number;
  readonly series: Series;
}

export class SeriesSlots {
  readonly #slots: SlotAllocation<Series>;
  readonly #byMapping = new Map<string, Allocated<Series>>();
  /** How many Mappings count in a slot. */
  readonly #owners = new Map<number, number>();

  /** `kept`: slots of an earlier control worker, without owners until `own` names them again. */
  constructor(kept: readonly (readonly [slot: number, series: Series])[], nowMs: number) {
    this.#slots = new SlotAllocation(maxSlots, seriesKey, kept, { version: 0, atMs: nowMs });
  }

  /** Slots in use, in order of their first use. */
  get used(): Iterable<UsedSlot> {
    return Iterator.from(this.#slots.all).map(({ slot, value }) => ({ slot, series: value }));
  }

  /** The slot of a Mapping in the table, or −1: it counts without one, because every slot is in use. */
  slotOf(mappingId: string): number {
    return this.#byMapping.get(mappingId)?.slot ?? -1;
  }

  /** The Mapping is in the table from now on: gives its Series a slot. `version` is that of the table in which an earlier Series of it ends. */
  own(mappingId: string, series: Series, version: number, nowMs: number): void {
    const taken = this.#slots.take(series);
    if (this.#byMapping.get(mappingId) === taken) return;
    this.disown(mappingId, version, nowMs);
    if (taken === undefined) return;
    this.#byMapping.set(mappingId, taken);
    this.#owners.set(taken.slot, (this.#owners.get(taken.slot) ?? 0) + 1);
    taken.gone = null;
  }

  /** The Mapping is not in table `version` and later ones. */
  disown(mappingId: string, version: number, nowMs: number): void {
    const owned = this.#byMapping.get(mappingId);
    if (owned === undefined) return;
    this.#byMapping.delete(mappingId);
    const left = this.#owners.get(owned.slot)! - 1;
    if (left > 0) {
      this.#owners.set(owned.slot, left);
      return;
    }
    this.#owners.delete(owned.slot);
    owned.gone = { version, atMs: nowMs };
  }

  /**
   * Frees and zeroes slots whose Series nobody can count any more: no owner for ten minutes, every worker holds a table without one
   * (`heldByAll`), and no request is in flight in any block.
   */
  sweep(blocks: readonly Float64Array[], heldByAll: number, nowMs: number): void {
    this.#slots.sweep(heldByAll, (slot, gone) => {
      if (nowMs - gone.atMs < seriesAfterlifeMs) return false;
      const inFlight = slotCell(slot, slotLayout.inFlight);
      if (blocks.some((block) => block[inFlight] !== 0)) return false;
      for (const block of blocks) block.fill(0, slotCell(slot, 0), slotCell(slot + 1, 0));
      return true;
    });
  }

  /** What was taken and freed since the last call, for `Handover`. */
  drainChanges(): SlotChanges<Series> {
    return this.#slots.drainChanges();
  }
}

function seriesKey(series: Series): string {
  return `${series.namespace} ${series.deployment} ${series.predictor} ${series.role} ${series.protocol}`;
}
