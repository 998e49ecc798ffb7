// Bodies that are kept: the same bytes, in few pieces, however they came.
import { expect, test } from "vitest";
import { KeptPieces } from "../../../../gateway/edge/io/kept-pieces.ts";

const megabyte = 1024 * 1024;

test("one piece of the size that it has stays one", () => {
  const kept = new KeptPieces();
  kept.add(Buffer.from("answer"), 1, 4);
  expect(kept.pieces.map(String)).toEqual(["nsw"]);
  expect(kept.bytes).toBe(3);
  kept.add(Buffer.from("answer"), 4, 4);
  expect(kept.pieces).toHaveLength(1);
  kept.clear();
  expect([kept.pieces, kept.bytes]).toEqual([[], 0]);
});

test.each([1, 2, 100, 255, 256, 257, 4095, 4096, 4097, 65_536])(
  "a body in pieces of %d bytes is whole, in few pieces with little in vain",
  (size) => {
    const kept = new KeptPieces();
    const body = Buffer.alloc(megabyte, "0123456789abcdefg");
    // Whoever gave them uses the bytes again.
    const read = Buffer.alloc(size);
    for (let at = 0; at < body.length; at += size) {
      const count = body.copy(read, 0, at);
      kept.add(read, 0, count);
    }
    const { pieces } = kept;
    expect(Buffer.concat(pieces).equals(body)).toBe(true);
    expect(kept.bytes).toBe(megabyte);
    expect(pieces.length).toBeLessThanOrEqual(megabyte / Math.min(4096, size) + 16);
    expect(pieces.length).toBeLessThanOrEqual(300);
    expect(
      new Set(pieces.map(({ buffer }) => buffer)).values().reduce((sum, { byteLength }) => sum + byteLength, 0),
    ).toBeLessThan(2 * megabyte);
  },
);

test("small and large pieces keep their order", () => {
  const kept = new KeptPieces();
  const parts = Array.from({ length: 400 }, (_, at) => Buffer.alloc((at * 7919) % 6000, at));
  for (const part of parts) kept.add(part, 0, part.length);
  expect(Buffer.concat(kept.pieces).equals(Buffer.concat(parts))).toBe(true);
});
