import * as fc from "fast-check";
import { expect, test } from "vitest";
import { digestKey, openKey } from "../../../routing/collections/digest.ts";
import { DigestIndex } from "../../../routing/collections/digest-index.ts";

test("an index gives what a Map would, whatever is set and deleted", () => {
  const step = fc.record({
    text: fc.integer({ min: 0, max: 200 }).map((number) => `SeldonDeployment team/model-${number} http main`),
    number: fc.option(fc.integer({ min: 0, max: 2 ** 31 - 2 })),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
      const index = new DigestIndex(openKey);
      const map = new Map<string, number>();
      for (const { text, number } of steps) {
        if (number === null) expect(index.delete(text)).toBe(map.delete(text));
        else {
          index.set(text, number);
          map.set(text, number);
        }
        expect(index.size).toBe(map.size);
      }
      for (const { text } of steps) expect(index.get(text)).toBe(map.get(text) ?? -1);
    }),
    { numRuns: 200 },
  );
});

test("what was deleted leaves no hole before what was put behind it", () => {
  // Up to 85 of 100 places are taken, so that many entries stand behind each other, also around the end.
  const index = new DigestIndex(digestKey({ high: 7, low: 9 }));
  const texts = Array.from({ length: 500 }, (_, number) => `text ${number}`);
  for (const [number, text] of texts.entries()) index.set(text, number);
  for (let number = 0; number < 500; number += 3) expect(index.delete(texts[number]!)).toBe(true);
  for (const [number, text] of texts.entries()) expect(index.get(text)).toBe(number % 3 === 0 ? -1 : number);
  for (const text of texts) index.delete(text);
  expect(index.size).toBe(0);
});
