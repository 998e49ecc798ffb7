// A release as people see it: from its annotations, its entry in the record and, on the leader, the newest decision.
import { formatGate } from "../../../routing/release/rollout/gates.ts";
import { leftOverPromote, type Decided } from "./decided.ts";
import type { ArmCounts, NamedCounts } from "../../../routing/release/statistics/arm-counts.ts";
import { quantileOf } from "../../../routing/release/statistics/quantile.ts";
import { percentShown, type PlannedRelease, type ReleaseEntry } from "../../../k8s/translate/model/release.ts";
import { isOfOtherModels } from "../../../k8s/translate/deployments/released-shares.ts";
import type { Rollout } from "../../api/rollouts.ts";

/** `known` null: this replica does not lead, or has not looked yet. `awaited`: what it waits for before it begins; null: for the leader. */
export function rolloutView(
  release: PlannedRelease,
  recorded: ReleaseEntry | null,
  known: Decided["of"] | null,
  awaited: string | null,
): Rollout {
  const {
    ref: { namespace, name },
    plan,
    arms,
    isPromoted,
  } = release;
  // What a model came to says nothing of another one.
  const isOther = plan.kind === "stopped" && recorded !== null && isOfOtherModels(plan.models, arms, recorded);
  const entry = isOther ? null : recorded;
  const decision = known?.kind === "rollout" ? known.decision : null;
  const rollout = plan.kind === "rollout" ? plan.plan : null;
  const state = plan.kind === "stopped" ? "stopped" : (entry?.state ?? "waiting");
  const evidence = decision?.state.kind === "stepping" ? decision.state.whole : null;
  return {
    namespace,
    name,
    kind: plan.kind,
    state,
    to: rollout?.to ?? "",
    shares: Object.entries(entry?.shares ?? {}).map(([predictor, percent]) => ({ predictor, percent })),
    step: entry === null ? 0 : entry.step + 1,
    steps: [...(rollout?.steps ?? [])],
    sinceMs: entry?.sinceMs ?? null,
    sentence: `${sentenceOf(plan, entry, known, isOther)}${isPromoted && isPromoteUsed(entry) ? ` ${leftOverPromote}.` : ""}`,
    waitsFor: waitsFor(release, state, decision?.waitsFor ?? (state === "waiting" ? (awaited ?? "the leader") : null)),
    decides: known !== null,
    evidence: evidence === null ? null : { canary: armOf(evidence.canary), main: armOf(evidence.main) },
    gates: (decision?.gates ?? []).map(({ gate, standing, sentence }) => ({
      gate: formatGate(gate),
      standing,
      sentence,
    })),
  };
}

function sentenceOf(
  plan: PlannedRelease["plan"],
  entry: ReleaseEntry | null,
  known: Decided["of"] | null,
  isOther: boolean,
): string {
  if (plan.kind === "stopped")
    return `It is stopped: ${plan.why}. ${isOther ? "The model is another one, and gets no share that the one before it had reached." : "Each predictor keeps its share."}`;
  if (entry === null) return known?.decision.sentence ?? "It has not begun.";
  if (entry.state === "stepping" && known !== null) return known.decision.sentence;
  if (entry.state === "stepping" && plan.kind === "rollout") {
    const { to, steps } = plan.plan;
    return `${to} has ${percentShown(entry.shares[to] ?? 0)} of the traffic, step ${entry.step + 1} of ${steps.length}.`;
  }
  return entry.why === "it begins" ? "It begins." : entry.why === "" ? "It is under way." : entry.why;
}

/** Of one that could still be promoted. */
function isPromoteUsed(entry: ReleaseEntry | null): boolean {
  return entry !== null && entry.isPromoteUsed && (entry.state === "stepping" || entry.state === "held");
}

function waitsFor({ plan, isAborted }: PlannedRelease, state: Rollout["state"], wanted: string | null): string | null {
  switch (state) {
    case "promoted":
      return plan.kind === "rollout"
        ? `you to make it permanent: write traffic: 100 for ${plan.plan.to} and traffic: 0 for the others in the spec, then remove sluice.io/rollout`
        : null;
    case "aborted":
      return `${isAborted ? "you to remove sluice.io/rollout-abort, which ends the next model too; then " : ""}another model, or another text of sluice.io/rollout`;
    case "stopped":
      return "an end of its Problem, which sluice problems prints";
    default:
      return wanted;
  }
}

type Arm = NonNullable<Rollout["evidence"]>["canary"];

/** Each count of an arm as people see it. */
const shownCounts: { readonly [Row in keyof NamedCounts]: (value: NamedCounts[Row]) => Partial<Arm> } = {
  requests: (requests) => ({ requests }),
  failed: (failed) => ({ failed }),
  refused: (refused) => ({ refused }),
  denied: (denied) => ({ denied }),
  latency: (latency) => ({ p50Ms: rounded(quantileOf(latency, 0.5)), p99Ms: rounded(quantileOf(latency, 0.99)) }),
  rewards: ({ count }) => ({ rewards: count }),
  compared: ({ pairs, agreed }) => ({ compared: pairs, agreed }),
  callers: ({ requests }) => ({ callerGroups: requests.filter((count) => count > 0).length }),
};

function armOf(counts: ArmCounts): Arm {
  type Shows = (value: unknown) => Partial<Arm>;
  const shown = Object.entries(shownCounts).map(([row, of]) => (of as Shows)(counts[row as keyof NamedCounts]));
  return Object.assign({}, ...shown) as Arm;
}

function rounded(ms: number | null): number | null {
  return ms === null || !Number.isFinite(ms) ? null : Math.round(ms * 10) / 10;
}
