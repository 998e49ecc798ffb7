import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decideRollout,
  maxLookMs,
  maxUnreadyMs,
  type RolloutDecision,
  type RolloutLook,
} from "../../../../routing/release/rollout/decide.ts";
import type { CountsByInstance, Evidence } from "../../../../routing/release/rollout/evidence.ts";
import { readRolloutPlan, type RolloutPlan } from "../../../../routing/release/rollout/plan.ts";
import { firstState, type RolloutState } from "../../../../routing/release/rollout/state.ts";
import { type ArmCounts, noCounts } from "../../../../routing/release/statistics/arm-counts.ts";
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
  return { ...noCounts, requests, failed, latency };
}

const nothing: RolloutLook = {
  elapsedMs: 0,
  instances: { a: { canary: arm(0), main: arm(0) } },
  isUnready: false,
  hasRestarted: false,
  wanted: "none",
  blocked: null,
};

function look(counts: Evidence | CountsByInstance, changes: Partial<RolloutLook> = {}): RolloutLook {
  const isOne = (one: Evidence | CountsByInstance): one is Evidence => Object.hasOwn(one, "canary");
  return { ...nothing, elapsedMs: 2000, instances: isOne(counts) ? { a: counts } : counts, ...changes };
}

/** The decision after a first look without counts, and one each 30 s with these, which are cumulative. */
function after(text: string, ...looks: readonly RolloutLook[]): RolloutDecision {
  const plan = planOf(text);
  let decision = decideRollout(plan, firstState, nothing);
  for (const one of looks) decision = decideRollout(plan, throughJson(decision.state), one);
  return decision;
}

function throughJson(state: RolloutState): RolloutState {
  return JSON.parse(JSON.stringify(state)) as RolloutState;
}

function printed({ state, verdict, sentence, waitsFor, share, gates }: RolloutDecision): string {
  return [
    `${verdict} ${state.kind}${"step" in state ? ` ${state.step}` : ""} ${share}%: ${sentence}`,
    ...(waitsFor === null ? [] : [`waits for: ${waitsFor}`]),
    ...gates.map((gate) => `${gate.standing}: ${gate.sentence}`),
  ].join("\n");
}

const text =
  "canary; steps 5%,50%,100%; every 1m; min 500 requests; errors ≤ 1%, ≤ 1.5x main; p99 ≤ 100ms, ≤ 1.2x main";
const late = { elapsedMs: maxLookMs };

describe("a canary without a ready Endpoint", () => {
  const kept = look({ canary: arm(5000), main: arm(5000) }, late);
  const unready = (elapsedMs: number): RolloutLook => ({ ...kept, elapsedMs, isUnready: true });

  test("says that others get its share, and does not go on", () => {
    const short = "canary; steps 5%, 100%; every 10s; min 500 requests; errors ≤ 1%";
    expect(after(short, kept).verdict).toBe("go-on");
    expect(printed(after(short, unready(maxLookMs)))).toMatchInlineSnapshot(`
      "wait stepping 0 5%: canary has 5% of the traffic, step 1 of 2. It has no ready Endpoint, so the other predictors get its share.
      waits for: a ready Endpoint of canary
      kept: Failures of canary: 0 of 5000 (0%)."
    `);
    // However long.
    expect(after(short, ...Array.from({ length: 50 }, () => unready(maxLookMs))).verdict).toBe("wait");
  });

  test.each([
    ["roll back", maxUnreadyMs - 1, "wait", 100],
    ["roll back", maxUnreadyMs, "abort", 0],
    ["roll back", maxUnreadyMs + 1, "abort", 0],
    ["hold", maxUnreadyMs, "hold", 100],
  ])("that has all of the traffic, else %s, after %d ms: %s", (otherwise, ms, verdict, share) => {
    const all = `canary; steps 100%; every 10m; min 500 requests; errors ≤ 1%; else ${otherwise}`;
    // The time before the first look that finds it so does not count.
    const found = after(all, kept, unready(maxLookMs), unready(ms));
    expect([found.verdict, found.share]).toEqual([verdict, share]);
    expect(found.sentence).toContain("no ready Endpoint");
    // It came back in between.
    expect(
      after(all, kept, unready(2000), unready(maxUnreadyMs - 1), kept, unready(2000), unready(maxUnreadyMs - 1))
        .verdict,
    ).toBe("wait");
    // Its pods start: it was never there.
    const never = { ...nothing, isUnready: true, elapsedMs: ms };
    expect(after(all, never, never, never).verdict).toBe("wait");
  });
});

