// Lookup: the Route that answers a request. Owner first (routing rule 4), then the first match by match precedence inside one space.
//
// Every source of candidates (slashes of the path, other lengths, the gRPC name, the scanned list) gives its own first match, and the best by
// match precedence of these is the answer. So precedence needs no index of its own, and the result is that of trying all Routes one after the other, which
// is what the tests compare it with.
import {
  bytesOf,
  fieldHash,
  fieldText,
  hashRange,
  hashStep,
  sameBytes,
  sameFoldedBytes,
  slashAt,
  textOf,
} from "./request/bytes.ts";
import { conditionsHold } from "./route/condition.ts";
import { isGrpcPath } from "./request/grpc.ts";
import type { RequestHead } from "./request/head.ts";
import { isMatch, mayMatchPath } from "./regex/matching.ts";
import {
  isRepeated,
  metadataOf,
  namesDeployment,
  namesNamespace,
  namespaceField,
  seldonField,
  type Metadata,
} from "./request/metadata.ts";
import { comparePrecedence } from "./model/match-precedence.ts";
import { routeOf, type RouteSlot } from "./arena/route-slot.ts";
import { unitBytes, unitWords } from "./arena/arena.ts";
import {
  allFlags,
  directoryPlace,
  firstSlot,
  flagBits,
  longSlot,
  slotFlags,
  slotPlaces,
  textCut,
} from "./arena/index-page.ts";
import { endless } from "./arena/index-reader.ts";
import { textOffset } from "./arena/record.ts";
import { nameIndexHash, noLength, ownedText, pathIndexHash, type NamespaceRoutes } from "./route/namespace-routes.ts";
import type { NamespaceView } from "./arena/namespace-view.ts";
import type { RouteTable } from "./table.ts";
import type { Route } from "./route/decision.ts";

const slash = 0x2f;
const owned = bytesOf(ownedText);

/** The Routes of the space that owns the request; null: a namespace without Routes. */
export function ownerOf<T>(table: RouteTable<T>, head: RequestHead): NamespaceRoutes | null {
  const space = ownerOfCall(table, head, metadataOf(head));
  return space === null ? null : table.routesOf(space);
}

/** The space that owns the request, until the next one is asked for; null: a namespace without Routes. `metadata` is that of the head. */
export function ownerOfCall<T>(table: RouteTable<T>, head: RequestHead, metadata: Metadata): NamespaceView | null {
  const { singleNamespace } = table.settings;
  if (isUnderSeldon(head)) {
    if (singleNamespace !== null) return table.single;
    const { pathBytes, pathStart, pathEnd } = head;
    const start = pathStart + owned.length;
    const end = slashAt(pathBytes, start, pathEnd);
    if (end < pathEnd)
      return table.spaceAt(hashRange(pathBytes, start, end + 1, table.ownedHash), pathBytes, start, end);
    // `/seldon/x` without a slash after it names no namespace: shared space.
  } else if (head.grpc) {
    if (namesNamespace(metadata)) return spaceOfField(table, head, metadata);
    if (singleNamespace !== null && namesDeployment(metadata)) return table.single;
  }
  return table.shared;
}

function isUnderSeldon(head: RequestHead): boolean {
  return (
    head.pathEnd - head.pathStart >= owned.length && sameBytes(head.pathBytes, head.pathStart, owned, 0, owned.length)
  );
}

/** Does the path begin with `/seldon/<name>/`? `space` is the owner of the request. */
function isUnderBase<T>(table: RouteTable<T>, space: NamespaceView, head: RequestHead): boolean {
  return space.baseLength > 0 && table.settings.singleNamespace === null && (!head.grpc || isUnderSeldon(head));
}

function spaceOfField<T>(table: RouteTable<T>, head: RequestHead, metadata: Metadata): NamespaceView | null {
  const field = namespaceField(metadata);
  if (isRepeated(metadata)) return table.spaceNamed(fieldText(head, "namespace", field));
  const { bytes, fields } = head;
  const start = fields[field * 4 + 2]!;
  const end = fields[field * 4 + 3]!;
  return table.spaceAt(hashStep(hashRange(bytes, start, end, table.ownedHash), slash), bytes, start, end);
}

/** The first indexed Route by match precedence that matches, `space` being the owner of the request: with a live Mapping (`hasLive` true) or with only shadows (false). */
export function findRouteSlot<T>(
  table: RouteTable<T>,
  space: NamespaceView,
  head: RequestHead,
  metadata: Metadata,
  hasLive: boolean,
): RouteSlot<T> | null {
  if (!head.grpc) return findByPath(table, space, head, hasLive);
  const named = space.anyNamed ? findByName(table, space, head, metadata, hasLive) : null;
  // Nearly every call: its path is that of a method, which no Route of a namespace has.
  if (!space.anyUnbased && space.baseLength > 0 && !isUnderSeldon(head)) return named;
  return first(findByPath(table, space, head, hasLive), named);
}

