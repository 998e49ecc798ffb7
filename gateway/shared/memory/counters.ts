// Counters in shared memory: one block a data worker, one writer each; the control worker reads and sums them.
//
// A block is an array of doubles: first the fixed counters, then what each Upstream has in use, for breakers, then one slot of
// `slotCells` a series, then for each series what only failures and answers of the gateway itself write, then what only feedback does, then one slot an
// Endpoint. A double is written by one aligned store, so a reader sees the old value or the new one. No atomics: there is one writer. Behind them is a
// byte for each slot that says whether the worker has used it.

import type { FailureFlag } from "../../failure-flags.ts";
import { grpcStatusNames } from "../../grpc-statuses.ts";
import { defaultBreaker } from "../../../routing/model/upstream.ts";
import { fixed, fixedCells } from "../metrics/fixed.ts";
import { breakerResources, durationBounds, feedbackWays, rewardBounds } from "../metrics/series.ts";
import {
  endpointCells,
  endpointFlags,
  endpointLayout,
  failureCells,
  failureLayout,
  feedbackCells,
  feedbackLayout,
  slotCells,
  slotLayout,
} from "../metrics/slots.ts";
import { grpcColumns, serverErrors, statusColumns, unansweredColumn } from "../metrics/status-columns.ts";

/** Rows of a breaker slot. */
export const priorities = ["default", "high"] as const;

/** Both rows of a slot share one cache line, so that another worker's use is one load away. */
const breakerCells = breakerResources.length * priorities.length;

/** Upstreams whose breakers count across workers; those beyond count in each worker alone. */
export const maxBreakerSlots = 65_536;

/** Series that fit: the buffer is reserved at once and pages are only touched when a series is used. */
export const maxSlots = 131_072;

/** Endpoints of Upstreams that fit, as the Series do. */
export const maxEndpointSlots = 131_072;

/** Slots behind those of the series: requests that no series counts, in statuses of HTTP and of gRPC. They are always in use. */
export const withoutSeries = { http: maxSlots, grpc: maxSlots + 1 } as const;

const allSlots = maxSlots + 2;

/** Of doubles. */
const cellBytes = 8;

export function blockBytes(): number {
  const slots = maxSlots + maxBreakerSlots + allSlots + maxSlots + maxEndpointSlots;
  return cellsBytes() + Math.ceil(slots / cellBytes) * cellBytes;
}

function cellsBytes(): number {
  return endpointCell(-1, endpointCells) * cellBytes;
}

/**
 * Which slots the worker of a block may have counted in: 1 by slot, else 0. Of many slots few are used, and whoever looks at all of the others has the kernel map a page
 * for each few of them, which takes a tenth of a second at 10,000 deployments.
 */
export interface UsedSlots {
  readonly series: Uint8Array;
  readonly breakers: Uint8Array;
  /** Those of which `failureCell`s were written, `withoutSeries` among them. */
  readonly failures: Uint8Array;
  /** Those of which `feedbackCell`s were written. */
  readonly feedback: Uint8Array;
  readonly endpoints: Uint8Array;
}

export function usedSlots(block: ArrayBufferLike): UsedSlots {
  return {
    series: new Uint8Array(block, cellsBytes(), maxSlots),
    breakers: new Uint8Array(block, cellsBytes() + maxSlots, maxBreakerSlots),
    failures: new Uint8Array(block, cellsBytes() + maxSlots + maxBreakerSlots, allSlots),
    feedback: new Uint8Array(block, cellsBytes() + maxSlots + maxBreakerSlots + allSlots, maxSlots),
    endpoints: new Uint8Array(block, cellsBytes() + maxSlots + maxBreakerSlots + allSlots + maxSlots, maxEndpointSlots),
  };
}

const columnOf = new Uint8Array(1000);
for (let code = 0; code < 1000; code++) {
  const exact = statusColumns.indexOf(String(code));
  const klass = statusColumns.indexOf(`${Math.floor(code / 100)}xx`);
  columnOf[code] = exact >= 0 ? exact : klass >= 0 ? klass : unansweredColumn;
}

