// How much may come of a Mapping: what its object says, else its namespace, else the platform.
import type { Guard, RateLimit } from "../../routing/model/guard.ts";
import type { CallPolicy } from "./call-policy.ts";
import type { Since } from "./effective.ts";

export interface EffectiveLimits {
  /** All of them hold at once; empty: any number may come. */
  readonly limits: readonly RateLimit[];
  readonly since: Since;
}

const unlimited: EffectiveLimits = Object.freeze({ limits: Object.freeze([]), since: "nothing" });

/** `policy` null: it is not known yet, and what it says of limits neither. Nobody may call then whatever the limits are. */
export function limitsOf({ limits }: Guard, namespace: string, policy: CallPolicy | null): EffectiveLimits {
  if (limits !== null) return { limits, since: "object" };
  if (policy === null) return unlimited;
  const own = Object.hasOwn(policy.namespaces, namespace) ? policy.namespaces[namespace]!.limits : null;
  if (own !== null) return { limits: own, since: "namespace" };
  return policy.defaults.limits === null ? unlimited : { limits: policy.defaults.limits, since: "defaults" };
}
