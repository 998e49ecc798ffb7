// Slots of Series: which cells of the shared blocks count for which Series. A slot lives from the first Mapping that names its Series until
// ten minutes after the last one, and is then zeroed and used again.
import type { Series } from '../../routing/mapping.ts';
import { NamedMap } from '../../k8s/translate/named-map.ts';
import { maxSlots, slotCell, slotLayout } from '../counters.ts';
import { KeyIndex, SlotAllocation } from './slot-allocation.ts';
import type { SlotChanges, SlotIndex } from './slot-allocation.ts';

/** Series stay visible this long after their last Mapping. */
export const seriesAfterlifeMs = 600_000;

/** One slot in use. */
export interface UsedSlot {
  readonly slot: number;
  readonly series: Series;
}

export class SeriesSlots {
  readonly #slots: SlotAllocation<Series>;
  readonly #byMapping = new Map<string, number>();
  /** How many Mappings count in each slot. */
  readonly #owners: number[] = [];

  /** `kept`: slots of an earlier control worker, without owners until `own` names them again. */
  constructor(kept: readonly (readonly [slot: number, series: Series])[], nowMs: number) {
    this.#slots = new SlotAllocation(maxSlots, new SeriesIndex(), kept, { version: 0, atMs: nowMs });
  }

  /** Slots in use, in order; whoever goes through them may wait meanwhile. */
  get used(): Iterable<UsedSlot> {
    return this.#used();
  }

  *#used(): Iterable<UsedSlot> {
    for (let slot = 0; slot < this.#slots.end; slot++) {
      const series = this.#slots.at(slot);
      if (series !== null) yield { slot, series };
    }
  }

  /** The slot of a Mapping in the table, or −1: it counts without one, because every slot is in use. */
  slotOf(mappingId: string): number {
    return this.#byMapping.get(mappingId) ?? -1;
  }

  /** The Mapping is in the table from now on: gives its Series a slot. `version` is that of the table in which an earlier Series of it ends. */
  own(mappingId: string, series: Series, version: number, nowMs: number): void {
    const taken = this.#slots.take(series);
    if (this.#byMapping.get(mappingId) === taken) return;
    this.disown(mappingId, version, nowMs);
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

/** Deployments with more Series than these find them by a text. */
const fewSeries = 16;

/** Slots by deployment, which has a few Series mostly: a text for each would take more memory than all else here. */
class SeriesIndex implements SlotIndex<Series> {
  readonly #slots = new NamedMap<number[] | KeyIndex>();

  find(series: Series, values: readonly (Series | null)[]): number | undefined {
    const slots = this.#slots.get(series.namespace, series.deployment);
    if (slots instanceof KeyIndex) return slots.find(textOf(series));
    return slots?.find((slot) => isSame(values[slot]!, series));
  }

  add(series: Series, slot: number, values: readonly (Series | null)[]): void {
    const { namespace, deployment } = series;
    const slots = this.#slots.get(namespace, deployment);
    if (slots === undefined) this.#slots.set(namespace, deployment, [slot]);
    else if (slots instanceof KeyIndex) slots.add(textOf(series), slot);
    else if (slots.length < fewSeries) this.#slots.set(namespace, deployment, slots.concat(slot));
    else {
      const index = new KeyIndex();
      for (const one of [...slots, slot]) index.add(textOf(values[one]!), one);
      this.#slots.set(namespace, deployment, index);
    }
  }

  remove(series: Series, slot: number): void {
    const { namespace, deployment } = series;
    const slots = this.#slots.get(namespace, deployment)!;
    if (slots instanceof KeyIndex) slots.remove(textOf(series));
    else this.#slots.set(namespace, deployment, slots.filter((other) => other !== slot));
    const left = this.#slots.get(namespace, deployment)!;
    if (left instanceof KeyIndex ? left.isEmpty : left.length === 0) this.#slots.delete(namespace, deployment);
  }
}

function isSame(a: Series, b: Series): boolean {
  return a.predictor === b.predictor && a.role === b.role && a.protocol === b.protocol;
}

function textOf({ predictor, role, protocol }: Series): string {
  return `${predictor} ${role} ${protocol}`;
}
