import { expect, test } from "vitest";
import { banditScenarios, routers, simulateBandit } from "../../../load/releases/bandits.ts";

test("regret of three runs of fixed seeds, beside even shares and Seldon's epsilon-greedy router", () => {
  const kinds = [
    "even",
    "Seldon's epsilon-greedy router",
    "policy thompson; floor 1%; window 1d",
    "policy thompson; floor 5%; window 1h",
  ];
  for (const kind of kinds) expect(Object.keys(routers)).toContain(kind);
  const rows = banditScenarios
    .filter(({ name }) => name === "90 %, 80 %" || name.includes("change places"))
    .map((scenario) => ({ ...scenario, minutes: scenario.name.includes("change") ? 360 : 60 }))
    .flatMap((scenario) =>
      kinds.map((kind) => {
        const outcomes = [1, 2, 3].map((seed) => simulateBandit(scenario, kind, seed));
        return `${scenario.name}, ${kind}: ${outcomes.map(({ regret }) => Math.round(regret)).join(", ")}; most after ${outcomes.map(({ feedbacksToMost }) => feedbacksToMost).join(", ")} feedbacks`;
      }),
    );
  expect(rows).toMatchInlineSnapshot(`
    [
      "90 %, 80 %, even: 179, 182, 184; most after , ,  feedbacks",
      "90 %, 80 %, Seldon's epsilon-greedy router: 39, 36, 40; most after 0, 0, 240 feedbacks",
      "90 %, 80 %, policy thompson; floor 1%; window 1d: 12, 7, 9; most after 60, 60, 60 feedbacks",
      "90 %, 80 %, policy thompson; floor 5%; window 1h: 23, 22, 22; most after 60, 60, 60 feedbacks",
      "90 %, 60 %, which change places after three hours, even: 3279, 3261, 3195; most after , ,  feedbacks",
      "90 %, 60 %, which change places after three hours, Seldon's epsilon-greedy router: 3106, 3026, 3129; most after 0, 0, 0 feedbacks",
      "90 %, 60 %, which change places after three hours, policy thompson; floor 1%; window 1d: 2861, 3030, 2646; most after 60, 60, 60 feedbacks",
      "90 %, 60 %, which change places after three hours, policy thompson; floor 5%; window 1h: 943, 953, 928; most after 60, 60, 60 feedbacks",
    ]
  `);
});
