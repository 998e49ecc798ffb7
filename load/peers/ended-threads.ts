// Loaded into the gateway by the suite replaced-worker (node --import): SIGUSR2 ends the first data worker's thread, as a bug in it would.
import { isMainThread, postMessageToThread, threadId, threadName } from 'node:worker_threads';

const workers: number[] = [];

if (isMainThread) {
  process.on('workerMessage', (_message: unknown, source: number) => workers.push(source));
  process.on('SIGUSR2', () => void postMessageToThread(workers.pop()!, 'end'));
} else if (threadName?.startsWith('data-') === true) {
  process.on('workerMessage', () => process.exit(1));
  await postMessageToThread(0, threadId);
}
