import { inspect } from "node:util";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decideRollout,
  maxLookMs,
  maxUnreadyMs,
  maxWarmUps,
  type RolloutDecision,
  type RolloutLook,
} from "../../../../routing/release/rollout/decide.ts";
import { readRolloutPlan, type RolloutPlan } from "../../../../routing/release/rollout/plan.ts";
import { type RolloutState, stepState } from "../../../../routing/release/rollout/state.ts";
import {
  armCounts,
  addedCounts,
  type ArmCounts,
  callerBuckets,
  noCounts,
} from "../../../../routing/release/statistics/arm-counts.ts";
import { latencyBucket, latencyBuckets } from "../../../../routing/release/statistics/latency-bounds.ts";

function planOf(text: string): RolloutPlan {
  const read = readRolloutPlan(text);
  if ("mistake" in read) throw new Error(read.mistake);
  return read.plan;
}

/** `requests` of which so many failed, all of one latency. */
function arm(requests: number, failed = 0, latencyMs = 20): ArmCounts {
  const latency = Array.from({ length: latencyBuckets }, () => 0);
  latency[latencyBucket(latencyMs)] = requests;
  return armCounts({ requests, failed, latency });
}

/** Requests by bucket of callers, all of which failed in the buckets from 0 on to `bad`. */
function callers(each: number, from: number, to: number, bad: number): ArmCounts {
  const by = (count: (at: number) => number): number[] =>
    Array.from({ length: callerBuckets }, (_, at) => (at >= from && at < to ? count(at) : 0));
  const [requests, failed] = [by(() => each), by((at) => (at < bad ? each : 0))];
  const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);
  return armCounts({ callers: { requests, failed } }, arm(total(requests), total(failed)));
}

const quiet: Omit<RolloutLook, "instances"> = {
  elapsedMs: 10_000,
  isUnready: false,
  hasRestarted: false,
  wanted: "none",
  blocked: null,
};

/** A rollout, look by look: what each look adds. */
class Run {
  readonly plan: RolloutPlan;
  state: RolloutState;
  #counts = { canary: noCounts, main: noCounts };

