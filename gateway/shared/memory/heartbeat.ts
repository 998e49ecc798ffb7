// Pulse: a thread that turns says so in shared memory. Who only looks at its messages cannot tell one that has nothing to say from one that
// hangs in a loop; its timers tell.
import { fixed } from "../metrics/fixed.ts";

/** A thread says that it turns this often: many times in the shortest `--worker-stall-ms`. */
export const beatEveryMs = 200;

/** Monotonic and the same in every thread of the process, ms. (The origin of `performance.now` is each thread's own.) */
export function sharedNowMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** Beats from now on, in the fixed cells of this block, which this thread alone writes. */
export function startHeartbeat(cells: Float64Array): void {
  const beat = (): void => {
    cells[fixed.beatMs] = sharedNowMs();
  };
  beat();
  setInterval(beat, beatEveryMs).unref();
}

/** Does any of these threads turn? One that has not begun to beat does not. `limitMs` 0: however long it is silent. */
export function anyResponds(blocks: readonly Float64Array[], limitMs: number, nowMs: number): boolean {
  return blocks.some(
    (cells) => cells[fixed.beatMs]! > 0 && nowMs - cells[fixed.beatMs]! < (limitMs === 0 ? Infinity : limitMs),
  );
}
