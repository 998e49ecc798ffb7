// Messages between the comparing thread and the others.
import type { MessagePort } from "node:worker_threads";
import type { ComparisonCounts, PairVerdict } from "../../routing/release/compare/comparison.ts";

/** Whose answers are compared with whose. */
export interface ComparisonKey {
  readonly namespace: string;
  readonly deployment: string;
  /** The shadow. */
  readonly predictor: string;
  /** Whose answers clients got. The same name as `predictor`: how far it agrees with itself. */
  readonly against: string;
}

export interface ComparisonState extends ComparisonKey {
  /** Text of sluice.io/compare. Other rules begin a new count. */
  readonly rules: string;
  /** Epoch ms of the first pair. */
  readonly sinceMs: number;
  readonly counts: ComparisonCounts;
}

/** A pair that disagreed. */
export interface Disagreement extends ComparisonKey, PairVerdict {
  /** Of the first of its kind, as are its answers. */
  readonly atMs: number;
  /** Pairs that disagreed so. */
  readonly count: number;
  /** Of the last of them. */
  readonly lastMs: number;
  readonly requestId: string;
  readonly path: string;
  readonly primaryStatus: number;
  readonly shadowStatus: number;
  readonly primaryMs: number;
  readonly shadowMs: number;
  /** Both answers, cut and redacted. */
  readonly primary: string;
  readonly shadow: string;
}

/** Supervisor to comparing thread. */
export type ToComparing =
  | { readonly kind: "data-worker"; readonly channel: MessagePort }
  /** A control worker came. */
  | { readonly kind: "control"; readonly channel: MessagePort };

/** Comparing thread to supervisor: nothing was compared for a while, and it may end. */
export interface FromComparing {
  readonly kind: "idle";
}

/** Control worker to comparing thread: the disagreements that are kept of this deployment. */
export interface DisagreementsAsked {
  readonly id: number;
  readonly namespace: string;
  readonly deployment: string;
}

/** Comparing thread to control worker. */
export type ComparingToControl =
  /** All counts of these since the thread began. */
  | { readonly kind: "counts"; readonly states: readonly ComparisonState[] }
  /** The newest first. */
  | { readonly kind: "disagreements"; readonly id: number; readonly kept: readonly Disagreement[] };