function findByPath<T>(
  table: RouteTable<T>,
  space: NamespaceView,
  head: RequestHead,
  hasLive: boolean,
): RouteSlot<T> | null {
  const { pathBytes: bytes, pathStart } = head;
  const pathLength = head.pathEnd - pathStart;
  const { shortestSlashed } = space;
  let nextOther = space.shortestUnslashed;
  /** Lengths of prefixes without a slash at their end that are passed. */
  let passed = 0;
  const whole = space.anyWhole && space.routes!.whole.values.includes(pathLength);
  // Bytes after the longest declared path are not even hashed.
  const longest = whole || pathLength < space.longest ? pathLength : space.longest;
  let best: RouteSlot<T> | null = null;
  let length = 0;
  let hash = table.hashSeed;
  // Bytes of the path that are known to be the base of the space.
  const known = isUnderBase(table, space, head) ? space.baseLength : 0;
  if (known > 0 && shortestSlashed > known && nextOther > known && longest >= known) {
    // The owner was found by these bytes: their hash is known, and no Route ends within them.
    length = known;
    hash = space.seed;
  } else if (nextOther === 0) {
    best = routeSlotAt(table, space, head, hash, 0, 0, hasLive);
    nextOther = space.routes!.unslashed.values[++passed] ?? noLength;
  }
  // Where a prefix may end next: behind a slash, or at a length that is declared.
  let nextSlashed = 0;
  while (length < longest) {
    if (nextSlashed <= length)
      nextSlashed =
        slashAt(bytes, pathStart + Math.max(length, shortestSlashed - 1), pathStart + longest) - pathStart + 1;
    const end = Math.min(nextSlashed, nextOther);
    if (end > longest) break;
    hash = hashRange(bytes, pathStart + length, pathStart + end, hash);
    length = end;
    if (length === nextOther) nextOther = space.routes!.unslashed.values[++passed] ?? noLength;
    const routeSlot = routeSlotAt(table, space, head, hash, length, known, hasLive);
    if (routeSlot !== null) best = first(best, routeSlot);
  }
  return whole
    ? first(
        best,
        routeSlotAt(
          table,
          space,
          head,
          hashRange(bytes, pathStart + length, pathStart + pathLength, hash),
          pathLength,
          known,
          hasLive,
        ),
      )
    : best;
}

/** The first match among the Routes whose path text is the first `length` bytes of the path; `hash` is theirs. `known` of them are the base of the space. */
function routeSlotAt<T>(
  table: RouteTable<T>,
  space: NamespaceView,
  head: RequestHead,
  hash: number,
  length: number,
  known: number,
  hasLive: boolean,
): RouteSlot<T> | null {
  const key = pathIndexHash(space.seed, hash);
  const { words } = table;
  const place = directoryPlace(key);
  const slots = table.routes[place]!;
  const mask = table.routes[place + 1]!;
  let slot = firstSlot(key, mask);
  // By match precedence.
  for (let left = mask; left >= 0; left--, slot = (slot + 1) & mask) {
    const at = slots + slot * longSlot;
    const meta = words[at + 1]!;
    if (meta < 0) return null;
    if (words[at] !== key || meta >> flagBits !== length || words[at + slotPlaces.owner] !== space.id) continue;
    // The route slots of a plain prefix have no other flag.
    const flags = meta & allFlags & ~slotFlags.based;
    if (flags !== 0 && !mayAnswer(flags, hasLive, length === head.pathEnd - head.pathStart)) continue;
    if (flags === 0 && !hasLive) continue;
    if (
      !isTextAt(table, at, head, length, (meta & slotFlags.based) === 0 ? 0 : known, (flags & slotFlags.folded) !== 0)
    )
      continue;
    const routeSlot = table.routeSlot(words[at + 3]!, words[at + 2]!, words[at + slotPlaces.serial]!);
    if ((flags & slotFlags.conditional) === 0 || conditionsHold(routeOf(routeSlot).conditions!, head)) return routeSlot;
  }
  throw endless();
}