describe("sentences", () => {
  test("the first look", () => {
    expect(printed(after(text))).toMatchInlineSnapshot(`
      "wait stepping 0 5%: canary has 5% of the traffic, step 1 of 3.
      waits for: 500 more requests of canary; 1m more in this step
      undecided: Failures of canary: 0 of 0 requests; main: 0 of 0 requests.
      undecided: p99 of canary: not measured; main: not measured."
    `);
  });

  test("too few requests, too little time", () => {
    expect(printed(after(text, look({ canary: arm(180), main: arm(3600, 3) })))).toMatchInlineSnapshot(`
      "wait stepping 0 5%: canary has 5% of the traffic, step 1 of 3.
      waits for: 320 more requests of canary; 58s more in this step
      undecided: Failures of canary: 0 of 180 (0%); main: 3 of 3600 (0.0833%).
      undecided: p99 of canary: 20.8 ms of 180 requests; main: 20.8 ms of 3600 requests."
    `);
  });

  test("a gate on latency says how many requests were not measured, and does not count them", () => {
    const lost = { ...arm(600), requests: 800 };
    const { waitsFor, gates } = after(
      text,
      look({ canary: { ...lost, requests: 600, latency: arm(400).latency }, main: lost }),
    );
    expect(waitsFor).toContain("100 more measured requests of canary");
    expect(gates[1]!.sentence).toBe(
      "p99 of canary: 20.8 ms of 400 requests (200 not measured); main: 20.8 ms of 600 requests (200 not measured).",
    );
  });

  test("no traffic: it waits for ever", () => {
    const plan = planOf(text);
    let { state } = decideRollout(plan, firstState, nothing);
    for (let at = 0; at < 10_000; at += 1) state = decideRollout(plan, state, { ...nothing, ...late }).state;
    const decision = decideRollout(plan, state, { ...nothing, ...late });
    expect(decision.share).toBe(5);
    expect(printed(decision)).toMatchInlineSnapshot(`
      "wait stepping 0 5%: canary has 5% of the traffic, step 1 of 3.
      waits for: 500 more requests of canary
      undecided: Failures of canary: 0 of 0 requests; main: 0 of 0 requests.
      undecided: p99 of canary: not measured; main: not measured."
    `);
  });

  test("goes on", () => {
    const counts = { canary: arm(500, 2), main: arm(9500, 40) };
    expect(printed(after(text, look(counts, late), look(counts, late)))).toMatchInlineSnapshot(`
      "go-on stepping 1 50%: canary goes from 5% to 50% of the traffic. Step 1 of 3 kept every gate.
      kept: Failures of canary: 2 of 500 (0.4%); main: 40 of 9500 (0.421%).
      kept: p99 of canary: 20.8 ms of 500 requests; main: 20.8 ms of 9500 requests."
    `);
  });

  test("over a bound, perhaps by chance", () => {
    const counts = { canary: arm(500, 8), main: arm(9500, 95) };
    expect(printed(after(text, look(counts, late), look(counts, late)))).toMatchInlineSnapshot(`
      "wait stepping 0 5%: canary has 5% of the traffic, step 1 of 3.
      waits for: more requests, to tell chance from errors over 1%
      undecided: Failures of canary: 8 of 500 (1.6%); main: 95 of 9500 (1%). That is over 1%, perhaps by chance.
      kept: p99 of canary: 20.8 ms of 500 requests; main: 20.8 ms of 9500 requests."
    `);
  });

  test("over a bound, not by chance", () => {
    expect(printed(after(text, look({ canary: arm(300, 30), main: arm(5700, 5) })))).toMatchInlineSnapshot(`
      "abort aborted 0 0%: canary is rolled back from 5% of the traffic. Failures of canary: 30 of 300 (10%); main: 5 of 5700 (0.0877%). That is over 1% in this step, and not by chance.
      broken: Failures of canary: 30 of 300 (10%); main: 5 of 5700 (0.0877%). That is over 1% in this step, and not by chance.
      undecided: p99 of canary: 20.8 ms of 300 requests; main: 20.8 ms of 5700 requests."
    `);
  });

  test("a canary that fails all of its first requests, without a gate of errors", () => {
    const only = "canary; p99 ≤ 1.2x main";
    expect(printed(after(only, look({ canary: arm(4, 4), main: arm(300) })))).toContain("wait");
    expect(printed(after(only, look({ canary: arm(5, 5), main: arm(300) })))).toMatchInlineSnapshot(`
      "abort aborted 0 0%: canary is rolled back from 1% of the traffic. canary failed 5 of its last 5 requests.
      undecided: p99 of canary: 20.8 ms of 5 requests; main: 20.8 ms of 300 requests."
    `);
    expect(after(only, look({ canary: arm(7, 5), main: arm(300) })).verdict).toBe("wait");
    expect(after(only, look({ canary: arm(6, 5), main: arm(300) })).verdict).toBe("abort");
    expect(after(only, look({ canary: arm(5, 5), main: arm(300, 150) })).verdict).toBe("wait");
    expect(after(only, look({ canary: arm(5, 5), main: arm(300, 149) })).verdict).toBe("abort");
  });

  test("slower than main, and slower than a bound", () => {
    const slow = { canary: arm(500, 0, 60), main: arm(9500, 0, 20) };
    expect(printed(after(text, look(slow)))).toMatchInlineSnapshot(`
      "abort aborted 0 0%: canary is rolled back from 5% of the traffic. p99 of canary: 64.9 ms of 500 requests; main: 20.8 ms of 9500 requests. That is over 1.2x main in this step, and not by chance.
      kept: Failures of canary: 0 of 500 (0%); main: 0 of 9500 (0%).
      broken: p99 of canary: 64.9 ms of 500 requests; main: 20.8 ms of 9500 requests. That is over 1.2x main in this step, and not by chance."
    `);
    const hung = { canary: arm(500, 0, 3000), main: arm(9500, 0, 3000) };
    expect(printed(after(text, look(hung)))).toMatchInlineSnapshot(`
      "abort aborted 0 0%: canary is rolled back from 5% of the traffic. p99 of canary: 3168 ms of 500 requests; main: 3168 ms of 9500 requests. That is over 100 ms in this step, and not by chance.
      kept: Failures of canary: 0 of 500 (0%); main: 0 of 9500 (0%).
      broken: p99 of canary: 3168 ms of 500 requests; main: 3168 ms of 9500 requests. That is over 100 ms in this step, and not by chance."
    `);
  });

  test("answers that disagree, and rewards below main's", () => {
    const canary = {
      ...arm(500),
      compared: { pairs: 500, agreed: 460 },
      rewards: { count: 200, sum: 80, sumSquares: 80 },
    };
    const main = { ...arm(9500), rewards: { count: 4000, sum: 2800, sumSquares: 2800 } };
    expect(printed(after("canary; agreement ≥ 99%; reward ≥ main", look({ canary, main })))).toMatchInlineSnapshot(`
      "abort aborted 0 0%: canary is rolled back from 1% of the traffic. Agreement of canary with main: 460 of 500 (92%). That is under 99% in this step, and not by chance.
      broken: Agreement of canary with main: 460 of 500 (92%). That is under 99% in this step, and not by chance.
      broken: Mean reward of canary: 0.4 of 200; main: 0.7 of 4000. That is under main in this step, and not by chance."
    `);
    expect(printed(after("canary; reward ≥ 0.6, ≥ 0.2x main; min 100 requests", look({ canary, main }))))
      .toMatchInlineSnapshot(`
      "abort aborted 0 0%: canary is rolled back from 1% of the traffic. Mean reward of canary: 0.4 of 200; main: 0.7 of 4000. That is under 0.6 in this step, and not by chance.
      broken: Mean reward of canary: 0.4 of 200; main: 0.7 of 4000. That is under 0.6 in this step, and not by chance."
    `);
    const few = { ...arm(500), compared: { pairs: 20, agreed: 20 }, rewards: { count: 4, sum: 2, sumSquares: 2 } };
    expect(printed(after("canary; agreement ≥ 99%; reward ≥ main", look({ canary: few, main }))))
      .toMatchInlineSnapshot(`
        "wait stepping 0 1%: canary has 1% of the traffic, step 1 of 5.
        waits for: 480 more compared answers of canary; 46 more rewards of canary; 10m more in this step
        undecided: Agreement of canary with main: 20 of 20 (100%).
        undecided: Mean reward of canary: 0.5 of 4; main: 0.7 of 4000."
      `);
  });

  test("else hold", () => {
    const broken = look({ canary: arm(300, 30), main: arm(5700, 5) });
    const held = after(`${text}; else hold`, broken);
    expect(printed(held)).toMatchInlineSnapshot(`
      "hold held 0 5%: canary stays at 5%. Failures of canary: 30 of 300 (10%); main: 5 of 5700 (0.0877%). That is over 1% in this step, and not by chance.
      waits for: sluice.io/rollout-promote or sluice.io/rollout-abort
      broken: Failures of canary: 30 of 300 (10%); main: 5 of 5700 (0.0877%). That is over 1% in this step, and not by chance.
      undecided: p99 of canary: 20.8 ms of 300 requests; main: 20.8 ms of 5700 requests."
    `);
    expect(decideRollout(planOf(text), held.state, broken)).toEqual({ ...held, gates: [] });
    expect(decideRollout(planOf(text), held.state, { ...broken, wanted: "promote" }).share).toBe(100);
    expect(decideRollout(planOf(text), held.state, { ...broken, wanted: "abort" }).share).toBe(0);
  });

  test("asked for by a person", () => {
    const counts = { canary: arm(500, 2), main: arm(9500, 40) };
    const ready = [look(counts, late), look(counts, late)] as const;
    expect(printed(after(text, ready[0], { ...ready[1], wanted: "pause" }))).toMatchInlineSnapshot(`
      "hold stepping 0 5%: canary has 5% of the traffic, step 1 of 3. It is paused.
      waits for: the end of sluice.io/rollout-pause
      kept: Failures of canary: 2 of 500 (0.4%); main: 40 of 9500 (0.421%).
      kept: p99 of canary: 20.8 ms of 500 requests; main: 20.8 ms of 9500 requests."
    `);
    expect(printed(after(text, { ...nothing, wanted: "promote" }))).toMatchInlineSnapshot(
      `"go-on promoted 100%: canary is promoted: it gets all live traffic. A person asked for it by sluice.io/rollout-promote."`,
    );
    expect(printed(after(text, { ...nothing, wanted: "abort" }))).toMatchInlineSnapshot(
      `"abort aborted 0 0%: canary is rolled back from 5% of the traffic. A person asked for it by sluice.io/rollout-abort."`,
    );
    const broken = look({ canary: arm(300, 30), main: arm(5700, 5) }, { wanted: "pause" });
    expect(after(text, broken).verdict).toBe("abort");
  });

  test("blocked: nothing goes on, and a broken gate ends it all the same", () => {
    const counts = { canary: arm(500, 2), main: arm(9500, 40) };
    const blocked = { why: "1 of 3 replicas does not answer.", until: "an answer of each replica" };
    expect(printed(after(text, look(counts, late), look(counts, { ...late, blocked })))).toMatchInlineSnapshot(`
      "wait stepping 0 5%: canary has 5% of the traffic, step 1 of 3. 1 of 3 replicas does not answer.
      waits for: an answer of each replica
      kept: Failures of canary: 2 of 500 (0.4%); main: 40 of 9500 (0.421%).
      kept: p99 of canary: 20.8 ms of 500 requests; main: 20.8 ms of 9500 requests."
    `);
    expect(after(text, look({ canary: arm(300, 30), main: arm(5700, 5) }, { blocked })).verdict).toBe("abort");
  });
});

