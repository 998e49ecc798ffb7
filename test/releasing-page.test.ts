// k8s/RELEASING.md names every clause and rule of the annotations that release models, and what holds without it, as they are read.
import { expect, test } from "vitest";
import { plainRules, readCompareRules } from "../routing/release/compare/rules.ts";
import { printBanditPlan, readBanditPlan } from "../routing/release/bandit/plan.ts";
import { printRolloutPlan, readRolloutPlan } from "../routing/release/rollout/plan.ts";
import { page, quotedIn, rowsUnder } from "./pages.ts";

const rowsOf = (head: string): readonly (readonly [texts: readonly string[], without: string])[] =>
  rowsUnder(page("k8s/RELEASING.md"), head).map((row) => [quotedIn(row[0]!), row[2]!]);
const wordsOf = (rows: ReturnType<typeof rowsOf>): readonly string[] =>
  [...new Set(rows.flatMap(([texts]) => texts.map((text) => text.split(" ")[0]!)))].toSorted();
/** Keywords, as the sentence about an unknown clause lists them. */
const known = (mistake: string): readonly string[] => mistake.split("begins with ")[1]!.split(", ").toSorted();

const rollout = (text: string): string => {
  const read = readRolloutPlan(text);
  return "plan" in read ? printRolloutPlan(read.plan) : read.mistake;
};
const bandit = (text: string): string => {
  const read = readBanditPlan(text);
  return "plan" in read ? printBanditPlan(read.plan) : read.mistake;
};

test("each clause of a rollout is read, none is left out, and each default is one", () => {
  const rows = rowsOf("clause of a rollout");
  const whole = (clause: string): string => rollout(clause.startsWith("to ") ? clause : `to canary; ${clause}`);
  for (const [texts, without] of rows) {
    for (const text of texts) expect(whole(text), text).toMatch(/^to canary; /);
    const [isDefault] = quotedIn(without).filter((text) => !text.includes("canary"));
    if (isDefault !== undefined) expect(whole(isDefault), isDefault).toBe(rollout("canary"));
  }
  const latency = ["p95", "p99.9"];
  expect([...wordsOf(rows), ...latency].toSorted()).toEqual(known(rollout("canary; nonsense")));
  for (const quantile of latency) expect(whole(`${quantile} ≤ 1.2x main`)).toContain(quantile);
});

test("each clause of a bandit is read, none is left out, and each default is one", () => {
  const rows = rowsOf("clause of a bandit");
  const whole = (clause: string): string =>
    bandit(/^(?:policy|thompson|ucb|epsilon)/.test(clause) ? clause : `policy ucb; ${clause}`);
  for (const [texts, without] of rows) {
    for (const text of texts) expect(whole(text), text).toMatch(/^policy /);
    for (const text of quotedIn(without))
      expect(whole(text).replace(/^policy [^;]+/, "")).toBe(bandit("ucb").replace(/^policy [^;]+/, ""));
  }
  expect(wordsOf(rows)).toEqual(known(bandit("policy ucb; nonsense")));
});

test("each rule of a comparison is read, and each default is one", () => {
  const rows = rowsOf("rule of a comparison");
  const read = readCompareRules("nonsense");
  expect(wordsOf(rows)).toEqual(known("mistake" in read ? read.mistake : ""));
  for (const [texts, without] of rows) {
    for (const text of texts) expect(readCompareRules(text), text).toHaveProperty("rules");
    const [isDefault] = quotedIn(without).filter((text) => texts[0]!.startsWith(text.split(" ")[0]!));
    if (isDefault !== undefined) expect(readCompareRules(isDefault)).toEqual({ rules: plainRules });
  }
});
