// What simulated rollouts came to, as a page. What it says of what cannot be had is written here, above the numbers that show it.
import type { Tally } from "./rollout.ts";
import type { Scenario } from "./scenarios.ts";

export function rolloutReport(command: string, results: readonly (readonly [Scenario, Tally])[]): string {
  const [healthy, faulty] = [true, false].map((isHealthy) =>
    results.filter(([{ faultFrom }]) => (faultFrom === null) === isHealthy),
  );
  const most = Math.max(...results.map(([, { runs }]) => runs));
  const fewer = results.filter(([, { runs }]) => runs < most);
  const sizes = `${most}${fewer.length === 0 ? "" : ` (${Math.min(...fewer.map(([, { runs }]) => runs))} in ${fewer.length} of ${results.length} lines)`}`;
  return [
    "# Simulated rollouts: false roll-backs, missed faults, requests that met a fault",
    "",
    `20,000 rollouts a line are wanted, and this page has ${sizes}. A part of 0 in N says that the true part is below 3/N in 95 of 100 cases: of 0 in ${most}, below ${((100 * 3) / most).toPrecision(2)} %.`,
    "",
    ...notHad,
    "",
    `- Command: \`${command}\` (the same numbers each time). The decision is the gateway's own (\`routing/release/rollout/decide.ts\`), asked each 10 s. Counts are drawn, requests are not sent.`,
    "- The plan is `canary` alone (1, 5, 25, 50 and 100 %, ten minutes each), 200 requests a second, an hour, latencies log-normal (median 20 ms, p99 64 ms), where a row says nothing else.",
    '- A rollout takes 50 minutes at least, so "waits" after an hour is one that lost more than ten. "Before" is the decision before this one, in an independent simulation of the same services.',
    "",
    "## Services without a fault",
    "",
    "| service | rollouts | rolled back | waits | ended after s: median, p99 | rolled back before |",
    "| --- | --- | --- | --- | --- | --- |",
    ...healthy!.map(([scenario, tally]) =>
      row(scenario, tally, [
        part(tally.aborted, tally, scenario.bound),
        part(tally.waiting, tally, 0.05),
        seconds(tally),
      ]),
    ),
    "",
    "## Faults",
    "",
    "| canary | rollouts | promoted | waits | ended after s: median, p99 | requests that met the fault: median, p99 | promoted before |",
    "| --- | --- | --- | --- | --- | --- | --- |",
    ...faulty!.map(([scenario, tally]) =>
      row(scenario, tally, [
        part(tally.promoted, tally, scenario.bound),
        part(tally.waiting, tally, null),
        seconds(tally),
        tally.metFault.map(Math.round).join(", "),
      ]),
    ),
    "",
  ].join("\n");
}

const notHad = [
  "What cannot be had, and what it is traded for:",
  "",
  "- **Bursts or speed.** A pod that restarts fails each request for some seconds. So that this rolls nothing back, a fault that fails a part of the requests is believed after a minute or more, also at 100 %: a canary that fails half from its last step on fails some thousands at 200 requests a second. One that fails nearly all is rolled back after 20 s.",
  "- **A crash every few minutes is a burst.** A canary that fails all for 3–5 s each 5–10 minutes, and a main that does so a tenth as much, are alike to a rollout of an hour.",
  "- **Small faults wait, before they are rolled back.** Five times 0.1 %, or twice 1 %, is not promoted, but most of these rollouts still wait after an hour, with 5 % of the traffic: proof of so little takes that long.",
  "- **Below the slack nothing is a fault.** 0.1 % → 0.2 % is promoted: a bound of main has 0.1 % of slack, without which a main that never fails would hold each canary that fails once.",
  "- **At 100 % nothing cancels.** Main gets no traffic there, so an outage of everything that lasts a minute or more rolls the canary back.",
  "- **Few callers.** Where one in a hundred of 1,000 sticky callers always fails, chance gives the canary more of them than main, for good: some rollouts wait.",
];

function row({ name, before }: Scenario, { runs }: Tally, cells: readonly string[]): string {
  return `| ${[name, runs, ...cells, before === "" ? "–" : before].join(" | ")} |`;
}

/** Bold where it is above its bound. */
function part(count: number, { runs }: Tally, bound: number | null): string {
  const percent = `${count} (${((100 * count) / runs).toPrecision(2)} %)`;
  return count === 0 ? "0" : bound !== null && count > bound * runs ? `**${percent}**` : percent;
}

function seconds({ seconds: of }: Tally): string {
  return of === null ? "–" : of.map(Math.round).join(", ");
}
