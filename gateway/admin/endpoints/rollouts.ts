// /api/v1/rollouts: how far each rollout and bandit has come, and what it waits for.
import { isNamed } from "../../explain/who.ts";
import { rolloutShape, type Rollout } from "../../api/rollouts.ts";
import type { EndpointParts, Handler } from "../endpoint.ts";
import { listing } from "../list.ts";

export function rollouts({ rollouts: gather, peers }: EndpointParts): Handler {
  return listing<Rollout, Rollout>({
    gather: () => [...gather()],
    key: ({ namespace, name }) => JSON.stringify([namespace, name]),
    namespace: ({ namespace }) => namespace,
    json: (rollout) => rollout,
    wanted: (query) => {
      const named = query.get("deployment");
      return (key) => isNamed(key, named);
    },
    joining: {
      peers,
      item: rolloutShape,
      namespace: ({ namespace }) => namespace,
      // The leader alone knows what was counted.
      merge: (same) => [(same.find(({ value }) => value.decides) ?? same[0]!).value],
    },
  });
}
