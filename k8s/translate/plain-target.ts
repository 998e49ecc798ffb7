// The target of a Mapping with nothing special, in parts that most Mappings have in common: one frozen object each.
import type { ForwardTarget, HeaderEdits, HostRewrite, Kept, LoadBalancer, Rewrite } from '../../routing/mapping.ts';

const stripPrefix: Rewrite = Object.freeze({ kind: 'prefix', with: '/' });
const clientHost: HostRewrite = Object.freeze({ kind: 'client' });
const noEdits: HeaderEdits = Object.freeze({ remove: Object.freeze([]), add: Object.freeze([]) });
const leastRequest: LoadBalancer = Object.freeze({ kind: 'least-request' });
const nothingKept: Kept = Object.freeze({ bypassAuth: false, authContextExtensions: Object.freeze({}), labels: null });
const noUpgrades: readonly string[] = Object.freeze([]);

/** Its prefix is taken away; the rest of the request goes on as it came. */
export const plainTarget: Omit<ForwardTarget, 'upstream' | 'timeout' | 'idleTimeout'> = Object.freeze({
  kind: 'forward',
  rewrite: stripPrefix,
  hostRewrite: clientHost,
  requestHeaders: noEdits,
  responseHeaders: noEdits,
  retry: null,
  loadBalancer: leastRequest,
  priority: 'default',
  cors: null,
  upgrades: noUpgrades,
  dialService: false,
  kept: nothingKept,
});
