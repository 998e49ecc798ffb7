// Release: a rollout or a bandit of a SeldonDeployment, as its annotations say it, and how far it has come, as the record of releases says it.
import { namespacedName } from "../../../routing/text/namespaced-name.ts";
import type { BanditPlan } from "../../../routing/release/bandit/plan.ts";
import type { RolloutPlan } from "../../../routing/release/rollout/plan.ts";
import type { ObjectRef } from "../../../routing/text/problem.ts";

export type ReleaseKind = "rollout" | "bandit";

/** What an SD asks for. */
export interface PlannedRelease {
  readonly ref: ObjectRef;
  /** The annotation, for Problems. */
  readonly field: string;
  /** `stopped`: its annotations cannot be read, or contradict each other. Nothing moves, and `why` says why. `models`: digest of each arm, since only the record says which are released. */
  readonly plan:
    | { readonly kind: "rollout"; readonly plan: RolloutPlan }
    | { readonly kind: "bandit"; readonly plan: BanditPlan }
    | { readonly kind: "stopped"; readonly why: string; readonly models: readonly string[] };
  /** Live predictors, in the order of the spec. The first is main. */
  readonly arms: readonly string[];
  /** Percent of each arm that the spec declares, or `sluice.io/traffic`. */
  readonly declared: readonly number[];
  /** Digest of the annotation. */
  readonly text: string;
  /** Digest of the models that are released: of the canary, or of all arms of a bandit. */
  readonly models: string;
  readonly isPaused: boolean;
  readonly isAborted: boolean;
  readonly isPromoted: boolean;
}

/** How far the release of an SD has come. */
export interface ReleaseEntry {
  readonly namespace: string;
  readonly name: string;
  readonly kind: ReleaseKind;
  /** Digests of `PlannedRelease`, when the entry was written. */
  readonly text: string;
  readonly models: string;
  /** Percent by predictor. The others share what is left as they are declared. */
  readonly shares: Readonly<Record<string, number>>;
  readonly state: "stepping" | "held" | "promoted" | "aborted";
  /** Number of the step, from 0. A bandit counts its changes. */
  readonly step: number;
  /** Epoch ms of the leader that wrote it, for people: clocks of replicas differ. */
  readonly sinceMs: number;
  /** Why it is there: "" or a sentence. */
  readonly why: string;
  /** `sluice.io/rollout-promote` was used up: it promotes this release, and no later one. */
  readonly isPromoteUsed: boolean;
  /** Of a bandit: what it calls a reward; "" of a rollout. Rewards of another kind are on another scale. */
  readonly reward: string;
  /** Of a bandit: what it knows of each arm, decayed. */
  readonly rewards: Readonly<
    Record<string, { readonly count: number; readonly sum: number; readonly sumSquares: number }>
  >;
}

/** By `releaseKey`. */
export type ReleaseRecord = ReadonlyMap<string, ReleaseEntry>;

export function releaseKey({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return namespacedName(namespace, name);
}

export function percentShown(percent: number): string {
  return `${Math.round(percent * 100) / 100}%`;
}
