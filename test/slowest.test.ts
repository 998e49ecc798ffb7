import { expect, test } from "vitest";
import { slowestLines } from "./slowest.ts";

const files = (count: number): { readonly name: string; readonly durationMs: number }[] =>
  Array.from({ length: count }, (_, index) => ({ name: `${index}.test.ts`, durationMs: index * 1000 }));

test("eleven files or more: the ten slowest with their seconds, slowest first", () => {
  expect(slowestLines(files(10))).toEqual([]);
  const lines = slowestLines(files(11));
  expect(lines).toHaveLength(11);
  expect([lines[0], lines[1], lines.at(-1)]).toEqual([
    "The slowest 10 of 11 files:",
    "   10.0 s  10.test.ts",
    "    1.0 s  1.test.ts",
  ]);
});
