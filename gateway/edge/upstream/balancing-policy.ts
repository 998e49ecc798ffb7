// Choice: how the requests of one Mapping choose among Endpoints, and which breaker counts them. Compiled when the table is built.
import type { ForwardTarget, LoadBalancer } from '../../../routing/mapping.ts';
import { priorities } from '../../counters.ts';

/** What of a request is hashed. */
export type StickyOn = Extract<LoadBalancer, { readonly kind: 'hash' }>['on'];

export interface Choice {
  /** Index in `priorities`. */
  readonly priority: number;
  readonly policy: 'least-request' | 'round-robin' | 'ring_hash' | 'maglev';
  /** What the requests are hashed on; null: the policy does not hash. */
  readonly on: StickyOn | null;
}

/** Least request, counted at default priority. */
export const plainChoice: Choice = Object.freeze({ priority: 0, policy: 'least-request', on: null });

export function choiceOf({ loadBalancer, priority }: Pick<ForwardTarget, 'loadBalancer' | 'priority'>): Choice {
  const index = priorities.indexOf(priority);
  if (loadBalancer.kind === 'hash') return Object.freeze({ priority: index, policy: loadBalancer.policy, on: loadBalancer.on });
  return loadBalancer.kind === 'least-request' && index === 0 ? plainChoice : Object.freeze({ priority: index, policy: loadBalancer.kind, on: null });
}
