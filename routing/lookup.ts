// Lookup: the Route that answers a request. Owner first (design §4.4), then the first match in Order inside one space.
//
// Every source of candidates (slashes of the path, other lengths, the gRPC name, the scanned list) gives its own first match, and the best by
// Order of these is the answer. So precedence needs no index of its own, and the result is that of trying all Routes one after the other, which
// is what the tests compare it with.
import { bucketOf } from './buckets.ts';
import { fieldHash, fieldIs, fieldNamed, hashSeed, hashStep, isText, standsAt, standsFoldedAt, textOf } from './bytes.ts';
import { conditionsHold } from './condition.ts';
import { isGrpcPath } from './grpc.ts';
import type { RequestHead } from './head.ts';
import { compareOrder } from './order.ts';
import { nameIndexHash, pathIndexHash } from './space.ts';
import type { Space } from './space.ts';
import { spaceNamed } from './table.ts';
import type { Route, RouteTable } from './table.ts';

const slash = 0x2f;
const owned = '/seldon/';

/** The space that owns the request; null: a namespace without Routes. */
export function ownerOf<T>(table: RouteTable<T>, head: RequestHead): Space<T> | null {
  const { pathBytes, pathStart, pathEnd } = head;
  const { singleNamespace } = table.settings;
  const afterOwned = pathStart + owned.length;
  if (pathEnd >= afterOwned && standsAt(pathBytes, pathStart, owned)) {
    if (singleNamespace !== null) return spaceNamed(table, singleNamespace);
    let hash = hashSeed;
    for (let i = afterOwned; i < pathEnd; i++) {
      const byte = pathBytes[i]!;
      if (byte === slash) return spaceAt(table, hash, pathBytes, afterOwned, i);
      hash = hashStep(hash, byte);
    }
    // `/seldon/x` without a slash after it names no namespace: shared space.
  } else if (head.grpc) {
    const namespace = fieldNamed(head, 'namespace', 0);
    if (namespace >= 0) return spaceOfField(table, head, namespace);
    if (singleNamespace !== null && fieldNamed(head, 'seldon', 0) >= 0) return spaceNamed(table, singleNamespace);
  }
  return table.shared;
}

function spaceAt<T>(table: RouteTable<T>, hash: number, bytes: Uint8Array, start: number, end: number): Space<T> | null {
  const bucket = bucketOf(table.spaces, hash);
  for (let i = 0; i < bucket.length; i++) {
    const space = bucket[i]!;
    if (space.seed === hash && isText(bytes, start, end, space.name!)) return space;
  }
  return null;
}

function spaceOfField<T>(table: RouteTable<T>, head: RequestHead, field: number): Space<T> | null {
  const hash = fieldHash(head, 'namespace', field);
  const bucket = bucketOf(table.spaces, hash);
  for (let i = 0; i < bucket.length; i++) {
    const space = bucket[i]!;
    if (space.seed === hash && fieldIs(head, 'namespace', field, space.name!)) return space;
  }
  return null;
}

/** The first Route in Order that matches and has a live Mapping (`hasLive` true), or that has only shadows (false). */
export function findRoute<T>(table: RouteTable<T>, space: Space<T>, head: RequestHead, hasLive: boolean): Route<T> | null {
  let best = findByPath(table, space, head, hasLive);
  if (space.named > 0 && head.grpc) best = first(best, findByName(table, space, head, hasLive));
  return space.scanned.length === 0 ? best : first(best, scan(space, head, hasLive, best));
}

function findByPath<T>(table: RouteTable<T>, space: Space<T>, head: RequestHead, hasLive: boolean): Route<T> | null {
  const { pathBytes: bytes, pathStart } = head;
  const length = head.pathEnd - pathStart;
  const slashed = space.slashed.values;
  const others = space.unslashed.values;
  const shortestSlashed = slashed.length === 0 ? Infinity : slashed[0]!;
  const whole = space.whole.values.includes(length);
  // Bytes after the longest declared path are not even hashed.
  const longest = whole ? length : Math.min(length, Math.max(last(slashed), last(others)));
  let best: Route<T> | null = null;
  let hash = hashSeed;
  let next = 0;
  if (others.length > 0 && others[0] === 0) {
    best = atHash(table, space, head, pathIndexHash(space.seed, hash), 0, length, hasLive);
    next = 1;
  }
  for (let i = 0; i < longest; ) {
    const byte = bytes[pathStart + i]!;
    hash = hashStep(hash, byte);
    i++;
    let here = byte === slash && i >= shortestSlashed;
    if (next < others.length && i === others[next]) {
      here = true;
      next++;
    }
    if (here || (whole && i === length)) best = first(best, atHash(table, space, head, pathIndexHash(space.seed, hash), i, length, hasLive));
  }
  return best;
}

/** The first match among the Routes whose path text is the first `length` bytes of the path. A bucket is in Order. */
function atHash<T>(table: RouteTable<T>, space: Space<T>, head: RequestHead, hash: number, length: number, pathLength: number, hasLive: boolean): Route<T> | null {
  const bucket = bucketOf(table.routes, hash);
  for (let i = 0; i < bucket.length; i++) {
    const route = bucket[i]!;
    if (
      route.hash === hash &&
      route.text.length === length &&
      route.space === space.name &&
      route.hasLive === hasLive &&
      (!route.whole || length === pathLength) &&
      (route.folded ? standsFoldedAt(head.pathBytes, head.pathStart, route.text) : standsAt(head.pathBytes, head.pathStart, route.text)) &&
      route.placing !== 'named' &&
      (route.conditions === null || conditionsHold(route.conditions, head))
    ) {
      return route;
    }
  }
  return null;
}

function findByName<T>(table: RouteTable<T>, space: Space<T>, head: RequestHead, hasLive: boolean): Route<T> | null {
  const field = fieldNamed(head, 'seldon', 0);
  if (field < 0 || !isGrpcPath(head)) return null;
  const hash = nameIndexHash(space.seed, fieldHash(head, 'seldon', field));
  const bucket = bucketOf(table.routes, hash);
  for (let i = 0; i < bucket.length; i++) {
    const route = bucket[i]!;
    if (route.hash !== hash || route.placing !== 'named' || route.space !== space.name || route.hasLive !== hasLive) continue;
    // The condition on `seldon` is the comparison that confirms the hash.
    if (route.conditions !== null && conditionsHold(route.conditions, head)) return route;
  }
  return null;
}

function scan<T>(space: Space<T>, head: RequestHead, hasLive: boolean, best: Route<T> | null): Route<T> | null {
  let path: string | null = null;
  for (let i = 0; i < space.scanned.length; i++) {
    const route = space.scanned[i]!;
    if (best !== null && compareOrder(best.order, route.order) < 0) return null;
    if (!route.usable || route.hasLive !== hasLive) continue;
    if (route.regex === null) {
      if (!head.grpc || !isGrpcPath(head)) continue;
    } else {
      path ??= textOf(head.pathBytes, head.pathStart, head.pathEnd);
      if (!route.regex.matches(path)) continue;
    }
    if (route.conditions === null || conditionsHold(route.conditions, head)) return route;
  }
  return null;
}

function first<T>(a: Route<T> | null, b: Route<T> | null): Route<T> | null {
  if (a === null || b === null) return a ?? b;
  return compareOrder(a.order, b.order) <= 0 ? a : b;
}

function last(ascending: readonly number[]): number {
  return ascending.length === 0 ? 0 : ascending[ascending.length - 1]!;
}
