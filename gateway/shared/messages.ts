// Messages between the three kinds of thread: the supervisor (main thread), the control worker, the data workers.
import type { PairsLeftOut, PostedPair } from "./compared-pairs.ts";
import type { DrainedEvidence } from "./evidence-counts.ts";
import type { MessagePort } from "node:worker_threads";
import type { UpstreamEndpoints } from "../../routing/model/upstream.ts";
import type { CallPolicy } from "../callers/call-policy.ts";
import type { AccessEntry } from "./access-fields.ts";
import type { CertificateSet } from "./certificates.ts";
import type { OAuthClient, OAuthClientsChange } from "../callers/oauth-client.ts";
import type { Revocation } from "../callers/oauth-token.ts";
import type { LimitMemory } from "./memory/limit-memory.ts";
import type { LogLine } from "./log.ts";
import type { Settings } from "../options/settings.ts";

/** A call policy, and the text of the file that it is from; "": of none. */
export interface KeptPolicy {
  readonly text: string;
  readonly policy: CallPolicy;
}

/** `workerData` of every thread that main.ts starts. In its settings the ports are those that are bound, never 0 (but the admin port at first). */
export type ThreadStart = ControlStart | DataStart;

export interface ControlStart {
  readonly kind: "control";
  readonly settings: Settings;
  /** Names this process among all that ever run. */
  readonly instance: string;
  /** One block a data worker, by number. */
  readonly counters: readonly SharedArrayBuffer[];
  /** What dead data workers counted, and the supervisor's own counters. */
  readonly base: SharedArrayBuffer;
  readonly table: SharedArrayBuffer;
  /** Where limits of rate are counted. */
  readonly limits: LimitMemory;
  readonly handover: Handover;
  /** What the control worker before held to; null: none has said it yet. */
  readonly policy: KeptPolicy | null;
  /** What an earlier control worker gave the data workers; null: nothing yet. */
  readonly certificates: CertificateSet | null;
  /** Text of the record of releases that was in force; "": of none. */
  readonly releases: string;
  /** Those by which the one before decided, where it ended for others; null: they are the same, or there was none before. */
  readonly grantsBefore: Settings["grants"] | null;
}

export interface DataStart {
  readonly kind: "data";
  readonly settings: Settings;
  /** 0 and up. */
  readonly worker: number;
  readonly counters: readonly SharedArrayBuffer[];
  /** Where data workers count who has much of an Upstream in use. */
  readonly heavyUse: SharedArrayBuffer;
  readonly table: SharedArrayBuffer;
  /** Clients of the OAuth gateway; null: nobody has said yet who they are. */
  readonly oauthClients: readonly OAuthClient[] | null;
  /** Keys of its tokens: the first signs, all verify. */
  readonly oauthKeys: readonly Uint8Array[];
  /** Its revoked tokens. */
  readonly revoked: readonly Revocation[];
  /** Where limits of rate are counted. */
  readonly limits: LimitMemory;
  /** 0: any free port (the first worker only). */
  readonly port: number;
  readonly tlsPort: number;
  /** Who may call; null: it is not known yet. */
  readonly policy: CallPolicy | null;
  /** What the control worker gave last; null: nothing yet. */
  readonly certificates: CertificateSet | null;
  /** Of the keys that seal TLS sessions, 32 bytes: every worker opens what another has sealed. */
  readonly ticketSeed: Uint8Array;
  /** Of the puids that name predictors: the first makes them, all know them. */
  readonly puidKeys: readonly Uint8Array[];
  /** It takes the place of a worker that ended: it listens only once it has a table, so that it never answers 404 for want of one. */
  readonly replacement: boolean;
}

/** What a control worker leaves to its successor beside the table; the supervisor keeps it. */
export interface Handover {
  /** The gateway was ready once. */
  readonly ready: boolean;
  /** Last addresses of DNS Upstreams. */
  readonly addresses: readonly UpstreamEndpoints[];
}

/** Supervisor to control worker. */
export type ToControl =
  /** A data worker came (or came back): its channel. */
  | { readonly kind: "data-worker"; readonly worker: number; readonly channel: MessagePort }
  | { readonly kind: "data-worker-gone"; readonly worker: number }
  /** Files of certificates are read again. */
  | { readonly kind: "reread" }
  | { readonly kind: "drain" }
  | { readonly kind: "stop" };

