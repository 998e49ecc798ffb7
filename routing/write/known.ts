// What the writer of an arena knows of each thing: where its record is, and what it makes of the record of one that a change touches.
import { byteText } from "../request/bytes.ts";
import { baseOf, deploymentName, type NamespaceRoutes, type PlacedRoute } from "../route/namespace-routes.ts";
import { pathText } from "../model/match-precedence.ts";
import type { RouteMember, RoutePlan } from "../route/route.ts";

/** A Route: its number and where its record is. */
export interface RouteEntry {
  readonly key: string;
  readonly number: number;
  /** 0: it has no record yet. */
  unit: number;
}

export interface UpstreamEntry {
  readonly number: number;
  /** 0: it has no record, so only Routes name it. */
  unit: number;
  /** Routes that name it. */
  routes: RouteEntry[];
}

/** A name of deployments. */
export interface NameEntry {
  readonly number: number;
  readonly unit: number;
  /** Routes that have it, one or more. */
  count: number;
}

/** What follows from the record of a Route. */
export interface PlacedEntry extends PlacedRoute {
  readonly key: string;
  /** The deployment that it names, where it is a gRPC Route of a namespace. */
  readonly name: string | null;
}

export interface KnownSpace {
  readonly routes: NamespaceRoutes;
  readonly text: string;
  readonly unit: number;
  readonly number: number;
}

/** The Route of these members, one or more, whose record is at this place. */
export function placedEntry(
  plan: RoutePlan<RouteMember>,
  members: readonly RouteMember[],
  unit: number,
  number: number,
): PlacedEntry {
  const { key, placing } = plan;
  const {
    space,
    match: { path },
  } = members[0]!.mapping;
  const hasText = path.kind === "prefix" || path.kind === "exact";
  const text = hasText ? byteText(pathText(path)) : "";
  const isBased = hasText && path.caseSensitive && space !== null && text.startsWith(baseOf(space));
  return { unit, number, placing, pathLength: text.length, isBased, key, name: namedBy(plan, members) };
}

/** The deployment that a Route names, where it is a gRPC Route of a namespace. */
export function namedBy({ placing }: RoutePlan<RouteMember>, members: readonly RouteMember[]): string | null {
  const { space, match } = members[0]!.mapping;
  return placing === "named" && space !== null ? deploymentName(match) : null;
}

/** Keys of the Upstreams that Mappings name, each once. */
export function upstreamsOf(members: readonly RouteMember[]): readonly string[] {
  const keys = members.flatMap(({ mapping: { target } }) => (target.kind === "forward" ? [target.upstream] : []));
  return keys.length <= 1 ? keys : [...new Set(keys)];
}
