// A data worker's thread: between the supervisor, the control worker and the data plane. What it does besides serving: it applies
// deltas, acknowledges, tells which names were used, and drains.
import type { MessagePort } from 'node:worker_threads';
import { CounterBlock } from './counters.ts';
import { postedLog } from './log.ts';
import type { Log } from './log.ts';
import type { Problem } from '../routing/problem.ts';
import type { ControlToData, DataStart, DataToControl, FromData, TableFacts, ToData, ToldProblems } from './messages.ts';
import { releaseMemory } from './release-memory.ts';
import type { Settings } from './settings.ts';

/** What a data plane is made with. */
export interface PlaneStart {
  readonly settings: Settings;
  readonly worker: number;
  readonly counters: CounterBlock;
  /** Counters of the other data workers: read only. */
  readonly others: readonly Float64Array[];
  readonly log: (entry: AccessLine) => void;
  /** DNS Upstreams that need addresses, or are still in use. */
  readonly used: (upstreamKeys: string[]) => void;
}

/** What is said about one request; the data plane says more than its thread needs to know. */
export interface AccessLine {
  /** When the request came, epoch ms. */
  readonly atMs: number;
  /** A failure's flag, or "". */
  readonly flag: string;
}

/** Problems by Route key; the same object while none changes. */
type TableProblems = ReadonlyMap<string, readonly Problem[]>;

/** What became of a message of the control worker. */
export type Applied =
  | ({ readonly kind: 'table'; readonly problems: TableProblems } & TableFacts)
  | { readonly kind: 'gap'; readonly version: number }
  | { readonly kind: 'done' };

/** The data plane of one thread (gateway/edge), as its thread sees it. */
export interface Plane {
  apply(message: ControlToData): Applied;
  /** Ports 0: any free one. `tlsPort` 0 in the answer: no TLS. Rejects when an address cannot be bound or a file not be read. */
  listen(port: number, tlsPort: number): Promise<{ readonly host: string; readonly port: number; readonly tlsPort: number }>;
  /** The drain of design §6; resolves when nothing is in flight any more, or the grace is over. */
  drain(waitMs: number, graceMs: number): Promise<void>;
}

/** A first table of so many Routes leaves garbage worth a pause before the worker serves. */
const largeTableRoutes = 2000;

/** A replacement listens without a table after this long: then there is no control worker to give it one. */
const tableWaitMs = 2000;

/** Runs until the supervisor ends the thread. */
export async function startDataWorker(start: DataStart, parent: MessagePort, makePlane: (start: PlaneStart) => Plane): Promise<void> {
  const { settings, worker } = start;
  const tell = (message: FromData): void => parent.postMessage(message);
  const log = postedLog((lines) => tell({ kind: 'log', lines }));
  let control: MessagePort | null = null;
  const plane = makePlane({
    settings,
    worker,
    counters: new CounterBlock(start.counters[worker]!),
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
    const applied = plane.apply(message);
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
      releaseMemory();
      acknowledge();
    });
  };
  const drain = async (waitMs: number, graceMs: number): Promise<void> => {
    await plane.drain(waitMs, graceMs);
    log.flush();
    tell({ kind: 'drained' });
  };
  parent.on('message', (message: ToData) => {
    if (message.kind === 'drain') {
      void drain(message.waitMs, message.graceMs);
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
function writeAccess(log: Log, entry: AccessLine): void {
  const { atMs, ...fields } = entry;
  log.write(entry.flag === '' ? 'info' : 'warn', 'access', { at: new Date(atMs).toISOString(), ...fields });
}

/** Why it cannot listen, in one line. Errors of the socket name their system call; all others are of the certificate or its key. */
function listenFailure(error: unknown, { tls }: Settings): string {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (tls !== null && syscall === undefined) return `${tls.certFile} and ${tls.keyFile} cannot be used (${message}): write --tls-cert and --tls-key with PEM files that belong together`;
  return `the traffic port cannot be bound (${code ?? message}): write --listen or --tls-listen with another address`;
}

async function within(promise: Promise<void>, limitMs: number): Promise<void> {
  const timer = Promise.withResolvers<void>();
  const timeout = setTimeout(timer.resolve, limitMs);
  await Promise.race([promise, timer.promise]);
  clearTimeout(timeout);
}
