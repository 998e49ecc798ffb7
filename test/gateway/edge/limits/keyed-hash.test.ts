import { describe, expect, test } from "vitest";
import { KeyedHash } from "../../../../gateway/edge/limits/keyed-hash.ts";

const hash = new KeyedHash();
const [key0, key1] = [0x03020100, 0x07060504];

function ofBytes(bytes: Uint8Array): string {
  hash.ofBytes(key0, key1, bytes, 0, bytes.length);
  return both();
}

function ofText(text: string): string {
  hash.ofText(key0, key1, text);
  return both();
}

function both(): string {
  const result = Buffer.alloc(8);
  result.writeUInt32LE(hash.low, 0);
  result.writeUInt32LE(hash.high, 4);
  return result.toString("hex");
}

describe("KeyedHash", () => {
  test.each([
    [0, "218d1f59b9b83cc8"],
    [1, "be552412f8387315"],
    [2, "064f39ef7c50eb57"],
  ])("of %i bytes, as the reference vectors of HalfSipHash-2-4", (length, expected) => {
    expect(ofBytes(Uint8Array.from({ length }, (_, at) => at))).toBe(expected);
  });

  test("of a text of single bytes it is that of its bytes, at lengths around a word and around a piece", () => {
    for (const length of [0, 1, 3, 4, 5, 2047, 2048, 2049, 5000]) {
      const text = Array.from({ length }, (_, at) => String.fromCharCode((at * 37) & 0xff)).join("");
      expect(ofText(text)).toBe(ofBytes(Buffer.from(text, "latin1")));
    }
  });

  test("texts that share their lower bytes, or whose UTF-8 is the bytes of the other, differ", () => {
    const results = [
      "ab",
      "\u0161b",
      "a\u0162",
      "\u00e9",
      "\u00c3\u00a9",
      "\u0169",
      "a".repeat(2048),
      "a".repeat(2049),
      `${"a".repeat(2048)}b`,
    ].map(ofText);
    expect(new Set(results).size).toBe(results.length);
  });

  test("another key is another hash", () => {
    hash.ofText(key0, key1, "10.0.0.1");
    const one = hash.low;
    hash.ofText(key0 + 1, key1, "10.0.0.1");
    expect(hash.low).not.toBe(one);
  });
});