  constructor(text: string, step = 0) {
    this.plan = planOf(text);
    this.state = stepState(this.plan, step, { a: this.#counts });
  }

  look(canary: ArmCounts, main: ArmCounts, changes: Partial<RolloutLook> = {}): RolloutDecision {
    this.#counts = { canary: addedCounts(this.#counts.canary, canary), main: addedCounts(this.#counts.main, main) };
    const decision = decideRollout(this.plan, this.state, { ...quiet, instances: { a: this.#counts }, ...changes });
    this.state = decision.state;
    return decision;
  }

  /** The same look until it ends, goes on, or so often. */
  looks(count: number, canary: ArmCounts, main: ArmCounts): RolloutDecision {
    for (let at = 1; ; at += 1) {
      const decision = this.look(canary, main);
      if (at === count || decision.verdict === "abort" || decision.verdict === "go-on") return decision;
    }
  }
}

function printed({ state, verdict, sentence, waitsFor, share, gates }: RolloutDecision): string {
  return [
    `${verdict} ${state.kind}${"step" in state ? ` ${state.step}` : ""} ${share}%: ${sentence}`,
    ...(waitsFor === null ? [] : [`waits for: ${waitsFor}`]),
    ...gates.map((gate) => `${gate.standing}: ${gate.sentence}`),
  ].join("\n");
}

const text =
  "canary; steps 5%, 50%, 100%; every 1m; warm 0s, 0 requests; errors ≤ 1.5x main; refusals ≤ 1.5x main; p99 ≤ 1.5x main";
const [good, goodMain] = [arm(250), arm(4750, 5)];

describe("a step", () => {
  test("goes on after its time and requests, and says what it could see", () => {
    const run = new Run(text);
    expect(printed(run.look(good, goodMain))).toMatchInlineSnapshot(`
      "wait stepping 0 5%: canary has 5% of the traffic, step 1 of 3.
      waits for: 500 more requests of canary; 500 more measured requests of canary; 50s more in this step
      undecided: Errors of canary: 0 of 0; main: 0 of 0.
      undecided: Refusals of canary: 0 of 0; main: 0 of 0.
      undecided: P99 of canary: not measured; main: not measured."
    `);
    expect(printed(run.looks(5, good, goodMain))).toMatchInlineSnapshot(`
      "go-on stepping 1 50%: canary goes from 5% to 50% of the traffic. Step 1 of 3 kept every gate.
      kept: Errors of canary: 0 of 1250 (0%); main: 25 of 23750 (0.105%). With 1250 of them a fault under 0.76% is not seen.
      kept: Refusals of canary: 0 of 1250 (0%); main: 0 of 23750 (0%). With 1250 of them a fault under 0.53% is not seen.
      kept: P99 of canary: 20.8 ms of 1250 requests; main: 20.8 ms of 23750 requests. With 1250 of them a fault under 1.7% is not seen."
    `);
  });

  test("without traffic waits, and nothing else", () => {
    const run = new Run(text);
    for (let at = 0; at < 1000; at += 1) run.look(noCounts, noCounts);
    expect(printed(run.look(noCounts, noCounts))).toMatchInlineSnapshot(`
      "wait stepping 0 5%: canary has 5% of the traffic, step 1 of 3.
      waits for: 500 more requests of canary; 500 more measured requests of canary
      undecided: Errors of canary: 0 of 0; main: 0 of 0.
      undecided: Refusals of canary: 0 of 0; main: 0 of 0.
      undecided: P99 of canary: not measured; main: not measured."
    `);
  });

  test("over a bound waits for what can happen", () => {
    const run = new Run("canary; steps 50%, 100%; every 1m; warm 0s, 0 requests; errors ≤ 2%");
    run.looks(20, arm(100, 3), arm(100));
    const over = run.look(arm(100, 3), arm(100));
    expect(printed(over)).toMatchInlineSnapshot(`
      "wait stepping 0 50%: canary has 50% of the traffic, step 1 of 2.
      waits for: errors ≤ 2%: about 1000 more requests if all are good
      undecided: Errors of canary: 60 of 2000 (3%). That is over 2%, perhaps by chance."
    `);
    // It does happen.
    expect(run.looks(30, arm(100), arm(100)).verdict).toBe("go-on");
  });

  test("is blocked, paused, promoted and aborted", () => {
    const blocked = { why: "1 of 3 replicas does not answer.", until: "an answer of each replica" };
    const run = new Run(text);
    run.looks(5, good, goodMain);
    expect(run.look(good, goodMain, { blocked }).waitsFor).toBe("an answer of each replica");
    expect(run.look(good, goodMain, { wanted: "pause" })).toMatchObject({
      verdict: "hold",
      waitsFor: "the end of sluice.io/rollout-pause",
    });
    expect(run.look(good, goodMain, { wanted: "promote", blocked })).toMatchObject({ verdict: "go-on", share: 100 });
    // A person may take back what is promoted.
    expect(run.look(good, goodMain, { wanted: "abort" })).toMatchObject({ verdict: "abort", share: 0 });
    for (const wanted of ["none", "pause", "promote", "abort"] as const)
      expect(run.look(good, goodMain, { wanted })).toMatchObject({ verdict: "abort", share: 0, gates: [] });
  });

  test("of a new leader begins anew; the last one, which is compared with steps before, one step earlier", () => {
    const plan = planOf(text);
    expect([0, 1, 2].map((step) => stepState(plan, step, {}).step)).toEqual([0, 1, 1]);
    expect(stepState(planOf("canary; steps 50%, 100%; errors ≤ 1%"), 1, {}).step).toBe(1);
    expect([0, 1].map((step) => stepState(plan, step, {}).warming !== null)).toEqual([true, false]);
  });

  test("adds at most so much time a look, and nothing where a clock goes back", () => {
    for (const [elapsedMs, counted] of [
      [maxLookMs - 1, maxLookMs - 1],
      [maxLookMs, maxLookMs],
      [maxLookMs + 1, maxLookMs],
      [Infinity, maxLookMs],
      [-5, 0],
      [Number.NaN, 0],
    ] as const)
      expect(new Run(text).look(good, goodMain, { elapsedMs }).state).toMatchObject({ elapsedMs: counted });
  });
});

describe("a broken gate", () => {
  test.each([
    ["errors", arm(250, 25)],
    ["refusals", armCounts({ refused: 25 }, arm(250))],
    ["p99", arm(250, 0, 60)],
  ])("of %s ends the rollout within two minutes", (keyword, bad) => {
    const decision = new Run(text).looks(12, bad, goodMain);
    expect(decision).toMatchObject({ verdict: "abort", share: 0 });
    expect(decision.gates.find(({ standing }) => standing === "broken")?.gate.keyword).toBe(keyword);
  });

  test("else hold stays until a person decides", () => {
    const run = new Run(`${text}; else hold`);
    expect(
      printed(run.looks(12, arm(250, 25), goodMain))
        .split("\n")
        .slice(0, 2)
        .join("\n"),
    ).toMatchInlineSnapshot(`
      "hold held 0 5%: canary stays at 5%. Errors of canary: 175 of 1750 (10%); main: 35 of 33250 (0.105%). That is over 1.5x main in this step, and not by chance.
      waits for: sluice.io/rollout-promote or sluice.io/rollout-abort"
    `);
    while (run.state.kind !== "held") run.look(arm(250, 25), goodMain);
    expect(run.look(good, goodMain)).toMatchObject({ verdict: "hold", share: 5 });
    expect(run.look(good, goodMain, { wanted: "promote" }).share).toBe(100);
  });

  test("of agreement is broken by answers alone, and no short step is kept beyond its bound", () => {
    const wrong: ArmCounts = armCounts({ compared: { pairs: 75, agreed: 0 } });
    const run = new Run("canary; every 10s; min 20 requests; warm 0s, 0 requests; agreement ≥ 90%");
    expect(run.look(addedCounts(arm(75), wrong), arm(75)).verdict).toBe("wait");
    expect(
      new Run("canary; every 10s; min 20 requests; warm 0s, 0 requests; agreement ≥ 90%").looks(9, wrong, arm(75))
        .verdict,
    ).toBe("abort");
  });

  test("of agreement or of rewards is told from chance", () => {
    const rewards = (count: number, sum: number): ArmCounts["rewards"] => ({ count, sum, sumSquares: sum });
    const plan = "canary; steps 50%, 100%; every 1m; warm 0s, 0 requests; agreement ≥ 99%; reward ≥ 0.9x main";
    const main = armCounts({ rewards: rewards(100, 70) }, arm(100));
    const run = (agreed: number, sum: number): RolloutDecision =>
      new Run(plan).looks(
        15,
        armCounts({ compared: { pairs: 100, agreed }, rewards: rewards(100, sum) }, arm(100)),
        main,
      );
    expect(run(100, 70).verdict).toBe("go-on");
    expect(run(90, 70).sentence).toContain("That is under 99% in this step, and not by chance.");
    expect(run(100, 40).sentence).toContain("That is under 0.9x main in this step, and not by chance.");
  });

  test("needs 20 requests of the canary", () => {
    for (const [requests, verdict] of [
      [1, "wait"],
      [2, "abort"],
    ] as const) {
      const plan = "canary; steps 50%, 100%; every 1h; warm 0s, 0 requests; p50 ≤ 100ms";
      expect(new Run(plan).looks(19, arm(requests, 0, 3000), arm(100)).verdict).toBe(verdict);
    }
  });

  test("that begins after hours without one is found within four minutes", () => {
    const run = new Run("canary; steps 50%, 100%; every 1d; errors ≤ 1%");
    for (let at = 0; at < 1000; at += 1) run.look(arm(100), arm(100));
    expect(run.looks(24, arm(100, 30), arm(100)).sentence).toContain("lately, and not by chance");
  });
});

describe("real services", () => {
  test("what hits both at once says nothing", () => {
    const run = new Run(text);
    for (let at = 0; at < 60; at += 1)
      expect(run.look(arm(250, at % 6 === 0 ? 100 : 0), arm(4750, at % 6 === 0 ? 1900 : 0)).verdict).not.toBe("abort");
    expect(run.state).not.toMatchObject({ step: 0 });
  });

  test("a burst of the canary is one event, and no rate", () => {
    const run = new Run("canary; steps 5%, 100%; every 10m; warm 0s, 0 requests");
    const verdicts = Array.from({ length: 60 }, (_, at) =>
      run.look(arm(250, at === 20 || at === 40 ? 100 : 0), goodMain),
    );
    expect(verdicts.map(({ verdict }) => verdict)).not.toContain("abort");
    expect(verdicts.at(-1)!.verdict).toBe("go-on");
  });

  test("a caller who always fails is one caller", () => {
    const main = callers(10, 8, 64, 0);
    const of = (bad: number): RolloutDecision =>
      new Run("canary; steps 5%, 100%; every 10m; warm 0s, 0 requests; errors ≤ 1%").looks(
        60,
        callers(10, 0, 8, bad),
        main,
      );
    expect(of(1).verdict).toBe("go-on");
    expect(of(7).verdict).toBe("abort");
  });

  test("two requests of one client with the canary's key roll nothing back, and neither do many of them", () => {
    const run = new Run(text);
    expect(run.look(callers(2, 5, 6, 64), callers(10, 0, 64, 6)).verdict).toBe("wait");
    expect(run.looks(100, callers(20, 5, 6, 64), callers(10, 0, 64, 6)).verdict).toBe("wait");
    // Two callers are several; a service of one caller is what it is.
    expect(new Run(text).looks(2, callers(20, 5, 7, 64), callers(10, 0, 64, 6)).verdict).toBe("abort");
    expect(new Run(text).looks(2, callers(20, 5, 6, 64), callers(20, 5, 6, 0)).verdict).toBe("abort");
  });

  test("five failures, and never again, do not hold it", () => {
    const run = new Run("canary; steps 50%, 100%; every 10m; warm 0s, 0 requests; errors ≤ 1.5x main");
    run.look(arm(100, 5), arm(100));
    expect(run.looks(60, arm(100), arm(100)).verdict).toBe("go-on");
  });
});

describe("warm-up", () => {
  const cold = "canary; steps 5%, 100%; every 10m; min 500 requests";

  test("what the canary does at first is no evidence", () => {
    const run = new Run(cold);
    const first = run.look(arm(20, 5, 3000), goodMain);
    expect(first.waitsFor).toContain("50s more until canary is warm");
    run.looks(5, arm(20, 1, 3000), goodMain);
    expect(run.state).toMatchObject({ warming: null, whole: { canary: { requests: 0 } } });
    expect(run.looks(60, good, goodMain).verdict).toBe("go-on");
  });

  test("it takes its requests, too", () => {
    const run = new Run(cold);
    run.looks(7, arm(2), goodMain);
    expect(run.look(arm(2), goodMain).waitsFor).toContain("4 requests more until canary is warm");
    run.looks(2, arm(2), goodMain);
    expect(run.state).toMatchObject({ warming: null });
  });

  test("pods that begin anew warm up again, but not for ever", () => {
    const run = new Run(cold);
    run.looks(6, good, goodMain);
    for (let at = 0; at < maxWarmUps; at += 1) {
      run.look(arm(250, 150), goodMain, { hasRestarted: true });
      expect(run.state).toMatchObject({ warming: { ms: 10_000 }, whole: { canary: { failed: 0 } } });
    }
    run.looks(6, good, goodMain);
    run.look(arm(250, 100), goodMain, { hasRestarted: true });
    expect(run.state).toMatchObject({ warming: null, whole: { canary: { failed: 100 } } });
  });
});

test("a canary that answers 401 to most requests says why it waits, warm or not, until it answers others", () => {
  const denied = "of its answers were 401, 403, 408, 413 or 429 (or their like of gRPC), which are no evidence.";
  const cold = new Run("canary; warm 1m, 20 requests");
  for (let at = 1; at <= 4; at += 1)
    expect(cold.look(armCounts({ denied: 10 }), goodMain).sentence.includes(`${at * 10} of ${at * 10} ${denied}`)).toBe(
      at > 1,
    );
  const warm = new Run(text);
  warm.look(arm(11), goodMain);
  expect(warm.look(armCounts({ denied: 11 }), goodMain).sentence).not.toContain(denied);
  expect(warm.look(armCounts({ denied: 1 }), goodMain).sentence).toContain(`12 of 23 ${denied}`);
});

describe("a canary that fails or refuses nearly all", () => {
  const only = "canary; p99 ≤ 10s";

  test("is rolled back whatever its gates are, and while it warms up", () => {
    const run = new Run(only);
    expect(run.look(arm(9, 9), goodMain).verdict).toBe("wait");
    expect(printed(run.look(arm(9, 9), goodMain)).split("\n")[0]).toMatchInlineSnapshot(
      `"abort aborted 0 0%: canary is rolled back from 1% of the traffic. canary failed or refused 18 of its last 18 requests."`,
    );
    expect(new Run(only).looks(2, armCounts({ refused: 9 }, arm(9)), goodMain).verdict).toBe("abort");
  });

  test.each([
    ["for less than 10 s", [arm(100, 100)], arm(300), "wait"],
    ["of fewer than 10 requests", [arm(5, 5), arm(4, 4)], arm(300), "wait"],
    ["of 10 requests", [arm(5, 5), arm(5, 5)], arm(300), "abort"],
    ["of less than 80 %", [arm(100, 79), arm(100, 79)], arm(300), "wait"],
    ["of 80 %", [arm(100, 80), arm(100, 80)], arm(300), "abort"],
    ["while main fails half as often", [arm(10, 10), arm(10, 10)], arm(300, 150), "wait"],
    ["while main fails a little less", [arm(10, 10), arm(10, 10)], arm(300, 149), "abort"],
    ["with a look of another kind between", [arm(10, 10), arm(10, 0), arm(10, 10)], arm(300), "wait"],
    ["with a quiet look between", [arm(5, 5), noCounts, arm(5, 5)], arm(300), "abort"],
  ])("%s", (_, looks, main, verdict) => {
    const run = new Run(only);
    expect(looks.map((canary) => run.look(canary, main)).at(-1)!.verdict).toBe(verdict);
  });
});

describe("at 100 %", () => {
  test("main's share of the steps before counts on: what fails from there on is not promoted", () => {
    const run = new Run(text);
    run.looks(6, good, goodMain);
    expect(run.looks(6, arm(2500, 2), arm(2500, 2)).share).toBe(100);
    const decision = run.looks(12, arm(5000, 2500), noCounts);
    expect(printed(decision).split("\n")[0]).toMatchInlineSnapshot(
      `"abort aborted 2 0%: canary is rolled back from 100% of the traffic. Errors of canary: 15000 of 30000 (50%); main: 42 of 43500 (0.0966%). That is over 1.5x main in this step, and not by chance."`,
    );
  });

  test("what keeps its gates is promoted", () => {
    const run = new Run(text);
    run.looks(6, good, goodMain);
    run.looks(6, arm(2500, 2), arm(2500, 2));
    expect(run.looks(6, arm(5000, 5), noCounts).state).toEqual({ kind: "promoted" });
  });

  test("a short outage of all is no fault of the canary", () => {
    const run = new Run(text.replace("every 1m", "every 10m"));
    run.looks(60, good, goodMain);
    run.looks(60, arm(2500, 2), arm(2500, 2));
    for (let at = 0; at < 59; at += 1)
      expect(run.look(arm(5000, at === 10 || at === 11 ? 5000 : 5), noCounts).verdict).toBe("wait");
    expect(run.look(arm(5000, 5), noCounts).state).toEqual({ kind: "promoted" });
  });
});

describe("a canary that is plainly over its bound, and not rolled back yet, says what that needs", () => {
  const overText = "canary; steps 50%, 100%; every 10m; warm 0s, 0 requests; min 50 requests; errors ≤ 2%";
  const saidOf = (run: Run, canary: ArmCounts): RolloutDecision => run.look(canary, canary);

  test("looks: as many as it then takes", () => {
    const run = new Run(overText);
    let decision = run.look(noCounts, noCounts);
    let wanted: string | undefined;
    for (let at = 1; decision.verdict === "wait" && at < 20; at += 1) {
      wanted =
        /A roll-back needs about (\d+) looks of 10 s like these, and has (\d+)\./.exec(
          decision.gates[0]!.sentence,
        )?.[1] ?? wanted;
      expect(decision.gates[0]!.sentence).not.toContain("chance");
      decision = saidOf(run, arm(500, 300));
      if (decision.verdict === "abort") expect(wanted).toBe(String(at));
    }
    expect(decision.verdict).toBe("abort");
  });

  test("callers", () => {
    const run = new Run(overText);
    run.look(noCounts, noCounts);
    for (let at = 0; at < 12; at += 1) saidOf(run, callers(10, 0, 64, 6));
    expect(saidOf(run, callers(10, 0, 64, 6)).gates[0]!.sentence).toContain(
      "A roll-back needs to see it of more callers: a few may be the reason.",
    );
  });

  test("looks that differ less", () => {
    const run = new Run(overText);
    run.look(noCounts, noCounts);
    for (let at = 0; at < 11; at += 1) saidOf(run, arm(500, at % 2 === 0 ? 350 : 0));
    expect(saidOf(run, arm(500, 350)).gates[0]!.sentence).toMatch(
      /A roll-back needs about \d+ looks|Looks differ too much/,
    );
  });
});

describe("a canary without a ready Endpoint", () => {
  test("says that others get its share, and does not go on", () => {
    const run = new Run(text);
    run.looks(5, good, goodMain);
    const unready = run.look(good, goodMain, { isUnready: true });
    expect(unready.sentence).toContain("It has no ready Endpoint, so the other predictors get its share.");
    expect(unready.waitsFor).toContain("a ready Endpoint of canary");
    for (let at = 0; at < 50; at += 1)
      expect(run.look(noCounts, goodMain, { isUnready: true, elapsedMs: maxLookMs }).verdict).toBe("wait");
  });

  test.each([
    ["roll back", maxUnreadyMs - 1, "wait", 100],
    ["roll back", maxUnreadyMs, "abort", 0],
    ["hold", maxUnreadyMs, "hold", 100],
  ])("that has all of the traffic, else %s, after %d ms: %s", (otherwise, elapsedMs, verdict, share) => {
    const all = `canary; steps 100%; every 10m; errors ≤ 1%; else ${otherwise}`;
    const run = new Run(all);
    const unready = { isUnready: true, elapsedMs };
    run.looks(7, good, noCounts);
    // The time before the first look that finds it so does not count.
    run.look(noCounts, noCounts, { isUnready: true });
    expect(run.look(noCounts, noCounts, unready)).toMatchObject({ verdict, share });
  });

  test("that has all of the traffic is rolled back by a leader that never saw it ready, too", () => {
    const run = new Run("canary; steps 100%; every 10m; errors ≤ 1%");
    const unready = { isUnready: true };
    expect(run.look(noCounts, noCounts, unready).verdict).toBe("wait");
    expect(run.look(noCounts, noCounts, unready)).toMatchObject({ verdict: "abort", share: 0 });
  });
});

describe("any looks", () => {
  const counts = fc
    .tuple(fc.nat(2000), fc.nat(200), fc.nat(3))
    .map(([requests, failed, latency]) => arm(requests, Math.min(failed, requests), [5, 20, 200, 90_000][latency]));
  const looks = fc.record({
    elapsedMs: fc.oneof(fc.constantFrom(2000, maxLookMs, -1, Number.NaN, Infinity), fc.integer()),
    instances: fc.dictionary(fc.constantFrom("a", "b", "__proto__"), fc.record({ canary: counts, main: counts })),
    isUnready: fc.boolean(),
    hasRestarted: fc.boolean(),
    wanted: fc.constantFrom("none", "none", "none", "none", "none", "none", "pause", "promote", "abort"),
    blocked: fc.constantFrom(null, null, null, { why: "Away.", until: "it is back" }),
  }) as fc.Arbitrary<RolloutLook>;
  const plans = fc.constantFrom(
    text,
    "canary; every 10s; min 1 requests; warm 0s, 0 requests",
    "canary; every 10s; min 100 requests; errors ≤ 90%; else hold",
    "canary; every 10s; min 10 requests, 10 rewards; p50 ≤ 60s; agreement ≥ 10%; reward ≥ main",
  );

  test("move one step at a time, grow a share only by going on, and never come back from an end", () => {
    fc.assert(
      fc.property(plans, fc.array(looks, { maxLength: 40 }), (text, all) => {
        const plan = planOf(text);
        let decision = decideRollout(plan, stepState(plan, 0, {}), { ...quiet, instances: {} });
        for (const one of all) {
          const before = decision;
          decision = decideRollout(plan, before.state, one);
          expect(decideRollout(plan, before.state, one)).toEqual(decision);
          expect([...plan.steps, 0, 100]).toContain(decision.share);
          if (decision.share > before.share) {
            expect(decision.verdict).toBe("go-on");
            const isForced = one.wanted === "promote";
            expect(isForced || one.blocked === null).toBe(true);
            if (!isForced) expect(plan.steps.indexOf(decision.share) - plan.steps.indexOf(before.share)).toBe(1);
          }
          if (decision.share < before.share) expect([decision.verdict, decision.share]).toEqual(["abort", 0]);
          if (before.state.kind === "aborted") expect(decision.share).toBe(0);
          if (decision.verdict === "wait" || decision.verdict === "hold") expect(decision.share).toBe(before.share);
          expect(inspect(decision.state, { depth: 9 })).not.toMatch(/NaN/);
          expect(decision.sentence).toMatch(/^[A-Za-z].*[.]$/);
        }
      }),
      { numRuns: 300 },
    );
  });
});