/** Control worker to supervisor. */
export type FromControl =
  | { readonly kind: "admin-listening"; readonly host: string; readonly port: number }
  /** Sources have synced and every data worker serves a table. */
  | { readonly kind: "ready" }
  | { readonly kind: "kept"; readonly change: Handover }
  /** Text of the record of releases that is in force: a successor goes on from it while it can read none. */
  | { readonly kind: "releases"; readonly text: string }
  /** Another call policy holds from now on. */
  | { readonly kind: "policy"; readonly kept: KeptPolicy }
  /** What data workers and a successor start with from now on. */
  | { readonly kind: "certificates"; readonly set: CertificateSet }
  /** New keys of this provider were looked for; where there are any, a policy with them has been said before. */
  | { readonly kind: "keys-looked"; readonly provider: string }
  | { readonly kind: "oauth-clients"; readonly change: OAuthClientsChange }
  /** Tokens of the OAuth gateway end: each data worker says under this number whether they have. */
  | { readonly kind: "revoke"; readonly id: number; readonly revocation: Revocation }
  /** It cannot start: one clear sentence, exit 1. */
  | { readonly kind: "failed"; readonly sentence: string }
  | { readonly kind: "log"; readonly lines: readonly LogLine[] }
  | { readonly kind: "stopped" };

/** Supervisor to data worker. */
export type ToData =
  /** A control worker came: its channel. */
  | { readonly kind: "control"; readonly channel: MessagePort }
  | { readonly kind: "policy"; readonly policy: CallPolicy }
  | { readonly kind: "keys-looked"; readonly provider: string }
  | { readonly kind: "oauth-clients"; readonly change: OAuthClientsChange }
  | { readonly kind: "oauth-keys"; readonly keys: readonly Uint8Array[] }
  /** null: the supervisor has no room for it, so it does not hold. */
  | { readonly kind: "revoke"; readonly id: number; readonly revocation: Revocation | null }
  | { readonly kind: "drain"; readonly waitMs: number; readonly graceMs: number };

/** Data worker to supervisor. */
export type FromData =
  | { readonly kind: "listening"; readonly host: string; readonly port: number; readonly tlsPort: number }
  | { readonly kind: "failed"; readonly sentence: string }
  | { readonly kind: "log"; readonly lines: readonly LogLine[] }
  | { readonly kind: "drained" };

/** Control worker to data worker, over their channel. */
export type ControlToData =
  /** There is news in the memory of the table. The worker says which table it took. */
  | { readonly kind: "wake" }
  /** Certificates and terms of hosts from now on. */
  | { readonly kind: "certificates"; readonly set: CertificateSet }
  /** It hands over all requests from now on, or failures alone. */
  | { readonly kind: "report-all"; readonly all: boolean }
  /** A pair of this namespace and size is compared: there is room for others. */
  | { readonly kind: "pair-taken"; readonly namespace: string; readonly bytes: number };

export type RevokedAnswer =
  | { readonly kind: "revoked" }
  /** It is not certain that the tokens have ended. */
  | { readonly kind: "away"; readonly sentence: string };

/** What is known of a table. */
export interface TableFacts {
  readonly version: number;
  readonly hash: string;
  readonly routeCount: number;
}

/** Data worker to control worker, over their channel. */
export type DataToControl =
  /** It reads this table, since `atMs`, epoch ms. */
  | { readonly kind: "taken"; readonly version: number; readonly atMs: number }
  /** What it lacks, without which it refuses everybody, from now on; null: nothing, which holds until it says another thing. */
  | { readonly kind: "lacks"; readonly what: string | null }
  /** DNS Upstreams that were used and need addresses, or are still in use (at most once in 20 s each). */
  | { readonly kind: "used"; readonly upstreams: readonly string[] }
  /** Requests that failed, and all of them while the control worker asks for all. */
  | { readonly kind: "requests"; readonly entries: readonly AccessEntry[]; readonly leftOut: LeftOut }
  /** How long requests of predictors took that are released, at most once a second. `leftOut`: beyond the limit of slots. */
  | ({ readonly kind: "evidence" } & DrainedEvidence)
  /** A token names a key that this provider of identities has not. */
  | { readonly kind: "keys-wanted"; readonly provider: string }
  | { readonly kind: "revoked"; readonly id: number; readonly answer: RevokedAnswer }
  /** Both answers to a request, to be compared. */
  | { readonly kind: "pair"; readonly pair: PostedPair }
  /** So many more were left out. */
  | { readonly kind: "pairs-left-out"; readonly pairs: readonly PairsLeftOut[] };

/** Requests that a data worker did not hand over, because there were too many in a second. */
export interface LeftOut {
  readonly failures: number;
  readonly others: number;
}

/** What a server says that the policy names. */
export type HttpAnswer =
  /** `maxAgeMs`: how long the server says that it holds; null: it does not say. */
  | { readonly kind: "got"; readonly text: string; readonly maxAgeMs: number | null }
  /** `reason` follows "cannot be fetched: ". */
  | { readonly kind: "failed"; readonly reason: string };
