import { expect, test } from "vitest";
import { endingOf, endsAlike } from "../../../../k8s/source/entries/ending.ts";

const bytes = (text: string): Buffer => Buffer.from(text);

const end = "end\n".repeat(20);

test.each([
  ["the same", `a: 1\n${end}`, `a: 1\n${end}`, true],
  ["another value before the same end", `a: 100\n${end}`, `a: 5\n${end}`, true],
  ["more before the same end", `a: 1\n${end}`, `a: 1\nb: 2\n${end}`, true],
  ["the first half", `a: 1\n${"x".repeat(1000)}`, `a: 1\n${"x".repeat(400)}`, false],
  ["16 bytes less", "x".repeat(500), "x".repeat(484), true],
  ["17 bytes less", "x".repeat(500), "x".repeat(483), false],
  ["another end", `${"a".repeat(1000)}b`, `${"a".repeat(1000)}c`, false],
  ["another byte 257 before the end", `a${"x".repeat(2000)}`, `ab${"x".repeat(1999)}`, true],
  ["another byte 256 before the end", "x".repeat(2000), `${"x".repeat(1744)}b${"x".repeat(255)}`, false],
  ["another byte before the last quarter", "x".repeat(100), `${"x".repeat(74)}b${"x".repeat(25)}`, true],
  ["another byte in the last quarter", "x".repeat(100), `${"x".repeat(75)}b${"x".repeat(24)}`, false],
  ["nothing", "x".repeat(20), "", false],
])("%s", (_, before, now, alike) => {
  expect(endsAlike(bytes(now), endingOf(bytes(before)))).toBe(alike);
});
