// Each puid's reward counts once, within a bound of memory.
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { LearntPuids, maxPuids } from "../../../../gateway/edge/feedback/learnt-puids.ts";
import { PuidSigner, puidStart } from "../../../../gateway/edge/feedback/puid.ts";

const signer = new PuidSigner([new Uint8Array(32)], {
  namespace: "prod",
  deployment: "iris",
  predictor: "main",
  model: "",
});

function puids(count: number): readonly string[] {
  return Array.from({ length: count }, () =>
    signer.lineFor(Buffer.from(randomUUID())).toString("latin1", puidStart).trimEnd(),
  );
}

test("a puid counts once", () => {
  const learnt = new LearntPuids();
  const [one, other] = puids(2);
  expect([learnt.add(one!), learnt.add(one!), learnt.add(other!)]).toEqual([true, false, true]);
});

test.each([
  [maxPuids - 1, false],
  [maxPuids, false],
  // The one that began a generation is known until the generation after it is full.
  [2 * maxPuids - 1, false],
  [2 * maxPuids, true],
])("after %i others it counts again: %j", (others, isNew) => {
  const learnt = new LearntPuids();
  const [first] = puids(1);
  learnt.add(first!);
  const all = puids(others);
  expect(all.every((one) => learnt.add(one))).toBe(true);
  expect(learnt.add(first!)).toBe(isNew);
  // The last `maxPuids` are known, whatever came before.
  expect(all.slice(-maxPuids + 1).some((one) => learnt.add(one))).toBe(false);
});
