// Shapes of what a replica has counted, which the leader asks of each, and of what `status` shows of peers.
import { instantMs, nullable, oneOf, Type, type Shaped } from "./shape.ts";

export const evidencePath = "/api/v1/evidence";

/** Deployments that one question names. */
export const maxAskedDeployments = 50;

/** A name that a question may have. No name in Kubernetes has another form. */
export const askedName = /^[^,/]{1,253}\/[^,/]{1,253}$/;

const count = Type.Integer({ minimum: 0 });

/** As `routing/release/statistics/arm-counts.ts` has them: of a process since it began. */
const armCountsShape = Type.Object({
  requests: count,
  failed: count,
  refused: count,
  latency: Type.Array(count),
  rewards: Type.Object({ count, sum: Type.Number(), sumSquares: Type.Number({ minimum: 0 }) }),
  compared: Type.Object({ pairs: count, agreed: count }),
  callers: Type.Object({ requests: Type.Array(count), failed: Type.Array(count), refused: Type.Array(count) }),
});

export type CountsOfPredictor = Shaped<typeof armCountsShape>;

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
      predictors: Type.Array(Type.Object({ predictor: Type.String(), counts: armCountsShape })),
    }),
  ),
});

export type Evidence = Shaped<typeof evidenceShape>;

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