/** Are the first `length` bytes of the path the text of this slot? The first `known` of them are. */
function isTextAt<T>(
  table: RouteTable<T>,
  at: number,
  { pathBytes, pathStart }: RequestHead,
  length: number,
  known: number,
  folded: boolean,
): boolean {
  const { words, bytes } = table;
  const cut = textCut(length);
  if (cut <= known) {
    const text = (at + slotPlaces.text) * 4 - cut + known;
    return folded
      ? sameFoldedBytes(pathBytes, pathStart + known, bytes, text, length - known)
      : sameBytes(pathBytes, pathStart + known, bytes, text, length - known);
  }
  const text = words[at + 2]! * unitBytes + textOffset;
  return folded
    ? sameFoldedBytes(pathBytes, pathStart, bytes, text, length)
    : sameBytes(pathBytes, pathStart, bytes, text, length);
}

function mayAnswer(flags: number, hasLive: boolean, isWholePath: boolean): boolean {
  return (
    (flags & slotFlags.named) === 0 &&
    ((flags & slotFlags.shadowsOnly) === 0) === hasLive &&
    ((flags & slotFlags.whole) === 0 || isWholePath)
  );
}

/** The first gRPC Route by match precedence of the deployment that the metadata `seldon` names. */
export function findByName<T>(
  table: RouteTable<T>,
  space: NamespaceView,
  head: RequestHead,
  metadata: Metadata,
  hasLive: boolean,
): RouteSlot<T> | null {
  if (!namesDeployment(metadata) || !isGrpcPath(head)) return null;
  const field = seldonField(metadata);
  const { bytes, fields } = head;
  const from = fields[field * 4 + 2]!;
  const length = fields[field * 4 + 3]! - from;
  // Several lines of one name are one value.
  const repeated = isRepeated(metadata);
  const { hashSeed } = table;
  const key = nameIndexHash(
    space.seed,
    repeated ? fieldHash(head, "seldon", field, hashSeed) : hashRange(bytes, from, from + length, hashSeed),
  );
  // Then the owner was found by the namespace, and a Route that asks for these two alone needs no other look.
  const both = !repeated && namesNamespace(metadata);
  const { words, bytes: texts } = table;
  const cut = textCut(length);
  const place = directoryPlace(key);
  const slots = table.routes[place]!;
  const mask = table.routes[place + 1]!;
  let slot = firstSlot(key, mask);
  for (let left = mask; left >= 0; left--, slot = (slot + 1) & mask) {
    const at = slots + slot * longSlot;
    const meta = words[at + 1]!;
    if (meta < 0) return null;
    if (
      words[at] !== key ||
      (meta & slotFlags.named) === 0 ||
      ((meta & slotFlags.shadowsOnly) === 0) !== hasLive ||
      words[at + slotPlaces.owner] !== space.id
    )
      continue;
    const unit = words[at + 2]!;
    if (!repeated) {
      if (meta >> flagBits !== length) continue;
      if (
        !sameBytes(bytes, from, texts, cut === 0 ? (at + slotPlaces.text) * 4 : unit * unitBytes + textOffset, length)
      )
        continue;
    }
    const routeSlot = table.routeSlot(words[at + 3]!, unit, words[at + slotPlaces.serial]!);
    if ((both && (meta & slotFlags.conditional) === 0) || conditionsHold(routeOf(routeSlot).conditions!, head))
      return routeSlot;
  }
  throw endless();
}

/** The first match among the Routes that have no key to look up, if it has precedence over `best`. */
export function scan<T>(
  table: RouteTable<T>,
  space: NamespaceView,
  head: RequestHead,
  hasLive: boolean,
  best: Route<T> | null,
): Route<T> | null {
  let path: string | null = null;
  if (space.routes === null) return null;
  for (const { unit, number } of space.routes.scanned) {
    const route = routeOf(table.routeSlot(number, unit, table.words[unit * unitWords]!));
    if (best !== null && comparePrecedence(best.matchPrecedence, route.matchPrecedence) < 0) return null;
    if (!route.usable || route.hasLive !== hasLive) continue;
    if (route.regex === null) {
      if (!head.grpc || !isGrpcPath(head)) continue;
    } else {
      path ??= textOf(head.pathBytes, head.pathStart, head.pathEnd);
      // Regexes of other paths cost a request nothing.
      if (!path.startsWith(route.regex.prefix)) continue;
      if (!mayMatchPath(route.regex, head, head.pathEnd - head.pathStart)) return null;
      if (!isMatch(route.regex, head, path)) continue;
    }
    if (route.conditions === null || conditionsHold(route.conditions, head)) return route;
  }
  return null;
}

function first<T>(a: RouteSlot<T> | null, b: RouteSlot<T> | null): RouteSlot<T> | null {
  if (a === null || b === null) return a ?? b;
  return comparePrecedence(routeOf(a).matchPrecedence, routeOf(b).matchPrecedence) <= 0 ? a : b;
}
