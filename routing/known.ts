// What the writer of an arena knows of each thing in it: where its record is, and what a change needs of it.
import type { Digest } from './digest.ts';
import type { NamespaceRoutes, PlacedRoute } from './namespace-routes.ts';
import type { RouteMember, UpstreamState } from './route.ts';

/** A Route, and where it is. */
export interface KnownRoute extends PlacedRoute {
  readonly key: string;
  readonly space: string | null;
  /** In the index; 0 where it is scanned. */
  readonly hash: number;
  readonly digest: Digest;
  /** The deployment that it names, where it is a gRPC Route of a namespace. */
  readonly name: string | null;
  readonly upstreams: readonly string[];
  /** By id. */
  readonly members: readonly { readonly id: string; readonly digest: Digest; readonly slot: number }[];
}

/** A Mapping of a Route, with the digest of its content. */
export interface DigestedMember extends RouteMember {
  readonly digest: Digest;
}

export interface KnownSpace {
  readonly routes: NamespaceRoutes;
  readonly text: string;
  readonly unit: number;
  readonly number: number;
}

/** An Upstream: where its record is (unit 0: it has none), and the Routes that name it. */
export interface KnownUse {
  readonly unit: number;
  /** −1: none yet. */
  readonly number: number;
  readonly state: UpstreamState;
  readonly routeKeys: readonly string[];
}

export interface KnownName {
  readonly unit: number;
  readonly number: number;
  /** Routes that have it. */
  readonly count: number;
}

/** Of an Upstream that only Routes name. */
export const unknownUse: KnownUse = Object.freeze({ unit: 0, number: -1, state: Object.freeze({ ready: false, ending: false }), routeKeys: Object.freeze([]) });

/** What a Mapping takes beside its own bytes, about: its Upstream, and its places in the indexes. */
export const recordOverhead = 512;
