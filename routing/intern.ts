// Sharing: Mappings that arrive by structured clone hold a copy each of the same few policies. Equal parts become one frozen object,
// which at 20,000 Mappings is the difference between tens of megabytes and one (load/bench).
import { sameValue } from './diff.ts';
import { keepDigest } from './digest.ts';
import type { ForwardTarget, Mapping, RedirectTarget, Series } from './mapping.ts';
import type { Match, NamedMatch, PathMatch } from './match.ts';
import type { ObjectRef } from './problem.ts';

// Parts seen lately, a few of each kind, the last used first. Forgetting one costs memory, never meaning.
const recentLimit = 16;
const recent = new Map<string, object[]>();
const none: readonly never[] = Object.freeze([]);
// The Mappings of one object come one after the other, and name the same things.
let lastSource: ObjectRef = Object.freeze({ kind: '', namespace: '', name: '' });
let lastSeries: Series = Object.freeze({ namespace: '', deployment: '', predictor: '', role: 'live', protocol: 'http' });
let lastMember = '';
let lastUpstream = '';
const grpcPath: PathMatch = Object.freeze({ kind: 'grpc' });

/** The Mapping, frozen, its common parts shared with earlier ones. Equal to its argument in content. */
export function internedMapping(mapping: Mapping): Mapping {
  const source = sharedSource(mapping.source);
  const namespace = mapping.namespace === source.namespace ? source.namespace : mapping.namespace;
  if (mapping.member !== lastMember) lastMember = mapping.member;
  // Field by field: an object copied by spread keeps the loose form in which structured clone made it.
  return Object.freeze({
    id: mapping.id,
    source,
    namespace,
    space: mapping.space === namespace ? namespace : mapping.space,
    granted: mapping.granted,
    member: lastMember,
    match: sharedMatch(mapping.match),
    precedence: mapping.precedence,
    role: part('role', mapping.role),
    target: mapping.target.kind === 'forward' ? sharedForward(mapping.target) : part('redirect', mapping.target satisfies RedirectTarget),
    series: sharedSeries(mapping.series, source),
  });
}

function sharedSource(source: ObjectRef): ObjectRef {
  if (!sameValue(source, lastSource)) lastSource = frozen(source);
  return lastSource;
}

function sharedSeries(series: Series, source: ObjectRef): Series {
  if (!sameValue(series, lastSeries)) {
    const { namespace, deployment, predictor } = series;
    lastSeries = Object.freeze({
      namespace: namespace === source.namespace ? source.namespace : namespace,
      deployment: deployment === source.name ? source.name : deployment,
      predictor: predictor === lastSeries.predictor ? lastSeries.predictor : predictor,
      role: series.role,
      protocol: series.protocol,
    });
  }
  return lastSeries;
}

/** Conditions of one deployment's Routes name the same values. */
function sharedNamed(named: readonly NamedMatch[], kind: string): readonly NamedMatch[] {
  return named.length === 0 ? none : Object.freeze(named.map((one) => part(kind, one)));
}

function sharedMatch(match: Match): Match {
  return Object.freeze({
    path: sharedPath(match.path),
    host: part('host', match.host),
    method: match.method === null ? null : part('method', match.method),
    headers: sharedNamed(match.headers, 'header'),
    query: sharedNamed(match.query, 'query'),
  });
}

function sharedPath(path: PathMatch): PathMatch {
  switch (path.kind) {
    case 'prefix':
      return Object.freeze({ kind: path.kind, prefix: path.prefix, caseSensitive: path.caseSensitive });
    case 'grpc':
      return grpcPath;
    case 'exact':
    case 'regex':
      return frozen(path);
  }
}

function sharedForward(target: ForwardTarget): ForwardTarget {
  if (target.upstream !== lastUpstream) lastUpstream = target.upstream;
  return Object.freeze({
    kind: target.kind,
    upstream: lastUpstream,
    rewrite: part('rewrite', target.rewrite),
    hostRewrite: part('hostRewrite', target.hostRewrite),
    requestHeaders: part('headerEdits', target.requestHeaders),
    responseHeaders: part('headerEdits', target.responseHeaders),
    timeout: part('timeLimit', target.timeout),
    idleTimeout: part('timeLimit', target.idleTimeout),
    retry: target.retry === null ? null : part('retry', target.retry),
    loadBalancer: part('loadBalancer', target.loadBalancer),
    priority: target.priority,
    cors: target.cors === null ? null : part('cors', target.cors),
    upgrades: part('upgrades', target.upgrades),
    dialService: target.dialService,
    kept: part('kept', target.kept),
  });
}

/** An equal part that was seen lately, or this one, frozen. */
function part<V extends object>(kind: string, value: V): V {
  let seen = recent.get(kind);
  if (seen === undefined) recent.set(kind, (seen = []));
  for (let i = 0; i < seen.length; i++) {
    const other = seen[i]!;
    if (!sameValue(value, other)) continue;
    if (i > 0) {
      seen.splice(i, 1);
      seen.unshift(other);
    }
    return other as V;
  }
  if (seen.length === recentLimit) seen.pop();
  seen.unshift(frozen(value));
  keepDigest(value);
  return value;
}

function frozen<V extends object>(value: V): V {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null && !Object.isFrozen(inner)) frozen(inner);
  return Object.freeze(value);
}
