// NamespaceRoutes: the Routes that one request may reach (routing rule 4): those of one namespace and those granted into it, or shared space.
// The Routes themselves are in one index for all spaces; a NamespaceRoutes holds what tells lookup where to look.
import { byteText, hashSeed, hashText } from './bytes.ts';
import type { Match } from './match.ts';
import { compareOrder } from './order.ts';
import type { Placing, Route } from './decision.ts';
import { noLengths, withLength } from './length-counts.ts';
import type { LengthCounts } from './length-counts.ts';

export interface NamespaceRoutes<T> {
  /** A namespace, or null for shared space. */
  readonly name: string | null;
  /** Different for every NamespaceRoutes of a table; 0 is shared space. */
  readonly id: number;
  /** Length of the path `/seldon/<name>/`, bytes; 0 for shared space. */
  readonly baseLength: number;
  /** Hash of the base; the index is seeded with it. */
  readonly seed: number;
  readonly routeCount: number;
  /** Lengths, bytes, of prefixes that end with `/`: looked up at the slashes of the path. */
  readonly slashed: LengthCounts;
  /** The least of `slashed`; `noLength` when there is none. */
  readonly shortestSlashed: number;
  /** The greatest length of a prefix; 0 when there is none. */
  readonly longest: number;
  /** Lengths of other prefixes. */
  readonly unslashed: LengthCounts;
  /** The least of `unslashed`; `noLength` when there is none. */
  readonly shortestUnslashed: number;
  /** Lengths of exact paths. */
  readonly whole: LengthCounts;
  /** gRPC Routes that name their deployment: looked up by the `seldon` metadata. */
  readonly named: number;
  /** What has no key to look up: regexes, gRPC Routes without a name. In Order. */
  readonly scanned: readonly Route<T>[];
}

/** Longer than any path; a small integer, for the speed of comparing with it. */
export const noLength = 0x3fff_ffff;

const sharedSeed = 0x51_0c_1ce5;

/** Hash of a space's base. */
export function spaceSeed(name: string | null): number {
  return name === null ? sharedSeed : hashText(baseOf(name));
}

/** Byte text of the path that a namespace owns. */
export function baseOf(name: string): string {
  return `/seldon/${byteText(name)}/`;
}

/** `id`: see NamespaceRoutes. */
export function emptyNamespaceRoutes<T>(name: string | null, id: number): NamespaceRoutes<T> {
  return Object.freeze({
    name,
    id,
    baseLength: name === null ? 0 : baseOf(name).length,
    seed: spaceSeed(name),
    routeCount: 0,
    slashed: noLengths,
    shortestSlashed: noLength,
    longest: 0,
    unslashed: noLengths,
    shortestUnslashed: noLength,
    whole: noLengths,
    named: 0,
    scanned: Object.freeze([]),
  });
}

export function placingOf(match: Match, usable: boolean): Placing {
  if (!usable) return 'scanned';
  switch (match.path.kind) {
    case 'prefix':
      return match.path.prefix.endsWith('/') ? 'slashed' : 'unslashed';
    case 'exact':
      return 'whole';
    case 'regex':
      return 'scanned';
    case 'grpc':
      return deploymentName(match) === null ? 'scanned' : 'named';
  }
}

/** The exact `seldon` metadata that a gRPC Match asks for, or null. */
export function deploymentName(match: Match): string | null {
  const header = match.headers.find(({ name, value }) => name === 'seldon' && value.kind === 'exact');
  return header !== undefined && header.value.kind === 'exact' ? byteText(header.value.value) : null;
}

/** Key of the index for a rolling hash in a space. */
export function pathIndexHash(seed: number, hash: number): number {
  return Math.imul(hash ^ seed, 0x9e3779b1);
}

/** Key of the index for the hash of a deployment's name in a space. */
export function nameIndexHash(seed: number, hash: number): number {
  return Math.imul(hash ^ seed ^ hashSeed, 0x85ebca6b);
}

/** The NamespaceRoutes with `after` in place of `before`: one Route that changed, came (before null) or left (after null). */
export function withRoute<T>(space: NamespaceRoutes<T>, before: Route<T> | null, after: Route<T> | null): NamespaceRoutes<T> {
  const route = (after ?? before)!;
  const by = (after === null ? 0 : 1) - (before === null ? 0 : 1);
  if (route.placing !== 'scanned' && by === 0) return space;
  const next = { ...space, routeCount: space.routeCount + by };
  switch (route.placing) {
    case 'slashed':
    case 'unslashed':
    case 'whole':
      next[route.placing] = withLength(space[route.placing], route.order.pathText.length, by < 0 ? -1 : 1);
      next.shortestSlashed = next.slashed.values[0] ?? noLength;
      next.shortestUnslashed = next.unslashed.values[0] ?? noLength;
      next.longest = Math.max(next.slashed.values.at(-1) ?? 0, next.unslashed.values.at(-1) ?? 0);
      break;
    case 'named':
      next.named += by;
      break;
    case 'scanned': {
      const scanned = space.scanned.filter((other) => other !== before);
      if (after !== null) {
        const place = scanned.findIndex((other) => compareOrder(after.order, other.order) < 0);
        scanned.splice(place < 0 ? scanned.length : place, 0, after);
      }
      next.scanned = Object.freeze(scanned);
    }
  }
  return Object.freeze(next);
}
