// What the stale-race suite and its model server say to each other.

export type OriginQuestion =
  /** Forget what was counted; connections close after an idle time drawn from this range, ms. */
  | { readonly kind: 'begin'; readonly idleCloseMs: readonly [least: number, most: number]; readonly requests: number }
  | { readonly kind: 'report' };

export interface OriginReport {
  readonly port: number;
  /** Requests that came whole. */
  readonly received: number;
  /** Requests whose id had come before. */
  readonly duplicates: number;
  readonly connections: number;
  /** Requests on a connection that would have been closed within `nearMs`. */
  readonly nearClose: number;
}

/** The field that carries the id, a whole number from 0. */
export const idField = 'seldon-puid';
/** How near to a close counts as a race, ms. */
export const nearMs = 15;
