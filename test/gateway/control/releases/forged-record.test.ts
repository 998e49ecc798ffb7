// A record that somebody forged with the right checksum: it says shares of what the spec names, and nothing else.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { maxStep, maxWhy, printReleases, readReleases } from "../../../../gateway/control/releases/release-record.ts";
import { releasedShares } from "../../../../k8s/translate/deployments/released-shares.ts";
import type { ReleaseEntry } from "../../../../k8s/translate/model/release.ts";
import { arms, bandit, lookMs, Replica, rollout, World } from "./release-world.ts";

const key = "prod/iris";
const text = "to canary; steps 5%, 25%, 100%; every 10s; min 50 requests; errors ≤ 2%";
const name = fc.constantFrom(...arms, "gone", "__proto__", "constructor", "toString", "");
const percent = fc.oneof(fc.double({ min: 0, max: 100, noNaN: true }), fc.constantFrom(0, 5e-324, 100));
const sum = fc.double({ min: -1e60, max: 1e60, noNaN: true });
const sums = fc.record({ count: sum.map(Math.abs), sum, sumSquares: sum.map(Math.abs) });
const dictionary = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> =>
  fc.array(fc.tuple(name, value), { maxLength: 6 }).map((pairs) => Object.fromEntries(pairs));
const entry: fc.Arbitrary<ReleaseEntry> = fc.record({
  namespace: fc.constant("prod"),
  name: fc.constant("iris"),
  kind: fc.constantFrom("rollout", "bandit"),
  text: fc.constantFrom(text, "bandit", "other"),
  models: fc.constantFrom("1", "2"),
  shares: dictionary(percent),
  state: fc.constantFrom("stepping", "held", "promoted", "aborted"),
  step: fc.oneof(fc.nat(maxStep), fc.constant(maxStep)),
  sinceMs: fc.maxSafeNat(),
  why: fc.string(),
  isPromoteUsed: fc.boolean(),
  reward: fc.constantFrom("", "feedback", "success", "other"),
  rewards: dictionary(sums),
});

test("whatever it says, each share goes to a predictor of the spec, none is lost, and the leader goes on from it", async () => {
  await fc.assert(
    fc.asyncProperty(entry, fc.boolean(), async (forged, isBandit) => {
      const world = new World();
      world.planned = isBandit ? bandit() : rollout(text);
      const forgedText = printReleases(new Map([[key, forged]]));
      expect(readReleases(forgedText).kind).toBe("record");
      world.store.set(forgedText);
      const replica = new Replica(world);
      world.replicas = [replica];
      replica.isLeader = true;
      const check = (): void => {
        const plans = [
          world.planned,
          { ...world.planned, plan: { kind: "stopped", why: "", models: ["1", "1", "1"] } as const },
        ];
        for (const planned of plans) {
          const shares = releasedShares(planned, [70, null, 30], replica.record.get(key) ?? null);
          expect(shares.length).toBe(arms.length);
          expect(shares.every((share) => share >= 0 && share <= 1)).toBe(true);
          expect(shares.reduce((all, share) => all + share, 0)).toBeCloseTo(1, 9);
        }
      };
      check();
      for (let look = 0; look < 20; look++) {
        for (const arm of arms) world.count(arm, 60, 0);
        world.nowMs += lookMs * 2;
        await replica.controller.look();
        check();
        expect(readReleases(world.store.text!).kind).toBe("record");
      }
      expect(world.faults).toEqual([]);
    }),
    { numRuns: 400 },
  );
});

test("a reason of any length is cut to what a gateway writes", () => {
  const [forged] = fc.sample(entry, 1);
  const long = readReleases(printReleases(new Map([[key, { ...forged!, why: "x".repeat(100_000) }]])));
  expect(long.kind === "record" && long.record.get(key)!.why.length).toBe(maxWhy);
});

test("a step beyond those that a gateway writes is none", () => {
  const [forged] = fc.sample(entry, 1);
  const unread = (step: number): unknown => {
    const read = readReleases(printReleases(new Map([[key, { ...forged!, step }]])));
    return read.kind === "record" && read.unread;
  };
  expect([maxStep - 1, maxStep, maxStep + 1].map(unread)).toEqual([0, 0, 1]);
});
