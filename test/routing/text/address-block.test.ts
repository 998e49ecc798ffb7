import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AddressBlocks, mostOwnersBlocks, parseBlocks, readBlocks } from "../../../routing/text/address-block.ts";
import { parseAddress, printAddress, readAddress } from "../../../routing/text/address.ts";

function blocksOf(text: string): readonly string[] {
  const parsed = parseBlocks(text, mostOwnersBlocks);
  if (parsed.kind === "wrong") throw new Error(parsed.reason);
  return parsed.blocks;
}

function wrongOf(text: string): string {
  const parsed = parseBlocks(text, mostOwnersBlocks);
  return parsed.kind === "wrong" ? parsed.reason : parsed.blocks.join(", ");
}

const room = new Uint8Array(16);

function holds(blocks: readonly string[], address: string): boolean {
  const length = readAddress(Buffer.from(address), 0, address.length, room);
  if (length === 0) throw new Error(`${address} is no address`);
  return new AddressBlocks(blocks).holds(room, length);
}

describe("addresses", () => {
  test.each([
    ["192.0.2.7", "192.0.2.7"],
    ["0.0.0.0", "0.0.0.0"],
    ["255.255.255.255", "255.255.255.255"],
    ["2001:DB8::1", "2001:db8::1"],
    ["2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"],
    ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
    ["::", "::"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["::FFFF:c000:207", "192.0.2.7"],
    ["0000:0000:0000:0000:0000:ffff:255.255.255.255", "255.255.255.255"],
    ["64:ff9b::192.0.2.7", "64:ff9b::c000:207"],
  ])("%s is %s", (text, canonical) => {
    expect(printAddress(parseAddress(text)!)).toBe(canonical);
  });

  test.each([
    "",
    " ",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.",
    ".1.2.3",
    "1.2.3.256",
    "1.2.3.04",
    "1.2.3.4 ",
    " 1.2.3.4",
    "1.2.3.4:80",
    "0x1.2.3.4",
    "16909060",
    ":",
    ":::",
    "1:",
    ":1",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "12345::",
    "g::",
    "1:::2",
    "[::1]",
    "fe80::1%eth0",
    "10.0.0.1::1",
    "::1.2.3",
    "1:2:3:4:5:6:7:1.2.3.4",
    "unknown",
    "１.2.3.4",
    "0000:0000:0000:0000:0000:ffff:255.255.255.2555",
  ])("%j is none", (text) => {
    expect(parseAddress(text)).toBeNull();
  });

  test("what is printed is read as the same", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 })),
        (bytes) => {
          const printed = printAddress([...bytes]);
          expect(printAddress(parseAddress(printed)!)).toBe(printed);
        },
      ),
    );
  });

  test("bytes of anything are read without a fault, and as their text is", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom("0", "1", "ff", "::", ":", ".", "255", "256", "01", "10.0.0.1", "::ffff:", "g", "\0", "é"),
          { maxLength: 8 },
        ),
        (pieces) => {
          const bytes = Buffer.from(pieces.join(""), "latin1");
          const length = readAddress(bytes, 0, bytes.length, room);
          expect(length === 0 ? null : [...room.subarray(0, length)]).toEqual(parseAddress(bytes.toString("latin1")));
        },
      ),
    );
  });
});

