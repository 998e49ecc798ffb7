// The first reading of a large folder: by the Source's own thread, in turns, and by threads that end with it. Whatever becomes of a thread, all files
// are read: what it had taken and not given back, the Source's own thread reads.
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { readingFile, type FileRead, type FileUnread } from './file-reading.ts';
import type { FirstRead, FoundFile } from './files.ts';
import { readOf, type FromReadingThread, type ReadingTask } from './reading-parts.ts';
import type { ReadingTerms } from './manifest-objects.ts';
import type { Turns, Work } from './turns.ts';

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
  return { threads: Math.min(mostThreads, availableParallelism() - 1), fromBytes: 4 * 1024 * 1024, taskMs: 10_000, taskBytes: 128 * 1024 };
}

/** JavaScript heap of a thread, MiB. */
const heapMb = 512;

interface Task {
  readonly files: readonly FoundFile[];
  reads: readonly (FileRead | FileUnread)[] | null;
}

/** What was read of each file, in their order; fewer when `turns` were stopped. */
export async function firstReading(files: readonly FoundFile[], terms: ReadingTerms, turns: Turns, limits: FirstReadingLimits): Promise<readonly FirstRead[]> {
  const tasks = tasksOf(files, limits.taskBytes);
  const bytes = files.reduce((sum, { stats }) => sum + stats.size, 0);
  const queue = [...tasks];
  const done = new AbortController();
  const helpers = Array.from({ length: bytes < limits.fromBytes ? 0 : limits.threads }, () => help(queue, terms, limits.taskMs, done.signal));
  const own = async (task: Task): Promise<void> => {
    await turns.run(() => readTask(task, terms));
    // Promises alone would let no thread's answer in, nor anything else.
    await new Promise((resume) => setImmediate(resume));
  };
  for (let task = queue.shift(); task !== undefined; task = queue.shift()) await own(task);
  done.abort();
  await Promise.all(helpers);
  for (const task of tasks) if (task.reads === null) await own(task);
  return tasks.flatMap(({ files: some, reads }) => (reads === null ? [] : some.map((file, index) => ({ file, read: reads[index]! }))));
}

function tasksOf(files: readonly FoundFile[], taskBytes: number): readonly Task[] {
  const tasks: Task[] = [];
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

function* readTask(task: Task, terms: ReadingTerms): Work {
  const reads: (FileRead | FileUnread)[] = [];
  for (const { path, name, stats } of task.files) {
    reads.push(yield* readingFile(path, stats.size, { file: name, terms, lastGood: [] }));
    yield;
  }
  task.reads = reads;
}

/** One thread's share of the queue. Ends when it is empty, or with the thread, or when one task takes too long; never rejects. */
async function help(queue: Task[], terms: ReadingTerms, taskMs: number, done: AbortSignal): Promise<void> {
  let worker: Worker | null = null;
  try {
    worker = new Worker(new URL('reading-thread.ts', import.meta.url), { resourceLimits: { maxOldGenerationSizeMb: heapMb } });
    // Heard by whoever waits for its next message, and of no interest to others.
    worker.on('error', () => {});
    const signal = (): AbortSignal => AbortSignal.timeout(taskMs);
    // Nobody waits for a thread that comes too late to help.
    await told(worker, AbortSignal.any([signal(), done]));
    for (let task = queue.shift(); task !== undefined; task = queue.shift()) {
      const asked: ReadingTask = { files: task.files.map(({ path, name, stats }) => ({ path, name, size: stats.size })), terms };
      worker.postMessage(asked);
      const answer = await told(worker, signal());
      if (answer.kind === 'done') task.reads = answer.reads.map((parts, index) => readOf(parts, task.files[index]!.name));
    }
  } catch {
    // It ended, or took too long: what it had taken is read by the own thread.
  } finally {
    await worker?.terminate();
  }
}

/** Its next message; rejects when it ends before. */
async function told(worker: Worker, signal: AbortSignal): Promise<FromReadingThread> {
  const ended = new AbortController();
  const exit = (): void => ended.abort();
  worker.once('exit', exit);
  try {
    const [message] = (await once(worker, 'message', { signal: AbortSignal.any([signal, ended.signal]) })) as [FromReadingThread];
    return message;
  } finally {
    worker.off('exit', exit);
  }
}
