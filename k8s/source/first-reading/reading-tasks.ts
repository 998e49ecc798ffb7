// Reading tasks: the files of a first reading in portions, who has which of them, and how far they are taken.
import type { FileRead, FileUnread } from "../files/file-reading.ts";
import type { FoundFile } from "../files/files.ts";

export interface ReadingTask {
  readonly files: readonly FoundFile[];
  /** null: they are not read yet. */
  reads: readonly (FileRead | FileUnread)[] | null;
}

/** Tasks that threads may be ahead of what is taken: what waits longer is copied by the collection of garbage. */
const mostAhead = 16;

export class ReadingTasks {
  /** Those that are not taken, in order. */
  readonly #tasks: ReadingTask[];
  /** Of these, those that nobody has. */
  readonly #queue: ReadingTask[];
  /** What threads had and gave up. */
  readonly #lost: ReadingTask[] = [];
  #answered = Promise.withResolvers<void>();

  /** `taskBytes`: of one task, at least. */
  constructor(files: readonly FoundFile[], taskBytes: number) {
    this.#tasks = tasksOf(files, taskBytes);
    // Taken from the end.
    this.#tasks.reverse();
    this.#queue = [...this.#tasks];
  }

  /** The one that is to be taken now; null: all are taken. */
  get next(): ReadingTask | null {
    return this.#tasks.at(-1) ?? null;
  }

  /** The next one was taken. */
  taken(): void {
    this.#tasks.pop();
  }

  /** For a thread; null: there is none, or not yet. */
  assign(): ReadingTask | null {
    return this.#tasks.length - this.#queue.length >= mostAhead ? null : (this.#queue.pop() ?? null);
  }

  /** For the own thread, which has nothing to take; null: threads have all that is left. */
  assignOwn(): ReadingTask | null {
    return this.#lost.pop() ?? this.#queue.pop() ?? null;
  }

  /** Nothing is left to be assigned to threads. */
  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /** A thread has read its task. */
  answered(): void {
    this.#answered.resolve();
    this.#answered = Promise.withResolvers();
  }

  /** A thread will not read these. */
  lose(tasks: readonly ReadingTask[]): void {
    this.#lost.push(...tasks);
    this.answered();
  }

  /** The next time that a thread has read a task, or gives it up. */
  get answer(): Promise<void> {
    return this.#answered.promise;
  }
}

function tasksOf(files: readonly FoundFile[], taskBytes: number): ReadingTask[] {
  const tasks: ReadingTask[] = [];
  let some: FoundFile[] = [];
  let bytes = 0;
  for (const [index, file] of files.entries()) {
    some.push(file);
    bytes += file.stats.size;
    if (bytes < taskBytes && index < files.length - 1) continue;
    tasks.push({ files: some, reads: null });
    some = [];
    bytes = 0;
  }
  return tasks;
}
