// Shapes of what a replica has counted, which the leader asks of each, and of what `status` shows of peers.
import type { ArmCounts } from "../../routing/release/statistics/arm-counts.ts";
import { instantMs, nullable, oneOf, open, Type, type Shaped } from "./shape.ts";

export const evidencePath = "/api/v1/evidence";

/** Deployments that one question names, at most: the longest answer about so many is shorter than a replica reads. */
export const maxAskedDeployments = 12;

/** A name that a question may have. No name in Kubernetes has another form. */
export const askedName = /^[^,/]{1,253}\/[^,/]{1,253}$/;

const counts = open<object>(
  "what this process has counted of it since it began: what is 0 is left out, latencies and callers are by bucket",
);

export const evidenceShape = Type.Object({
  /** Names the process: what it counts begins with it. */
  instance: Type.String({ maxLength: 64 }),
  /** Of the gateway. */
  version: Type.String({ maxLength: 64 }),
  /** Hash of its table; "": it has none yet. */
  table: Type.String({ maxLength: 128 }),
  /** Those of the question that it has counted. */
  deployments: Type.Array(
    Type.Object({
      namespace: Type.String(),
      name: Type.String(),
      predictors: Type.Array(Type.Object({ predictor: Type.String(), counts })),
    }),
  ),
});

/** As it is sent. */
export type SaidEvidence = Shaped<typeof evidenceShape>;

/** As it is read. */
export interface Evidence extends Omit<SaidEvidence, "deployments"> {
  readonly deployments: readonly {
    readonly namespace: string;
    readonly name: string;
    readonly predictors: readonly { readonly predictor: string; readonly counts: ArmCounts }[];
  }[];
}

export const askedDeploymentsParameter = Type.String({
  description: `names of deployments as NAMESPACE/NAME, separated by commas: at most ${maxAskedDeployments}`,
});

export const peerShape = Type.Object({
  /** Of its pod, or its address. */
  name: Type.String(),
  /** `HOST:PORT` */
  address: Type.String(),
  /** `garbage`: what answers there is no replica that takes the same admin token. */
  state: oneOf("answering", "away", "other-version", "garbage"),
  /** Why it does not answer; null: it does. */
  sentence: nullable(Type.String()),
  /** null: it has not said it. */
  version: nullable(Type.String()),
  tableHash: nullable(Type.String()),
  sinceMs: instantMs("since when it is in this state, Unix time in ms"),
  lastSeenMs: nullable(instantMs("when it answered last, Unix time in ms; null: never")),
});

export type Peer = Shaped<typeof peerShape>;

export const peersShape = Type.Object({
  /** Why the peers may be others than these, or cannot be asked; null: they are these. */
  trouble: nullable(Type.String()),
  /** Do all peers that answer serve the same table as this replica? */
  tablesAgree: Type.Boolean(),
  peers: Type.Array(peerShape),
});

export type PeersStatus = Shaped<typeof peersShape>;
