// What a rollout waits for, in words.
import { expect, test } from "vitest";
import { rolloutView } from "../../../../gateway/control/releases/rollout-view.ts";
import { feedbackLines, rolloutLines } from "../../../../gateway/tools/releases/rollout-lines.ts";
import { digestOfArms } from "../../../../k8s/translate/deployments/model-digest.ts";
import { readRolloutPlan } from "../../../../routing/release/rollout/plan.ts";
import { stepState } from "../../../../routing/release/rollout/state.ts";
import { armCounts, noCounts } from "../../../../routing/release/statistics/arm-counts.ts";

const read = readRolloutPlan("canary");
const plan = { kind: "rollout", plan: "plan" in read ? read.plan : null };
const ref = { kind: "SeldonDeployment", namespace: "prod", name: "iris" };

test("one that stopped says whether its predictors keep their shares", () => {
  const ref = { kind: "SeldonDeployment", namespace: "prod", name: "iris" };
  const arms = ["main", "canary"];
  const entry = { kind: "rollout", state: "promoted", shares: { canary: 100 }, step: 4, sinceMs: 0, why: "" };
  const of = (model: string): string =>
    rolloutView(
      { ref, arms, plan: { kind: "stopped", why: "its annotation cannot be read", models: ["main", model] } } as never,
      { ...entry, models: digestOfArms(arms, ["main", "canary"], ["canary"]) } as never,
      null,
      null,
    ).sentence;
  expect(of("canary")).toMatch(/Each predictor keeps its share\.$/);
  expect(of("other")).toMatch(/The model is another one, and gets no share that the one before it had reached\.$/);
});

test("one that is promoted waits for a person", () => {
  const release = { ref, plan };
  const entry = { state: "promoted", shares: { canary: 100 }, step: 4, sinceMs: 0, why: "canary is promoted." };
  expect(rolloutLines(rolloutView(release as never, entry as never, null, null)).at(-1)).toBe(
    "  waits for you to make it permanent: write traffic: 100 for canary and traffic: 0 for the others in the spec, then remove sluice.io/rollout",
  );
});

const leftOver =
  "sluice.io/rollout-promote was there before, so it does not count: remove it, and write it again to promote this model";

test.each([
  [null, "the leader"],
  ["room in the record", "room in the record"],
])("one that has not begun, where the record says %o, waits for %s", (awaited, words) => {
  expect(rolloutView({ ref, plan } as never, null, null, awaited).waitsFor).toBe(words);
});

test.each(["stepping", "held"])("one that is %s says that its promote is left over, at each replica", (state) => {
  const entry = { state, shares: { canary: 5 }, step: 1, sinceMs: 0, why: "canary stays at 5%.", isPromoteUsed: true };
  const known = { kind: "rollout", decision: { state: {}, sentence: "canary has 5%.", waitsFor: null, gates: [] } };
  for (const one of [known, null]) {
    const sentence = (isPromoted: boolean): string =>
      rolloutView({ ref, plan, isPromoted } as never, entry as never, one as never, null).sentence;
    expect(sentence(true)).toBe(`${sentence(false)} ${leftOver}.`);
  }
});

test("one that a person ended says that its abort would end the next model too", () => {
  const entry = { state: "aborted", shares: { canary: 0 }, step: 1, sinceMs: 0, why: "canary is rolled back." };
  const waitsFor = (isAborted: boolean): string | null =>
    rolloutView({ ref, plan, isAborted } as never, entry as never, null, null).waitsFor;
  const other = "another model, or another text of sluice.io/rollout";
  expect(waitsFor(false)).toBe(other);
  expect(waitsFor(true)).toBe(`you to remove sluice.io/rollout-abort, which ends the next model too; then ${other}`);
});

test("a replica that does not lead says where the rollout is, and how to find the leader", () => {
  const entry = { state: "stepping", shares: { canary: 5 }, step: 1, sinceMs: 0, why: "it begins" };
  expect(rolloutLines(rolloutView({ ref, plan } as never, entry as never, null, null))).toEqual([
    "prod/iris  rollout to canary  stepping",
    "  steps     1% [5%] 25% 50% 100%",
    "  shares    canary 5%",
    "  canary has 5% of the traffic, step 2 of 5.",
    "  This replica does not lead, and only the leader has the counts: sluice status names it.",
  ]);
});

test("a bandit that has begun says so at a replica that does not lead", () => {
  const entry = { state: "stepping", shares: { canary: 5 }, step: 0, sinceMs: 0, why: "it begins" };
  expect(rolloutView({ ref, plan: { kind: "bandit", plan: null } } as never, entry as never, null, null).sentence).toBe(
    "It begins.",
  );
});

test("every count of an arm that is a gate's evidence is shown", () => {
  const canary = armCounts({
    requests: 90,
    failed: 3,
    refused: 7,
    compared: { pairs: 20, agreed: 18 },
    callers: { requests: [40, 0, 50], failed: [], refused: [] },
  });
  const state = { ...stepState(plan.plan!, 0, {}), whole: { canary, main: noCounts } };
  const known = { kind: "rollout", decision: { state, sentence: "", waitsFor: null, gates: [] } };
  const view = rolloutView({ ref, plan } as never, null, known as never, null);
  expect(view.evidence?.canary).toEqual({
    requests: 90,
    failed: 3,
    refused: 7,
    denied: 0,
    p50Ms: null,
    p99Ms: null,
    rewards: 0,
    compared: 20,
    agreed: 18,
    callerGroups: 2,
  });
  expect(rolloutLines(view)).toContain(
    "  canary    90 requests, 3 failed, 7 refused, 18 of 20 answers agree with main's",
  );
});

test.each([
  [{}, []],
  [{ puid: 9 }, []],
  [
    { no_puid: 6, earlier_model: 1 },
    [
      "  feedback  12 had no puid, 2 were about an earlier model: these teach it nothing. Send back the Seldon-Puid of the answer.",
    ],
  ],
])("feedback %o that teaches a bandit or a reward gate nothing", (routed, lines) => {
  const view = rolloutView({ ref, plan } as never, null, null, null);
  const predictors = [{ routed }, { routed }];
  const of = (more: object): readonly string[] =>
    feedbackLines({ ...view, ...more }, [
      { ...ref, name: "other", predictors: [{ routed: { no_puid: 1 } }] },
      { ...ref, predictors },
    ] as never);
  expect(of({ kind: "bandit" })).toEqual(lines);
  expect(of({ gates: [{ gate: "reward ≥ main", standing: "kept", sentence: "" }] })).toEqual(lines);
  expect(of({})).toEqual([]);
});
