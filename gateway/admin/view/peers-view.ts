// What the admin port needs of the peers.
import type { CountsOfPredictor, PeersStatus } from "../../api/peer.ts";
import type { PeerDoor } from "./peer-door.ts";
import type { PredictorKey } from "./view.ts";

export interface PeersView {
  readonly door: PeerDoor;
  /** Names this process. */
  readonly instance: string;
  readonly status: PeersStatus;
  /** What this process has counted of a predictor since it began: the one function that gathers it. */
  countsOf(predictor: PredictorKey): CountsOfPredictor;
}
