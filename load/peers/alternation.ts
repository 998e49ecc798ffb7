// Two peers by turns of a fifth of a second, from one generator: what the host does to the machine for seconds hits both alike, and a stall of
// some milliseconds spoils one turn and not a round.
import type { FleetPlan } from "./fleet.ts";
import type { LoadErrors } from "./load-plan.ts";

/** What is asked of both peers. Open loop: requests leave by a Poisson schedule, uniform over all deployments. */
export interface AlternationPlan {
  readonly host: string;
  readonly ports: readonly [number, number];
  readonly connections: number;
  readonly fleet: FleetPlan;
  readonly bodyBytes: number;
  /** The body that is right. Any other is an error. */
  readonly answer: string;
  readonly perSecond: number;
  readonly rounds: number;
  /** Of each peer. */
  readonly turnsARound: number;
  /** Time at the begin of a turn that is not counted, ms: connections to upstreams that grew too old are dialled again. */
  readonly leadInMs: number;
  readonly turnMs: number;
  /** Between turns nothing is sent for so long, so that none ends in the next one, ms. */
  readonly gapMs: number;
  /** A pair of turns in which the host took time from one of these cores is void and taken again, at most so often in all. */
  readonly cores: readonly number[];
  readonly mostVoid: number;
}

/** Latencies from the moment a request was due. */
export interface Quantiles {
  readonly count: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

export interface AlternationSide {
  /** All turns of a round together. */
  readonly rounds: readonly Quantiles[];
  readonly turns: readonly Quantiles[];
  /** Counted or not. */
  readonly answers: number;
  readonly errors: LoadErrors;
}

export interface AlternationResult {
  readonly sides: readonly [AlternationSide, AlternationSide];
  /** Pairs of turns that were taken again. */
  readonly voided: number;
  /** Pairs that the host disturbed and that count all the same, because too many were void. */
  readonly disturbed: number;
}
