// One release as lines for people.
import type { DeploymentFeedback } from "../../api/feedback.ts";
import type { Rollout } from "../../api/rollouts.ts";

export function rolloutLines(rollout: Rollout): readonly string[] {
  const { namespace, name, kind, state, to, steps, step, sentence, waitsFor, evidence, gates, shares, decides } =
    rollout;
  const what = kind === "rollout" ? `rollout to ${to}` : kind === "bandit" ? "bandit" : "release";
  const bar = steps.map((percent, at) => stepShown(percent, at + 1, step, state)).join(" ");
  return [
    `${namespace}/${name}  ${what}  ${state}`,
    ...(bar === "" ? [] : [`  steps     ${bar}`]),
    ...(shares.length === 0
      ? []
      : [`  shares    ${shares.map(({ predictor, percent }) => `${predictor} ${rounded(percent)}%`).join(", ")}`]),
    `  ${sentence}`,
    ...(waitsFor === null ? [] : [`  waits for ${waitsFor}`]),
    ...(evidence === null
      ? []
      : (["canary", "main"] as const).map((arm) => `  ${arm.padEnd(8)}  ${armShown(evidence[arm])}`)),
    ...gates.map(({ gate, standing, sentence: said }) => `  gate      ${gate}: ${standing}. ${said}`),
    ...(decides || state !== "stepping"
      ? []
      : ["  This replica does not lead, and only the leader has the counts: sluice status names it."]),
  ];
}

export function learnsFromFeedback({ kind, gates }: Rollout): boolean {
  return kind === "bandit" || gates.some(({ gate }) => gate.startsWith("reward "));
}

/** Ways of feedback from which no release learns. */
const teachesNothing = {
  no_puid: "had no puid",
  unknown_puid: "had an unknown puid",
  earlier_model: "were about an earlier model",
};

/** What of its feedback teaches a release nothing; empty: all does. */
export function feedbackLines(rollout: Rollout, feedback: readonly DeploymentFeedback[]): readonly string[] {
  if (!learnsFromFeedback(rollout)) return [];
  const predictors = feedback.find(
    ({ namespace, name }) => namespace === rollout.namespace && name === rollout.name,
  )?.predictors;
  const said = Object.entries(teachesNothing).flatMap(([way, what]) => {
    const count = (predictors ?? []).reduce((sum, { routed }) => sum + (routed[way] ?? 0), 0);
    return count === 0 ? [] : [`${count} ${what}`];
  });
  return said.length === 0
    ? []
    : [`  feedback  ${said.join(", ")}: these teach it nothing. Send back the Seldon-Puid of the answer.`];
}

/** `1% [5%] 25%`: the one that it is at stands in brackets. */
function stepShown(percent: number, number: number, at: number, state: Rollout["state"]): string {
  const isHere = number === at && (state === "stepping" || state === "held");
  return isHere || (state === "promoted" && percent === 100) ? `[${percent}%]` : `${percent}%`;
}

function armShown({
  requests,
  failed,
  refused = 0,
  denied = 0,
  p50Ms,
  p99Ms,
  rewards,
  compared = 0,
  agreed = 0,
}: NonNullable<Rollout["evidence"]>["main"]): string {
  return [
    `${requests} requests`,
    `${failed} failed`,
    ...(refused === 0 ? [] : [`${refused} refused`]),
    ...(denied === 0 ? [] : [`${denied} more were 401, 403, 408, 413 or 429`]),
    ...(p50Ms === null ? [] : [`p50 ${p50Ms} ms`]),
    ...(p99Ms === null ? [] : [`p99 ${p99Ms} ms`]),
    ...(rewards === 0 ? [] : [`${rewards} rewards`]),
    ...(compared === 0 ? [] : [`${agreed} of ${compared} answers agree with main's`]),
  ].join(", ");
}

function rounded(percent: number): number {
  return Math.round(percent * 100) / 100;
}