describe("time and hand-over", () => {
  const kept = { canary: arm(500, 2), main: arm(9500, 40) };

  test("one look adds at most so much, and a clock that goes back nothing", () => {
    const elapsed = (elapsedMs: number): number => {
      const { state } = after(text, look(kept, { elapsedMs }));
      return state.kind === "stepping" ? state.elapsedMs : Number.NaN;
    };
    for (const [given, counted] of [
      [maxLookMs - 1, maxLookMs - 1],
      [maxLookMs, maxLookMs],
      [maxLookMs + 1, maxLookMs],
      [1e15, maxLookMs],
      [Infinity, maxLookMs],
      [-5, 0],
      [Number.NaN, 0],
    ] as const)
      expect([given, elapsed(given)]).toEqual([given, counted]);
  });

  test("the same state and look give the same decision, so a step that was not written is decided again and none is skipped", () => {
    const plan = planOf(text);
    const before = after(text, look(kept, late)).state;
    const first = decideRollout(plan, throughJson(before), look(kept, late));
    expect(decideRollout(plan, throughJson(before), look(kept, late))).toEqual(first);
    expect([first.verdict, first.share]).toEqual(["go-on", 50]);
    // The next look of whoever leads: nothing of the step before counts again.
    const second = decideRollout(plan, throughJson(first.state), look(kept, late));
    expect(second.waitsFor).toBe("500 more requests of canary; 30s more in this step");
  });

  test("a replica that is away while a step changes does not bring what it counted before", () => {
    const plan = planOf(text);
    const both = { a: kept, b: kept };
    let { state } = decideRollout(
      plan,
      firstState,
      look({ a: { canary: arm(0), main: arm(0) }, b: { canary: arm(0), main: arm(0) } }),
    );
    for (let at = 0; at < 2; at += 1) state = decideRollout(plan, state, look({ a: kept }, late)).state;
    expect(state).toMatchObject({ kind: "stepping", step: 1 });
    state = decideRollout(plan, state, look(both)).state;
    expect(state).toMatchObject({ kind: "stepping", step: 1, whole: { canary: { requests: 0 } } });
  });

  test("at 100% main is not asked, and the rollout ends promoted", () => {
    const plan = planOf("canary; steps 100%; every 10s; min 10 requests; errors ≤ 1.5x main");
    const counts = look({ canary: arm(10), main: arm(0) }, { elapsedMs: 10_000 });
    const decision = decideRollout(plan, decideRollout(plan, firstState, nothing).state, counts);
    expect(printed(decision)).toMatchInlineSnapshot(`
      "go-on promoted 100%: canary is promoted: it gets all live traffic. Each step kept every gate.
      kept: Failures of canary: 0 of 10 (0%). Main gets no traffic in this step, so nothing is compared with it."
    `);
    expect(printed(decideRollout(plan, decision.state, counts))).toMatchInlineSnapshot(
      `"hold promoted 100%: canary is promoted: it gets all live traffic."`,
    );
  });

  test("an end stays an end, whatever is counted or asked for", () => {
    const ended = after(text, look({ canary: arm(300, 300), main: arm(5700) }));
    for (const wanted of ["none", "pause", "promote", "abort"] as const)
      expect(decideRollout(planOf(text), ended.state, look(kept, { wanted }))).toEqual({ ...ended, gates: [] });
  });

  test("a fault that begins after hours without one is seen within two windows", () => {
    const plan = planOf("canary; steps 50%,100%; every 1d; min 500 requests; errors ≤ 1%");
    let { state } = decideRollout(plan, firstState, nothing);
    let [requests, failed, met] = [0, 0, 0];
    for (; requests < 100_000; requests += 100)
      state = decideRollout(plan, state, look({ canary: arm(requests), main: arm(requests) })).state;
    while (state.kind === "stepping" && met < 10_000) {
      [requests, failed, met] = [requests + 10, failed + 1, met + 10];
      state = decideRollout(plan, state, look({ canary: arm(requests, failed), main: arm(requests) })).state;
    }
    expect(state.kind).toBe("aborted");
    expect(met).toBeLessThanOrEqual(700);
  });
});

