// The supervisor's comparing thread: there is one while a data worker has answers of shadows to compare. It has a channel to the control worker and
// to each data worker; whoever ends, of either side, gets a new one with its successor.
import { MessageChannel, type MessagePort, type Worker } from "node:worker_threads";
import type { ToComparing } from "../comparing/messages.ts";
import type { CompareStart } from "../shared/messages.ts";
import { fixed } from "../shared/metrics/fixed.ts";
import { startThread } from "../start-thread.ts";
import { SupervisedThread } from "./supervised-thread.ts";

/** Gives a channel to those on the other side. */
export interface ComparedThreads {
  toControl(channel: MessagePort): void;
  toData(worker: number, channel: MessagePort): void;
  readonly workers: number;
}

export class ComparingThread {
  readonly #start: (beats: SharedArrayBuffer) => CompareStart;
  readonly #others: ComparedThreads;
  readonly #ended: (reason: string, stack: string) => void;
  #place: SupervisedThread | null = null;
  #isClosed = false;
  /** In its cells the thread of now beats. */
  readonly beats = new Float64Array(new SharedArrayBuffer((fixed.beatMs + 1) * Float64Array.BYTES_PER_ELEMENT));

  /** `ended`: it ended by itself, and another takes its place. */
  constructor(
    start: (beats: SharedArrayBuffer) => CompareStart,
    others: ComparedThreads,
    ended: (reason: string, stack: string) => void,
  ) {
    this.#start = start;
    this.#others = others;
    this.#ended = ended;
  }

  get worker(): Worker | null {
    return this.#place?.worker ?? null;
  }

  /** Ends the thread for this reason; another takes its place. */
  replace(reason: string, stack: string): void {
    this.#place?.replace(reason, stack);
  }

  /** A data worker has something to compare. */
  want(): void {
    if (this.#place !== null || this.#isClosed) return;
    const place = new SupervisedThread({
      start: () => {
        // Until it beats it is starting.
        this.beats[fixed.beatMs] = 0;
        const thread = startThread("compare", this.#start(this.beats.buffer));
        thread.on("message", () => this.#rest(place));
        // The place's `worker` is set when this returns.
        queueMicrotask(() => this.#connectAll());
        return thread;
      },
      left: () => undefined,
      ended: (reason, stack) => {
        if (this.#place === place) this.#ended(reason, stack);
      },
    });
    this.#place = place;
    place.open();
  }

  /** It has nothing to do. Whoever has something again wants another. */
  #rest(place: SupervisedThread): void {
    if (this.#place !== place) return;
    this.#place = null;
    void place.terminate();
  }

  #connectAll(): void {
    this.connectControl();
    for (let worker = 0; worker < this.#others.workers; worker++) this.connectData(worker);
  }

  /** A control worker came. */
  connectControl(): void {
    this.#connect("control", (channel) => this.#others.toControl(channel));
  }

  /** A data worker came. */
  connectData(worker: number): void {
    this.#connect("data-worker", (channel) => this.#others.toData(worker, channel));
  }

  #connect(kind: ToComparing["kind"], give: (channel: MessagePort) => void): void {
    const place = this.#place;
    if (place === null || place.worker === null) return;
    const { port1, port2 } = new MessageChannel();
    place.post({ kind, channel: port1 } satisfies ToComparing, [port1]);
    give(port2);
  }

  async terminate(): Promise<void> {
    this.#isClosed = true;
    await this.#place?.terminate();
  }
}
