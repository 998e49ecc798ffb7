// Which pairs of answers a worker keeps in a second: of one shadow so many, of one namespace half, of all so many, divided by workers.
import { expect, test } from "vitest";
import { PairSample, pairsOfAll, pairsOfShadow } from "../../../../gateway/edge/shadow/pair-sample.ts";

function subject(namespace: string, at: number) {
  return { namespace, deployment: `d${at}`, predictor: "next", rules: "true" };
}

/** How many are taken of `count` pairs, of shadows in turn. */
function taken(sample: PairSample, namespace: string, shadows: number, count: number, nowMs: number): number {
  return Array.from({ length: count }, (_, at) => sample.takes(subject(namespace, at % shadows), nowMs)).filter(
    (one) => one,
  ).length;
}

test.each([
  [1, pairsOfShadow],
  [2, pairsOfShadow / 2],
  [3, 6],
  [pairsOfShadow, 1],
  [64, 1],
])("of %d workers each takes %d pairs of one shadow in a second", (workers, most) => {
  for (const more of [-1, 0, 1]) {
    const sample = new PairSample(workers);
    expect(taken(sample, "prod", 1, most + more, 999)).toBe(Math.min(most, most + more));
    expect(taken(sample, "prod", 1, most + 1, 1000)).toBe(most);
    expect(sample.takes({ ...subject("prod", 0), predictor: "other" }, 1000)).toBe(true);
  }
});

test("a busy namespace has half of all, others find room, and all together never have more", () => {
  for (const more of [-1, 0, 1]) {
    const sample = new PairSample(1);
    const half = pairsOfAll / 2;
    expect(taken(sample, "busy", 100, half + more, 0)).toBe(Math.min(half, half + more));
    expect(taken(sample, "quiet", 1, pairsOfShadow, 0)).toBe(pairsOfShadow);
  }
  const sample = new PairSample(1);
  let all = 0;
  for (let at = 0; at < 100; at++) all += taken(sample, `n${at}`, 100, 1000, 0);
  expect(all).toBeGreaterThan(0.9 * pairsOfAll);
  expect(all).toBeLessThanOrEqual(pairsOfAll);
});
