// The data plane of one thread, as its thread sees it, and what it says of requests: gateway/edge implements this, gateway/worker.ts uses it.
import type { Problem } from '../routing/problem.ts';
import type { Clock } from './clock.ts';
import type { CounterBlock } from './counters.ts';
import type { ControlToData, TableFacts } from './messages.ts';
import type { Settings } from './settings.ts';

/** What a data plane is made with. */
export interface PlaneStart {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly counters: CounterBlock;
  /** Counters of the other data workers: read only. */
  readonly others: readonly Float64Array[];
  readonly log: (entry: AccessEntry) => void;
  /** DNS Upstreams that need addresses, or are still in use. */
  readonly used: (upstreamKeys: string[]) => void;
}

/** What is said about one request. */
export interface AccessEntry {
  /** When the request came, epoch ms. */
  readonly atMs: number;
  /** A failure's flag, or "". */
  readonly flag: string;
  /** What failed, for people; "" when nothing did. */
  readonly sentence: string;
  readonly code: number;
  readonly method: string;
  /** As sent, with its query; at most 256 characters. */
  readonly path: string;
  readonly requestId: string;
  /** Address of the client. */
  readonly peer: string;
  /** Key of the Route, or "". */
  readonly route: string;
  /** Id of the Mapping, or "". */
  readonly mapping: string;
  /** ip:port that answered or was tried last, or "". */
  readonly address: string;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly durationMs: number;
}

/** What became of a message of the control worker. */
export type Applied =
  /** The table is served: acknowledge it. `problems` by Route key; the same object while none changes. */
  | ({ readonly kind: 'table'; readonly problems: ReadonlyMap<string, readonly Problem[]> } & TableFacts)
  /** The delta does not apply to the table that is held: ask for the whole. */
  | { readonly kind: 'gap'; readonly version: number }
  | { readonly kind: 'done' };

/** The data plane of one thread (gateway/edge), as its thread sees it. */
export interface Plane {
  apply(message: ControlToData): Applied;
  /** Ports 0: any free one. `tlsPort` 0 in the answer: no TLS. Rejects when an address cannot be bound or a file not be read. */
  listen(port: number, tlsPort: number): Promise<{ readonly host: string; readonly port: number; readonly tlsPort: number }>;
  /** Reads certificate and key again, for handshakes from now on: their files, or null where there is no TLS. Throws why the old ones stay. */
  reload(): { readonly certFile: string; readonly keyFile: string } | null;
  /** Serves on for `waitMs`, then lets connections end; resolves when nothing is in flight any more, or the grace is over. */
  drain(waitMs: number, graceMs: number): Promise<void>;
}
