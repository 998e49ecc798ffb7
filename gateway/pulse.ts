// Pulse: a thread that turns says so in shared memory. Who only looks at its messages cannot tell one that has nothing to say from one that
// hangs in a loop; its timers tell.
import { fixed } from './counters.ts';

/** A thread says that it turns this often: many times in the shortest `--worker-silence-ms`. */
export const beatEveryMs = 200;

/** What a thread does in one piece, and may do for long: its place in this list is what it writes. */
export const longWork = ['serving', 'building a table', 'collecting garbage'] as const;

/** Silence that long work is allowed, ms: a first table of 10,000 deployments takes a thread that has a tenth of a core this long. */
const longWorkMs = 60_000;

/** Monotonic and the same in every thread of the process, ms. (The origin of `performance.now` is each thread's own.) */
export function sharedNowMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** Beats from now on, in the fixed cells of this block, which this thread alone writes. */
export function startPulse(cells: Float64Array): void {
  const beat = (): void => {
    cells[fixed.beatMs] = sharedNowMs();
  };
  beat();
  setInterval(beat, beatEveryMs).unref();
}

/** Does long work that is to be told from a hang. */
export function duringLongWork<T>(cells: Float64Array, work: Exclude<(typeof longWork)[number], 'serving'>, run: () => T): T {
  cells[fixed.longWork] = longWork.indexOf(work);
  try {
    return run();
  } finally {
    cells[fixed.longWork] = 0;
    cells[fixed.beatMs] = sharedNowMs();
  }
}

/** How long a thread may be silent now, ms; Infinity: for ever. `limitMs` 0: nobody looks. */
export function allowedSilenceMs(cells: Float64Array, limitMs: number): number {
  if (limitMs === 0) return Infinity;
  return cells[fixed.longWork] === 0 ? limitMs : Math.max(limitMs, longWorkMs);
}

/** Does any of these threads turn? One that has not begun to beat does not. */
export function anyTurns(blocks: readonly Float64Array[], limitMs: number, nowMs: number): boolean {
  return blocks.some((cells) => cells[fixed.beatMs]! > 0 && nowMs - cells[fixed.beatMs]! < allowedSilenceMs(cells, limitMs));
}
