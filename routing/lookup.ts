// Lookup: the Route that answers a request. Owner first (design §4.4), then the first match in Order inside one space.
//
// Every source of candidates (slashes of the path, other lengths, the gRPC name, the scanned list) gives its own first match, and the best by
// Order of these is the answer. So precedence needs no index of its own, and the result is that of trying all Routes one after the other, which
// is what the tests compare it with.
import { findIn, isList, slotOf } from './buckets.ts';
import { bytesOf, fieldHash, fieldIs, fieldNamed, hashBytes, hashSeed, hashStep, sameBytes, sameFoldedBytes, textOf } from './bytes.ts';
import { conditionsHold } from './condition.ts';
import { isGrpcPath } from './grpc.ts';
import type { RequestHead } from './head.ts';
import { compareOrder } from './order.ts';
import type { Seat } from './seat.ts';
import { nameIndexHash, noLength, pathIndexHash } from './space.ts';
import type { Space } from './space.ts';
import { spaceNamed } from './table.ts';
import type { Route, RouteTable } from './table.ts';

const slash = 0x2f;
const owned = bytesOf('/seldon/');
const ownedHash = hashBytes(owned);

/** The space that owns the request; null: a namespace without Routes. */
export function ownerOf<T>(table: RouteTable<T>, head: RequestHead): Space<T> | null {
  const { singleNamespace } = table.settings;
  if (isUnderSeldon(head)) {
    if (singleNamespace !== null) return spaceNamed(table, singleNamespace);
    const { pathBytes, pathStart, pathEnd } = head;
    let hash = ownedHash;
    for (let i = pathStart + owned.length; i < pathEnd; i++) {
      const byte = pathBytes[i]!;
      hash = hashStep(hash, byte);
      if (byte === slash) return spaceAt(table, hash, pathBytes, pathStart, i + 1);
    }
    // `/seldon/x` without a slash after it names no namespace: shared space.
  } else if (head.grpc) {
    const namespace = fieldNamed(head, 'namespace', 0);
    if (namespace >= 0) return spaceOfField(table, head, namespace);
    if (singleNamespace !== null && fieldNamed(head, 'seldon', 0) >= 0) return spaceNamed(table, singleNamespace);
  }
  return table.shared;
}

function isUnderSeldon(head: RequestHead): boolean {
  return head.pathEnd - head.pathStart >= owned.length && sameBytes(head.pathBytes, head.pathStart, owned, 0, owned.length);
}

/** Does the path begin with `/seldon/<name>/`? `space` is the owner of the request. */
function isUnderBase<T>(table: RouteTable<T>, space: Space<T>, head: RequestHead): boolean {
  return space.name !== null && table.settings.singleNamespace === null && isUnderSeldon(head);
}

/** The space whose base is the bytes from `start` to `end`; `hash` is theirs. */
function spaceAt<T>(table: RouteTable<T>, hash: number, bytes: Uint8Array, start: number, end: number): Space<T> | null {
  const slot = slotOf(table.spaces, hash);
  if (slot === null) return null;
  if (!isList(slot)) return hasBase(slot, bytes, start, end) ? slot : null;
  for (const space of slot) if (hasBase(space, bytes, start, end)) return space;
  return null;
}

function hasBase<T>({ base }: Space<T>, bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === base.length && sameBytes(bytes, start, base, 0, base.length);
}

function spaceOfField<T>(table: RouteTable<T>, head: RequestHead, field: number): Space<T> | null {
  const hash = hashStep(fieldHash(head, 'namespace', field, ownedHash), slash);
  return findIn(table.spaces, hash, (space) => fieldIs(head, 'namespace', field, space.name!));
}

/** The first indexed Route in Order that matches, `space` being the owner of the request: with a live Mapping (`hasLive` true) or with only shadows (false). */
export function findSeat<T>(table: RouteTable<T>, space: Space<T>, head: RequestHead, hasLive: boolean): Seat<T> | null {
  const seat = findByPath(table, space, head, hasLive);
  return space.named > 0 && head.grpc ? first(seat, findByName(table, space, head, hasLive)) : seat;
}

