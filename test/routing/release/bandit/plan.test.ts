import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  type BanditPlan,
  type Policy,
  printBanditPlan,
  readBanditPlan,
  type RewardSource,
} from "../../../../routing/release/bandit/plan.ts";
import { maxPathLength, printJsonPath } from "../../../../routing/text/json-path.ts";

function read(text: string): string {
  const read = readBanditPlan(text);
  return "mistake" in read ? read.mistake : printBanditPlan(read.plan);
}

test.each([
  ["policy thompson; floor 5%; every 1m; window 1d", "policy thompson; floor 5%; every 1m; window 1d; reward feedback"],
  ["thompson", "policy thompson; floor 5%; every 1m; window 1d; reward feedback"],
  ["ucb; reward success", "policy ucb; floor 5%; every 1m; window 1d; reward success"],
  ["epsilon-greedy", "policy epsilon-greedy 10%; floor 5%; every 1m; window 1d; reward feedback"],
  ["epsilon-greedy 0.1%", "policy epsilon-greedy 0.1%; floor 5%; every 1m; window 1d; reward feedback"],
  ["reward latency; policy ucb", "policy ucb; floor 5%; every 1m; window 1d; reward latency"],
  ["ucb; floor 0.1%; every 10s; window 1m", "policy ucb; floor 0.1%; every 10s; window 1m; reward feedback"],
  ["ucb; floor 50%; every 7d; window 365d", "policy ucb; floor 50%; every 7d; window 365d; reward feedback"],
  ["ucb; reward feedback $.reward", "policy ucb; floor 5%; every 1m; window 1d; reward feedback"],
  [
    `ucb; reward feedback $['truth'].jsonData["clicked"][0]`,
    "policy ucb; floor 5%; every 1m; window 1d; reward feedback $.truth.jsonData.clicked[0]",
  ],
  [
    `ucb; reward feedback $["user's click\\u003b"]`.replace(" click", "\\u0020click"),
    `policy ucb; floor 5%; every 1m; window 1d; reward feedback $["user\\u0027s\\u0020click\\u003b"]`,
  ],
])("%s", (text, plan) => {
  expect(read(text)).toBe(plan);
  expect(read(plan)).toBe(plan);
});

test.each([
  ["", `the policy is missing; write "policy thompson", "policy epsilon-greedy 10%" or "policy ucb"`],
  ["policy tompson", `"policy tompson" is not understood; did you mean "policy thompson"?`],
  [
    "policy best",
    `"policy best" is not understood; write "policy thompson", "policy epsilon-greedy 10%" or "policy ucb"`,
  ],
  [
    "policy ucb 5%",
    `"policy ucb 5%" is not understood; write "policy thompson", "policy epsilon-greedy 10%" or "policy ucb"`,
  ],
  [
    "epsilon-greedy 0.09%",
    `"epsilon-greedy 0.09%": the part that explores is not from 0.1% to 100%; write "policy epsilon-greedy 10%"`,
  ],
  [
    "epsilon-greedy 0.2",
    `"epsilon-greedy 0.2": the part that explores is not from 0.1% to 100%; write "policy epsilon-greedy 10%"`,
  ],
  ["thompson; policy ucb", `"policy" stands twice; write it once`],
  ["ucb; flor 5%", `"flor 5%" is not understood; did you mean "floor"?`],
  ["ucb; hurry", `"hurry" is not understood; a clause begins with policy, floor, every, window, reward`],
  ["ucb; floor 5", `"floor 5" has no percentage; write "floor 5%"`],
  ["ucb; floor 0.09%", `"floor 0.09%" is not from 0.1% to 50%`],
  ["ucb; floor 50.1%", `"floor 50.1%" is not from 0.1% to 50%`],
  ["ucb; every 9s", `"every 9s" is not from 10s to 7d`],
  ["ucb; every 8d", `"every 8d" is not from 10s to 7d`],
  ["ucb; window 59s", `"window 59s" is not from 1m to 365d`],
  ["ucb; window 366d", `"window 366d" is not from 1m to 365d`],
  ["ucb; every 1h; window 59m", `the window of 59m is shorter than every 1h`],
  ...["reward a b", "reward truth.clicked", "reward", "reward success $.a", "reward feedback:$.a"].map((clause) => [
    `ucb; ${clause}`,
    `"${clause}" is not understood; write "reward feedback", "reward feedback $.truth.clicked", "reward success" or "reward latency"`,
  ]),
  [
    "ucb; reward feedback truth.clicked",
    `"reward feedback truth.clicked": the path does not begin with "$"; write "$.truth.clicked"`,
  ],
  [
    "ucb; reward feedback $.a, $.b",
    `"reward feedback $.a, $.b" has more than one path; write one, and in a key a space as \\u0020, a comma as \\u002c and a semicolon as \\u003b`,
  ],
])("a mistake says what to write: %j", (text, sentence) => {
  expect(read(text)).toBe(sentence);
});

test("a plan that is printed reads as the same plan, and any text gives a plan or a sentence on one line", () => {
  const plans: fc.Arbitrary<BanditPlan> = fc
    .record({
      policy: fc.oneof(
        fc.constantFrom<Policy>({ kind: "thompson" }, { kind: "ucb" }),
        fc.integer({ min: 1, max: 1000 }).map((tenths): Policy => ({ kind: "epsilon-greedy", percent: tenths / 10 })),
      ),
      floor: fc.integer({ min: 1, max: 500 }).map((tenths) => tenths / 10),
      everyMs: fc.integer({ min: 10_000, max: 7 * 86_400_000 }),
      windowMs: fc.integer({ min: 60_000, max: 365 * 86_400_000 }),
      reward: fc.oneof(
        fc.constantFrom<RewardSource>({ kind: "success" }, { kind: "latency" }),
        fc
          .array(fc.oneof(fc.nat(999_999), fc.string({ maxLength: 6, unit: "binary" })), { minLength: 1, maxLength: 6 })
          // As it is printed: an escaped character has six.
          .filter((path) => printJsonPath(path).length <= maxPathLength)
          .map((path): RewardSource => ({ kind: "feedback", path })),
      ),
    })
    .filter(({ everyMs, windowMs }) => windowMs >= everyMs);
  fc.assert(
    fc.property(plans, (plan) => {
      expect(readBanditPlan(printBanditPlan(plan))).toEqual({ plan });
    }),
  );
  fc.assert(
    fc.property(fc.string({ maxLength: 200, unit: "binary" }), (text) => {
      const result = readBanditPlan(text);
      if ("mistake" in result) expect(result.mistake).toMatch(/^[\P{Cc}]{1,900}$/u);
    }),
  );
});
