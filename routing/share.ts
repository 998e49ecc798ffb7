// Sharing: Mappings that arrive by structured clone hold a copy each of the same few policies. Equal parts become one frozen object,
// which at 20,000 Mappings is the difference between tens of megabytes and one (load/bench).
import { sameValue } from './diff.ts';
import { keepDigest } from './digest.ts';
import type { ForwardTarget, Mapping, RedirectTarget } from './mapping.ts';
import type { Match } from './match.ts';
import type { ObjectRef } from './problem.ts';

// Parts seen lately, a few of each kind, the last used first. Forgetting one costs memory, never meaning.
const recentLimit = 16;
const recent = new Map<string, object[]>();
const none: readonly never[] = Object.freeze([]);
// The Mappings of one object come one after the other.
let lastSource: ObjectRef = Object.freeze({ kind: '', namespace: '', name: '' });

/** The Mapping, frozen, its common parts shared with earlier ones. Equal to its argument in content. */
export function sharedMapping(mapping: Mapping): Mapping {
  const namespace = mapping.namespace;
  return Object.freeze({
    ...mapping,
    source: sharedSource(mapping.source),
    space: mapping.space === namespace ? namespace : mapping.space,
    match: sharedMatch(mapping.match),
    role: part('role', mapping.role),
    target: mapping.target.kind === 'forward' ? sharedForward(mapping.target) : part('redirect', mapping.target satisfies RedirectTarget),
    series: Object.freeze({ ...mapping.series, namespace: mapping.series.namespace === namespace ? namespace : mapping.series.namespace }),
  });
}

function sharedSource(source: ObjectRef): ObjectRef {
  if (!sameValue(source, lastSource)) lastSource = frozen(source);
  return lastSource;
}

function sharedMatch(match: Match): Match {
  return Object.freeze({
    ...match,
    path: frozen(match.path),
    host: part('host', match.host),
    method: match.method === null ? null : part('method', match.method),
    headers: match.headers.length === 0 ? none : frozen(match.headers),
    query: match.query.length === 0 ? none : frozen(match.query),
  });
}

function sharedForward(target: ForwardTarget): ForwardTarget {
  return Object.freeze({
    ...target,
    rewrite: part('rewrite', target.rewrite),
    hostRewrite: part('hostRewrite', target.hostRewrite),
    requestHeaders: part('headerEdits', target.requestHeaders),
    responseHeaders: part('headerEdits', target.responseHeaders),
    timeout: part('timeLimit', target.timeout),
    idleTimeout: part('timeLimit', target.idleTimeout),
    retry: target.retry === null ? null : part('retry', target.retry),
    loadBalancer: part('loadBalancer', target.loadBalancer),
    cors: target.cors === null ? null : part('cors', target.cors),
    upgrades: part('upgrades', target.upgrades),
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