describe("lists of blocks", () => {
  test.each([
    ["10.0.0.0/8", ["10.0.0.0/8"]],
    ["192.0.2.7", ["192.0.2.7/32"]],
    ["2001:DB8::/32, ::1", ["2001:db8::/32", "::1/128"]],
    ["10.0.0.0/8,\n  10.0.0.0/8\t192.0.2.0/24,", ["10.0.0.0/8", "192.0.2.0/24"]],
    ["0.0.0.0/0 ::/0", ["0.0.0.0/0", "::/0"]],
    // One spelling an address: IPv6 that maps IPv4 is that.
    ["::ffff:10.0.0.0/104, ::ffff:192.0.2.7", ["10.0.0.0/8", "192.0.2.7/32"]],
    ["::ffff:0:0/96", ["0.0.0.0/0"]],
  ])("%j", (text, blocks) => {
    expect(blocksOf(text)).toEqual(blocks);
  });

  test.each([
    ["", "names no address"],
    [" , \n", "names no address"],
    ["office", 'has "office", which is neither an address nor a block'],
    ["10.0.0.0/8, 10/8", 'has "10/8", which is neither an address nor a block'],
    ["10.0.0.0/", 'has "10.0.0.0/", which is neither an address nor a block'],
    ["10.0.0.0/08", 'has "10.0.0.0/08", which is neither an address nor a block'],
    ["10.0.0.0/8/8", 'has "10.0.0.0/8/8", which is neither an address nor a block'],
    ["10.0.0.0/255.0.0.0", 'has "10.0.0.0/255.0.0.0", which is neither an address nor a block'],
    ["10.0.0.0/33", 'has "10.0.0.0/33", whose length is over 32'],
    ["::/129", 'has "::/129", whose length is over 128'],
    [
      "10.1.0.0/8",
      'has "10.1.0.0/8", whose address has bits behind its length: write 10.0.0.0/8 for the block, or 10.1.0.0 for the one address',
    ],
    [
      "2001:db8::1/64",
      'has "2001:db8::1/64", whose address has bits behind its length: write 2001:db8::/64 for the block, or 2001:db8::1 for the one address',
    ],
    ["::ffff:0:0/95", 'has "::ffff:0:0/95", which holds IPv4 and IPv6 addresses: name the blocks of each'],
    ["fe80::1%eth0", 'has "fe80::1%eth0", which is neither an address nor a block'],
    ["\u001b[31m", 'has "?[31m", which is neither an address nor a block'],
  ])("%j is wrong", (text, reason) => {
    expect(wrongOf(text)).toBe(reason);
  });

  test.each([
    [mostOwnersBlocks - 1, true],
    [mostOwnersBlocks, true],
    [mostOwnersBlocks + 1, false],
  ])("%i blocks: %s", (count, good) => {
    const words = Array.from({ length: count }, (_, index) => `10.0.${index}.0/24`);
    expect(readBlocks(words, mostOwnersBlocks).kind === "blocks").toBe(good);
    expect(parseBlocks(words.join(), mostOwnersBlocks).kind === "blocks").toBe(good);
  });

  test("a text that is longer than the blocks can be is not looked at", () => {
    expect(wrongOf(` ${"1".repeat(10_000)}`)).toBe("is longer than 100 blocks can be");
  });

  test.each([
    ["10.0.0.0/8", "9.255.255.255", false],
    ["10.0.0.0/8", "10.0.0.0", true],
    ["10.0.0.0/8", "10.255.255.255", true],
    ["10.0.0.0/8", "11.0.0.0", false],
    ["10.0.0.0/8", "::ffff:10.1.2.3", true],
    ["192.0.2.7", "192.0.2.6", false],
    ["192.0.2.7", "192.0.2.7", true],
    ["192.0.2.7", "192.0.2.8", false],
    ["192.0.2.128/25", "192.0.2.127", false],
    ["192.0.2.128/25", "192.0.2.128", true],
    ["0.0.0.0/0", "255.255.255.255", true],
    ["0.0.0.0/0", "::1", false],
    ["::/0", "::1", true],
    ["::/0", "10.0.0.1", false],
    ["2001:db8::/33", "2001:db8:7fff::", true],
    ["2001:db8::/33", "2001:db8:8000::", false],
  ])("%s and %s: %s", (blocks, address, held) => {
    expect(holds(blocksOf(blocks), address)).toBe(held);
  });

  test("a list holds what one of its blocks holds, in any order and one within another", () => {
    const width = fc.constantFrom(4, 16);
    const few = fc.constantFrom(0, 1, 127, 128, 255);
    const address = width.chain((length) => fc.array(few, { minLength: length, maxLength: length }));
    const block = address.chain((bytes) =>
      fc.nat({ max: bytes.length * 8 }).map((bits) => ({
        bytes: bytes.map((byte, index) =>
          index * 8 >= bits ? 0 : index * 8 + 8 <= bits ? byte : byte & (0xff00 >> (bits - index * 8)) & 0xff,
        ),
        bits,
      })),
    );
    const bitsOf = (bytes: readonly number[]): string =>
      bytes.map((byte) => byte.toString(2).padStart(8, "0")).join("");
    fc.assert(
      fc.property(fc.array(block, { maxLength: 12 }), address, (blocks, bytes) => {
        // Mapped ones are of the other family.
        const plain = blocks.filter((one) => one.bytes.length === parseAddress(printAddress(one.bytes))?.length);
        fc.pre(parseAddress(printAddress(bytes))?.length === bytes.length);
        const naive = plain.some(
          (one) =>
            one.bytes.length === bytes.length &&
            bitsOf(one.bytes).slice(0, one.bits) === bitsOf(bytes).slice(0, one.bits),
        );
        expect(
          new AddressBlocks(plain.map((one) => `${printAddress(one.bytes)}/${one.bits}`)).holds(
            Uint8Array.from(bytes),
            bytes.length as 4 | 16,
          ),
        ).toBe(naive);
      }),
      { numRuns: 2000 },
    );
  });

  test("no block holds nothing; what is none is a bug", () => {
    expect(new AddressBlocks([]).holds(room, 4)).toBe(false);
    expect(() => new AddressBlocks(["10.1.0.0/8"])).toThrow("bits behind its length");
  });
});
