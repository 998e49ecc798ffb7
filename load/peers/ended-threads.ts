// Loaded into the gateway by the suite replaced-worker (node --import): SIGUSR2 ends the first data worker's thread, as a bug in it would.
// By a channel, which nobody waits for: a thread that awaits the main thread's answer at its start has nothing else to do, and ends.
import { BroadcastChannel, isMainThread, threadName } from 'node:worker_threads';

const ends = new BroadcastChannel('end');
ends.unref();
if (isMainThread) process.on('SIGUSR2', () => ends.postMessage('data-0'));
else {
  ends.addEventListener('message', ({ data }: MessageEvent) => {
    if (data === threadName) process.exit(1);
  });
}
