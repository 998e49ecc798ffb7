// Messages between the three kinds of thread: the supervisor (main thread), the control worker, the data workers.
import type { MessagePort } from 'node:worker_threads';
import type { TableDelta } from '../routing/delta.ts';
import type { UpstreamEndpoints } from '../routing/upstream.ts';
import type { Settings } from './settings.ts';

/** `workerData` of every thread that main.ts starts. */
export type ThreadStart =
  | { readonly kind: 'control'; readonly settings: Settings; readonly counters: readonly SharedArrayBuffer[]; readonly base: SharedArrayBuffer }
  | { readonly kind: 'data'; readonly settings: Settings; readonly worker: number; readonly counters: readonly SharedArrayBuffer[]; readonly port: number; readonly tlsPort: number };

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
  /** It cannot start: one clear sentence, exit 1. */
  | { readonly kind: 'failed'; readonly sentence: string }
  | { readonly kind: 'stopped' };

/** Supervisor to data worker. */
export type ToData =
  | { readonly kind: 'control'; readonly channel: MessagePort }
  | { readonly kind: 'drain'; readonly waitMs: number; readonly graceMs: number };

/** Data worker to supervisor. */
export type FromData =
  | { readonly kind: 'listening'; readonly host: string; readonly port: number; readonly tlsPort: number }
  | { readonly kind: 'failed'; readonly sentence: string }
  | { readonly kind: 'drained' };

/** Control worker to data worker, over their channel. */
export type ControlToData =
  | { readonly kind: 'delta'; readonly delta: TableDelta; readonly ready: boolean }
  /** Endpoints alone: no Route is rebuilt. */
  | { readonly kind: 'endpoints'; readonly endpoints: readonly UpstreamEndpoints[] }
  /** What /readyz and check_ready on the traffic port answer. */
  | { readonly kind: 'ready'; readonly ready: boolean };

/** Data worker to control worker, over their channel. */
export type DataToControl =
  | { readonly kind: 'acknowledged'; readonly version: number; readonly hash: string; readonly atMs: number }
  /** It holds another table than the delta's base: send the whole. */
  | { readonly kind: 'gap'; readonly version: number }
  /** DNS Upstreams that were used and need addresses, or are still in use (at most once in 20 s each). */
  | { readonly kind: 'used'; readonly upstreams: readonly string[] };
