// The annotation that a misspelt one seems to mean, however many keys were asked about before.
import { expect, test } from "vitest";
import { knownAnnotations, nearAnnotation } from "../../../../k8s/translate/fields/annotation-names.ts";

const near = (key: string): string | null => nearAnnotation(key, knownAnnotations);

test.each([4095, 4096, 4097])("after %i other keys each answer is as before, whether it is kept or not", (count) => {
  const keys = ["seldon.io/ambassador-weihgt", "sluice.io/alow", "example.com/owner"];
  const before = keys.map(near);
  expect(before).toEqual(["seldon.io/ambassador-weight", "sluice.io/allow", null]);
  for (let index = 0; index < count; index++) near(`example.com/${count}-${index}`);
  expect(keys.map(near)).toEqual(before);
});

test.each([316, 317, 318])("a key of %i characters has the same answer each time", (length) => {
  const key = `seldon.io/ambassador-${"x".repeat(length - 21)}`;
  expect([near(key), near(key)]).toEqual([null, null]);
});

test("a set of names has answers of its own", () => {
  const key = "sluice.io/alow";
  expect([near(key), nearAnnotation(key, new Set(["sluice.io/deny"]))]).toEqual(["sluice.io/allow", null]);
});
