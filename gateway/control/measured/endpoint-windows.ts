// What each Endpoint has answered and failed in the last minute and the last five, and which data workers have ejected it.
import type { EndpointMeasured } from "../../api/deployments.ts";
import type { FailureFlag } from "../../failure-flags.ts";
import type { Slices } from "../../shared/slices.ts";
import type { EndpointNumbers, SeenEndpoint } from "../../api/counted.ts";
import { endpointCell, usedSlots } from "../../shared/memory/counters.ts";
import { endpointFlags, endpointLayout } from "../../shared/metrics/slots.ts";
import type { EndpointKey, UsedEndpoint } from "../slots/endpoint-slots.ts";
import { CellWindows, type Counts, type SlotCells } from "./cell-windows.ts";

/** Where Endpoints are counted. */
export interface SlotsOfEndpoints {
  readonly used: Iterable<UsedEndpoint>;
  /** The Endpoint that has the slot; null: none. */
  at(slot: number): EndpointKey | null;
}

type SentenceOf = (flag: FailureFlag | "") => string;

export class EndpointWindows {
  readonly #slots: SlotsOfEndpoints;
  readonly #cells: EndpointCells;
  readonly #windows: CellWindows<UsedEndpoint>;

  /** `nowMs` never goes back. */
  constructor(blocks: readonly Float64Array[], slots: SlotsOfEndpoints, nowMs: () => number) {
    this.#slots = slots;
    this.#cells = new EndpointCells(blocks, () => slots.used);
    this.#windows = new CellWindows(this.#cells, nowMs);
  }

  /** To be called with the windows of Series. */
  async look(slices: Slices): Promise<void> {
    await this.#windows.look(slices);
  }

  /** Of an address, in all Upstreams of its predictor together. Windows are null where one of them has no slot. */
  of(endpoint: SeenEndpoint, sentenceOf: SentenceOf): EndpointNumbers {
    const slots = this.#slotsOf(endpoint);
    if (slots.length < endpoint.slots.length) return withoutNumbers;
    const used = slots.filter(({ slot }) => this.#cells.isUsed(slot)).map((one) => this.#windows.of(one));
    // Most of those of ten thousand deployments.
    if (used.length === 0) return nothing;
    return {
      ejectedBy: this.#ejectedBy(slots),
      lastMinute: measuredOf(
        used.map(({ lastMinute }) => lastMinute),
        sentenceOf,
      ),
      lastFiveMinutes: measuredOf(
        used.map(({ lastFiveMinutes }) => lastFiveMinutes),
        sentenceOf,
      ),
    };
  }

  /** Data workers that have ejected it. */
  ejectedBy(endpoint: SeenEndpoint): number {
    return this.#ejectedBy(this.#slotsOf(endpoint));
  }

  #ejectedBy(slots: readonly UsedEndpoint[]): number {
    return this.#cells.blocks.filter((block) =>
      slots.some(({ slot }) => this.#cells.isUsed(slot) && block[endpointCell(slot, endpointLayout.ejected)]! > 0),
    ).length;
  }

  /** Not those that are another's: the Endpoints of its Upstream are changing. */
  #slotsOf({ address, slots }: SeenEndpoint): readonly UsedEndpoint[] {
    return slots.flatMap((slot) => {
      const endpoint = slot < 0 ? null : this.#slots.at(slot);
      return endpoint?.address === address ? [{ slot, endpoint }] : [];
    });
  }
}

const withoutNumbers: EndpointNumbers = { ejectedBy: 0, lastMinute: null, lastFiveMinutes: null };

const { answers, modelErrors } = endpointLayout;

function measuredOf(all: readonly Counts[], sentenceOf: SentenceOf): EndpointMeasured {
  const counts = new Map<FailureFlag | "", number>();
  const add = (flag: FailureFlag | "", count: number): unknown =>
    count > 0 && counts.set(flag, (counts.get(flag) ?? 0) + count);
  let answered = 0;
  for (const { totals, flags } of all) {
    answered += totals[answers]! + totals[modelErrors]!;
    add("", totals[modelErrors]!);
    for (const [flag, count] of flags) add(flag, count);
  }
  const errors = counts.get("") ?? 0;
  const failed = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return {
    requests: answered - errors + failed,
    answers: answered,
    failed,
    modelErrors: errors,
    failures: [...counts]
      .toSorted(([, one], [, other]) => other - one)
      .map(([flag, count]) => ({ flag, count, sentence: sentenceOf(flag) })),
  };
}

const withoutTries = measuredOf([], () => "");
const nothing: EndpointNumbers = { ejectedBy: 0, lastMinute: withoutTries, lastFiveMinutes: withoutTries };

class EndpointCells implements SlotCells<UsedEndpoint> {
  readonly blocks: readonly Float64Array[];
  readonly totals = 2;
  readonly flags = endpointFlags;
  readonly used: () => Iterable<UsedEndpoint>;
  readonly #usedOf: readonly Uint8Array[];

  constructor(blocks: readonly Float64Array[], used: () => Iterable<UsedEndpoint>) {
    this.blocks = blocks;
    this.used = used;
    this.#usedOf = blocks.map((block) => usedSlots(block.buffer).endpoints);
  }

  ownerOf({ endpoint }: UsedEndpoint): object {
    return endpoint;
  }

  isUsed(slot: number): boolean {
    return this.#usedOf.some((used) => used[slot] === 1);
  }

  sum(slot: number, totals: Uint32Array, flags: Uint32Array): void {
    const first = endpointCell(slot, 0);
    for (const [index, used] of this.#usedOf.entries()) {
      if (used[slot] === 0) continue;
      const block = this.blocks[index]!;
      totals[answers]! += block[first + answers]!;
      totals[modelErrors]! += block[first + modelErrors]!;
      for (let at = 0; at < endpointFlags.length; at++) flags[at]! += block[first + endpointLayout.flags + at]!;
    }
  }
}
