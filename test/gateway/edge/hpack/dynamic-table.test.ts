// The dynamic table against a plain list: its buffer grows, and is used again from the front, and no entry that is in the table is touched.
import { array, assert, constantFrom, integer, oneof, property } from "fast-check";
import { expect, test } from "vitest";
import { DynamicTable } from "../../../../gateway/edge/hpack/dynamic-table.ts";
import { lineExtraBytes, viewOf } from "../../../../gateway/edge/hpack/field-lines.ts";
import { entryExtraBytes } from "../../../../gateway/edge/hpack/header-list.ts";

const mostBytes = 4096;

/** Name and value together, from nothing to one byte more than fits. */
const contentBytes = oneof(
  integer({ min: 0, max: 100 }),
  integer({ min: 0, max: mostBytes - entryExtraBytes + 1 }),
  constantFrom(mostBytes - entryExtraBytes),
);

test("holds the newest entries that fit, each as it came", () => {
  assert(
    property(array(contentBytes, { maxLength: 60 }), (lengths) => {
      const table = new DynamicTable(mostBytes);
      const expected: Buffer[] = [];
      for (const [at, length] of lengths.entries()) {
        const line = Buffer.alloc(length + lineExtraBytes, at + 1);
        table.insert(line, viewOf(line), 0, 0, length, 0);
        expected.unshift(line);
        while (
          expected.reduce((sum, { length: bytes }) => sum + bytes - lineExtraBytes + entryExtraBytes, 0) > mostBytes
        )
          expected.pop();
        expect(table.count).toBe(expected.length);
        for (const [index, one] of expected.entries()) {
          const start = table.start(table.slot(index));
          expect(table.lines.compare(one, 0, one.length, start, start + one.length)).toBe(0);
        }
        expect(table.lines.length).toBeLessThanOrEqual(2 * mostBytes);
      }
    }),
    { numRuns: 300 },
  );
});

test("a few short entries take 1 KiB", () => {
  const table = new DynamicTable(mostBytes);
  expect(table.lines.length).toBe(0);
  const line = Buffer.alloc(100);
  for (let i = 0; i < 10; i++) table.insert(line, viewOf(line), 0, 10, 86, 0);
  expect(table.lines.length).toBe(1024);
  table.insert(line, viewOf(line), 0, 10, 86, 0);
  expect(table.lines.length).toBe(2048);
});
