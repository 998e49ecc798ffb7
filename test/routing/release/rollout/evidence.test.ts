import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  addedEvidence,
  type CountsByInstance,
  type Evidence,
  evidenceBetween,
  noEvidence,
} from "../../../../routing/release/rollout/evidence.ts";
import { shareOf, stepState } from "../../../../routing/release/rollout/state.ts";
import { maxInstances } from "../../../../routing/release/statistics/growth.ts";
import { readRolloutPlan } from "../../../../routing/release/rollout/plan.ts";
import { armCounts, noCounts } from "../../../../routing/release/statistics/arm-counts.ts";
import { anyCounts } from "../statistics/any-counts.ts";

const evidence: fc.Arbitrary<Evidence> = fc.record({ canary: anyCounts, main: anyCounts });
const of = (requests: number): Evidence => ({ canary: armCounts({ requests }), main: noCounts });

test("looks of any number add up to what the processes counted, whoever looks and however often", () => {
  fc.assert(
    fc.property(fc.array(fc.dictionary(fc.constantFrom("a", "b", "c"), evidence), { maxLength: 12 }), (rounds) => {
      let total: CountsByInstance = { a: of(7), b: of(8), c: of(9) };
      let seen = total;
      let [looked, counted] = [noEvidence, noEvidence];
      for (const [at, round] of rounds.entries()) {
        for (const [instance, grown] of Object.entries(round)) {
          total = { ...total, [instance]: addedEvidence(total[instance]!, grown) };
          counted = addedEvidence(counted, grown);
        }
        if (at % 3 === 1) continue;
        // A process that does not answer adds later.
        const present = at % 3 === 2 ? { a: total["a"]!, c: total["c"]! } : total;
        const between = evidenceBetween(seen, present);
        looked = addedEvidence(looked, between.added);
        seen = between.seen;
      }
      looked = addedEvidence(looked, evidenceBetween(seen, total).added);
      expect(looked).toEqual(counted);
    }),
  );
});

test("a process that is new, or whose counts fell, begins at that look and never counts negative", () => {
  const first = evidenceBetween({ a: of(10) }, { a: of(4), b: of(1000) });
  expect(first.added).toEqual(noEvidence);
  expect(evidenceBetween(first.seen, { a: of(6), b: of(1001) }).added.canary.requests).toBe(3);
});

test("more failures than requests, or more answers that agree than were compared, are those of a process that began again", () => {
  const of = (failed: number, requests: number, agreed: number, pairs: number): CountsByInstance => ({
    a: { canary: armCounts({ requests, failed, compared: { pairs, agreed } }), main: noCounts },
  });
  // The other way round it had counted more meanwhile than before.
  for (const now of [of(5, 101, 0, 0), of(0, 100, 6, 11)]) {
    const { added, seen } = evidenceBetween(of(0, 100, 0, 10), now);
    expect([added.canary, seen]).toEqual([noCounts, now]);
  }
  expect(evidenceBetween(of(0, 100, 0, 10), of(5, 105, 1, 11)).added.canary).toMatchObject({ requests: 5, failed: 5 });
});

test("names of processes are any text, and at most so many are remembered, those that answer first", () => {
  const many = (count: number): CountsByInstance =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`i${at}`, of(1)]));
  expect(Object.keys(evidenceBetween(many(maxInstances + 1), { constructor: of(1) }).seen)).toHaveLength(maxInstances);
  expect(Object.keys(evidenceBetween({}, many(maxInstances + 1)).seen)).toHaveLength(maxInstances);
  expect(Object.keys(evidenceBetween({}, many(maxInstances)).seen)).toHaveLength(maxInstances);
  expect(evidenceBetween({ constructor: of(1) }, { constructor: of(3) }).added.canary.requests).toBe(2);
});

test("the share follows the step; a step that the plan has not gets nothing", () => {
  const read = readRolloutPlan("canary");
  if ("mistake" in read) throw new Error(read.mistake);
  expect(shareOf(read.plan, stepState(read.plan, 0, {}))).toBe(1);
  expect(shareOf(read.plan, stepState(read.plan, 2, {}))).toBe(25);
  expect(shareOf(read.plan, { ...stepState(read.plan, 0, {}), step: 5 })).toBe(0);
  expect(shareOf(read.plan, { kind: "held", step: 1, why: "" })).toBe(5);
  expect(shareOf(read.plan, { kind: "aborted", step: 1, why: "" })).toBe(0);
  expect(shareOf(read.plan, { kind: "promoted" })).toBe(100);
});
