// The plain Mapping: what Mappings in memory are told as a difference from (routing/patch.ts). It only saves bytes: any other would do. Whoever makes
// Mappings out of its parts, as they are, also saves the time to compare and to digest them.
import { keepDigest } from './digest.ts';
import { plainGuard } from './guard.ts';
import type { ForwardTarget, HeaderEdits, Mapping } from './mapping.ts';
import type { ObjectRef } from './problem.ts';
import type { Upstream } from './upstream.ts';

const noEdits: HeaderEdits = Object.freeze({ remove: Object.freeze([]), add: Object.freeze([]) });

/** Its prefix is taken away; the rest of the request goes on as it came. */
export const plainTarget: ForwardTarget = Object.freeze({
  kind: 'forward',
  upstream: '',
  rewrite: Object.freeze({ kind: 'prefix', with: '/' }),
  hostRewrite: Object.freeze({ kind: 'client' }),
  requestHeaders: noEdits,
  responseHeaders: noEdits,
  timeout: Object.freeze({ ms: 3000, setBy: null }),
  idleTimeout: Object.freeze({ ms: 300_000, setBy: null }),
  retry: null,
  loadBalancer: Object.freeze({ kind: 'least-request' }),
  priority: 'default',
  cors: null,
  upgrades: Object.freeze([]),
  dialService: false,
  kept: Object.freeze({ bypassAuth: false, authContextExtensions: Object.freeze({}), labels: null }),
});

export const plainMapping: Mapping = Object.freeze({
  id: '',
  source: Object.freeze({ kind: 'SeldonDeployment', namespace: '', name: '' }),
  namespace: '',
  space: '',
  granted: false,
  member: '',
  match: Object.freeze({ path: Object.freeze({ kind: 'prefix', prefix: '', caseSensitive: true }), host: Object.freeze({ kind: 'any' }), method: null, headers: Object.freeze([]), query: Object.freeze([]) }),
  precedence: 0,
  role: Object.freeze({ kind: 'live', weight: null, share: 1 }),
  target: plainTarget,
  guard: plainGuard,
  series: Object.freeze({ namespace: '', deployment: '', predictor: '', role: 'live', protocol: 'http' }),
});

for (const part of [plainMapping.match.host, plainMapping.match.headers, plainMapping.role, ...Object.values(plainTarget)]) if (typeof part === 'object' && part !== null) keepDigest(part);

/** The plain Mapping of an object: what follows from its name is not told of each. */
export function plainMappingOf(source: ObjectRef): Mapping {
  const { kind, namespace, name } = source;
  return { ...plainMapping, source, namespace, space: namespace, member: `${kind} ${namespace}/${name}`, series: { ...plainMapping.series, namespace, deployment: name } };
}

export const plainUpstream: Upstream = Object.freeze({
  key: '',
  address: Object.freeze({ kind: 'service', namespace: '', name: '', port: 8000 }),
  protocol: 'http1',
  tls: null,
  connectTimeoutMs: 3000,
  idleTimeoutMs: null,
  maxLifetimeMs: null,
  breakers: Object.freeze([]),
  healthCheck: null,
});
