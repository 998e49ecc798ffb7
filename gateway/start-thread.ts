// A thread of the gateway: its entry, and bounds of its heap.
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { ThreadStart } from "./shared/messages.ts";

/** JavaScript heap of a thread, MiB: a bound against a leak, far above what 10,000 deployments take. Buffers have budgets of their own. */
const controlHeapMb = 1536;
const dataHeapMb = 768;
/** New space of a thread, MiB. V8's own default keeps three times as much resident in each thread and saves no pause that was measured. */
const youngHeapMb = 16;

/**
 * Where threads keep their compiled code, so that the next start from the sources neither strips nor compiles: a gateway with two workers starts with half of the CPU,
 * and with 31 MiB less where the main thread does so, too (start.mjs). To the packed form it makes no difference. Beside the packages, because whoever may write there may write the code itself; where nothing can be written, each start compiles anew.
 */
const compiledCode =
  process.env["NODE_COMPILE_CACHE"] ?? fileURLToPath(new URL("../node_modules/.cache/sluice", import.meta.url));

export function startThread(name: string, start: ThreadStart): Worker {
  const maxOldGenerationSizeMb = start.kind === "control" ? controlHeapMb : dataHeapMb;
  return new Worker(new URL("main.ts", import.meta.url), {
    name,
    workerData: start,
    env: { ...process.env, NODE_COMPILE_CACHE: compiledCode },
    resourceLimits: { maxOldGenerationSizeMb, maxYoungGenerationSizeMb: youngHeapMb },
  });
}
