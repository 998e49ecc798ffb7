// A data worker's thread: between the supervisor, the control worker and the data plane. What it does besides serving: it applies
// deltas, acknowledges, tells which names were used, and drains.
import type { MessagePort } from 'node:worker_threads';
import { systemClock } from './clock.ts';
import { CounterBlock } from './counters.ts';
import { postedLog } from './log.ts';
import type { Log } from './log.ts';
import { duringLongWork, startPulse } from './pulse.ts';
import type { Problem } from '../routing/problem.ts';
import type { ControlToData, DataStart, DataToControl, FromData, ToData, ToldProblems } from './messages.ts';
import { releaseMemory } from './release-memory.ts';
import type { AccessEntry, Plane, PlaneStart } from './data-plane.ts';
import type { Settings } from './settings.ts';

/** Problems by Route key; the same object while none changes. */
type TableProblems = ReadonlyMap<string, readonly Problem[]>;

/** A first table of so many Routes leaves garbage worth a pause before the worker serves. */
const largeTableRoutes = 2000;

/** A replacement listens without a table after this long: then there is no control worker to give it one. */
const tableWaitMs = 2000;

/** Runs until the supervisor ends the thread. */
export async function startDataWorker(start: DataStart, parent: MessagePort, makePlane: (start: PlaneStart) => Plane): Promise<void> {
  const { settings, worker } = start;
  const tell = (message: FromData): void => parent.postMessage(message);
  const counters = new CounterBlock(start.counters[worker]!);
  startPulse(counters.cells);
  const log = postedLog((lines) => tell({ kind: 'log', lines }));
  let control: MessagePort | null = null;
  const plane = makePlane({
    settings,
    clock: systemClock,
    counters,
    others: start.counters.filter((_, other) => other !== worker).map((buffer) => new Float64Array(buffer)),
    log: (entry) => writeAccess(log, entry),
    used: (upstreams) => control?.postMessage({ kind: 'used', upstreams } satisfies DataToControl),
  });
  const firstTable = Promise.withResolvers<void>();
  /** What it serves, for the next control worker. */
  let held: { readonly version: number; readonly hash: string } | null = null;
  /** What this control worker was told. */
  let told = noProblems;

  const fromControl = (channel: MessagePort, message: ControlToData): void => {
    const applied = duringLongWork(counters.cells, 'building a table', () => plane.apply(message));
    if (applied.kind === 'gap') channel.postMessage({ kind: 'gap', version: applied.version } satisfies DataToControl);
    if (applied.kind !== 'table') return;
    const { version, hash, routeCount, problems } = applied;
    const isFirst = held === null;
    held = { version, hash };
    const news = changedProblems(told, problems);
    told = problems;
    const acknowledge = (): void => {
      channel.postMessage({ kind: 'acknowledged', version, hash, routeCount, problems: news, atMs: performance.timeOrigin + performance.now() } satisfies DataToControl);
      firstTable.resolve();
    };
    if (!isFirst || routeCount < largeTableRoutes) return acknowledge();
    // Once the message itself is garbage, and before this worker makes the gateway ready.
    setImmediate(() => {
      duringLongWork(counters.cells, 'collecting garbage', releaseMemory);
      acknowledge();
    });
  };
  const drain = async (waitMs: number, graceMs: number): Promise<void> => {
    await plane.drain(waitMs, graceMs);
    log.flush();
    tell({ kind: 'drained' });
  };
  const reload = (): void => {
    try {
      const files = plane.reload();
      if (files !== null) log.write('info', 'certificate-read', { worker, ...files });
    } catch (error) {
      log.write('error', 'certificate-refused', { worker, sentence: `${listenFailure(error, settings)}; the one from before is served on` });
    }
  };
  parent.on('message', (message: ToData) => {
    if (message.kind === 'drain') {
      void drain(message.waitMs, message.graceMs);
      return;
    }
    if (message.kind === 'reload') {
      reload();
      return;
    }
    control?.close();
    const { channel } = message;
    control = channel;
    told = noProblems;
    channel.on('message', (one: ControlToData) => fromControl(channel, one));
    if (held !== null) channel.postMessage({ kind: 'holds', ...held } satisfies DataToControl);
  });

  if (start.replacement) await within(firstTable.promise, tableWaitMs);
  try {
    tell({ kind: 'listening', ...(await plane.listen(start.port, start.tlsPort)) });
  } catch (error) {
    tell({ kind: 'failed', sentence: listenFailure(error, settings) });
    log.flush();
    process.exit(1);
  }
}

const noProblems: TableProblems = new Map();

function changedProblems(before: TableProblems, after: TableProblems): ToldProblems {
  if (before === after) return [];
  const changed: [string, readonly Problem[]][] = [];
  for (const key of before.keys()) if (!after.has(key)) changed.push([key, []]);
  for (const [key, problems] of after) if (before.get(key) !== problems) changed.push([key, problems]);
  return changed;
}

/** One line a request: a failure of the gateway or its upstream is a warning, whatever else is logged is not. */
function writeAccess(log: Log, entry: AccessEntry): void {
  const { atMs, ...fields } = entry;
  log.write(entry.flag === '' ? 'info' : 'warn', 'access', { at: new Date(atMs).toISOString(), ...fields });
}

/** Why it cannot listen, in one line. Errors of the socket name their system call; all others are of the certificate or its key. */
function listenFailure(error: unknown, { tls }: Settings): string {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (tls !== null && (syscall === undefined || syscall === 'open' || syscall === 'read')) return `${tls.certFile} and ${tls.keyFile} cannot be used (${message}): write --tls-cert and --tls-key with PEM files that belong together`;
  return `the traffic port cannot be bound (${code ?? message}): write --listen or --tls-listen with another address`;
}

async function within(promise: Promise<void>, limitMs: number): Promise<void> {
  const timer = Promise.withResolvers<void>();
  const timeout = setTimeout(timer.resolve, limitMs);
  await Promise.race([promise, timer.promise]);
  clearTimeout(timeout);
}
