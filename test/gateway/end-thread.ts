// Preloaded into a gateway process by tests (`--import`): ends the thread that the parent process names, as a crash would, without warning; or
// hangs it: `hang data-0`; or ends the control worker at a moment of its next write of the table: `end-at pages written`;
// or has a data worker end itself: `exit data-0`, `throw data-0`, `reject data-0`, `exhaust data-0` (it asks for memory
// until it has none left). A thread has the name of its place.
// An order for a place whose thread has ended, or was told to end, is for the next thread there.
import { channel } from "node:diagnostics_channel";
import { syncBuiltinESMExports } from "node:module";
import workerThreads from "node:worker_threads";

const hangs = new workerThreads.BroadcastChannel("hang");
hangs.addEventListener("message", function hangIfNamed({ data }: MessageEvent) {
  if (!workerThreads.isMainThread && data === workerThreads.threadId) hangHere();
});
hangs.unref();

function holdAll(): never {
  // 64 MiB each: little time goes to collecting in vain.
  for (const held: number[][] = []; ; held.push(Array<number>(2 ** 23).fill(0.5)))
    if (held.length > 1000) throw new Error("memory does not end");
}

/** From the parent process: a thread ends itself, hangs, or is ended. */
interface Order {
  readonly way: string;
  readonly place: string;
}

/** How a thread ends itself. */
const ways = new workerThreads.BroadcastChannel("end-by");
ways.addEventListener("message", ({ data }: MessageEvent) => {
  const { way, thread } = data as { readonly way: string; readonly thread: number };
  if (workerThreads.isMainThread || thread !== workerThreads.threadId) return;
  if (way === "exit") process.exit(3);
  if (way === "exhaust") holdAll();
  if (way === "reject") void Promise.reject(new Error("planted"));
  else {
    setImmediate(() => {
      throw new Error("planted");
    });
  }
});
ways.unref();

/** What a log line says where the thread stands. */
function hangHere(): never {
  for (let turns = 0; ; turns++) if (turns < 0) throw new Error("numbers do not end");
}

/** To the control worker: the moment; from it: that it waits for the moment, and that it stands there. */
const ends = new workerThreads.BroadcastChannel("end-at");
ends.unref();

/** A thread says with its id that it hears orders: what was posted to it before is lost. */
const heard = new workerThreads.BroadcastChannel("heard");
heard.unref();
if (!workerThreads.isMainThread) heard.postMessage(workerThreads.threadId);

if (!workerThreads.isMainThread && workerThreads.threadName === "control") {
  let endAt = "";
  ends.addEventListener("message", ({ data }: MessageEvent) => {
    endAt = String(data);
    ends.postMessage("armed");
  });
  channel("sluice:table-write").subscribe((point) => {
    if (point !== endAt) return;
    ends.postMessage("there");
    // Nothing more happens in this thread.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
}

if (workerThreads.isMainThread && process.send !== undefined) {
  const threads = new Map<string, workerThreads.Worker>();
  /** Ids of threads that hear orders. */
  const hearing = new Set<number>();
  const ending = new WeakSet<workerThreads.Worker>();
  let orders: readonly Order[] = [];
  const carryOut = (): void => {
    orders = orders.filter(({ way, place }) => {
      const thread = threads.get(place);
      if (thread === undefined || !hearing.has(thread.threadId) || ending.has(thread)) return true;
      if (way === "hang") hangs.postMessage(thread.threadId);
      else {
        ending.add(thread);
        if (way === "terminate") void thread.terminate();
        else ways.postMessage({ way, thread: thread.threadId });
      }
      return false;
    });
  };
  heard.addEventListener("message", ({ data }: MessageEvent) => {
    hearing.add(data as number);
    carryOut();
  });
  class NamedWorker extends workerThreads.Worker {
    constructor(file: URL, options: workerThreads.WorkerOptions) {
      super(file, options);
      threads.set(options.name ?? "", this);
      carryOut();
    }
  }
  workerThreads.Worker = NamedWorker;
  syncBuiltinESMExports();
  ends.addEventListener("message", ({ data }: MessageEvent) => {
    if (data === "armed") process.send!("armed");
    if (data === "there") void threads.get("control")?.terminate();
  });
  process.on("message", (name: string) => {
    if (name.startsWith("end-at ")) ends.postMessage(name.slice("end-at ".length));
    else {
      const [place = "", way = "terminate"] = name.split(" ").toReversed();
      orders = [...orders, { way, place }];
      carryOut();
    }
  });
  process.channel?.unref();
}
