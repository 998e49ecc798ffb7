import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ListScanner, type ListEnvelope } from "../../../../k8s/source/api/list-scanner.ts";

function scan(
  text: string,
  itemBytes = 1024,
  cut: (length: number) => number = (length) => length,
): { items: string[]; oversized: number[]; envelope: ListEnvelope | null } {
  const items: string[] = [];
  const oversized: number[] = [];
  const scanner = new ListScanner(
    { item: (item) => items.push(item), oversized: (bytes) => oversized.push(bytes) },
    itemBytes,
  );
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) {
    const step = Math.max(1, cut(bytes.length - at));
    scanner.push(bytes.subarray(at, at + step));
    at += step;
  }
  return { items, oversized, envelope: scanner.end() };
}

describe("a list", () => {
  test("gives its items as they are written, and the version before or after them", () => {
    const items = ['{"a": "]}\\"{"}', '{"b":[{"items":[{}]}]}', "{}"];
    const before = `{"kind":"List","metadata":{"resourceVersion":"7","continue":"next"},"items":[${items.join(" ,\n")}]}`;
    const after = `{"items":[${items.join(",")}],"metadata":{"resourceVersion":"7","continue":"next"}}\n`;
    for (const text of [before, after])
      expect(scan(text)).toEqual({ items, oversized: [], envelope: { resourceVersion: "7", continueToken: "next" } });
  });

  test("of any JSON, cut anywhere, gives what JSON.parse gives", () => {
    fc.assert(
      fc.property(
        fc.array(fc.dictionary(fc.string(), fc.jsonValue())),
        fc.string(),
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
        (objects, version, extra, steps) => {
          const { items: _items, metadata: _metadata, ...rest } = extra;
          const text = JSON.stringify({ ...rest, items: objects, metadata: { resourceVersion: version } });
          const { items, envelope } = scan(text, 1_000_000, () => steps.next().value);
          expect(items.map((item) => JSON.parse(item) as unknown)).toEqual(JSON.parse(JSON.stringify(objects)));
          expect(envelope).toEqual({ resourceVersion: version, continueToken: "" });
        },
      ),
    );
  });

  test("status and managedFields of items are null, whatever is in them, and nothing else is", () => {
    const key = fc.constantFrom(
      "status",
      "metadata",
      "managedFields",
      "spec",
      "statu",
      "statuses",
      'st\\"atus',
      "items",
      "",
    );
    const small = fc.jsonValue({ maxDepth: 2 });
    const fields = (value: fc.Arbitrary<unknown>): fc.Arbitrary<Record<string, unknown>> =>
      fc.dictionary(key, fc.oneof(small, value), { maxKeys: 4 });
    const object = fields(fields(fields(small)));
    const without = (item: Record<string, unknown>): unknown => {
      const { metadata } = item;
      const isRecord = typeof metadata === "object" && metadata !== null && !Array.isArray(metadata);
      const pruned =
        isRecord && "managedFields" in metadata ? { ...item, metadata: { ...metadata, managedFields: null } } : item;
      return "status" in pruned ? { ...pruned, status: null } : pruned;
    };
    fc.assert(
      fc.property(
        fc.array(object, { maxLength: 3 }),
        fc.constantFrom(undefined, 1),
        fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
        (objects, space, steps) => {
          const text = JSON.stringify(
            { status: {}, items: objects, metadata: { managedFields: [], resourceVersion: "7" } },
            null,
            space,
          );
          const { items, envelope } = scan(text, 1_000_000, () => steps.next().value);
          const expected = (JSON.parse(JSON.stringify(objects)) as Record<string, unknown>[]).map(without);
          expect(items.map((item) => JSON.parse(item) as unknown)).toEqual(expected);
          expect(envelope).toEqual({ resourceVersion: "7", continueToken: "" });
        },
      ),
      { numRuns: 300 },
    );
  });

  test.each([
    [20, 1],
    [21, 0],
  ])("what is passed over counts: %i bytes with a bound of 20", (bytes, read) => {
    const item = `{"status":"${"x".repeat(bytes - 13)}"}`;
    expect(item).toHaveLength(bytes);
    const { items, oversized } = scan(`{"items":[${item},{}],"metadata":{"resourceVersion":"1"}}`, 20, () => 7);
    expect(items).toEqual([...(read === 1 ? ['{"status":null}'] : []), "{}"]);
    expect(oversized).toEqual(read === 1 ? [] : [bytes]);
  });

  test.each([
    [19, 1],
    [20, 1],
    [21, 0],
  ])("an item of %i bytes with a bound of 20: %i read, the next one too", (bytes, read) => {
    const item = `{"a":"${"x".repeat(bytes - 8)}"}`;
    const { items, oversized } = scan(`{"items":[${item},{}],"metadata":{"resourceVersion":"1"}}`, 20, () => 7);
    expect(items).toEqual([...(read === 1 ? [item] : []), "{}"]);
    expect(oversized).toEqual(read === 1 ? [] : [bytes]);
  });

  test.each([
    [""],
    ['{"items":['],
    ['{"items":[{}],"metadata":{"resourceVersion":"1"}'],
    ['{"items":[{"a'],
    ["<html>"],
    ['{"items":null}'],
    ['{"metadata":{"resourceVersion":7}}'],
    ["[]"],
    ['{"metadata":{"resourceVersion":"1"}}}'],
    ["nonsense"],
  ])("%j is none", (text) => {
    expect(scan(text).envelope).toBeNull();
  });

  test("without items is an empty one", () => {
    expect(scan('{"items":null,"metadata":{"resourceVersion":"1"}}')).toEqual({
      items: [],
      oversized: [],
      envelope: { resourceVersion: "1", continueToken: "" },
    });
  });

  test.each([
    [65_536, false],
    [65_537, true],
  ])("with %i bytes around its items: refused %s", (bytes, refused) => {
    const open = '{"x":"';
    const close = '","items":[';
    const end = '],"metadata":{"resourceVersion":"1"}}';
    const text = `${open}${"x".repeat(bytes - open.length - close.length - end.length)}${close}{}${end}`;
    expect(scan(text).envelope === null).toBe(refused);
  });
});
