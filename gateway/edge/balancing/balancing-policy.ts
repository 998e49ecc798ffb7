// BalancingPolicy: how the requests of one Mapping choose among Endpoints, and which breaker counts them. Compiled when the table is built.
import type { ForwardTarget } from "../../../routing/model/mapping.ts";
import { priorities } from "../../shared/memory/counters.ts";

export interface BalancingPolicy {
  /** Index in `priorities`. */
  readonly priority: number;
  readonly policy: "least-request" | "round-robin" | "ring_hash" | "maglev";
}

/** Least request, counted at default priority. */
export const plainBalancing: BalancingPolicy = Object.freeze({ priority: 0, policy: "least-request" });

export function balancingPolicyOf({
  loadBalancer,
  priority,
}: Pick<ForwardTarget, "loadBalancer" | "priority">): BalancingPolicy {
  const index = priorities.indexOf(priority);
  if (loadBalancer.kind === "hash") return Object.freeze({ priority: index, policy: loadBalancer.policy });
  return loadBalancer.kind === "least-request" && index === 0
    ? plainBalancing
    : Object.freeze({ priority: index, policy: loadBalancer.kind });
}
