// Loaded into the gateway by the suite replaced-worker (node --import): SIGUSR2 ends the first data worker's thread, as a bug in it would.
// The thread that tells its id waits for no answer: while the main thread is busy it would have nothing else to do, and end. No BroadcastChannel: the first
// message of one has each thread that listens load Node's fetch.
import { isMainThread, postMessageToThread, threadId, threadName } from "node:worker_threads";

const workers: number[] = [];

if (isMainThread) {
  process.on("workerMessage", (_message: unknown, source: number) => workers.push(source));
  process.on("SIGUSR2", () => void postMessageToThread(workers.pop()!, "end"));
} else if (threadName === "data-0") {
  process.on("workerMessage", () => process.exit(1));
  void postMessageToThread(0, threadId);
}
