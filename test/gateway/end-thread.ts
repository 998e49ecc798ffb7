// Preloaded into a gateway process by tests (`--import`): ends the thread that the parent process names, as a crash would, without warning.
import { syncBuiltinESMExports } from 'node:module';
import workerThreads from 'node:worker_threads';

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
  process.on('message', (name: string) => void threads.get(name)?.terminate());
  process.channel?.unref();
}
