// The answer of GET /api/v1/status: is this gateway well, and if not, what is wrong first?
import { peersShape } from "./peer.ts";
import { instantMs, nullable, oneOf, Type, type Shaped } from "./shape.ts";

/** What can be wrong, the most severe first. Clients that join the answers of replicas compare by this order. */
export const troubleKinds = [
  "not-ready",
  "workers-missing",
  "source-stale",
  "tables-differ",
  "predictor-failing",
  "no-endpoint",
  "access-refusing",
  "redis-away",
  "peers-unknown",
  "peer-away",
  "certificate-ended",
  "canary-failing",
  "breaker-open",
  "limits-refusing",
  "rollout-aborted",
  "problem",
  "predictor-without-endpoint",
  "certificate-ends",
  "rollout-waits",
  "endpoint-ejected",
  "thread-replaced",
] as const;

export type TroubleKind = (typeof troubleKinds)[number];

/** From where on a Status and the alerts of the chart call it trouble. Shares are 0 to 1, of five minutes. */
export const troubleBounds = {
  /** Of fewer requests in five minutes a share says little. */
  requests: 20,
  failingShare: 0.5,
  canaryShare: 0.05,
  /** Of the share of the whole deployment. */
  canaryTimes: 2,
  limitedShare: 0.1,
  rolloutSeconds: 86_400,
  certificateDays: 14,
  replacedMinutes: 15,
} as const;

export const statusPath = "/api/v1/status";

const count = Type.Integer({ minimum: 0 });

const troubleShape = Type.Object({
  kind: oneOf(...troubleKinds),
  /** What is wrong, and the next command where there is one. */
  sentence: Type.String(),
});

export const statusShape = Type.Object({
  isWell: Type.Boolean(),
  /** The sentence of the most severe trouble; null: it is well. */
  first: nullable(Type.String()),
  /** The most severe first. */
  troubles: Type.Array(troubleShape),
  /** Of the gateway. */
  version: Type.String(),
  workers: Type.Object({ ready: count, wanted: count, restarts: count, stalls: count }),
  /** `hash`: replicas with equal hashes serve the same table; "": there is none yet. `version` counts in one process. */
  table: Type.Object({ version: count, hash: Type.String(), routes: count }),
  sources: Type.Array(
    Type.Object({ kind: Type.String(), ageSeconds: Type.Number({ minimum: 0 }), trouble: nullable(Type.String()) }),
  ),
  failingPredictors: Type.Array(
    Type.Object({
      namespace: Type.String(),
      deployment: Type.String(),
      predictor: Type.String(),
      sentence: Type.String(),
    }),
  ),
  /** Deployments of which no predictor of live traffic has a ready Endpoint, and that were not scaled to 0: how many, and the names of at most 20. */
  withoutEndpoint: Type.Object({
    count,
    deployments: Type.Array(Type.Object({ namespace: Type.String(), name: Type.String() })),
  }),
  /** Breakers at a limit, by resource. */
  openBreakers: Type.Array(Type.Object({ resource: Type.String(), count })),
  /** Endpoints that data workers ejected: how many, and at most 20 of them, by predictor. */
  ejectedEndpoints: Type.Object({
    count,
    endpoints: Type.Array(
      Type.Object({
        namespace: Type.String(),
        deployment: Type.String(),
        predictor: Type.String(),
        address: Type.String(),
        /** Data workers that ejected it. */
        workers: count,
      }),
    ),
  }),
  problems: Type.Object({ error: count, warning: count, info: count }),
  /** Those that end within 30 days, the next first, at most 20. */
  certificates: Type.Array(Type.Object({ name: Type.String(), endsAtMs: instantMs("when it ends, Unix time in ms") })),
  /** Why it is not ready; null: it is. */
  waitsFor: nullable(Type.String()),
  /** The other replicas; null: it knows of none. */
  peers: nullable(peersShape),
  /** The replica that decides about releases, by its name; null: this one knows none, or none has to. */
  leader: nullable(Type.String()),
  /** null: it uses none. */
  redis: nullable(Type.Object({ connected: count, wanted: count })),
});

/** Of all replicas: what is wrong with any of them; beside it what the replica that answers says of itself. */
export const joinedStatusShape = Type.Object({
  ...statusShape.properties,
  replicas: Type.Array(
    Type.Object({
      name: Type.String(),
      /** null: it is away. */
      status: nullable(statusShape),
      /** Why it is away; null: it is not. */
      sentence: nullable(Type.String()),
    }),
  ),
});

export type JoinedStatus = Shaped<typeof joinedStatusShape>;
export type ReplicaStatus = JoinedStatus["replicas"][number];

export type Status = Shaped<typeof statusShape>;
export type Trouble = Shaped<typeof troubleShape>;
