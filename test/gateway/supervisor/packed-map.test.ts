import * as fc from "fast-check";
import { expect, test } from "vitest";
import { PackedMap } from "../../../gateway/supervisor/packed-map.ts";

test("a PackedMap holds what a Map holds, packed or not", () => {
  const edit = fc.record({
    key: fc.nat(2000),
    value: fc.option(fc.string(), { nil: null }),
    count: fc.nat(900),
    pack: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 8 }), (edits) => {
      const packed = new PackedMap<number, string>();
      const map = new Map<number, string>();
      for (const { key, value, count, pack } of edits) {
        for (let next = key; next <= key + count; next++) {
          if (value === null) {
            packed.delete(next);
            map.delete(next);
          } else {
            packed.set(next, `${value} ${next}`);
            map.set(next, `${value} ${next}`);
          }
        }
        if (pack) packed.pack();
        expect(new Map(packed)).toEqual(map);
      }
    }),
    { numRuns: 60 },
  );
});
