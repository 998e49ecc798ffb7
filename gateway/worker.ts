// A data worker's thread: between the supervisor, the control worker and the data plane. What it does besides serving: it applies
// deltas, acknowledges, tells which names were used, and drains.
import type { MessagePort } from 'node:worker_threads';
import type { TableDelta } from '../routing/delta.ts';
import type { UpstreamEndpoints } from '../routing/upstream.ts';
import { CounterBlock } from './counters.ts';
import { postedLog } from './log.ts';
import type { Log } from './log.ts';
import type { ControlToData, DataStart, DataToControl, FromData, ToData } from './messages.ts';
import type { Settings } from './settings.ts';

/** What a data plane is made with. */
export interface PlaneStart {
  readonly settings: Settings;
  /** Its own counters. */
  readonly counters: CounterBlock;
  /** Those of every worker, its own among them: occupancy is their sum. */
  readonly allCounters: readonly CounterBlock[];
  readonly log: Log;
  /** DNS Upstreams that requests needed (at most once in 20 s each). */
  readonly used: (upstreams: readonly string[]) => void;
}

/** The data plane of one thread (gateway/edge), as its thread sees it. */
export interface Plane {
  /** Number of the table it serves; 0: none yet. */
  readonly version: number;
  readonly hash: string;
  /** Ports 0: any free one; TLS port 0 without TLS in the settings: none. Rejects with one clear sentence. */
  listen(port: number, tlsPort: number): Promise<{ readonly host: string; readonly port: number; readonly tlsPort: number }>;
  /** The caller has checked that the delta applies: its base is 0 or `version`. */
  apply(delta: TableDelta): void;
  setEndpoints(endpoints: readonly UpstreamEndpoints[]): void;
  setReady(ready: boolean): void;
  /** The drain of design §6; resolves when nothing is in flight any more, or the grace is over. */
  drain(waitMs: number, graceMs: number): Promise<void>;
}

/** A replacement listens without a table after this long: then there is no control worker to give it one. */
const tableWaitMs = 2000;

/** Runs until the supervisor ends the thread. */
export async function startDataWorker(start: DataStart, parent: MessagePort, makePlane: (start: PlaneStart) => Plane): Promise<void> {
  const { settings, worker } = start;
  const tell = (message: FromData): void => parent.postMessage(message);
  const log = postedLog((lines) => tell({ kind: 'log', lines }));
  const allCounters = start.counters.map((buffer) => new CounterBlock(buffer));
  let control: MessagePort | null = null;
  const plane = makePlane({
    settings,
    counters: allCounters[worker]!,
    allCounters,
    log,
    used: (upstreams) => control?.postMessage({ kind: 'used', upstreams } satisfies DataToControl),
  });
  const firstTable = Promise.withResolvers<void>();

  const fromControl = (channel: MessagePort, message: ControlToData): void => {
    switch (message.kind) {
      case 'delta':
        channel.postMessage(applyDelta(plane, message.delta));
        plane.setReady(message.ready);
        if (plane.version > 0) firstTable.resolve();
        break;
      case 'endpoints':
        plane.setEndpoints(message.endpoints);
        break;
      case 'ready':
        plane.setReady(message.ready);
        break;
    }
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
    channel.on('message', (one: ControlToData) => fromControl(channel, one));
    if (plane.version > 0) channel.postMessage({ kind: 'holds', version: plane.version, hash: plane.hash } satisfies DataToControl);
  });

  if (start.replacement) await within(firstTable.promise, tableWaitMs);
  try {
    tell({ kind: 'listening', ...(await plane.listen(start.port, start.tlsPort)) });
  } catch (error) {
    tell({ kind: 'failed', sentence: error instanceof Error ? error.message : String(error) });
    log.flush();
    process.exit(1);
  }
}

/** Applies a delta, or says that it does not fit. */
function applyDelta(plane: Plane, delta: TableDelta): DataToControl {
  if (delta.base !== 0 && delta.base !== plane.version) return { kind: 'gap', version: plane.version };
  plane.apply(delta);
  return { kind: 'acknowledged', version: plane.version, hash: plane.hash, atMs: performance.timeOrigin + performance.now() };
}

async function within(promise: Promise<void>, limitMs: number): Promise<void> {
  const timer = Promise.withResolvers<void>();
  const timeout = setTimeout(timer.resolve, limitMs);
  await Promise.race([promise, timer.promise]);
  clearTimeout(timeout);
}
