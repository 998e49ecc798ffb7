// Texts that were made to have one digest.
import { expect, it } from "vitest";
import { digestOf } from "../../../routing/collections/digest.ts";
import type { ForwardTarget } from "../../../routing/model/mapping.ts";
import { TableWriter } from "../../../routing/write/table-writer.ts";
import { change, forwardTo, LiveTable, mapping, prefix } from "../build.ts";
import { forgedTexts } from "../forged-texts.ts";

const [one, other] = forgedTexts;

it("have one", () => {
  expect(digestOf({ text: one })).toEqual(digestOf({ text: other }));
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