describe("any looks", () => {
  const counts = fc
    .tuple(fc.nat(2000), fc.nat(200), fc.nat(3))
    .map(([requests, failed, latency]) => arm(requests, Math.min(failed, requests), [5, 20, 200, 90_000][latency]));
  const looks = fc.record({
    elapsedMs: fc.oneof(fc.constantFrom(2000, maxLookMs, -1, Number.NaN, Infinity), fc.integer()),
    instances: fc.dictionary(fc.constantFrom("a", "b", "__proto__"), fc.record({ canary: counts, main: counts })),
    wanted: fc.constantFrom("none", "none", "none", "none", "none", "none", "pause", "promote", "abort"),
    blocked: fc.constantFrom(null, null, null, { why: "Away.", until: "it is back" }),
  }) as fc.Arbitrary<RolloutLook>;
  const plans = fc.constantFrom(
    text,
    "canary; every 10s; min 1 requests",
    "canary; every 10s; min 100 requests; errors ≤ 90%; else hold",
    "canary; every 10s; min 10 requests, 10 rewards; p50 ≤ 60s; agreement ≥ 10%; reward ≥ main",
  );

  test("move one step at a time, grow a share only by going on, and never come back from an end", () => {
    fc.assert(
      fc.property(plans, fc.array(looks, { maxLength: 40 }), (text, all) => {
        const plan = planOf(text);
        let decision = decideRollout(plan, firstState, nothing);
        for (const one of all) {
          const before = decision;
          decision = decideRollout(plan, throughJson(before.state), one);
          const steps = [...plan.steps, 0, 100];
          expect(steps).toContain(decision.share);
          if (decision.share > before.share) {
            expect(decision.verdict).toBe("go-on");
            const isForced = one.wanted === "promote";
            expect(isForced || one.blocked === null).toBe(true);
            if (!isForced) expect(plan.steps.indexOf(decision.share) - plan.steps.indexOf(before.share)).toBe(1);
          }
          if (decision.share < before.share) expect([decision.verdict, decision.share]).toEqual(["abort", 0]);
          if (["promoted", "aborted"].includes(before.state.kind)) expect(decision.share).toBe(before.share);
          if (decision.verdict === "wait" || decision.verdict === "hold") expect(decision.share).toBe(before.share);
          expect(JSON.stringify(decision.state)).not.toMatch(/null|NaN|-\d/);
          expect(decision.sentence).toMatch(/^[A-Za-z].*[.]$/);
        }
      }),
      { numRuns: 300 },
    );
  });
});
