// A SupervisedThread: one place for a thread. Whatever ends the thread, another takes its place, at once the first time and then with back-off.
import type { Transferable, Worker } from "node:worker_threads";

/** A thread that lived this long starts the back-off anew. */
const settledMs = 60_000;
const firstDelayMs = 100;
const longestDelayMs = 10_000;

/** Delay before the n-th replacement in a row, ms: 0, then 100 ms doubling to 10 s, times `jitter` between a half and one. */
export function replacementDelayMs(inRow: number, draw: number): number {
  if (inRow === 0) return 0;
  return Math.min(longestDelayMs, firstDelayMs * 2 ** (inRow - 1)) * (0.5 + draw / 2);
}

export interface ThreadEvents {
  /** Starts a thread; `replacement` is false for the first one only. */
  start(replacement: boolean): Worker;
  /** The thread ended: why, in one line, and where, or "". Called before its replacement starts. */
  ended(reason: string, stack: string): void;
}

export class SupervisedThread {
  worker: Worker | null = null;
  readonly #events: ThreadEvents;
  #inRow = 0;
  #startedMs = 0;
  #closed = false;
  #timer: NodeJS.Timeout | null = null;
  /** Why the thread ends, where that was decided here. */
  #verdict: { readonly reason: string; readonly stack: string } | null = null;

  constructor(events: ThreadEvents) {
    this.#events = events;
  }

  open(): void {
    this.#start(false);
  }

  post(message: unknown, transfer: readonly Transferable[] = []): void {
    this.worker?.postMessage(message, [...transfer]);
  }

  /** No more replacements; the thread goes on. */
  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** Ends the thread for this reason; another takes its place. Where there is none, another is on its way. */
  replace(reason: string, stack: string): void {
    if (this.worker === null) return;
    this.#verdict = { reason, stack };
    void this.worker.terminate();
  }

  async terminate(): Promise<void> {
    this.close();
    await this.worker?.terminate();
  }

  #start(replacement: boolean): void {
    this.#startedMs = performance.now();
    const worker = this.#events.start(replacement);
    this.worker = worker;
    let reason = "it ended by itself";
    let stack = "";
    worker.on("error", (error: unknown) => {
      reason = String(error).split("\n", 1)[0]!;
      stack = error instanceof Error ? (error.stack ?? "") : "";
    });
    worker.once("exit", (code) => {
      const verdict = this.#verdict;
      this.worker = null;
      this.#verdict = null;
      this.#events.ended(verdict?.reason ?? `exit ${code}: ${reason}`, verdict?.stack ?? stack);
      if (!this.#closed) this.#timer = setTimeout(() => this.#start(true), this.#nextDelayMs());
    });
  }

  #nextDelayMs(): number {
    if (performance.now() - this.#startedMs > settledMs) this.#inRow = 0;
    return replacementDelayMs(this.#inRow++, Math.random());
  }
}
