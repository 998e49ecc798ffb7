import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { maxTextLength } from "../../../../routing/release/grammar/clauses.ts";
import { type Gate, type GateKeyword, gateKeywords } from "../../../../routing/release/rollout/gates.ts";
import { printRolloutPlan, readRolloutPlan, type RolloutPlan } from "../../../../routing/release/rollout/plan.ts";

function plan(text: string): RolloutPlan {
  const read = readRolloutPlan(text);
  if ("mistake" in read) throw new Error(read.mistake);
  return read.plan;
}

function mistake(text: string): string {
  const read = readRolloutPlan(text);
  return "mistake" in read ? read.mistake : printRolloutPlan(read.plan);
}

test("a full text, with signs of either kind", () => {
  const full: RolloutPlan = {
    to: "canary",
    steps: [1, 5, 25, 50, 100],
    everyMs: 600_000,
    minRequests: 500,
    minRewards: 50,
    warm: { ms: 30_000, requests: 10 },
    gates: [
      { keyword: "errors", value: 0.01, times: 1.5 },
      { keyword: "refusals", value: null, times: 2 },
      { keyword: "p99", value: null, times: 1.2 },
      { keyword: "agreement", value: 0.99, times: null },
      { keyword: "reward", value: null, times: 1 },
    ],
    otherwise: "roll-back",
  };
  const text =
    "to canary; steps 1%,5%,25%,50%,100%; every 10m; min 500 requests; warm 30s, 10 requests; errors ≤ 1%, ≤ 1.5x main; refusals ≤ 2x main; p99 ≤ 1.2x main; agreement ≥ 99%; reward ≥ main; else roll back";
  expect(plan(text)).toEqual(full);
  expect(plan(text.replaceAll("≤", "<=").replaceAll("≥", ">="))).toEqual(full);
  expect(plan(text.replaceAll(" ", "  ").replace("roll  back", "roll-back"))).toEqual(full);
  expect(plan(text.toUpperCase().replace("CANARY", "canary"))).toEqual(full);
  expect(plan(text.split("; ").reverse().join(";\n"))).toEqual({ ...full, gates: full.gates.toReversed() });
});

test("the short form has the defaults", () => {
  expect(printRolloutPlan(plan("canary"))).toBe(
    "to canary; steps 1%, 5%, 25%, 50%, 100%; every 10m; min 500 requests, 50 rewards; warm 1m, 20 requests; errors ≤ 1.5x main; refusals ≤ 1.5x main; p99 ≤ 1.5x main; else roll back",
  );
  expect(plan("canary;")).toEqual(plan("to canary"));
  expect(plan("steps-2; errors ≤ 2%").gates).toEqual([{ keyword: "errors", value: 0.02, times: null }]);
});

