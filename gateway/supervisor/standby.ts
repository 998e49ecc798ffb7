// The supervisor's standby worker: a thread that has loaded what a data worker needs and takes the place of the next one that ends, which so is empty for
// a moment only. Until then it has no number, counts nothing, reads no table and is not watched.
import type { Worker } from "node:worker_threads";
import type { DataStart, StandbyStart } from "../shared/messages.ts";
import { startThread } from "../start-thread.ts";
import { SupervisedThread } from "./supervised-thread.ts";

/** Who serves goes first: a standby worker is started this long after the gateway is ready, or after the one before it has taken a place. */
const restMs = 1000;
/** One that has not loaded by then is ended. */
const loadMs = 60_000;

export class StandbyThread {
  readonly #start: () => StandbyStart;
  readonly #place: SupervisedThread;
  /** null: there is none, or it is still loading. */
  #loaded: Worker | null = null;

  /** `ended`: a standby worker ended before it was needed; another takes its place. */
  constructor(start: () => StandbyStart, ended: (reason: string, stack: string) => void) {
    this.#start = start;
    this.#place = new SupervisedThread({
      start: () => this.#startThread(),
      left: () => undefined,
      ended: (reason, stack) => {
        this.#loaded = null;
        ended(reason, stack);
      },
    });
  }

  /** From now on there is one, but while it is made. */
  open(): void {
    this.#place.openLater(restMs);
  }

  /** It becomes the data worker of this place; null: there is none that has loaded. */
  take(start: DataStart): Worker | null {
    const thread = this.#loaded;
    if (thread === null) return null;
    this.#loaded = null;
    this.#place.give(restMs);
    thread.postMessage(start);
    return thread;
  }

  /** No more of them. */
  async terminate(): Promise<void> {
    this.#loaded = null;
    await this.#place.terminate();
  }

  #startThread(): Worker {
    const thread = startThread("data-standby", this.#start());
    const late = setTimeout(() => this.#place.replace(`it did not load in ${loadMs} ms`, ""), loadMs).unref();
    thread.once("exit", () => clearTimeout(late));
    // It says nothing else (`FromStandby`) before it has a place.
    thread.once("message", () => {
      clearTimeout(late);
      this.#loaded = thread;
    });
    return thread;
  }
}