const grpcColumnOf = grpcStatusNames.map((name) =>
  name === "CANCELLED" ? grpcColumns.indexOf(name) : grpcColumns.lastIndexOf(name),
);

/** The column of a status of HTTP, 0..999. */
export function httpColumn(code: number): number {
  return columnOf[code]!;
}

/** The column of a status of gRPC; one that gRPC does not know is UNKNOWN to its libraries. */
export function grpcColumn(status: number): number {
  return grpcColumnOf[status] ?? grpcColumnOf[2]!;
}

/** Did a server fail, by the status of this column? */
export function isServerErrorColumn(column: number): boolean {
  return column >= serverErrors.first && column < serverErrors.first + serverErrors.count;
}

/** One worker's block. `slot` −1: no series, in HTTP. */
export class CounterBlock {
  readonly cells: Float64Array;
  readonly #used: UsedSlots;

  constructor(buffer: SharedArrayBuffer) {
    this.cells = new Float64Array(buffer, 0, cellsBytes() / cellBytes);
    this.#used = usedSlots(buffer);
  }

  /** Before the first request that is counted in the slot; −1: none is. */
  willCount(slot: number): void {
    if (slot >= 0) this.#used.series[slot] = 1;
  }

  /** Before anything is in use of the Upstream; −1: it is not counted here. */
  willUse(breakerSlot: number): void {
    if (breakerSlot >= 0) this.#used.breakers[breakerSlot] = 1;
  }

  /** Before the first try of an Endpoint: gives its first cell. −1: those that have no slot share one. */
  willTry(endpointSlot: number): number {
    if (endpointSlot >= 0) this.#used.endpoints[endpointSlot] = 1;
    return endpointCell(endpointSlot, 0);
  }

  /** The model at an Endpoint has answered. `first`: its first cell. */
  answeredAt(first: number, isModelError: boolean): void {
    this.cells[first + (isModelError ? endpointLayout.modelErrors : endpointLayout.answers)]! += 1;
  }

  /** A try of an Endpoint failed. */
  failedAt(first: number, flag: FailureFlag): void {
    const at = (endpointFlags as readonly FailureFlag[]).indexOf(flag);
    if (at >= 0) this.cells[first + endpointLayout.flags + at]! += 1;
  }

  add(cell: number, amount: number): void {
    this.cells[cell]! += amount;
  }

  set(cell: number, value: number): void {
    this.cells[cell] = value;
  }

  enter(slot: number): void {
    this.cells[fixed.inFlight]! += 1;
    if (slot >= 0) this.cells[slotCell(slot, slotLayout.inFlight)]! += 1;
  }

  leave(slot: number): void {
    this.cells[fixed.inFlight]! -= 1;
    if (slot >= 0) this.cells[slotCell(slot, slotLayout.inFlight)]! -= 1;
  }

  /** Counts one finished request that the model answered with this status of HTTP, 0..999, after so many seconds. */
  finish(slot: number, code: number, seconds: number): void {
    this.answered(slot, columnOf[code]!, false, seconds);
  }

  /** Counts one finished request in a column. `isOwn`: the gateway answered itself. `seconds`: its latency. */
  answered(slot: number, column: number, isOwn: boolean, seconds: number): void {
    const place = slot < 0 ? withoutSeries.http : slot;
    const first = slotCell(place, 0);
    if (isOwn) this.cells[this.#failureCell(place, failureLayout.own + column)]! += 1;
    else this.cells[first + column]! += 1;
    let bucket = 0;
    while (bucket < durationBounds.length && seconds > durationBounds[bucket]!) bucket++;
    this.cells[first + slotLayout.buckets + bucket]! += 1;
    this.cells[first + slotLayout.sumSeconds]! += seconds;
  }

  #failureCell(slot: number, cell: number): number {
    this.#used.failures[slot] = 1;
    return failureCell(slot, cell);
  }

