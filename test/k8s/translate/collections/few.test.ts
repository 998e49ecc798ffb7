import * as fc from "fast-check";
import { expect, test } from "vitest";
import { fewOf, listOf, withOne, withoutOne, type Few } from "../../../../k8s/translate/collections/few.ts";

const edit = fc.record({ add: fc.boolean(), value: fc.constantFrom("a", "b", "c", "d") });

test("Few holds what a list would, and is a list for two and more only", () => {
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 30 }), (edits) => {
      let few: Few<string> = null;
      let list: string[] = [];
      for (const { add, value } of edits) {
        if (add && !list.includes(value)) {
          few = withOne(few, value);
          list.push(value);
        } else if (!add) {
          few = withoutOne(few, value);
          list = list.filter((other) => other !== value);
        }
        expect([...listOf(few)].sort()).toEqual([...list].sort());
        expect(Array.isArray(few)).toBe(list.length > 1);
        expect([...listOf(fewOf(list))]).toEqual(list);
      }
    }),
    { numRuns: 300 },
  );
});
