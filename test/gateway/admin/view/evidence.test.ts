// What a replica has counted: an answer that the leader takes, whatever SDs were called.
import { expect, test } from "vitest";
import { maxSaid, evidenceOf } from "../../../../gateway/admin/view/evidence.ts";
import { maxAskedDeployments } from "../../../../gateway/api/peer.ts";
import { readEvidence } from "../../../../gateway/control/peers/peer-answer.ts";
import { callLimits } from "../../../../gateway/control/peers/peer-call.ts";
import { maxArms } from "../../../../k8s/translate/deployments/planned-release.ts";
import {
  armCounts,
  callerBuckets,
  noCounts,
  readArmCounts,
  type ArmCounts,
} from "../../../../routing/release/statistics/arm-counts.ts";
import { latencyBuckets } from "../../../../routing/release/statistics/latency-bounds.ts";
import type { Series } from "../../../../routing/model/mapping.ts";
import { seriesOf } from "../../fixtures.ts";
import { viewOf } from "../admin-stage.ts";
import { nothingMeasured } from "../nothing-measured.ts";

const said = (
  owned: readonly Series[],
  gone: readonly Series[],
  counts: ArmCounts,
  names: readonly string[],
): string => {
  const slots = (series: readonly Series[]): { slot: number; series: Series }[] =>
    series.map((one, slot) => ({ slot, series: one }));
  const counted = { ...nothingMeasured, ownedSlots: slots(owned), usedSlots: slots([...gone, ...owned]) };
  return JSON.stringify(
    evidenceOf({ instance: "a", countsOf: () => counts, view: { ...viewOf([], []), counted } }, names),
  );
};

const predictorsOf = (deployment: string, prefix: string, count: number): Series[] =>
  Array.from({ length: count }, (_, at) => ({ ...seriesOf(deployment), predictor: `${prefix}${at}` }));

test.each([maxSaid - maxArms, maxSaid - maxArms + 1, 1000])(
  "%d predictors that are gone keep no answer from the peers, and those of the table are in it",
  (count) => {
    const [owned, gone] = [predictorsOf("iris", "now", maxArms), predictorsOf("iris", "gone", count)];
    const read = readEvidence(JSON.parse(said(owned, gone, noCounts, ["prod/iris"])), readArmCounts);
    if (read.kind !== "said" || read.counts === null) throw new Error("it is no answer");
    const names = read.counts.deployments[0]!.predictors.map(({ predictor }) => predictor);
    expect(names).toHaveLength(Math.min(maxSaid, maxArms + count));
    expect(names).toEqual(expect.arrayContaining(owned.map(({ predictor }) => predictor)));
  },
);

test("the longest answer is one that peers read", () => {
  const deployments = Array.from({ length: maxAskedDeployments }, (_, at) => `d${at}`);
  const all = deployments.flatMap((name) => predictorsOf(name, "p".repeat(50), 300));
  const buckets = Array.from({ length: callerBuckets }, () => 1e6);
  const counts = armCounts({
    requests: 1e9,
    failed: 1e9,
    latency: Array.from({ length: latencyBuckets }, () => 1e6),
    callers: { requests: buckets, failed: buckets, refused: buckets },
  });
  const names = deployments.map((name) => `prod/${name}`);
  expect(said([], all, counts, names).length).toBeLessThan(callLimits.maxBytes);
});
