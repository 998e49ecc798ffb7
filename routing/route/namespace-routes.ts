// NamespaceRoutes: the Routes that one request may reach (routing rule 4): those of one namespace and those granted into it, or shared space.
// The Routes themselves are in one index for all spaces; a NamespaceRoutes holds what tells lookup where to look.
import { firstPlace } from "../text/bisect.ts";
import { byteText, hashText } from "../request/bytes.ts";
import type { Match } from "../model/match.ts";
import type { Placing } from "./decision.ts";
import { noLengths, withLength, type LengthCounts } from "./length-counts.ts";

/** Where the record of a Route is. */
export interface RoutePlace {
  readonly unit: number;
  readonly number: number;
}

export interface NamespaceRoutes {
  /** A namespace, or null for shared space. */
  readonly name: string | null;
  /** Different for every NamespaceRoutes of a table; 0 is shared space. */
  readonly id: number;
  readonly routeCount: number;
  /** Lengths, bytes, of prefixes that end with `/`: looked up at the slashes of the path. */
  readonly slashed: LengthCounts;
  /** Lengths of other prefixes. */
  readonly unslashed: LengthCounts;
  /** Lengths of exact paths. */
  readonly whole: LengthCounts;
  /** Of all these Routes, how many have a path that does not begin with the base, or in any case: what a gRPC call may have. */
  readonly unbased: number;
  /** gRPC Routes that name their deployment: looked up by the `seldon` metadata. */
  readonly named: number;
  /** What has no key to look up: regexes, gRPC Routes without a name. By match precedence. */
  readonly scanned: readonly RoutePlace[];
}

/** Longer than any path; a small integer, for the speed of comparing with it. */
export const noLength = 0x3fff_ffff;

const sharedSeed = 0x51_0c_1ce5;
/** Apart from paths. */
const nameSeed = 0x811c9dc5 | 0;

/** What paths of namespaces begin with, and its bytes. */
export const ownedText = "/seldon/";
export const ownedBytes = ownedText.length;

/** Hash of a space's base, which the index of its Routes is seeded with. `hashSeed`: the table's. */
export function spaceSeed(name: string | null, hashSeed: number): number {
  return name === null ? sharedSeed : hashText(baseOf(name), hashSeed);
}

/** Byte text of the path that a namespace owns. */
export function baseOf(name: string): string {
  return `${ownedText}${byteText(name)}/`;
}

/** `id`: see NamespaceRoutes. */
export function emptyNamespaceRoutes(name: string | null, id: number): NamespaceRoutes {
  return spaceOf(name, id, {
    routeCount: 0,
    slashed: noLengths,
    unslashed: noLengths,
    whole: noLengths,
    unbased: 0,
    named: 0,
    scanned: Object.freeze([]),
  });
}

type Counted = Pick<
  NamespaceRoutes,
  "routeCount" | "slashed" | "unslashed" | "whole" | "unbased" | "named" | "scanned"
>;

function spaceOf(name: string | null, id: number, counted: Counted): NamespaceRoutes {
  const { routeCount, slashed, unslashed, whole, unbased, named, scanned } = counted;
  return Object.freeze({ name, id, routeCount, slashed, unslashed, whole, unbased, named, scanned });
}

/** The content of its record. */
export function packSpace({
  name,
  id,
  routeCount,
  slashed,
  unslashed,
  whole,
  unbased,
  named,
  scanned,
}: NamespaceRoutes): string {
  const places = scanned.flatMap(({ unit, number }) => [unit, number]);
  return JSON.stringify([name, id, routeCount, named, unbased, slashed, unslashed, whole, places]);
}

/** What `packSpace` was given. */
export function unpackSpace(content: unknown): NamespaceRoutes {
  const [name, id, routeCount, named, unbased, slashed, unslashed, whole, places] = content as [
    string | null,
    number,
    number,
    number,
    number,
    LengthCounts,
    LengthCounts,
    LengthCounts,
    readonly number[],
  ];
  const scanned = Array.from({ length: places.length / 2 }, (_, at) =>
    Object.freeze({ unit: places[at * 2]!, number: places[at * 2 + 1]! }),
  );
  return spaceOf(name, id, { routeCount, slashed, unslashed, whole, unbased, named, scanned });
}

export function placingOf(match: Match, usable: boolean): Placing {
  if (!usable) return "scanned";
  switch (match.path.kind) {
    case "prefix":
      return match.path.prefix.endsWith("/") ? "slashed" : "unslashed";
    case "exact":
      return "whole";
    case "regex":
      return "scanned";
    case "grpc":
      return deploymentName(match) === null ? "scanned" : "named";
  }
}

/** The exact `seldon` metadata that a gRPC Match asks for, or null. */
export function deploymentName(match: Match): string | null {
  const header = match.headers.find(({ name, value }) => name === "seldon" && value.kind === "exact");
  return header !== undefined && header.value.kind === "exact" ? byteText(header.value.value) : null;
}

/** Key of the index for a rolling hash in a space. */
export function pathIndexHash(seed: number, hash: number): number {
  return Math.imul(hash ^ seed, 0x9e3779b1);
}

/** Key of the index for the hash of a deployment's name in a space. */
export function nameIndexHash(seed: number, hash: number): number {
  return Math.imul(hash ^ seed ^ nameSeed, 0x85ebca6b);
}

/** A Route as its space counts it. */
export interface PlacedRoute extends RoutePlace {
  readonly placing: Placing;
  /** Bytes of the path's text. */
  readonly pathLength: number;
  /** Does the path's text begin with the base of its space? One in any case does not. */
  readonly isBased: boolean;
}

/**
 * The NamespaceRoutes with `after` in place of `before`: one Route that changed, came (before null) or left (after null). `isBefore`: is the one
 * record tried before the other?
 */
export function withRoute(
  space: NamespaceRoutes,
  before: PlacedRoute | null,
  after: PlacedRoute | null,
  isBefore: (one: number, other: number) => boolean,
): NamespaceRoutes {
  const route = (after ?? before)!;
  const by = (after === null ? 0 : 1) - (before === null ? 0 : 1);
  if (route.placing !== "scanned" && by === 0) return space;
  const next: Writable<Counted> = { ...space, routeCount: space.routeCount + by };
  switch (route.placing) {
    case "slashed":
    case "unslashed":
    case "whole":
      next[route.placing] = withLength(space[route.placing], route.pathLength, by < 0 ? -1 : 1);
      if (!route.isBased) next.unbased += by;
      break;
    case "named":
      next.named += by;
      break;
    case "scanned": {
      const scanned = before === null ? [...space.scanned] : space.scanned.filter(({ unit }) => unit !== before.unit);
      // By halves: to compare two reads their records.
      if (after !== null)
        scanned.splice(
          firstPlace(scanned.length, (place) => isBefore(after.unit, scanned[place]!.unit)),
          0,
          Object.freeze({ unit: after.unit, number: after.number }),
        );
      next.scanned = Object.freeze(scanned);
    }
  }
  return spaceOf(space.name, space.id, next);
}

type Writable<V> = { -readonly [key in keyof V]: V[key] };
