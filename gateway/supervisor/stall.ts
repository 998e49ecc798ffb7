// What the supervisor does about threads that no longer turn: says where they stand, and replaces them.
import type { Worker } from "node:worker_threads";
import type { CounterBlock } from "../shared/memory/counters.ts";
import { fixed } from "../shared/metrics/fixed.ts";
import type { Log } from "../shared/log.ts";
import { sharedNowMs } from "../shared/memory/heartbeat.ts";
import type { SupervisedThread } from "./supervised-thread.ts";
import { controlStallMs, StallWatch, stackOf, startStallMs, watchEveryMs } from "./watch.ts";

/** A thread that is watched. */
export interface Watched {
  readonly name: string;
  readonly place: Pick<SupervisedThread, "worker" | "replace">;
  /** Where it beats. */
  readonly cells: Float64Array;
  /** It may be silent for so long now, ms; 0: for ever. */
  readonly limitMs: () => number;
}

/** How long threads may be silent, ms, by `--worker-stall-ms`; 0: for ever. */
export function stallLimits(
  limitMs: number,
  isStarting: () => boolean,
): Readonly<Record<"data" | "control", () => number>> {
  if (limitMs === 0) return { data: () => 0, control: () => 0 };
  return {
    data: () => (isStarting() ? Math.max(limitMs, startStallMs) : limitMs),
    control: () => Math.max(limitMs, controlStallMs),
  };
}

export class StallJudge {
  readonly #watch = new StallWatch(sharedNowMs());
  readonly #watched: readonly Watched[];
  readonly #log: Log;
  readonly #counters: CounterBlock;
  /** Those that are being judged. */
  readonly #suspected = new Set<Watched>();
  /** Those that were judged and have not ended yet: to end one that does not turn may take longer than to judge it. */
  readonly #replaced = new WeakSet<Worker>();
  readonly #timer: NodeJS.Timeout;

  /** Watches from now on. `counters`: where silences are counted. */
  constructor(watched: readonly Watched[], log: Log, counters: CounterBlock) {
    this.#watched = watched;
    this.#log = log;
    this.#counters = counters;
    this.#timer = setInterval(() => this.#look(), watchEveryMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    this.#watch.look(sharedNowMs());
    for (const one of this.#watched) {
      const { worker } = one.place;
      if (
        worker !== null &&
        !this.#suspected.has(one) &&
        !this.#replaced.has(worker) &&
        this.#watch.stalledMs(one.cells, one.limitMs()) > 0
      )
        void this.#judge(one, worker);
    }
  }

  /** It has been silent for too long: asks where it stands, and replaces it unless it has turned again meanwhile. */
  async #judge(one: Watched, worker: Worker): Promise<void> {
    const { name, place, cells } = one;
    const limitMs = one.limitMs();
    this.#suspected.add(one);
    const stack = await stackOf(worker);
    this.#suspected.delete(one);
    if (place.worker !== worker) return;
    const stalledMs = Math.round(this.#watch.stalledMs(cells, limitMs));
    this.#log.write(stalledMs > 0 ? "worker-stalled" : "worker-paused", {
      thread: name,
      stalledMs: stalledMs || limitMs,
      stack,
    });
    if (stalledMs === 0) return;
    this.#replaced.add(worker);
    this.#counters.add(fixed.workerStalls, 1);
    place.replace(`its event loop was blocked for ${stalledMs} ms`, stack);
  }
}
