// A peer: a proxy under comparison, started with the same fleet as all others.
import type { FleetPlan } from "../fleet.ts";
import type { Program } from "../process.ts";

export interface Peer extends Program {
  readonly name: string;
  readonly port: number;
}

export interface Stage {
  readonly fleet: FleetPlan;
  /** Own folder of the peer: its configuration and logs. */
  readonly folder: string;
  /** Core of the proxy, or null for any. */
  readonly core: number | null;
}

export interface PeerKind {
  readonly name: string;
  /** What it does for each request, for the reader of the results. */
  readonly does: string;
  /** It strips the prefix as Ambassador does. */
  readonly rewrites: boolean;
  /** It splits 75/25 between main and canary. */
  readonly splits: boolean;
  start(stage: Stage): Promise<Peer>;
}
