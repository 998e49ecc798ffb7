// Seat: where lookup finds a Route. All that a plain hit reads, in one small object beside its neighbours: Routes and Mappings lie all over
// the heap, and at 10,000 deployments a decision costs what its cache misses cost (load/bench/decide.ts).
import { hashBytes, hashText, lowerByte } from './bytes.ts';
import type { Conditions } from './condition.ts';
import type { ForwardDecision } from './decision.ts';
import type { PathMatch } from './match.ts';
import { deploymentName, nameIndexHash, pathIndexHash, spaceSeed } from './space.ts';
import type { Route } from './table.ts';

export interface Seat<T> {
  /** Key in the index. */
  readonly hash: number;
  /** Holds the bytes of the path (in lower case when `folded`) from `start`; none for a gRPC Route. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;
  readonly space: string | null;
  /** null: nothing beside the path. */
  readonly conditions: Conditions | null;
  /** The forward that takes everything, when there is one. */
  readonly sole: ForwardDecision<T> | null;
  readonly route: Route<T>;
  /** false: only shadows, so it never answers. */
  readonly hasLive: boolean;
  /** The path must be the text and not only begin with it. */
  readonly whole: boolean;
  /** ASCII letters in any case. */
  readonly folded: boolean;
  /** A gRPC Route, found by the name of its deployment. */
  readonly named: boolean;
}

// Paths of the Routes of one delta lie side by side, in blocks small enough that one survivor of a block does not hold much.
const blockBytes = 2048;

/** Seats for Routes that are not scanned, in their order. */
export function seatsOf<T>(routes: readonly Route<T>[]): readonly Seat<T>[] {
  const seats: Seat<T>[] = [];
  for (let first = 0; first < routes.length; ) {
    let size = 0;
    let next = first;
    do size += textLength(routes[next++]!);
    while (next < routes.length && size + textLength(routes[next]!) <= blockBytes);
    const block = new Uint8Array(size);
    let start = 0;
    for (; first < next; first++) {
      const route = routes[first]!;
      const end = write(block, start, route);
      seats.push(seatOf(route, block, start, end));
      start = end;
    }
  }
  return seats;
}

/** Key of the index for a Route that is not scanned. */
export function seatHash<T>(route: Route<T>): number {
  const block = new Uint8Array(textLength(route));
  write(block, 0, route);
  return hashOfSeat(route, block);
}

function seatOf<T>(route: Route<T>, bytes: Uint8Array, start: number, end: number): Seat<T> {
  return Object.freeze({
    hash: hashOfSeat(route, bytes.subarray(start, end)),
    bytes,
    start,
    length: end - start,
    space: route.space,
    conditions: route.conditions,
    sole: route.split.sole,
    route,
    hasLive: route.hasLive,
    whole: route.match.path.kind === 'exact',
    folded: isFolded(route.match.path),
    named: route.placing === 'named',
  });
}

function hashOfSeat<T>(route: Route<T>, text: Uint8Array): number {
  const seed = spaceSeed(route.space);
  return route.placing === 'named' ? nameIndexHash(seed, hashText(deploymentName(route.match)!)) : pathIndexHash(seed, hashBytes(text));
}

function textLength<T>(route: Route<T>): number {
  return route.placing === 'named' ? 0 : route.order.pathText.length;
}

/** Writes the bytes that the path is compared with; returns where they end. */
function write<T>(block: Uint8Array, start: number, route: Route<T>): number {
  const length = textLength(route);
  const { pathText } = route.order;
  const folded = isFolded(route.match.path);
  for (let i = 0; i < length; i++) {
    const byte = pathText.charCodeAt(i);
    block[start + i] = folded ? lowerByte(byte) : byte;
  }
  return start + length;
}

function isFolded(path: PathMatch): boolean {
  return (path.kind === 'prefix' || path.kind === 'exact') && !path.caseSensitive;
}
