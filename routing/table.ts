// RouteTable: all Routes, compiled, frozen, indexed. A request reads the reference to one table once; a change makes the next table.
import type { Decision, ForwardDecision, RejectDecision, Shadow } from './decision.ts';
import type { TableDelta, TableSettings } from './delta.ts';
import type { Mapping } from './mapping.ts';
import type { Match } from './match.ts';
import type { Problem } from './problem.ts';

/** One live Mapping of a Route, with what it gets. */
export interface SplitMember {
  readonly mapping: Mapping;
  /** Exact share as declared, 0..1: member share times the share inside the member (design §4.6). */
  readonly declared: number;
  /** Share after readiness (design §4.7): what the Split draws. 0..1. */
  readonly share: number;
  /** The Upstream's ready bit; a redirect is always ready. */
  readonly ready: boolean;
}

/** Weights compiled to bounds: one draw in [0, 1) picks the first forward whose bound is above it. */
export interface Split<T> {
  /** Every live Mapping of the Route, also those that get nothing. */
  readonly members: readonly SplitMember[];
  /** Cumulative, one for each of `forwards`; the last is exactly 1. */
  readonly bounds: readonly number[];
  /** Only members that get a share. Empty: `reject` answers. */
  readonly forwards: readonly ForwardDecision<T>[];
  /** Why nothing is forwarded, or null. */
  readonly reject: RejectDecision | null;
}

/** All Mappings of one namespace with one Match and one precedence, compiled. */
export interface Route<T> {
  /** Canonical text of space, namespace, precedence and Match: equal keys are the same Route. */
  readonly key: string;
  readonly namespace: string;
  readonly space: string | null;
  readonly match: Match;
  readonly precedence: number;
  readonly granted: boolean;
  readonly split: Split<T>;
  readonly shadows: readonly Shadow<T>[];
  /** By id. */
  readonly mappings: readonly Mapping[];
}

export interface RouteTable<T> {
  /** Number of the last delta; 0 is the empty table. */
  readonly version: number;
  /** 16 hexadecimal digits: the same for the same content, whatever the order of the deltas. */
  readonly hash: string;
  readonly routeCount: number;
  readonly settings: TableSettings;
  /** What building the Routes found, by Route key. */
  readonly problems: ReadonlyMap<string, readonly Problem[]>;
}

/** The table before the first delta. */
export declare function emptyTable<T>(): RouteTable<T>;

/**
 * The next table. Builds only the Routes that the delta touches; every other Route stays the same object.
 * A delta with base 0 starts from the empty table; for any other the caller has checked that `delta.base` is `table.version`.
 * `attach` is called once for each new or changed Mapping.
 */
export declare function applyDelta<T>(table: RouteTable<T>, delta: TableDelta, attach: (mapping: Mapping, slot: number) => T): RouteTable<T>;

/** All Routes in the order tried: spaces by name, shared space last; inside a space by Order. */
export declare function routesInOrder<T>(table: RouteTable<T>): readonly Route<T>[];

export type { Decision };
