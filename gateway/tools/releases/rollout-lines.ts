// One release as lines for people.
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

/** `1% [5%] 25%`: the one that it is at stands in brackets. */
function stepShown(percent: number, number: number, at: number, state: Rollout["state"]): string {
  const isHere = number === at && (state === "stepping" || state === "held");
  return isHere || (state === "promoted" && percent === 100) ? `[${percent}%]` : `${percent}%`;
}

function armShown({
  requests,
  failed,
  refused,
  p50Ms,
  p99Ms,
  rewards,
  compared,
  agreed,
}: NonNullable<Rollout["evidence"]>["main"]): string {
  return [
    `${requests} requests`,
    `${failed} failed`,
    ...(refused === 0 ? [] : [`${refused} refused`]),
    ...(p50Ms === null ? [] : [`p50 ${p50Ms} ms`]),
    ...(p99Ms === null ? [] : [`p99 ${p99Ms} ms`]),
    ...(rewards === 0 ? [] : [`${rewards} rewards`]),
    ...(compared === 0 ? [] : [`${agreed} of ${compared} answers agree with main's`]),
  ].join(", ");
}

function rounded(percent: number): number {
  return Math.round(percent * 100) / 100;
}
