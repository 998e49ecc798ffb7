// Rollouts and bandits as `/api/v1/rollouts` and `sluice rollout` tell them.
import { instantMs, nullable, oneOf, Type, type Shaped } from "./shape.ts";

export const rolloutsPath = "/api/v1/rollouts";

const count = Type.Integer({ minimum: 0 });

/** An older replica does not say it. */
const newCount = (description: string) => Type.Optional(Type.Integer({ description, minimum: 0 }));

const armShape = Type.Object({
  requests: count,
  failed: count,
  refused: newCount("client errors of the model, of the requests"),
  denied: newCount("answers of the model that are about the client, beside the requests: 401, 403, 408, 413, 429"),
  p50Ms: nullable(Type.Number()),
  p99Ms: nullable(Type.Number()),
  rewards: count,
  compared: newCount("answers that were compared with main's"),
  agreed: newCount("of those"),
  callerGroups: newCount("groups of callers whose requests came, where callers are known"),
});

export const rolloutShape = Type.Object({
  namespace: Type.String(),
  name: Type.String({ description: "of the SeldonDeployment" }),
  kind: oneOf("rollout", "bandit", "stopped"),
  state: oneOf("waiting", "stepping", "held", "promoted", "aborted", "stopped"),
  to: Type.String({ description: "the predictor that is released; empty: several" }),
  shares: Type.Array(Type.Object({ predictor: Type.String(), percent: Type.Number({ minimum: 0, maximum: 100 }) }), {
    description: "what the record says: the other predictors share what is left",
  }),
  step: Type.Integer({ description: "from 1; 0: it has not begun", minimum: 0 }),
  steps: Type.Array(Type.Number(), { description: "percent of each step" }),
  sinceMs: nullable(instantMs("When the leader wrote this step, by its clock, Unix time in ms")),
  sentence: Type.String({ description: "where it stands, and why" }),
  waitsFor: nullable(Type.String({ description: "what it would take to go on" })),
  decides: Type.Boolean({ description: "this replica leads: only the leader knows the evidence" }),
  evidence: nullable(Type.Object({ canary: armShape, main: armShape })),
  gates: Type.Array(
    Type.Object({ gate: Type.String(), standing: oneOf("kept", "broken", "undecided"), sentence: Type.String() }),
  ),
});

export type Rollout = Shaped<typeof rolloutShape>;
