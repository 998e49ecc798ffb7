// What simulated rollouts came to, as a page.
import type { Tally } from "./rollouts.ts";
import type { Named } from "./scenarios.ts";

export function rolloutReport(command: string, results: readonly (readonly [Named, Tally])[]): string {
  const texts = [...new Set(results.map(([{ text }]) => text))];
  return [
    "# Simulated rollouts: false roll-backs, missed faults, requests that met a fault",
    "",
    `- Command: \`${command}\` (seed 1; the same numbers each time)`,
    "- The decision is the gateway's own (`routing/release/rollout/decide.ts`), asked each 2 s (each 30 s where traffic is 3 requests an hour). Counts are drawn, requests are not sent.",
    "- 200 requests a second, half an hour at most, where a row says nothing else. Latencies are log-normal (median 20 ms, p99 64 ms).",
    "- A false roll-back is an abort without a fault, a missed fault a promotion with one. The bound on false roll-backs is 1 % (`routing/release/rollout/judge.ts:falseRollBack`).",
    "",
    "| rollouts | plan | count | promoted | rolled back | still waiting | ended after s: median, p99 | requests that met the fault: median, p99, most | last step |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ...results.map(([scenario, tally]) => row(scenario, tally, texts)),
    "",
    "Plans:",
    "",
    ...texts.map((text, at) => `${at + 1}. \`${text}\``),
    "",
  ].join("\n");
}

function row({ name, isHealthy, text }: Named, tally: Tally, texts: readonly string[]): string {
  const wrong = (count: number, isWrong: boolean): string =>
    isWrong ? `**${count}** (${((count / tally.rollouts) * 100).toPrecision(2)} %)` : String(count);
  return `| ${[
    name,
    texts.indexOf(text) + 1,
    tally.rollouts,
    wrong(tally.promoted, !isHealthy),
    wrong(tally.aborted, isHealthy),
    tally.waiting,
    tally.seconds[0] === null ? "–" : tally.seconds.map((seconds) => Math.round(seconds!)).join(", "),
    isHealthy ? "–" : tally.metFault.map(Math.round).join(", "),
    tally.lastStep,
  ].join(" | ")} |`;
}
