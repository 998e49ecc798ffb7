// A block that is not kept leaves the table of the connection as one that is.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { HeaderList } from "../../../../gateway/edge/hpack/header-list.ts";
import { HpackDecoder } from "../../../../gateway/edge/hpack/hpack-decode.ts";
import { LongBlock } from "../../../../gateway/edge/hpack/long-block.ts";
import { huffman } from "./hpack-reference.ts";
import { textFields } from "../http2/peers.ts";

const limits = { bytes: 60 * 1024, fields: 100 };

/** A number with a prefix of so many bits, behind these bits. */
function number(bits: number, prefix: number, value: number): Buffer {
  const most = 2 ** prefix - 1;
  if (value < most) return Buffer.from([bits | value]);
  const bytes = [bits | most];
  let rest = value - most;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

const text = (value: string): Buffer => Buffer.concat([number(0, 7, value.length), Buffer.from(value)]);
const word = fc.oneof(
  fc.constantFrom("", "a", "x-b", "content-type"),
  fc.integer({ min: 1, max: 5000 }).map((bytes) => "w".repeat(bytes)),
  fc.constantFrom(16_384, 16_385, 70_000).map((bytes) => "h".repeat(bytes)),
);
const name = word.map((one) => (one === "" ? "e" : one));
const field = fc.oneof(
  fc.integer({ min: 1, max: 61 }).map((index) => number(0x80, 7, index)),
  fc.tuple(name, word).map(([one, value]) => Buffer.concat([Buffer.from([0x40]), text(one), text(value)])),
  fc.tuple(name, word).map(([one, value]) => Buffer.concat([Buffer.from([0x00]), text(one), text(value)])),
  fc
    .tuple(fc.integer({ min: 1, max: 61 }), word)
    .map(([index, value]) => Buffer.concat([number(0x40, 6, index), text(value)])),
  fc
    .tuple(fc.integer({ min: 1, max: 61 }), word)
    .map(([index, value]) => Buffer.concat([number(0x10, 4, index), text(value)])),
);
const start = fc.constantFrom(
  Buffer.alloc(0),
  number(0x20, 5, 0),
  number(0x20, 5, 2000),
  Buffer.concat([number(0x20, 5, 100), number(0x20, 5, 3000)]),
);

/** All entries of a table, the newest first. */
function entries(decoder: HpackDecoder): [string, string][] {
  const list = new HeaderList({ bytes: 1_000_000, fields: 200 });
  const { count } = decoder.table;
  // Those of pseudo headers show in no list of fields: their number says enough.
  expect(
    decoder.decode(
      Buffer.concat(Array.from({ length: count }, (_, i) => number(0x80, 7, 62 + i))),
      0,
      count < 66 ? count : count + (count - 65),
      list,
    ),
  ).toBe(true);
  return [["count", String(count)], ...textFields(list)];
}

test("whatever is in it, and wherever it is cut", () => {
  fc.assert(
    fc.property(
      start,
      fc.array(field, { minLength: 1, maxLength: 30 }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
      (first, fields, cuts) => {
        const block = Buffer.concat([first, ...fields]);
        const kept = new HpackDecoder(4096);
        const skipped = new HpackDecoder(4096);
        const list = new HeaderList(limits);
        expect(kept.decode(block, 0, block.length, list)).toBe(true);
        const long = new LongBlock(skipped, list);
        const places = [
          0,
          ...cuts.map((cut) => Math.floor(cut * block.length)).toSorted((a, b) => a - b),
          block.length,
        ];
        for (let i = 1; i < places.length; i++) expect(long.add(block.subarray(places[i - 1], places[i]))).toBe(true);
        expect(long.complete).toBe(true);
        expect(entries(skipped)).toEqual(entries(kept));
      },
    ),
    { numRuns: 300 },
  );
});

/** Fields with Huffman code, with names and values of the table, and any bytes. */
const encoded = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        fc.constantFrom(0x40, 0x00, 0x10),
        fc.constantFrom("a", "x-b", "x-long-name"),
        fc.constantFrom("", "1", "value".repeat(40)),
      )
      .map(([bits, one, value]) => Buffer.concat([Buffer.from([bits]), huffman(one), huffman(value)])),
  },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 70 }).map((index) => number(0x80, 7, index)) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom([0x40, 6] as const, [0x00, 4] as const, [0x10, 4] as const),
        fc.integer({ min: 1, max: 66 }),
      )
      .map(([[bits, prefix], index]) => Buffer.concat([number(bits, prefix, index), text("v")])),
  },
  { weight: 2, arbitrary: field },
  fc.integer({ min: 0, max: 4200 }).map((bytes) => number(0x20, 5, bytes)),
  fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
);

test("what is HPACK is HPACK for both", () => {
  fc.assert(
    fc.property(
      fc.array(encoded, { maxLength: 12 }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
      (fields, cuts) => {
        const block = Buffer.concat(fields);
        const kept = new HpackDecoder(4096);
        const skipped = new HpackDecoder(4096);
        const list = new HeaderList(limits);
        const isHpack = kept.decode(block, 0, block.length, list);
        const long = new LongBlock(skipped, list);
        const places = [
          0,
          ...cuts.map((cut) => Math.floor(cut * block.length)).toSorted((a, b) => a - b),
          block.length,
        ];
        expect(places.slice(1).every((to, at) => long.add(block.subarray(places[at], to))) && long.complete).toBe(
          isHpack,
        );
        if (isHpack) expect(entries(skipped)).toEqual(entries(kept));
      },
    ),
    { numRuns: 1000 },
  );
});

test("byte by byte", () => {
  const block = Buffer.concat([
    number(0x20, 5, 4000),
    Buffer.from([0x40]),
    text("a"),
    text("b"),
    Buffer.from([0x40]),
    text("h".repeat(17_000)),
    text("v".repeat(300)),
    Buffer.from([0x40]),
    text("c"),
    text("d".repeat(200)),
  ]);
  const decoder = new HpackDecoder(4096);
  const long = new LongBlock(decoder, new HeaderList(limits));
  for (let at = 0; at < block.length; at++) {
    expect(long.complete).toBe(at === 0 || at === 3 || at === 8 || at === 17_316);
    expect(long.add(block.subarray(at, at + 1))).toBe(true);
  }
  expect(long.complete).toBe(true);
  expect(entries(decoder)).toEqual([
    ["count", "1"],
    ["c", "d".repeat(200)],
  ]);
});

test.each([
  ["index 0", [0x80]],
  ["an index beyond the table", [0xff, 0x00]],
  ["a number without end", [0x7f, 0xff, 0xff, 0xff, 0xff, 0xff]],
  ["a size update behind a field", [0x82, 0x20]],
  ["three size updates", [0x20, 0x20, 0x20]],
  ["a size update above what is allowed", [0x3f, 0xff, 0x7f]],
  ["Huffman code that is none", [0x00, 0x81, 0x00, 0x01, 0x61]],
])("%s is malformed", (_, bytes) => {
  expect(new LongBlock(new HpackDecoder(4096), new HeaderList(limits)).add(Buffer.from(bytes))).toBe(false);
});