test.each([
  ["", `the predictor to release is missing; write "to NAME", as in "to canary"`],
  ["every 10m", `the predictor to release is missing; write "to NAME", as in "to canary"`],
  ["to", `"to" wants the name of one predictor, as in "to canary"`],
  ["to a b", `"to" wants the name of one predictor, as in "to canary"`],
  ["to -a", `"-a" is no name of a predictor`],
  ["a\u001b[31m", `"a\\u001b[31m" is no name of a predictor`],
  ["canary; to main", `"to" stands twice; write it once`],
  ["canary; p99 ≤ 1s; p99 ≤ 2s", `"p99" stands twice; write it once`],
  ["canary; step 1%,100%", `"step 1%,100%" is not understood; did you mean "steps"?`],
  ["canary; eror ≤ 1%", `"eror ≤ 1%" is not understood; did you mean "errors"?`],
  [
    "canary; wait 10m",
    `"wait 10m" is not understood; a clause begins with to, steps, every, min, warm, errors, refusals, p50, p90, p95, p99, p99.9, agreement, reward, else`,
  ],
  ["canary; steps", `"steps" has no list of percentages; write "steps 1%, 5%, 25%, 50%, 100%"`],
  ["canary; steps 1, 100", `"steps 1, 100" has no list of percentages; write "steps 1%, 5%, 25%, 50%, 100%"`],
  ["canary; steps 0.009%,100%", `the step 0.009% is not from 0.01% to 100%`],
  ["canary; steps 101%", `the step 101% is not from 0.01% to 100%`],
  ["canary; steps 5%,5%,100%", `the step 5% is not above the one before it; write growing percentages`],
  ["canary; steps 1%,50%", `the last step is 50%; end the steps with 100%`],
  ["canary; every soon", `"every soon" has no duration; write "every 10m" (units: s, m, h, d)`],
  ["canary; every 10", `"every 10" has no duration; write "every 10m" (units: s, m, h, d)`],
  ["canary; every 9999ms", `"every 9999ms" is not from 10s to 30d`],
  ["canary; every 721h", `"every 721h" is not from 10s to 30d`],
  ["canary; min 500", `"min 500" is not understood; write "min 500 requests" or "min 500 requests, 50 rewards"`],
  ["canary; min 0 requests", `0 requests is not from 1 to 1000000`],
  ["canary; min 1000001 requests", `1000001 requests is not from 1 to 1000000`],
  ["canary; min 9 rewards", `9 rewards is not from 10 to 1000000`],
  ["canary; min 5 requests, 6 requests", `"min 5 requests, 6 requests" has requests twice; write each once`],
  ["canary; errors", `"errors" is not understood; write "errors ≤ 1%, ≤ 1.5x main"`],
  ["canary; errors ≥ 1%", `"errors ≥ 1%" is not understood; write "errors ≤ 1%, ≤ 1.5x main"`],
  ["canary; errors ≤ 1", `"errors ≤ 1": the bound is no percentage; write "errors ≤ 1%, ≤ 1.5x main"`],
  ["canary; errors ≤ 0%", `"errors ≤ 0%": the bound is not from 0.001% to 90%; write "errors ≤ 1%, ≤ 1.5x main"`],
  ["canary; errors ≤ 1%, ≤ 2%", `"errors ≤ 1%, ≤ 2%" has two bounds of one kind; write one`],
  ["canary; errors ≤ 2x main, ≤ main", `"errors ≤ 2x main, ≤ main" has two bounds of main; write one`],
  ["canary; errors ≤ 0.9x main", `0.9x main is not from 1x to 100x main`],
  ["canary; errors ≤ 1% ≤ main", `"errors ≤ 1% ≤ main" is not understood; write "errors ≤ 1%, ≤ 1.5x main"`],
  ["canary; errors ≤ 1%,", `"errors ≤ 1%," is not understood; write "errors ≤ 1%, ≤ 1.5x main"`],
  ["canary; p99 ≤ 1.2", `"p99 ≤ 1.2": the bound is no duration; write "p99 ≤ 250ms, ≤ 1.2x main"`],
  ["canary; p99 ≤ 61s", `"p99 ≤ 61s": the bound is not from 1ms to 1m; write "p99 ≤ 250ms, ≤ 1.2x main"`],
  ["canary; p98 ≤ 61s", `"p98 ≤ 61s" is not understood; did you mean "p90"?`],
  ["canary; agreement ≥ main", `agreement is with main already; write "agreement ≥ 99%"`],
  ["canary; agreement ≥ 100%", `"agreement ≥ 100%": the bound is not from 10% to 99.999%; write "agreement ≥ 99%"`],
  ["canary; reward ≥ good", `"reward ≥ good": the bound is no number; write "reward ≥ main"`],
  ["canary; reward ≥ 0.001x main", `0.001x main is not from 0.01x to 100x main`],
  [
    "canary; reward ≥ 1000000001",
    `"reward ≥ 1000000001": the bound is not from -1000000000 to 1000000000; write "reward ≥ main"`,
  ],
  ["canary; warm", `"warm" is not understood; write "warm 1m, 20 requests"`],
  ["canary; warm 61m", `61m is not from 0s to 1h`],
  ["canary; warm 1000001 requests", `1000001 requests is not from 0 to 1000000`],
  ["canary; warm 1m, 2m", `"warm 1m, 2m" has time twice; write each once`],
  [
    "canary; steps 100%; errors ≤ 1%, ≤ main",
    `"errors ≤ 1%, ≤ main" cannot be asked at 100%, where main gets no traffic; write a step before it, as "steps 50%, 100%", or a bound without main in each gate, as "errors ≤ 1%"`,
  ],
  // Units that are names of every object.
  ["canary; every 1constructor", `"every 1constructor" has no duration; write "every 10m" (units: s, m, h, d)`],
  ["canary; p99 ≤ 1constructor", `"p99 ≤ 1constructor": the bound is no duration; write "p99 ≤ 250ms, ≤ 1.2x main"`],
  [
    "canary; min 5 constructor",
    `"min 5 constructor" is not understood; write "min 500 requests" or "min 500 requests, 50 rewards"`,
  ],
  [
    "canary; __proto__ 5",
    `"__proto__ 5" is not understood; a clause begins with to, steps, every, min, warm, errors, refusals, p50, p90, p95, p99, p99.9, agreement, reward, else`,
  ],
  ["canary; else panic", `"else panic" is not understood; write "else roll back" or "else hold"`],
  ["canary".padEnd(maxTextLength + 1), `the text has more than 4096 characters; write a shorter one`],
  [`canary${";every 1m".repeat(32)}`, `the text has more than 32 clauses; write each only once`],
])("a mistake says what to write: %j", (text, sentence) => {
  expect(mistake(text)).toBe(sentence);
});