  /** A failure of what has no series. */
  failure(flag: FailureFlag): void {
    this.cells[fixed.flags[flag]]! += 1;
  }

  /** A failure of a request; −1: it has no series. */
  failureOf(slot: number, flag: FailureFlag): void {
    if (slot < 0) this.failure(flag);
    else this.cells[this.#failureCell(slot, failureLayout.flags[flag])]! += 1;
  }

  /** A request is sent again. */
  retry(slot: number): void {
    this.cells[this.#failureCell(slot < 0 ? withoutSeries.http : slot, failureLayout.retries)]! += 1;
  }

  /** A model took feedback. `reward` null: it has none; else within ±`maxReward`. `isLearnt`: bandits and gates learn from it. Slot −1: of no predictor. */
  feedback(slot: number, way: (typeof feedbackWays)[number], reward: number | null, isLearnt: boolean): void {
    if (slot < 0) return;
    this.#used.feedback[slot] = 1;
    const first = feedbackCell(slot, 0);
    this.cells[first + feedbackLayout.ways + feedbackWays.indexOf(way)]! += 1;
    if (reward === null) return;
    const bucket = rewardBounds.findIndex((bound) => reward <= bound);
    this.cells[first + feedbackLayout.rewardBuckets + (bucket < 0 ? rewardBounds.length : bucket)]! += 1;
    this.cells[first + feedbackLayout.rewardSum]! += reward;
    this.cells[first + feedbackLayout.rewardSquares]! += reward * reward;
    if (!isLearnt) return;
    this.cells[first + feedbackLayout.learnt]! += 1;
    this.cells[first + feedbackLayout.learntSum]! += reward;
    this.cells[first + feedbackLayout.learntSquares]! += reward * reward;
  }

  shadow(slot: number, outcome: number): void {
    if (slot >= 0) this.cells[slotCell(slot, slotLayout.shadow + outcome)]! += 1;
  }
}

/** Index of the first cell of a breaker slot's row; `priority` is its index in `priorities`. */
export function breakerCell(slot: number, priority: number): number {
  return fixedCells + slot * breakerCells + priority * breakerResources.length;
}

/**
 * Half of one worker's equal share of the usual limit of a breaker: who has more in use of one thing of an Upstream is counted in its `heavyUseCell`. Half, because a
 * processor shows others what it has written a moment later: all have long been told that somebody is counted when the limit is near.
 */
export function lightUse(workers: number): number {
  return Math.floor(defaultBreaker.maxRequests / workers / 2);
}

/** Bytes of the memory in which all workers count who has much in use: 32-bit integers, changed by Atomics. */
export function heavyUseBytes(): number {
  return maxBreakerSlots * priorities.length * 4;
}

/** Index of the cell of a breaker slot's row, for all its resources and all workers. */
export function heavyUseCell(slot: number, priority: number): number {
  return heavyUseOf(breakerCell(slot, priority));
}

/** A row has a power of two of cells. */
const rowBits = 31 - Math.clz32(breakerResources.length);

/** The same of the row that begins at this cell of a block. */
export function heavyUseOf(first: number): number {
  return (first - fixedCells) >> rowBits;
}

/** Index of a slot's cell in a block. */
export function slotCell(slot: number, cell: number): number {
  return fixedCells + maxBreakerSlots * breakerCells + slot * slotCells + cell;
}

/** Index of a slot's cell among those that failures write. */
export function failureCell(slot: number, cell: number): number {
  return slotCell(allSlots, 0) + slot * failureCells + cell;
}

/** Index of a slot's cell among those that feedback writes. */
export function feedbackCell(slot: number, cell: number): number {
  return failureCell(allSlots, 0) + slot * feedbackCells + cell;
}

/** Index of a cell of an Endpoint's slot; −1: of the one that Endpoints without a slot share. */
export function endpointCell(slot: number, cell: number): number {
  return feedbackCell(maxSlots, 0) + (slot < 0 ? maxEndpointSlots : slot) * endpointCells + cell;
}
