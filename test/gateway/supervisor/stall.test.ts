import type { Worker } from "node:worker_threads";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { blockBytes, CounterBlock } from "../../../gateway/shared/memory/counters.ts";
import { fixed } from "../../../gateway/shared/metrics/fixed.ts";
import { sharedNowMs } from "../../../gateway/shared/memory/heartbeat.ts";
import { StallJudge } from "../../../gateway/supervisor/stall.ts";
import { watchEveryMs } from "../../../gateway/supervisor/watch.ts";

beforeEach(() => vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "setTimeout", "clearTimeout"] }));
afterEach(() => vi.useRealTimers());

/** Does not turn, and gives no stack. */
function silentThread(): Worker {
  return { startCpuProfile: () => Promise.reject(new Error("it ends")) } as unknown as Worker;
}

test("a thread that does not turn is judged once, however long it takes to end it; the one after it is watched anew", async () => {
  const replaced: (Worker | null)[] = [];
  const place = {
    worker: silentThread(),
    replace(): void {
      replaced.push(this.worker);
    },
  };
  const events: string[] = [];
  const log = { write: (event: string) => void events.push(event) };
  const counters = new CounterBlock(new SharedArrayBuffer(blockBytes()));
  const cells = new Float64Array(fixed.beatMs + 1);
  cells[fixed.beatMs] = sharedNowMs() - 60_000;
  const judge = new StallJudge([{ name: "data-0", place, cells, limitMs: () => 5000 }], log as never, counters);
  await vi.advanceTimersByTimeAsync(5 * watchEveryMs);
  expect(replaced).toEqual([place.worker]);
  expect(events).toEqual(["worker-stalled"]);
  expect(counters.cells[fixed.workerStalls]).toBe(1);
  const first = place.worker;
  place.worker = silentThread();
  await vi.advanceTimersByTimeAsync(5 * watchEveryMs);
  expect(replaced).toEqual([first, place.worker]);
  judge.stop();
});
