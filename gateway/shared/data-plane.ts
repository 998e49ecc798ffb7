// The data plane of one thread, as its thread sees it, and what it says of requests: gateway/edge implements this, gateway/worker/worker.ts uses it.
import type { EvidenceCounts } from "./evidence-counts.ts";
import type { CertificateSet } from "./certificates.ts";
import type { Clock } from "./clock.ts";
import type { CallPolicy } from "../callers/call-policy.ts";
import type { PairTaker } from "./compared-pairs.ts";
import type { CounterBlock } from "./memory/counters.ts";
import type { OAuthClient, OAuthClientsChange } from "../callers/oauth-client.ts";
import type { Revocation } from "../callers/oauth-token.ts";
import type { LimitMemory } from "./memory/limit-memory.ts";
import type { AccessEntry } from "./access-fields.ts";
import type { WriteLine } from "./log-events.ts";
import type { RevokedAnswer } from "./messages.ts";
import type { Settings } from "../options/settings.ts";

/** What a data plane is made with. */
export interface PlaneStart {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly counters: CounterBlock;
  /** Counters of the other data workers: read only. */
  readonly others: readonly Float64Array[];
  /** Where all of them count who has much of an Upstream in use. */
  readonly heavyUse: Int32Array;
  /** Memory of the table, and which of its readers this is. */
  readonly table: SharedArrayBuffer;
  readonly reader: number;
  /** Clients of the OAuth gateway; null: they are not known yet. */
  readonly oauthClients: readonly OAuthClient[] | null;
  /** Keys of its tokens: the first signs, all verify. */
  readonly oauthKeys: readonly Uint8Array[];
  /** Its revoked tokens. */
  readonly revoked: readonly Revocation[];
  /** Who may call; null: it is not known yet, and nobody may. */
  readonly policy: CallPolicy | null;
  /** A token names a key that this provider of identities has not: new ones are looked for. */
  readonly askKeys: (provider: string) => void;
  /** Of the keys that seal TLS sessions: 32 bytes, the same in every worker. */
  readonly ticketSeed: Uint8Array;
  /** Of the puids that name predictors: one or more, 32 bytes each. The first makes them, all know them. */
  readonly puidKeys: readonly Uint8Array[];
  /** Where limits of rate are counted, and by how much the time of that memory is ahead of `clock`, ms. */
  readonly rateLimits: { readonly memory: LimitMemory; readonly aheadMs: number };
  readonly log: (entry: AccessEntry) => void;
  readonly reports: RequestReports;
  /** Takes how long requests of predictors took that are released. */
  readonly evidence: EvidenceCounts;
  /** What is said of the worker itself: a line with a name. */
  readonly say: WriteLine;
  readonly compare: PairTaker;
  /** DNS Upstreams that need addresses, or are still in use. */
  readonly used: (upstreamKeys: string[]) => void;
}

/** Takes what the control worker hears of requests. */
export interface RequestReports {
  take(entry: AccessEntry, isFailure: boolean): void;
  /** So many more came in a second and were left out. */
  leftOut(isFailure: boolean, lines: number): void;
}

/** The data plane of one thread (gateway/edge), as its thread sees it. */
export interface Plane {
  /** There may be news in the memory of the table: takes the newest one. */
  woken(): void;
  /** Who may call from now on. */
  setPolicy(policy: CallPolicy): void;
  /** Keys of this provider were looked for, and there are no others than those of its policy. */
  keysLooked(provider: string): void;
  /** All requests are reported from now on, or failures alone. */
  reportAll(all: boolean): void;
  /** Other clients of the OAuth gateway. */
  setOAuthClients(change: OAuthClientsChange): void;
  /** Only these keys of its tokens count from now on. */
  setOAuthKeys(keys: readonly Uint8Array[]): void;
  /** Ends tokens of the OAuth gateway; null: there is no room to keep it. */
  revoke(revocation: Revocation | null): Promise<RevokedAnswer>;
  /** The table that is served; version 0: none yet. `atMs`: since when, epoch ms. */
  readonly served: { readonly version: number; readonly atMs: number };
  /** What it has not been given yet and without which it refuses everybody, for people; null: nothing. */
  readonly lacks: string | null;
  /** Ports 0: any free one. `tlsPort` 0 in the answer: no TLS. Rejects when an address cannot be bound. */
  listen(
    port: number,
    tlsPort: number,
  ): Promise<{ readonly host: string; readonly port: number; readonly tlsPort: number }>;
  /** Certificates and terms of hosts, for handshakes and requests from now on. */
  setCertificates(set: CertificateSet): void;
  /** Serves on for `waitMs`, then lets connections end; resolves when nothing is in flight any more, or the grace is over. */
  drain(waitMs: number, graceMs: number): Promise<void>;
}
