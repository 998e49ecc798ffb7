// Lookup: the Route that answers a request. Owner first (design §4.4), then the first match in Order inside one space.
//
// Every source of candidates (slashes of the path, other lengths, the gRPC name, the scanned list) gives its own first match, and the best by
// Order of these is the answer. So precedence needs no index of its own, and the result is that of trying all Routes one after the other, which
// is what the tests compare it with.
import { findIn, slotOf } from './buckets.ts';
import { bytesOf, fieldHash, fieldIs, fieldNamed, hashSeed, hashStep, sameBytes, sameFoldedBytes, textOf } from './bytes.ts';
import { conditionsHold } from './condition.ts';
import { isGrpcPath } from './grpc.ts';
import type { RequestHead } from './head.ts';
import { compareOrder } from './order.ts';
import type { Seat } from './seat.ts';
import { nameIndexHash, pathIndexHash } from './space.ts';
import type { Space } from './space.ts';
import { spaceNamed } from './table.ts';
import type { Route, RouteTable } from './table.ts';

const slash = 0x2f;
const owned = bytesOf('/seldon/');

/** The space that owns the request; null: a namespace without Routes. */
export function ownerOf<T>(table: RouteTable<T>, head: RequestHead): Space<T> | null {
  const { pathBytes, pathStart, pathEnd } = head;
  const { singleNamespace } = table.settings;
  const afterOwned = pathStart + owned.length;
  if (pathEnd >= afterOwned && sameBytes(pathBytes, pathStart, owned, 0, owned.length)) {
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
  const slot = slotOf(table.spaces, hash);
  if (slot === null) return null;
  if (!Array.isArray(slot)) return isNamed(slot as Space<T>, bytes, start, end) ? (slot as Space<T>) : null;
  for (const space of slot) if (isNamed(space, bytes, start, end)) return space;
  return null;
}

function isNamed<T>({ nameBytes }: Space<T>, bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === nameBytes.length && sameBytes(bytes, start, nameBytes, 0, nameBytes.length);
}

function spaceOfField<T>(table: RouteTable<T>, head: RequestHead, field: number): Space<T> | null {
  return findIn(table.spaces, fieldHash(head, 'namespace', field), (space) => fieldIs(head, 'namespace', field, space.name!));
}

/** The first indexed Route in Order that matches: with a live Mapping (`hasLive` true) or with only shadows (false). */
export function findSeat<T>(table: RouteTable<T>, space: Space<T>, head: RequestHead, hasLive: boolean): Seat<T> | null {
  const seat = findByPath(table, space, head, hasLive);
  return space.named > 0 && head.grpc ? first(seat, findByName(table, space, head, hasLive)) : seat;
}

/** The first Route in Order that matches, indexed or not: for `explain`. */
export function findRoute<T>(table: RouteTable<T>, space: Space<T>, head: RequestHead, hasLive: boolean): Route<T> | null {
  const seated = findSeat(table, space, head, hasLive)?.route ?? null;
  return scan(space, head, hasLive, seated) ?? seated;
}

function findByPath<T>(table: RouteTable<T>, space: Space<T>, head: RequestHead, hasLive: boolean): Seat<T> | null {
  const { pathBytes: bytes, pathStart } = head;
  const pathLength = head.pathEnd - pathStart;
  const slashed = space.slashed.values;
  const others = space.unslashed.values;
  const shortestSlashed = slashed.length === 0 ? Infinity : slashed[0]!;
  const whole = space.whole.values.length > 0 && space.whole.values.includes(pathLength);
  // Bytes after the longest declared path are not even hashed.
  const longest = whole ? pathLength : Math.min(pathLength, Math.max(last(slashed), last(others)));
  let best: Seat<T> | null = null;
  let hash = hashSeed;
  let next = 0;
  if (others.length > 0 && others[0] === 0) {
    best = seatAt(table, space, head, hash, 0, hasLive);
    next = 1;
  }
  for (let length = 0; length < longest; ) {
    const byte = bytes[pathStart + length]!;
    hash = hashStep(hash, byte);
    length++;
    let here = byte === slash && length >= shortestSlashed;
    if (next < others.length && length === others[next]) {
      here = true;
      next++;
    }
    if (here || (whole && length === pathLength)) {
      const seat = seatAt(table, space, head, hash, length, hasLive);
      if (seat !== null) best = first(best, seat);
    }
  }
  return best;
}

/** The first match among the Routes whose path text is the first `length` bytes of the path; `hash` is theirs. */
function seatAt<T>(table: RouteTable<T>, space: Space<T>, head: RequestHead, hash: number, length: number, hasLive: boolean): Seat<T> | null {
  const key = pathIndexHash(space.seed, hash);
  const slot = slotOf(table.seats, key);
  if (slot === null) return null;
  if (!Array.isArray(slot)) return seatHolds(slot as Seat<T>, space, head, key, length, hasLive) ? (slot as Seat<T>) : null;
  // In Order.
  for (let i = 0; i < slot.length; i++) if (seatHolds(slot[i]!, space, head, key, length, hasLive)) return slot[i]!;
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
    (seat.folded ? sameFoldedBytes : sameBytes)(head.pathBytes, head.pathStart, seat.bytes, seat.start, length) &&
    (seat.conditions === null || conditionsHold(seat.conditions, head))
  );
}

function findByName<T>(table: RouteTable<T>, space: Space<T>, head: RequestHead, hasLive: boolean): Seat<T> | null {
  const field = fieldNamed(head, 'seldon', 0);
  if (field < 0 || !isGrpcPath(head)) return null;
  const key = nameIndexHash(space.seed, fieldHash(head, 'seldon', field));
  const slot = slotOf(table.seats, key);
  if (slot === null) return null;
  if (!Array.isArray(slot)) return namedHolds(slot as Seat<T>, space, head, key, hasLive) ? (slot as Seat<T>) : null;
  for (let i = 0; i < slot.length; i++) if (namedHolds(slot[i]!, space, head, key, hasLive)) return slot[i]!;
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

function last(ascending: readonly number[]): number {
  return ascending.length === 0 ? 0 : ascending[ascending.length - 1]!;
}
