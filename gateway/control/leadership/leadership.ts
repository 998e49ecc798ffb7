// Leadership: of all replicas one decides about releases. Where nothing is decided by one, nobody leads.
import type { Clock } from "../../shared/clock.ts";
import type { Log } from "../../shared/log.ts";

export interface Leadership {
  /** Asked before each decision: true at a time at which no other replica may lead. */
  isLeader(): boolean;
  /** The replica that leads, by its name, as far as this one knows; null: it knows none. */
  readonly leader: string | null;
  /** `listener` is called after `isLeader` or `leader` has changed. */
  changed(listener: () => void): void;
}

/** A Leadership that this process seeks. */
export interface Election extends Leadership {
  start(): void;
  /** Gives it up at once, and does not seek it again. Never rejects, and ends within a few seconds. */
  release(): Promise<void>;
}

export interface ElectionOutside {
  /** Name of this process, which no other has. */
  readonly self: string;
  readonly clock: Clock;
  /** Epoch ms, for people who read the Lease: no replica compares it with its own. */
  readonly epochMs: () => number;
  readonly random: () => number;
  readonly log: Log;
}

/** Client-go's defaults. */
export const electionTimes = {
  /** A Lease that nobody has renewed for so long, by this replica's own clock, is free. */
  leaseMs: 15_000,
  /** A leader that has not renewed it for so long leads no more. */
  renewDeadlineMs: 10_000,
  /** Between two tries. */
  retryMs: 2000,
} as const;
