// A thread for the breaker's race test. In each round all threads enter at once until they are refused; then, while all hold still, one of
// them adds up what is in use.
import { parentPort, workerData } from 'node:worker_threads';
import { breakerCell } from '../../../../gateway/counters.ts';
import { occupancyOf } from '../../../../gateway/edge/io/occupancy.ts';
import { Breaker, resource } from '../../../../gateway/edge/upstream/breaker.ts';
import { defaultBreaker } from '../../../../routing/upstream.ts';

interface Start {
  readonly blocks: readonly SharedArrayBuffer[];
  readonly heavyUse: SharedArrayBuffer;
  readonly barrier: SharedArrayBuffer;
  readonly worker: number;
  readonly slot: number;
  readonly limit: number;
  readonly rounds: number;
}

const { blocks, heavyUse, barrier, worker, slot, limit, rounds } = workerData as Start;
const cells = blocks.map((buffer) => new Float64Array(buffer));
const breaker = new Breaker();
breaker.limit({ ...defaultBreaker, maxConnections: limit, maxRequests: limit });
breaker.moveTo(occupancyOf(cells[worker]!, cells.filter((_, other) => other !== worker), new Int32Array(heavyUse)), slot, 0);

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

const totals: number[] = [];
for (let round = 0; round < rounds; round++) {
  const one = round % 2 === 0 ? resource.requests : resource.connections;
  meet();
  let held = 0;
  while (one === resource.requests ? breaker.enter(one) : breaker.hasRoomForConnection()) {
    if (one === resource.connections) breaker.enterConnection();
    held += 1;
  }
  meet();
  if (worker === 0) totals.push(cells.reduce((total, block) => total + block[breakerCell(slot, 0) + one]!, 0));
  meet();
  for (; held > 0; held--) breaker.leave(one);
}
parentPort!.postMessage(totals);
