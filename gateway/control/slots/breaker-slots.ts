// Breaker slots: which cells of the shared blocks hold what an Upstream has in use. A slot lives until no worker can use it any more.
import { breakerCell, maxBreakerSlots } from "../../shared/memory/counters.ts";
import { SlotAllocation, type EarlierSlots } from "./slot-allocation.ts";

export class BreakerSlots {
  readonly #slots: SlotAllocation<string>;

  /** Slots of an earlier control worker that `own` does not name again are gone in table `version`, the first of this one. */
  constructor(earlier: EarlierSlots<string>, version: number) {
    this.#slots = new SlotAllocation(maxBreakerSlots, (key) => key, earlier, { version, atMs: 0 });
  }

  /** The slot of an Upstream in the table, or −1: all slots are in use, and it counts in each worker alone. */
  slotOf(upstreamKey: string): number {
    return this.#slots.slotOf(upstreamKey);
  }

  /** Every slot that was ever in use is below it. */
  get end(): number {
    return this.#slots.end;
  }

  /** The Upstream that has the slot; null: none. */
  at(slot: number): string | null {
    return this.#slots.at(slot);
  }

  /** The Upstream is in the table from now on. */
  own(upstreamKey: string): void {
    this.#slots.take(upstreamKey);
  }

  /** The Upstream is not in table `version` and later ones. */
  disown(upstreamKey: string, version: number): void {
    const slot = this.#slots.slotOf(upstreamKey);
    if (slot >= 0) this.#slots.leave(slot, { version, atMs: 0 });
  }

  /** Frees the slots that nobody can use any more: every worker holds a table without the Upstream (`heldByAll`), and nothing is in use in any block. */
  sweep(blocks: readonly Float64Array[], heldByAll: number): void {
    this.#slots.sweep(heldByAll, (slot) => !blocks.some((block) => isInUse(block, slot)));
  }
}

function isInUse(block: Float64Array, slot: number): boolean {
  for (let cell = breakerCell(slot, 0); cell < breakerCell(slot + 1, 0); cell++) if (block[cell] !== 0) return true;
  return false;
}
