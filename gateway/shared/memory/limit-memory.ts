// The memory in which requests are counted for limits of rate, shared by all data workers of the process. The supervisor makes it, so that it
// outlives them: a worker that ends gives nobody new permits.

import { createHash } from "node:crypto";
import type { RateLimit } from "../../../routing/model/guard.ts";

/** Plain values: they travel to the threads by structured clone, and all of them see the same bytes. */
export interface LimitMemory {
  readonly buffer: SharedArrayBuffer;
  /** Sets of cells for limits of deployments as a whole, which no client can take from them; behind them the sets for single clients. */
  readonly wholeSets: number;
  readonly clientSets: number;
  /** Time counts from here, ms of `sharedNowMs`. */
  readonly startMs: number;
  /** Keys of the hash by which a client has its cell: nobody outside can aim at another's. */
  readonly secret: readonly [number, number];
}

/** Whose cell of a limit is looked at; of a header the values of its fields. */
export type LimitedClient =
  | { readonly kind: "all" }
  | { readonly kind: "client"; readonly provider: string; readonly client: string }
  | { readonly kind: "header"; readonly values: readonly string[] };

/** Looks at what is left of limits, and takes nothing. */
export interface LimitLook {
  /** Requests that this client may send at once now. `object`: whose limit it is, `SeldonDeployment prod/iris`. */
  left(limit: RateLimit, owner: { readonly namespace: string; readonly object: string }, client: LimitedClient): number;
}

/** A name for the process that its workers agree on, and that tells nothing of the secret. */
export function replicaOf({ secret }: LimitMemory): string {
  return createHash("sha256").update(`replica ${secret[0]} ${secret[1]}`).digest("base64url").slice(0, 16);
}

export const setBytes = 128;
/** Cells of a set: what fits its two cache lines. */
export const ways = 6;
/** First bytes of a set's parts: its newest insertion, keys, states, and when each is idle. */
export const setLayout = { newest: 0, keys: 8, states: 8 + ways * 8, idle: 8 + ways * 16 } as const;
/** Unit of the times at which cells are idle, ms. In 27 bits they hold for as long as a TAT does. */
export const idleUnitMs = 1024;
const stampShift = 24;
const idleShift = 27;
const unitsMask = 2 ** 27 - 1;

/** Limits of deployments as a whole that are counted at once. */
const mostWhole = 65_536;
/** Clients a set: with so few of its cells in use on average, one in 200 sets runs full where `clients` are counted at once. */
const clientsPerSet = 2;

/** Memory for `clients` that are counted at once, 1 or more. Pages that nobody uses are not resident. */
export function limitMemory(clients: number, startMs: number, secret: readonly [number, number]): LimitMemory {
  const wholeSets = mostWhole / clientsPerSet;
  const clientSets = Math.ceil(clients / clientsPerSet);
  return { buffer: new SharedArrayBuffer((wholeSets + clientSets) * setBytes), wholeSets, clientSets, startMs, secret };
}

/** By how many a stamp is ahead of another, −16 to 15: they are counted modulo 32. */
export function stampsAhead(stamp: number, other: number): number {
  return ((stamp - other + 16) & 31) - 16;
}

/** Whether the cell says something: at the earliest a second after its TAT it does not, as clocks of workers may differ. `set`: its first byte. */
export function isBusy(halves: Uint32Array, set: number, way: number, nowMs: number): boolean {
  const idle = halves[((set + setLayout.idle) >>> 2) + way]!;
  const key = halves[((set + setLayout.keys) >>> 2) + way * 2 + 1]!;
  return (
    ((key >>> stampShift) & 31) === idle >>> idleShift &&
    (idle & unitsMask) >= Math.floor(nowMs / idleUnitMs) &&
    key !== 0
  );
}

/** Sets that are looked at for a count; of more, the count of these is taken as a sample. */
const countedSets = 65_536;

/** Clients that are counted now: those whose next request is not as free as a stranger's, or was a second ago. Of a large table an estimate. */
export function countedClients({ buffer, wholeSets, clientSets, startMs }: LimitMemory, nowMs: number): number {
  const halves = new Uint32Array(buffer);
  const looked = Math.min(clientSets, countedSets);
  let busy = 0;
  for (let set = wholeSets; set < wholeSets + looked; set++) {
    for (let way = 0; way < ways; way++) if (isBusy(halves, set * setBytes, way, nowMs - startMs)) busy += 1;
  }
  return Math.round((busy * clientSets) / looked);
}
