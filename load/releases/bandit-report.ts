// What simulated bandits came to, as a page.
import { quantile } from "../peers/statistics.ts";
import { banditScenarios, routers, simulateBandit } from "./bandits.ts";

export function banditReport(command: string, runs: number): string {
  return [
    "# Simulated bandits: rewards missed, beside even shares and Seldon's epsilon-greedy router",
    "",
    `- Command: \`${command}\` (seeds 1 to ${runs}; the same numbers each time)`,
    "- The decision is the gateway's own (`routing/release/bandit/decide.ts`). A request a second for six hours, shares anew each minute.",
    "- Regret: rewards that were missed because a request did not go to the arm that was best at its time. A floor is paid for in regret, and finds an arm that became better.",
    "- The epsilon-greedy router of Seldon Core: epsilon 0.1, means of all rewards ever, no floor, no window. It knows all rewards at once here; in a cluster each replica has its own.",
    "- Feedbacks to most: feedbacks until the arm that was best at first had more than half of the traffic, and kept it for ten minutes.",
    "",
    ...banditScenarios.flatMap((scenario) => [
      `## ${scenario.name}`,
      "",
      "| who decides | regret: median, 90th percentile | best arm's share at the end, median | feedbacks to most: median, most | never |",
      "| --- | --- | --- | --- | --- |",
      ...Object.keys(routers).map((router) => {
        const outcomes = Array.from({ length: runs }, (_, at) => simulateBandit(scenario, router, at + 1));
        const regrets = outcomes.map(({ regret }) => regret);
        const reached = outcomes.flatMap(({ feedbacksToMost }) => feedbacksToMost ?? []);
        return `| ${[
          router,
          [quantile(regrets, 0.5), quantile(regrets, 0.9)].map(Math.round).join(", "),
          `${(
            100 *
            quantile(
              outcomes.map(({ lastShare }) => lastShare),
              0.5,
            )
          ).toFixed(1)} %`,
          reached.length === 0 ? "–" : [quantile(reached, 0.5), quantile(reached, 1)].map(Math.round).join(", "),
          runs - reached.length,
        ].join(" | ")} |`;
      }),
      "",
    ]),
  ].join("\n");
}
