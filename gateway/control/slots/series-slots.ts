// Slots of Series: which cells of the shared blocks count for which Series. A slot lives from the first Mapping that names its Series until
// ten minutes after the last one, and is then zeroed and used again.
import { keyOf } from "../../api/counted.ts";
import type { Series } from "../../../routing/model/mapping.ts";
import { failureCell, feedbackCell, maxSlots, slotCell, usedSlots } from "../../shared/memory/counters.ts";
import { slotLayout } from "../../shared/metrics/slots.ts";
import { SlotAllocation, type EarlierSlots } from "./slot-allocation.ts";

/** One namespace of several has at most this part of the slots, those that it left lately among them: who makes new Series all the time takes nobody else's. */
const namespacePart = 1 / 2;

/** Series stay visible this long after their last Mapping. */
export const seriesAfterlifeMs = 600_000;

/** One slot in use. */
export interface UsedSlot {
  readonly slot: number;
  readonly series: Series;
}

export class SeriesSlots {
  readonly #slots: SlotAllocation<Series>;
  /** By id of a Mapping. */
  readonly #byMapping = new Map<string, number>();
  /** How many Mappings count in each slot. */
  readonly #owners: number[] = [];
  readonly #maxOfNamespace: number;
  /** Slots in use, by namespace. */
  readonly #ofNamespace = new Map<string, number>();

  /** Slots of an earlier control worker that `own` does not name again are gone in table `version`, the first of this one. `isOneNamespace`: nobody else's Series need slots. */
  constructor(earlier: EarlierSlots<Series>, version: number, nowMs: number, isOneNamespace: boolean, most = maxSlots) {
    this.#slots = new SlotAllocation(most, textOf, earlier, { version, atMs: nowMs });
    this.#maxOfNamespace = isOneNamespace ? most : Math.ceil(most * namespacePart);
    for (const { namespace } of earlier.inTable.values()) this.#counted(namespace, 1);
  }

  /** Slots in use, in order; whoever goes through them may wait meanwhile. */
  get used(): Iterable<UsedSlot> {
    return this.#used();
  }

  /** Those that some Mapping of the table counts in. */
  *owned(): Iterable<UsedSlot> {
    for (const one of this.#used()) if ((this.#owners[one.slot] ?? 0) > 0) yield one;
  }

  /** The slot of a Series; null: it has none. */
  find(series: Series): UsedSlot | null {
    const slot = this.#slots.slotOf(series);
    return slot < 0 ? null : { slot, series: this.#slots.at(slot)! };
  }

  *#used(): Iterable<UsedSlot> {
    for (let slot = 0; slot < this.#slots.end; slot++) {
      const series = this.#slots.at(slot);
      if (series !== null) yield { slot, series };
    }
  }

  #counted(namespace: string, slots: 1 | -1): void {
    const after = (this.#ofNamespace.get(namespace) ?? 0) + slots;
    if (after === 0) this.#ofNamespace.delete(namespace);
    else this.#ofNamespace.set(namespace, after);
  }

  /** The slot of a Series, or −1: it has none, and there is none for it. */
  #taken(series: Series): number {
    const known = this.#slots.slotOf(series);
    if (known < 0 && (this.#ofNamespace.get(series.namespace) ?? 0) >= this.#maxOfNamespace) return -1;
    const taken = this.#slots.take(series);
    if (known < 0 && taken >= 0) this.#counted(series.namespace, 1);
    return taken;
  }

  /** The slot of a Mapping in the table, or −1: it counts without one, because every slot, or every one that its namespace may have, is in use. */
  slotOf(mappingId: string): number {
    return this.#byMapping.get(mappingId) ?? -1;
  }

  /** The Mapping is in the table from now on: gives its Series a slot. `version` is that of the table in which an earlier Series of it ends. */
  own(mappingId: string, series: Series, version: number, nowMs: number): void {
    const taken = this.#taken(series);
    const before = this.slotOf(mappingId);
    if (before === taken) return;
    if (before >= 0) this.disown(mappingId, version, nowMs);
    if (taken < 0) return;
    this.#byMapping.set(mappingId, taken);
    this.#owners[taken] = (this.#owners[taken] ?? 0) + 1;
  }

  /** The Mapping is not in table `version` and later ones. */
  disown(mappingId: string, version: number, nowMs: number): void {
    const slot = this.#byMapping.get(mappingId);
    if (slot === undefined) return;
    this.#byMapping.delete(mappingId);
    this.#owners[slot]! -= 1;
    if (this.#owners[slot] === 0) this.#slots.leave(slot, { version, atMs: nowMs });
  }

  /**
   * Frees and zeroes slots whose Series nobody can count any more: no owner for ten minutes, every worker holds a table without one
   * (`heldByAll`), and no request is in flight in any block. Those slots: what is counted of them elsewhere is to be forgotten, before another Series has them.
   */
  sweep(blocks: readonly Float64Array[], heldByAll: number, nowMs: number): readonly number[] {
    const freed: number[] = [];
    this.#slots.sweep(heldByAll, (slot, gone) => {
      const series = this.#slots.at(slot);
      if (series !== null && nowMs - gone.atMs < seriesAfterlifeMs) return false;
      const inFlight = slotCell(slot, slotLayout.inFlight);
      if (blocks.some((block) => block[inFlight] !== 0)) return false;
      for (const block of blocks) clear(block, slot);
      if (series !== null) this.#counted(series.namespace, -1);
      freed.push(slot);
      return true;
    });
    return freed;
  }
}

/** All that is counted of a slot: what failed and what feedback said are the former Series' too. */
function clear(block: Float64Array, slot: number): void {
  const { failures, feedback } = usedSlots(block.buffer);
  block.fill(0, slotCell(slot, 0), slotCell(slot + 1, 0));
  if (failures[slot] !== 0) block.fill(0, failureCell(slot, 0), failureCell(slot + 1, 0));
  if (feedback[slot] !== 0) block.fill(0, feedbackCell(slot, 0), feedbackCell(slot + 1, 0));
  failures[slot] = 0;
  feedback[slot] = 0;
}

function textOf(series: Series): string {
  return `${keyOf(series)} ${series.role} ${series.protocol}`;
}
