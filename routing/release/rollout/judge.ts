// Whether a gate is kept, as evidence says it.
//
// False roll-backs: the chance that a rollout whose gates all hold is ended is at most `falseRollBack`, over all of its looks, gates, steps and windows together (Bonferroni): each bound of
// each gate gets an equal part in each step, half for the whole step and half for its windows, of which window w gets 1/(w(w+1)). Of a bound of main's quantile half of that is spent on
// main's own uncertainty. Binomial bounds keep this exactly at every count, ratios and means as `routing/release/statistics/` says.
import type { ArmCounts } from "../statistics/arm-counts.ts";
import { logEvidenceAbove, logEvidenceOfRatio } from "../statistics/binomial.ts";
import { logEvidenceBelowMean, logEvidenceBelowTimes, meanOf } from "../statistics/means.ts";
import { quantileOf, slowerThan, totalOf, upperQuantile } from "../statistics/quantile.ts";
import type { Evidence } from "./evidence.ts";
import { formatNumber } from "../grammar/quantities.ts";
import { formatQuantile, type Gate, percent } from "./gates.ts";
import type { RolloutPlan } from "./plan.ts";

/** The chance that a rollout of which every gate holds is rolled back. */
export const falseRollBack = 0.01;

export interface GateStanding {
  readonly gate: Gate;
  /** `kept`: as far as was counted; `undecided`: over its bound, perhaps by chance, or too little was counted. */
  readonly standing: "kept" | "broken" | "undecided";
  readonly sentence: string;
  /** What is missing before it can be decided, as "320 more requests to canary"; null: nothing. */
  readonly waitsFor: string | null;
}

/** One bound of one gate, as a question about counts. */
interface Bound {
  /** As it is written, without the gate's word: `1%`, `1.5x main`. */
  readonly text: string;
  readonly isOfMain: boolean;
  /** Natural logarithm of the evidence that it is broken; `needed`: what will be asked of it. */
  evidence(counts: Evidence, needed: number): number;
  /** Whether the counts, taken as they are, are within it. Of failures beside main's one is never too many. */
  isWithin(counts: Evidence): boolean;
}

/** How much evidence a bound is asked for (natural logarithm), in the whole step and in its window of this number. */
export function evidenceNeeded(plan: RolloutPlan, window: number): { readonly whole: number; readonly recent: number } {
  const bounds = plan.gates.reduce((sum, gate) => sum + boundsOf(gate).length, 0);
  const whole = Math.log((2 * plan.steps.length * bounds) / falseRollBack);
  return { whole, recent: whole + Math.log(window * (window + 1)) };
}

/** Where a gate stands. `mainIsThere`: main gets live traffic in this step; where it gets none, bounds of main are not asked. */
export function judgeGate(
  plan: RolloutPlan,
  gate: Gate,
  { whole, recent, window }: { readonly whole: Evidence; readonly recent: Evidence; readonly window: number },
  mainIsThere: boolean,
): GateStanding {
  const needed = evidenceNeeded(plan, window);
  const asked = boundsOf(gate).filter(({ isOfMain }) => mainIsThere || !isOfMain);
  const facts = factsOf(gate, whole, plan.to, mainIsThere);
  const word = wordOf(gate);
  const beyond = gate.kind === "errors" || gate.kind === "latency" ? "over" : "under";
  if (asked.length === 0)
    return {
      gate,
      standing: "kept",
      sentence: `${facts} Main gets no traffic in this step, so nothing is compared with it.`,
      waitsFor: null,
    };
  for (const bound of asked) {
    for (const [counts, enough, when] of [
      [whole, needed.whole, "in this step"],
      [recent, needed.recent, "lately"],
    ] as const) {
      if (bound.evidence(counts, enough) < enough) continue;
      const shown = counts === whole ? facts : factsOf(gate, counts, plan.to, mainIsThere);
      return {
        gate,
        standing: "broken",
        sentence: `${shown} That is ${beyond} ${bound.text} ${when}, and not by chance.`,
        waitsFor: null,
      };
    }
  }
  const missing = missingOf(
    plan,
    gate,
    whole,
    asked.some(({ isOfMain }) => isOfMain),
  );
  if (missing !== null) return { gate, standing: "undecided", sentence: facts, waitsFor: missing };
  const over = asked.find((bound) => !bound.isWithin(whole));
  if (over === undefined) return { gate, standing: "kept", sentence: facts, waitsFor: null };
  return {
    gate,
    standing: "undecided",
    sentence: `${facts} That is ${beyond} ${over.text}, perhaps by chance.`,
    waitsFor: `more requests, to tell chance from ${word} ${beyond} ${over.text}`,
  };
}