function findByPath<T>(table: RouteTable<T>, space: Space<T>, head: RequestHead, hasLive: boolean): Seat<T> | null {
  const { pathBytes: bytes, pathStart } = head;
  const pathLength = head.pathEnd - pathStart;
  const { shortestSlashed } = space;
  const others = space.unslashed.values;
  let nextOther = others.length === 0 ? noLength : others[0]!;
  const whole = space.whole.values.length > 0 && space.whole.values.includes(pathLength);
  // Bytes after the longest declared path are not even hashed.
  const longest = whole || pathLength < space.longest ? pathLength : space.longest;
  let best: Seat<T> | null = null;
  let length = 0;
  let hash = hashSeed;
  if (shortestSlashed > space.base.length && nextOther > space.base.length && isUnderBase(table, space, head)) {
    // The owner was found by these bytes: their hash is known, and no Route ends within them.
    length = space.base.length;
    hash = space.seed;
  } else if (nextOther === 0) {
    best = seatAt(table, space, head, hash, 0, hasLive);
    nextOther = others[1] ?? noLength;
  }
  while (length < longest) {
    const byte = bytes[pathStart + length]!;
    hash = hashStep(hash, byte);
    length++;
    if (length === nextOther) nextOther = others[others.indexOf(length) + 1] ?? noLength;
    else if (byte !== slash || length < shortestSlashed) continue;
    const seat = seatAt(table, space, head, hash, length, hasLive);
    if (seat !== null) best = first(best, seat);
  }
  return whole ? first(best, seatAt(table, space, head, hash, length, hasLive)) : best;
}

/** The first match among the Routes whose path text is the first `length` bytes of the path; `hash` is theirs. */
function seatAt<T>(table: RouteTable<T>, space: Space<T>, head: RequestHead, hash: number, length: number, hasLive: boolean): Seat<T> | null {
  const key = pathIndexHash(space.seed, hash);
  const slot = slotOf(table.seats, key);
  if (slot === null) return null;
  if (!isList(slot)) return seatHolds(slot, space, head, key, length, hasLive) ? slot : null;
  // In Order.
  for (const seat of slot) if (seatHolds(seat, space, head, key, length, hasLive)) return seat;
  return null;
}

function seatHolds<T>(seat: Seat<T>, space: Space<T>, head: RequestHead, key: number, length: number, hasLive: boolean): boolean {
  return (
    seat.hash === key &&
    seat.length === length &&
    seat.hasLive === hasLive &&
    seat.space === space.name &&
    !seat.named &&
    (!seat.whole || length === head.pathEnd - head.pathStart) &&
    (seat.folded
      ? sameFoldedBytes(head.pathBytes, head.pathStart, seat.bytes, seat.start, length)
      : sameBytes(head.pathBytes, head.pathStart, seat.bytes, seat.start, length)) &&
    (seat.conditions === null || conditionsHold(seat.conditions, head))
  );
}

/** The first gRPC Route in Order of the deployment that the metadata `seldon` names. */
export function findByName<T>(table: RouteTable<T>, space: Space<T>, head: RequestHead, hasLive: boolean): Seat<T> | null {
  const field = fieldNamed(head, 'seldon', 0);
  if (field < 0 || !isGrpcPath(head)) return null;
  const key = nameIndexHash(space.seed, fieldHash(head, 'seldon', field, hashSeed));
  const slot = slotOf(table.seats, key);
  if (slot === null) return null;
  if (!isList(slot)) return namedHolds(slot, space, head, key, hasLive) ? slot : null;
  for (const seat of slot) if (namedHolds(seat, space, head, key, hasLive)) return seat;
  return null;
}

function namedHolds<T>(seat: Seat<T>, space: Space<T>, head: RequestHead, key: number, hasLive: boolean): boolean {
  // The condition on `seldon` is the comparison that confirms the hash.
  return seat.hash === key && seat.named && seat.hasLive === hasLive && seat.space === space.name && seat.conditions !== null && conditionsHold(seat.conditions, head);
}

/** The first match among the Routes that have no key to look up, if Order tries it before `best`. */
export function scan<T>(space: Space<T>, head: RequestHead, hasLive: boolean, best: Route<T> | null): Route<T> | null {
  let path: string | null = null;
  for (const route of space.scanned) {
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

function first<T>(a: Seat<T> | null, b: Seat<T> | null): Seat<T> | null {
  if (a === null || b === null) return a ?? b;
  return compareOrder(a.route.order, b.route.order) <= 0 ? a : b;
}
