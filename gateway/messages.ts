// Messages between the three kinds of thread: the supervisor (main thread), the control worker, the data workers.
import type { MessagePort } from 'node:worker_threads';
import type { TableDelta } from '../routing/delta.ts';
import type { Series } from '../routing/mapping.ts';
import type { Problem } from '../routing/problem.ts';
import type { UpstreamEndpoints } from '../routing/upstream.ts';
import type { Held } from '../k8s/translate/held.ts';
import type { LogLine } from './log.ts';
import type { Settings } from './settings.ts';

/** `workerData` of every thread that main.ts starts. In its settings the ports are those that are bound, never 0 (but the admin port at first). */
export type ThreadStart = ControlStart | DataStart;

export interface ControlStart {
  readonly kind: 'control';
  readonly settings: Settings;
  /** One block a data worker, by number. */
  readonly counters: readonly SharedArrayBuffer[];
  /** What dead data workers counted, and the supervisor's own counters. */
  readonly base: SharedArrayBuffer;
  readonly handover: Handover;
}

export interface DataStart {
  readonly kind: 'data';
  readonly settings: Settings;
  /** 0 and up. */
  readonly worker: number;
  readonly counters: readonly SharedArrayBuffer[];
  /** 0: any free port (the first worker only). */
  readonly port: number;
  readonly tlsPort: number;
  /** It takes the place of a worker that ended: it listens only once it has a table, so that it never answers 404 for want of one. */
  readonly replacement: boolean;
}

/** What a control worker leaves to its successor; the supervisor keeps it. */
export interface Handover {
  /** Version of the last table; 0: none yet. */
  readonly version: number;
  /** The gateway was ready once. */
  readonly ready: boolean;
  /** Slots in use. */
  readonly slots: readonly (readonly [slot: number, series: Series])[];
  /** Breaker slots in use, and whose they are. */
  readonly breakerSlots: readonly (readonly [slot: number, upstreamKey: string])[];
  /** Last addresses of DNS Upstreams. */
  readonly addresses: readonly UpstreamEndpoints[];
  /** Who holds which claims and bare names. */
  readonly held: readonly Held[];
}

/** What changed in `Handover`; null: as before. */
export interface HandoverChange {
  readonly version: number;
  readonly ready: boolean;
  readonly taken: readonly (readonly [slot: number, series: Series])[];
  readonly freed: readonly number[];
  readonly breakersTaken: readonly (readonly [slot: number, upstreamKey: string])[];
  readonly breakersFreed: readonly number[];
  readonly addresses: readonly UpstreamEndpoints[] | null;
  readonly held: readonly Held[];
  /** Keys of what nobody holds any more. */
  readonly released: readonly string[];
}

/** Supervisor to control worker. */
export type ToControl =
  /** A data worker came (or came back): its channel. It gets the whole table first. */
  | { readonly kind: 'data-worker'; readonly worker: number; readonly channel: MessagePort }
  | { readonly kind: 'data-worker-gone'; readonly worker: number }
  | { readonly kind: 'drain' }
  | { readonly kind: 'stop' };

/** Control worker to supervisor. */
export type FromControl =
  | { readonly kind: 'admin-listening'; readonly host: string; readonly port: number }
  /** Sources have synced and every data worker serves a table. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'kept'; readonly change: HandoverChange }
  /** It cannot start: one clear sentence, exit 1. */
  | { readonly kind: 'failed'; readonly sentence: string }
  | { readonly kind: 'log'; readonly lines: readonly LogLine[] }
  | { readonly kind: 'stopped' };

/** Supervisor to data worker. */
export type ToData =
  | { readonly kind: 'control'; readonly channel: MessagePort }
  /** Certificate and key are read again. */
  | { readonly kind: 'reload' }
  | { readonly kind: 'drain'; readonly waitMs: number; readonly graceMs: number };

/** Data worker to supervisor. */
export type FromData =
  | { readonly kind: 'listening'; readonly host: string; readonly port: number; readonly tlsPort: number }
  | { readonly kind: 'failed'; readonly sentence: string }
  | { readonly kind: 'log'; readonly lines: readonly LogLine[] }
  | { readonly kind: 'drained' };

/** Control worker to data worker, over their channel. */
export type ControlToData =
  | { readonly kind: 'delta'; readonly delta: TableDelta; readonly ready: boolean }
  /** Endpoints alone: no Route is rebuilt. */
  | { readonly kind: 'endpoints'; readonly endpoints: readonly UpstreamEndpoints[] }
  /** Endpoints that fail their health check, of each Upstream named: `ip:port` of all that do. `whole`: of all others none does. */
  | { readonly kind: 'failing'; readonly whole: boolean; readonly upstreams: readonly (readonly [upstreamKey: string, addresses: readonly string[]])[] }
  /** What /readyz and check_ready on the traffic port answer. */
  | { readonly kind: 'ready'; readonly ready: boolean };

/** What a data worker says of a table. */
export interface TableFacts {
  readonly version: number;
  readonly hash: string;
  readonly routeCount: number;
}

/** Problems of the Routes whose Problems differ from those told before on the same channel, by Route key; []: it has none any more. */
export type ToldProblems = readonly (readonly [routeKey: string, problems: readonly Problem[]])[];

/** Data worker to control worker, over their channel. */
export type DataToControl =
  /** First word to a new control worker: the table that it serves. One with the same content sends no Mapping again. */
  | { readonly kind: 'holds'; readonly version: number; readonly hash: string }
  | ({ readonly kind: 'acknowledged'; readonly problems: ToldProblems; readonly atMs: number } & TableFacts)
  /** It holds another table than the delta's base: send the whole. */
  | { readonly kind: 'gap'; readonly version: number }
  /** DNS Upstreams that were used and need addresses, or are still in use (at most once in 20 s each). */
  | { readonly kind: 'used'; readonly upstreams: readonly string[] };
