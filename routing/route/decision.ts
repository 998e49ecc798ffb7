// Decisions, and the Routes and Splits that give them. All are built with the table and frozen; deciding allocates nothing.
//
// The members of a Split are linked, and each holds what a request needs of its Route, in the order in which it is read: at a thousand
// deployments a request pays for cache lines, and Route, Split and two arrays would be nine of them.
import type { ForwardTarget, Mapping, RedirectTarget } from "../model/mapping.ts";
import type { Conditions } from "./condition.ts";
import type { Match } from "../model/match.ts";
import type { MatchPrecedence } from "../model/match-precedence.ts";
import type { Digest } from "../collections/digest.ts";
import type { Problem } from "../text/problem.ts";
import type { StickyOn } from "../model/sticky.ts";
import type { Regex } from "../regex/regex.ts";

/**
 * `T` is what the data plane attached to the Mapping when the table was built (compiled rewrites, header bytes, pool, counter slot);
 * null in tools.
 */
export type Decision<T> = ForwardDecision<T> | RejectDecision;

export interface ForwardDecision<T> {
  readonly kind: "forward";
  /** Of the record that it was made from (routing/arena/record.ts). */
  readonly serial: number;
  /** The member that takes the draws from `bound` on; null: this is the last of its Split. */
  readonly next: ForwardDecision<T> | null;
  /** Draws below it fall on this member, or on one before it. The last one's is exactly 1. */
  readonly bound: number;
  /** Its Route has other live members, with a share or without: an answer must tell which of them gave it. */
  readonly ofSeveral: boolean;
  readonly attached: T;
  /** By what the Route's callers stay with a member; null: the draw decides each request. */
  readonly sticky: StickySplit<T> | null;
  /** Of the Route. */
  readonly shadows: readonly Shadow<T>[];
  readonly route: Route<T>;
  readonly mapping: Mapping;
  readonly target: ForwardTarget | RedirectTarget;
}

export interface RejectDecision {
  readonly kind: "reject";
  readonly reason: RejectReason;
  /** What to tell the caller: names nothing that the caller did not send. */
  readonly sentence: string;
  /** The Mapping to count the reject for (any member of the Route that matched), or null when no Route matched. */
  readonly mapping: Mapping | null;
  /** Its counter slot, or −1. */
  readonly slot: number;
}

export type RejectReason =
  /** Matching by regexes took more steps than one request may: 431, RESOURCE_EXHAUSTED. Never a wider Route instead. */
  | "regex-work"
  /** There is no table yet, so nobody knows what matches: 503, UNAVAILABLE. */
  | "not-read"
  /** Nothing matches: 404, UNIMPLEMENTED. */
  | "no-route"
  /** A Route matches and no member with a share is ready: 503 `no healthy upstream`, UNAVAILABLE. */
  | "no-healthy-upstream"
  /** Every member has weight 0: 503. */
  | "all-weights-zero"
  /** Only shadows match: 503. */
  | "only-shadows"
  /** A bare gRPC name that a namespace has, and that is contested or closed: INVALID_ARGUMENT that asks for `namespace`. */
  | "namespace-needed";

/** A shadow of a Route, as the data plane sees it. */
export interface Shadow<T> {
  readonly mapping: Mapping;
  readonly target: ForwardTarget;
  /** Copied when its own draw, in [0, 1), is below this. 0..1. */
  readonly fraction: number;
  /** The Upstream's ready bit when the table was built. */
  readonly ready: boolean;
  readonly attached: T;
}

/** Where lookup finds a Route. */
export type Placing = "slashed" | "unslashed" | "whole" | "named" | "scanned";

/** One live Mapping of a Route, with what it gets. */
export interface SplitMember {
  readonly mapping: Mapping;
  /** Exact share as declared, 0..1: member share times the share inside the member (routing rule 6). */
  readonly declared: number;
  /** Share after readiness (routing rule 7): what the Split draws. 0..1. */
  readonly share: number;
  /** Whether it takes its share: the Upstream's ready bit, and of one that is ending that no other member is ready for longer. A redirect is always ready. */
  readonly ready: boolean;
}

/** Weights compiled to bounds: one draw in [0, 1) picks the first forward whose bound is above it. */
export interface Split<T> {
  /** Every live Mapping of the Route, also those that get nothing. */
  readonly members: readonly SplitMember[];
  /** Only members that get a share; each names the next. Empty: `reject` answers. */
  readonly forwards: readonly ForwardDecision<T>[];
  /** The other members, which no draw falls on: of weight 0, or not ready. Feedback for what one of them answered still finds it here. */
  readonly undrawn: readonly ForwardDecision<T>[];
  /** Why nothing is forwarded, or null. */
  readonly reject: RejectDecision | null;
}

/** The same shares by the hash of a key: the first `untils` above it tells the member. */
export interface StickySplit<T> {
  readonly on: StickyOn;
  /** Of the hash. */
  readonly seed: Digest;
  /** Ascending; the last is `circle`. */
  readonly untils: readonly number[];
  /** By `untils`: one member may stand here several times. */
  readonly takers: readonly ForwardDecision<T>[];
}

/** All Mappings of one namespace with one Match and one precedence, compiled. */
export interface Route<T> {
  /** Of the record that it was made from (routing/arena/record.ts). */
  readonly serial: number;
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
  /** What building it found. */
  readonly problems: readonly Problem[];

  // What lookup reads; compiled from the fields above.
  readonly matchPrecedence: MatchPrecedence;
  readonly placing: Placing;
  /** false: only shadows, so it never answers. */
  readonly hasLive: boolean;
  /** false: a regex of it is refused, so it matches nothing. */
  readonly usable: boolean;
  readonly regex: Regex | null;
  /** null: nothing beside the path. */
  readonly conditions: Conditions | null;
}
