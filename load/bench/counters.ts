// What counting an answer costs: for its Series, and for its Endpoint beside it. Over many deployments each further cache line is a miss.
import { CounterBlock, blockBytes, httpColumn } from "../../gateway/shared/memory/counters.ts";
import { deployments } from "./tables.ts";

const rounds = 2_000_000;

export function benchCounters(): void {
  for (const count of [1, deployments]) {
    const block = new CounterBlock(new SharedArrayBuffer(blockBytes()));
    const column = httpColumn(200);
    const cells = Array.from({ length: count }, (_, at) => block.willTry(at));
    const order = Int32Array.from({ length: 65_536 }, (_, at) => (at * 7919) % count);
    const series = perCall((slot) => block.answered(slot, column, false, 0.002), order);
    const both = perCall((slot) => {
      block.answered(slot, column, false, 0.002);
      block.answeredAt(cells[slot]!, false);
    }, order);
    const over = count === 1 ? "one deployment" : `uniformly over ${count} deployments`;
    console.log(
      `an answer is counted, ${over}: ${series.toFixed(1)} ns for its Series, ${both.toFixed(1)} ns with its Endpoint`,
    );
  }
}

/** Least ns of CPU of a call. */
function perCall(call: (slot: number) => void, order: Int32Array): number {
  let least = Infinity;
  for (let round = 0; round < 7; round++) {
    const { user } = process.cpuUsage();
    for (let at = 0; at < rounds; at++) call(order[at & 65_535]!);
    least = Math.min(least, ((process.cpuUsage().user - user) * 1000) / rounds);
  }
  return least;
}
