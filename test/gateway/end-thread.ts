// Preloaded into a gateway process by tests (`--import`): ends the thread that the parent process names, as a crash would, without warning; or
// hangs it: `hang data-0`.
import { syncBuiltinESMExports } from 'node:module';
import workerThreads from 'node:worker_threads';

const hangs = new workerThreads.BroadcastChannel('hang');
hangs.addEventListener('message', function hangIfNamed({ data }: MessageEvent) {
  if (!workerThreads.isMainThread && data === workerThreads.threadName) hangHere();
});
hangs.unref();

/** What a log line says where the thread stands. */
function hangHere(): never {
  for (let turns = 0; ; turns++) if (turns < 0) throw new Error('numbers do not end');
}

if (workerThreads.isMainThread && process.send !== undefined) {
  const threads = new Map<string, workerThreads.Worker>();
  class NamedWorker extends workerThreads.Worker {
    constructor(file: URL, start: workerThreads.WorkerOptions) {
      super(file, start);
      threads.set(start.name ?? '', this);
    }
  }
  workerThreads.Worker = NamedWorker;
  syncBuiltinESMExports();
  process.on('message', (name: string) => {
    if (name.startsWith('hang ')) hangs.postMessage(name.slice(5));
    else void threads.get(name)?.terminate();
  });
  process.channel?.unref();
}
