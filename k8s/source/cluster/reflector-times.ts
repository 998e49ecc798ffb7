// Times of a Reflector: how long it waits, and for what.
import { apiBackoff, type BackoffTimes } from "./backoff.ts";

export interface ReflectorTimes {
  /** A watch is asked to last so long, drawn between the two, ms. */
  readonly watchMs: readonly [least: number, most: number];
  /** A connection without a byte for so long is given up; the API server sends a bookmark a minute. */
  readonly idleMs: number;
  /** Longest wait for the head of a list, and between two pieces of it. */
  readonly listIdleMs: number;
  readonly backoff: BackoffTimes;
  /** A list that loses most objects is asked again after this. */
  readonly holdMs: number;
  /** Between two looks for a CRD that is not installed, and between two tries of what is forbidden. */
  readonly absentMs: number;
  /** What was allowed and is denied counts as forbidden after this: an API server that has just started denies everything until it has read its roles. */
  readonly deniedMs: number;
  /** A watch that ends sooner counts as a failure, or a broken server would be asked without pause. */
  readonly shortWatchMs: number;
  /** A list is older than this: the end of the next watch lists again, in case an event was lost. */
  readonly relistMs: number;
}

export const reflectorTimes: ReflectorTimes = {
  watchMs: [300_000, 600_000],
  idleMs: 100_000,
  listIdleMs: 30_000,
  backoff: apiBackoff,
  holdMs: 60_000,
  absentMs: 5000,
  deniedMs: 30_000,
  shortWatchMs: 1000,
  relistMs: 3_600_000,
};
