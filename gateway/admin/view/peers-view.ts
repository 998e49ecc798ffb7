// What the admin port needs of the peers.
import type { PeersStatus } from "../../api/peer.ts";

/** What one of the other replicas says to a question; `value`: JSON that nobody has checked. */
export type PeerSaid =
  | { readonly kind: "said"; readonly name: string; readonly value: unknown }
  /** 404. */
  | { readonly kind: "absent"; readonly name: string }
  | { readonly kind: "away"; readonly name: string; readonly sentence: string };

export interface PeersView {
  readonly status: PeersStatus;
  /** As of `Peers`. */
  ask(path: string): Promise<readonly PeerSaid[]>;
}
