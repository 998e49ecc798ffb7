// A thread of the gateway: its entry, and bounds of its heap.
import { Worker } from 'node:worker_threads';
import type { ThreadStart } from './messages.ts';

/** JavaScript heap of a thread, MiB: a bound against a leak, far above what 10,000 deployments take. Buffers have budgets of their own. */
const controlHeapMb = 1536;
const dataHeapMb = 768;
/** New space of a thread, MiB. V8's own default keeps three times as much resident in each thread and saves no pause that was measured. */
const youngHeapMb = 16;

export function startThread(name: string, start: ThreadStart): Worker {
  const maxOldGenerationSizeMb = start.kind === 'control' ? controlHeapMb : dataHeapMb;
  return new Worker(new URL('main.ts', import.meta.url), { name, workerData: start, resourceLimits: { maxOldGenerationSizeMb, maxYoungGenerationSizeMb: youngHeapMb } });
}
