// Texts that were made to have one digest.
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { digestKey, digestOf, digestOfKin, openKey } from "../../../routing/collections/digest.ts";
import type { ForwardTarget } from "../../../routing/model/mapping.ts";
import { TableWriter } from "../../../routing/write/table-writer.ts";
import { change, forwardTo, LiveTable, mapping, prefix } from "../build.ts";
import { forgedTexts } from "../forged-texts.ts";

const [one, other] = forgedTexts;

it("have one by the key that everybody knows, and by no other", () => {
  expect(digestOf({ text: one })).toEqual(digestOf({ text: other }));
  for (const high of [0, 1, openKey.high, -1]) {
    const key = digestKey({ high, low: 7 });
    expect(digestOf({ text: one }, key)).not.toEqual(digestOf({ text: other }, key));
  }
});

it("do not hide what changes from a table, nor from the writer after it", () => {
  const rewritten = (host: string, count: number) =>
    change(
      Array.from({ length: count }, (_, index) =>
        mapping(`a${index}`, prefix("/a/"), { target: forwardTo("u", { hostRewrite: { kind: "literal", host } }) }),
      ),
    );
  for (const count of [1, 9]) {
    const table = new LiveTable(() => null);
    const served = (): unknown[] =>
      table.table
        .routesInOrder()
        .flatMap(({ mappings }) => mappings.map(({ target }) => (target as ForwardTarget).hostRewrite));
    table.apply(rewritten(one, count));
    table.apply(rewritten(other, count));
    expect(served()).toEqual(Array.from({ length: count }, () => ({ kind: "literal", host: other })));
    const { root, version } = table.writer.written;
    const next = new TableWriter(table.arena, root);
    expect(next.write(rewritten(other, count), version).version).toBe(version);
    expect(next.write(rewritten(one, count), version).version).toBe(version + 1);
  }
});

it("of objects that share parts are those of each, by each key", () => {
  const keys = [openKey, digestKey({ high: 3, low: 5 })] as const;
  const parts = fc.array(fc.oneof(fc.object(), fc.array(fc.jsonValue())), { minLength: 1, maxLength: 24 });
  const picks = fc.array(
    fc.record({
      names: fc.dictionary(fc.constantFrom("a", "b", "c"), fc.nat()),
      text: fc.string(),
      key: fc.constantFrom(...keys),
    }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(parts, picks, (values, objects) => {
      for (const { names, text, key } of objects) {
        const kin = {
          text,
          none: null,
          ...Object.fromEntries(Object.entries(names).map(([name, number]) => [name, values[number % values.length]])),
        };
        expect(digestOfKin(kin, key)).toEqual(digestOf(kin, key));
      }
    }),
    { numRuns: 200 },
  );
});
