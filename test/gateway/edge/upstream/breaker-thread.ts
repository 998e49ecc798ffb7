// A thread for the breaker's race test. In each lap all threads run through many Upstreams, one after the other, and enter each until they are refused: who is ahead has
// most to do, so that they run close together. Then, while all hold still, one of them adds up what is in use. They wait for each other a few times a lap and not a race:
// each wait costs as long as a busy machine takes to come round to the last thread.
import { parentPort, workerData } from "node:worker_threads";
import { breakerCell } from "../../../../gateway/shared/memory/counters.ts";
import { occupancyOf } from "../../../../gateway/edge/io/occupancy.ts";
import { Breaker, resource, type Resource } from "../../../../gateway/edge/balancing/breaker.ts";
import { defaultBreaker } from "../../../../routing/model/upstream.ts";

interface Start {
  readonly blocks: readonly SharedArrayBuffer[];
  readonly heavyUse: SharedArrayBuffer;
  readonly barrier: SharedArrayBuffer;
  readonly worker: number;
  /** Upstreams. */
  readonly slots: number;
  readonly limit: number;
  readonly laps: number;
}

const { blocks, heavyUse, barrier, worker, slots, limit, laps } = workerData as Start;
const cells = blocks.map((buffer) => new Float64Array(buffer));
const occupancy = occupancyOf(
  cells[worker]!,
  cells.filter((_, other) => other !== worker),
  new Int32Array(heavyUse),
);
const breakers = Array.from({ length: slots }, (_, slot) => {
  const breaker = new Breaker();
  breaker.limit({ ...defaultBreaker, maxConnections: limit, maxRequests: limit });
  breaker.moveTo(occupancy, slot, 0);
  return breaker;
});

/** How many have arrived, and the number of the meeting. */
const [arrived, meeting] = [0, 1];
const gate = new Int32Array(barrier);

function meet(): void {
  const now = Atomics.load(gate, meeting);
  if (Atomics.add(gate, arrived, 1) === blocks.length - 1) {
    Atomics.store(gate, arrived, 0);
    Atomics.add(gate, meeting, 1);
    Atomics.notify(gate, meeting);
  } else {
    Atomics.wait(gate, meeting, now);
  }
}

/** Enters until it is refused, and says how often it was let in. */
function fill(breaker: Breaker, one: Resource): number {
  let held = 0;
  for (; one === resource.requests ? breaker.enter(one) : breaker.hasRoomForConnection(); held++)
    if (one === resource.connections) breaker.enterConnection();
  return held;
}

const totals: number[] = [];
for (let lap = 0; lap < laps; lap++) {
  const one = lap % 2 === 0 ? resource.requests : resource.connections;
  meet();
  const held = breakers.map((breaker) => fill(breaker, one));
  meet();
  if (worker === 0)
    for (let slot = 0; slot < slots; slot++)
      totals.push(cells.reduce((total, block) => total + block[breakerCell(slot, 0) + one]!, 0));
  meet();
  for (const [slot, breaker] of breakers.entries()) for (let left = held[slot]!; left > 0; left--) breaker.leave(one);
}
parentPort!.postMessage(totals);
