// A thread that helps with the first reading. It ends when there is nothing left to read, by itself, or when a task takes too long.
import { Worker } from "node:worker_threads";
import type { ReadingTerms } from "../manifest/manifest-objects.ts";
import { readOf, type FilesToRead, type FromReadingThread } from "./reading-parts.ts";
import type { ReadingTask, ReadingTasks } from "./reading-tasks.ts";

/** JavaScript heap of a thread, MiB. */
const heapMb = 512;
/** Tasks that it has at once: the next one lies there when it is done with one, however busy the own thread is. */
const mostAsked = 2;

export class HelpingThread {
  readonly #tasks: ReadingTasks;
  readonly #terms: ReadingTerms;
  readonly #worker: Worker;
  /** Answered in this order. */
  #asked: ReadingTask[] = [];
  /** For its start, or for the task that it has. */
  readonly #timer: NodeJS.Timeout;
  #isReady = false;

  /** `taskMs`: time for its start, or for one task. */
  constructor(tasks: ReadingTasks, terms: ReadingTerms, taskMs: number) {
    this.#tasks = tasks;
    this.#terms = terms;
    this.#worker = new Worker(new URL("reading-thread.ts", import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
    });
    this.#worker.on("message", (message: FromReadingThread) => this.#told(message));
    // It exits next.
    this.#worker.on("error", () => {});
    this.#worker.on("exit", () => void this.end());
    this.#timer = setTimeout(() => {
      if (!this.#isReady || this.#asked.length > 0) void this.end();
    }, taskMs);
  }

  /** There may be something to read. */
  ask(): void {
    if (!this.#isReady) return;
    while (this.#asked.length < mostAsked) {
      const task = this.#tasks.assign();
      if (task === null) break;
      if (this.#asked.length === 0) this.#timer.refresh();
      this.#asked.push(task);
      const files: FilesToRead = {
        files: task.files.map(({ path, name, stats }) => ({ path, name, size: stats.size })),
        terms: this.#terms,
      };
      this.#worker.postMessage(files);
    }
    if (this.#asked.length === 0 && this.#tasks.isEmpty) void this.end();
  }

  /** Gives up what it has, and resolves when it has ended. */
  async end(): Promise<void> {
    clearTimeout(this.#timer);
    this.#isReady = false;
    if (this.#asked.length > 0) this.#tasks.lose(this.#asked);
    this.#asked = [];
    await this.#worker.terminate();
  }

  #told(message: FromReadingThread): void {
    if (message.kind === "ready") this.#isReady = true;
    else {
      // None: it took too long and was given up.
      const task = this.#asked.shift();
      if (task === undefined) return;
      task.reads = message.reads.map((parts, index) => readOf(parts, task.files[index]!.name));
      this.#tasks.answered();
    }
    this.#timer.refresh();
    this.ask();
  }
}
