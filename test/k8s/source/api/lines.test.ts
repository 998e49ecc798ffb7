import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LineSplitter } from "../../../../k8s/source/api/lines.ts";

function split(chunks: readonly Buffer[], lineBytes = 1_000_000): { lines: string[]; oversized: number[] } {
  const lines: string[] = [];
  const oversized: number[] = [];
  const splitter = new LineSplitter(
    { line: (line) => lines.push(line), oversized: (bytes) => oversized.push(bytes) },
    lineBytes,
  );
  for (const chunk of chunks) splitter.push(chunk);
  return { lines, oversized };
}

describe("lines", () => {
  test("are the same wherever the bytes are cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string().map((line) => line.replaceAll("\n", ""))),
        fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
        (written, steps) => {
          const bytes = Buffer.from(written.map((line) => `${line}\n`).join(""));
          const chunks: Buffer[] = [];
          for (let at = 0; at < bytes.length;) {
            const step = steps.next().value;
            chunks.push(bytes.subarray(at, at + step));
            at += step;
          }
          expect(split(chunks).lines).toEqual(
            written.filter((line) => line !== "").map((line) => Buffer.from(line).toString()),
          );
        },
      ),
    );
  });

  test("without an end are not told", () => {
    expect(split([Buffer.from("a\nb")]).lines).toEqual(["a"]);
  });

  test.each([
    [9, true],
    [10, true],
    [11, false],
  ])("of %i bytes with a bound of 10 are read: %s, and the next one in any case", (bytes, read) => {
    const chunks = [...Buffer.from(`${"x".repeat(bytes)}\nnext\n`)].map((byte) => Buffer.from([byte]));
    expect(split(chunks, 10)).toEqual({
      lines: [...(read ? ["x".repeat(bytes)] : []), "next"],
      oversized: read ? [] : [bytes],
    });
  });
});