/** Bounds that a gate has: one or two. */
function boundsOf(gate: Gate): readonly Bound[] {
  const bounds: Bound[] = [];
  switch (gate.kind) {
    case "errors": {
      const { maxFraction: most, maxTimesMain: times } = gate;
      if (most !== null)
        bounds.push({
          text: percent(most),
          isOfMain: false,
          evidence: ({ canary }) => logEvidenceAbove(canary.failed, canary.requests, most),
          isWithin: ({ canary }) => canary.failed <= most * canary.requests,
        });
      if (times !== null)
        bounds.push({
          text: ofMain(times),
          isOfMain: true,
          evidence: ({ canary, main }) => logEvidenceOfRatio(failures(canary), failures(main), times),
          isWithin: ({ canary, main }) => (canary.failed - 1) * main.requests <= times * main.failed * canary.requests,
        });
      return bounds;
    }
    case "latency": {
      const { quantile, maxMs, maxTimesMain: times } = gate;
      if (maxMs !== null)
        bounds.push({
          text: `${maxMs} ms`,
          isOfMain: false,
          evidence: ({ canary }) => slower(canary, maxMs, quantile),
          isWithin: ({ canary }) => (quantileOf(canary.latency, quantile) ?? 0) <= maxMs,
        });
      if (times !== null)
        bounds.push({
          text: ofMain(times),
          isOfMain: true,
          evidence: ({ canary, main }, needed) => {
            const highest = upperQuantile(main.latency, quantile, needed + Math.LN2);
            return highest === null ? 0 : slower(canary, times * highest, quantile) - Math.LN2;
          },
          isWithin: ({ canary, main }) =>
            (quantileOf(canary.latency, quantile) ?? 0) <= times * (quantileOf(main.latency, quantile) ?? 0),
        });
      return bounds;
    }
    case "agreement": {
      const most = 1 - gate.minFraction;
      return [
        {
          text: percent(gate.minFraction),
          isOfMain: false,
          evidence: ({ canary: { compared } }) =>
            logEvidenceAbove(compared.pairs - compared.agreed, compared.pairs, most),
          isWithin: ({ canary: { compared } }) => compared.pairs - compared.agreed <= most * compared.pairs,
        },
      ];
    }
    case "reward": {
      const { min, minTimesMain: times } = gate;
      if (min !== null)
        bounds.push({
          text: formatNumber(min),
          isOfMain: false,
          evidence: ({ canary }) =>
            canary.rewards.count < minForMeans ? 0 : logEvidenceBelowMean(canary.rewards, min),
          isWithin: ({ canary }) => meanOf(canary.rewards) >= min,
        });
      if (times !== null)
        bounds.push({
          text: ofMain(times),
          isOfMain: true,
          evidence: ({ canary, main }) =>
            Math.min(canary.rewards.count, main.rewards.count) < minForMeans
              ? 0
              : logEvidenceBelowTimes(canary.rewards, main.rewards, times),
          isWithin: ({ canary, main }) => meanOf(canary.rewards) >= times * meanOf(main.rewards),
        });
      return bounds;
    }
  }
}

/** Rewards of each arm before their mean is taken for normal. */
const minForMeans = 50;

/** What is missing before a gate may be called kept; null: nothing. */
function missingOf(plan: RolloutPlan, gate: Gate, { canary, main }: Evidence, withMain: boolean): string | null {
  const [unit, wanted, ofCanary, ofMain] =
    gate.kind === "reward"
      ? (["rewards", plan.minRewards, canary.rewards.count, main.rewards.count] as const)
      : gate.kind === "agreement"
        ? (["compared answers", plan.minRequests, canary.compared.pairs, Infinity] as const)
        : gate.kind === "latency"
          ? ([
              canary.requests === totalOf(canary.latency) ? "requests" : "measured requests",
              plan.minRequests,
              totalOf(canary.latency),
              totalOf(main.latency),
            ] as const)
          : (["requests", plan.minRequests, canary.requests, main.requests] as const);
  if (ofCanary < wanted) return `${wanted - ofCanary} more ${unit} of ${plan.to}`;
  return withMain && ofMain < wanted ? `${wanted - ofMain} more ${unit} of main` : null;
}

function factsOf(gate: Gate, { canary, main }: Evidence, name: string, mainIsThere: boolean): string {
  const withMain = (text: string): string =>
    mainIsThere && boundsOf(gate).some(({ isOfMain }) => isOfMain) ? `; main: ${text}` : "";
  switch (gate.kind) {
    case "errors":
      return `Failures of ${name}: ${ofAll(canary.failed, canary.requests)}${withMain(ofAll(main.failed, main.requests))}.`;
    case "latency": {
      const shown = ({ requests, latency }: ArmCounts): string => {
        const milliseconds = quantileOf(latency, gate.quantile);
        if (milliseconds === null) return "not measured";
        const measured = totalOf(latency);
        const lost = requests > measured ? ` (${requests - measured} not measured)` : "";
        return `${shortNumber(milliseconds)} ms of ${measured} requests${lost}`;
      };
      return `${formatQuantile(gate.quantile)} of ${name}: ${shown(canary)}${withMain(shown(main))}.`;
    }
    case "agreement":
      return `Agreement of ${name} with main: ${ofAll(canary.compared.agreed, canary.compared.pairs)}.`;
    case "reward": {
      const shown = ({ rewards }: ArmCounts): string =>
        rewards.count === 0 ? "none" : `${shortNumber(meanOf(rewards))} of ${rewards.count}`;
      return `Mean reward of ${name}: ${shown(canary)}${withMain(shown(main))}.`;
    }
  }
}

function ofAll(part: number, whole: number): string {
  return whole === 0 ? "0 of 0 requests" : `${part} of ${whole} (${shortNumber((part / whole) * 100)}%)`;
}

/** Three digits. */
function shortNumber(value: number): string {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

function wordOf(gate: Gate): string {
  return gate.kind === "latency" ? formatQuantile(gate.quantile) : gate.kind;
}

function ofMain(times: number): string {
  return times === 1 ? "main" : `${formatNumber(times)}x main`;
}

function failures({ failed, requests }: ArmCounts): { readonly hits: number; readonly total: number } {
  return { hits: failed, total: requests };
}

function slower(canary: ArmCounts, milliseconds: number, quantile: number): number {
  return logEvidenceAbove(slowerThan(canary.latency, milliseconds), totalOf(canary.latency), 1 - quantile);
}
