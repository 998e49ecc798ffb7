// What the admin port needs of the peers.
import type { CountsOfPredictor, PeersStatus } from "../../api/peer.ts";
import type { PeerDoor } from "./peer-door.ts";
import type { PredictorKey } from "./view.ts";

/** `value` null: `sentence` says why. */
export interface PeerSaid<T> {
  readonly name: string;
  readonly value: T | null;
  readonly sentence: string | null;
}

export interface PeersView {
  readonly door: PeerDoor;
  /** Names this process. */
  readonly instance: string;
  readonly status: PeersStatus;
  /** What each of the others says to a path with its query. `read` null: that is not of its shape. `sentence` null: it has answered. */
  askEach<T>(url: string, read: (value: unknown) => T | null): Promise<readonly PeerSaid<T>[]>;
  /** What this process has counted of a predictor since it began: the one function that gathers it. */
  countsOf(predictor: PredictorKey): CountsOfPredictor;
}
