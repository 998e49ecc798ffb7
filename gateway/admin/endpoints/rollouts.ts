// /api/v1/rollouts: how far each rollout and bandit has come, and what it waits for.
import type { Rollout } from "../../api/rollouts.ts";
import type { EndpointParts, Handler } from "../endpoint.ts";
import { listing } from "../list.ts";

export function rollouts({ rollouts: gather }: EndpointParts): Handler {
  return listing<Rollout>({
    gather: () => [...gather()],
    key: ({ namespace, name }) => JSON.stringify([namespace, name]),
    namespace: ({ namespace }) => namespace,
    json: (rollout) => rollout,
    wanted: (query) => {
      const named = query.get("deployment");
      return ({ namespace, name }) => named === null || named === name || named === `${namespace}/${name}`;
    },
  });
}