test("bounds hold at their ends", () => {
  for (const text of [
    "canary; steps 0.01%,100%",
    "canary; every 10s",
    "canary; every 30d",
    "canary; min 1 requests, 10 rewards",
    "canary; min 1000000 requests",
    "canary; warm 0s, 0 requests",
    "canary; warm 1h, 1000000 requests",
    "canary; steps 100%; errors ≤ 1%; p99 ≤ 1s",
    "canary; errors ≤ 0.001%",
    "canary; errors ≤ 90%, ≤ 100x main",
    "canary; p99 ≤ 1ms",
    "canary; p99.9 ≤ 60s",
    "canary; agreement ≥ 99.999%",
    "canary; reward ≥ -0.5, ≥ 0.01x main",
    "canary".padEnd(maxTextLength),
    "canary; steps 1%,2%,3%,4%,5%,6%,7%,8%,9%,10%,11%,12%,13%,14%,15%,16%,17%,18%,19%,100%",
  ])
    expect(mistake(text)).toBe(printRolloutPlan(plan(text)));
  expect(mistake("a; steps 1%,2%,3%,4%,5%,6%,7%,8%,9%,10%,11%,12%,13%,14%,15%,16%,17%,18%,19%,20%,100%")).toBe(
    "there are 21 steps; write at most 20",
  );
});

const times = (least: number): fc.Arbitrary<number> =>
  fc.integer({ min: least * 100, max: 10_000 }).map((hundredths) => hundredths / 100);
const fraction = (least: number, most: number): fc.Arbitrary<number> =>
  fc.integer({ min: least, max: most }).map((parts) => Number((parts / 1e5).toFixed(8)));
const of = (keyword: GateKeyword): fc.Arbitrary<Gate> => {
  const [value, least] =
    keyword === "agreement"
      ? [fraction(10_000, 99_999), 1]
      : keyword === "reward"
        ? [fc.integer({ min: -1e9, max: 1e9 }), 0.01]
        : keyword.startsWith("p")
          ? [fc.integer({ min: 1, max: 60_000 }), 1]
          : [fraction(1, 90_000), 1];
  const both = fc.record({ keyword: fc.constant(keyword), value: fc.option(value), times: fc.option(times(least)) });
  return keyword === "agreement"
    ? value.map((one) => ({ keyword, value: one, times: null }))
    : both.filter((gate) => gate.value !== null || gate.times !== null);
};
const gates: fc.Arbitrary<readonly Gate[]> = fc
  .shuffledSubarray([...gateKeywords], { minLength: 1 })
  .chain((keywords) => fc.tuple(...keywords.map(of)));
const plans: fc.Arbitrary<RolloutPlan> = fc.record({
  warm: fc.record({ ms: fc.nat(3_600_000), requests: fc.nat(1_000_000) }),
  to: fc.stringMatching(/^[a-z0-9](?:[-a-z0-9]{0,20}[a-z0-9])?$/),
  steps: fc
    .uniqueArray(fc.integer({ min: 1, max: 9999 }), { minLength: 1, maxLength: 19 })
    .map((hundredths) => [...hundredths.toSorted((a, b) => a - b).map((step) => step / 100), 100]),
  everyMs: fc.integer({ min: 10_000, max: 30 * 86_400_000 }),
  minRequests: fc.integer({ min: 1, max: 1_000_000 }),
  minRewards: fc.integer({ min: 10, max: 1_000_000 }),
  gates,
  otherwise: fc.constantFrom("roll-back", "hold"),
});

describe("properties", () => {
  test("a plan that is printed reads as the same plan", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        expect(readRolloutPlan(printRolloutPlan(plan))).toEqual({ plan });
      }),
    );
  });

  test("any text gives a plan or one sentence of bounded length on one line", () => {
    const piece = fc.constantFrom(
      "to ",
      "canary",
      ";",
      "≤",
      ">=",
      "1%",
      ",",
      "x main",
      "p99",
      "errors",
      "steps",
      "\n",
      "\u001b",
      "9",
    );
    const texts = fc.oneof(
      fc.string({ maxLength: 200, unit: "binary" }),
      fc.array(piece).map((pieces) => pieces.join("")),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const read = readRolloutPlan(text);
        if ("plan" in read) expect(readRolloutPlan(printRolloutPlan(read.plan))).toEqual(read);
        else expect(read.mistake).toMatch(/^[\P{Cc}]{1,900}$/u);
      }),
    );
  });

  test.each([" ", ";", "≤", ",", "1%,", "to ", "p99 ≤ 1.2x main,", "a", "min 5 requests ,", "1"])(
    "4 KiB of %j take under 2 ms of CPU: no work that grows faster than the text",
    (piece) => {
      const spent = (length: number, rounds: number): number => {
        const text = `canary; min ${piece.repeat(Math.ceil(length / piece.length))}`.slice(0, length);
        const begun = process.cpuUsage();
        for (let round = 0; round < rounds; round += 1) readRolloutPlan(text);
        const { user, system } = process.cpuUsage(begun);
        return (user + system) / rounds;
      };
      spent(4096, 50);
      expect(spent(4096, 100)).toBeLessThan(2000);
    },
  );
});
