// The target of a Mapping with nothing special, in parts that most Mappings have in common: one frozen object each.
import type { ForwardTarget, HeaderEdits, HostRewrite, Kept, LoadBalancer, Rewrite } from '../../routing/mapping.ts';
import { commonPart } from './common-part.ts';

const stripPrefix: Rewrite = commonPart({ kind: 'prefix', with: '/' });
const clientHost: HostRewrite = commonPart({ kind: 'client' });
const noEdits: HeaderEdits = commonPart({ remove: Object.freeze([]), add: Object.freeze([]) });
const leastRequest: LoadBalancer = commonPart({ kind: 'least-request' });
const nothingKept: Kept = commonPart({ bypassAuth: false, authContextExtensions: Object.freeze({}), labels: null });
const noUpgrades: readonly string[] = commonPart([]);

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
