// The first reading of a folder: by threads that end with it, and by the Source's own, which takes what was read in the order of names, so that what
// follows goes on beside the reading. Whatever becomes of a thread, all files are read: what it had and did not give back, the own thread reads.
import { availableParallelism } from "node:os";
import { compareText } from "../../../routing/text/problem.ts";
import { readingFile, type FileRead, type FileUnread } from "../files/file-reading.ts";
import type { FirstRead, FoundFile } from "../files/files.ts";
import type { ReadingTerms } from "../manifest/manifest-objects.ts";
import { HelpingThread } from "./helping-thread.ts";
import { ReadingTasks, type ReadingTask } from "./reading-tasks.ts";
import type { Turns, Work } from "../objects/turns.ts";

export interface FirstReadingLimits {
  /** Threads beside the own one. */
  readonly threads: number;
  /** Bytes of all files from which threads are started: each costs a fifth of a second of CPU. */
  readonly fromBytes: number;
  /** Time for a thread's start, or for one task, ms. */
  readonly taskMs: number;
  /** Bytes of files in one task, at least. */
  readonly taskBytes: number;
}

const mostThreads = 4;

export function firstReadingLimits(): FirstReadingLimits {
  return {
    threads: Math.min(mostThreads, availableParallelism() - 1),
    fromBytes: 4 * 1024 * 1024,
    taskMs: 10_000,
    taskBytes: 128 * 1024,
  };
}

/** Gives `take` what was read of all files, some of them at a time, in the order of their names. Left where `turns` are stopped. */
export async function firstReading(
  files: readonly FoundFile[],
  terms: ReadingTerms,
  turns: Turns,
  limits: FirstReadingLimits,
  take: (reads: readonly FirstRead[]) => Work,
): Promise<void> {
  const tasks = new ReadingTasks(
    files.toSorted((a, b) => compareText(a.name, b.name)),
    limits.taskBytes,
  );
  const bytes = files.reduce((sum, { stats }) => sum + stats.size, 0);
  const threads = Array.from(
    { length: bytes < limits.fromBytes ? 0 : limits.threads },
    () => new HelpingThread(tasks, terms, limits.taskMs),
  );
  /** false: the turns are stopped. */
  const done = async (work: () => Work): Promise<boolean> => {
    let isDone = false;
    await turns.run(function* () {
      yield* work();
      isDone = true;
    });
    // Promises alone would let no thread's answer in, nor anything else.
    await new Promise((resume) => setImmediate(resume));
    return isDone;
  };
  for (let next = tasks.next; next !== null; next = tasks.next) {
    const { reads } = next;
    if (reads === null) {
      const own = tasks.assignOwn();
      if (own === null) await tasks.answer;
      else if (!(await done(() => readTask(own, terms)))) break;
    } else {
      const some = next.files.map((file, index) => ({ file, read: reads[index]! }));
      tasks.taken();
      for (const thread of threads) thread.ask();
      if (!(await done(() => take(some)))) break;
    }
  }
  await Promise.all(threads.map((thread) => thread.end()));
}

function* readTask(task: ReadingTask, terms: ReadingTerms): Work {
  const reads: (FileRead | FileUnread)[] = [];
  for (const { path, name, stats } of task.files) {
    reads.push(yield* readingFile(path, stats.size, { file: name, terms, lastGood: [] }));
    yield;
  }
  task.reads = reads;
}
