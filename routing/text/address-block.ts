// Blocks of addresses (CIDR), of IPv4 and of IPv6: their grammar, and whether an address lies in a list of them.
import { parseAddress, printAddress } from "./address.ts";

/** Blocks that one object may name in a list, and the platform in one. */
export const mostOwnersBlocks = 100;
export const mostPlatformBlocks = 1000;

export type ParsedBlocks =
  /** In one spelling each, none twice: `10.0.0.0/8`, `2001:db8::/32`; one address is a block too, `192.0.2.7/32`. */
  | { readonly kind: "blocks"; readonly blocks: readonly string[] }
  /** Words that follow the text: what is wrong. */
  | { readonly kind: "wrong"; readonly reason: string };

/** A list as people write it: commas, white space or both between blocks. An empty one is wrong: it would mean no address or every address. */
export function parseBlocks(text: string, most: number): ParsedBlocks {
  if (text.length > most * longestBlock * 2) return { kind: "wrong", reason: `is longer than ${most} blocks can be` };
  const words = text.split(/[\s,]+/).filter((word) => word !== "");
  return readBlocks(words, most);
}

/** The same of blocks that are told apart already. */
export function readBlocks(words: readonly string[], most: number): ParsedBlocks {
  if (words.length === 0) return { kind: "wrong", reason: "names no address" };
  if (words.length > most) return { kind: "wrong", reason: `has ${words.length} blocks, and ${most} are the most` };
  const blocks = new Set<string>();
  for (const word of words) {
    const block = parseBlock(word);
    if (typeof block === "string") return { kind: "wrong", reason: block };
    blocks.add(`${printAddress(block.bytes)}/${block.bits}`);
  }
  return { kind: "blocks", blocks: [...blocks] };
}

/** `0000:0000:0000:0000:0000:ffff:255.255.255.255/128` and a comma. */
const longestBlock = 50;

interface Block {
  /** 4 or 16. */
  readonly bytes: readonly number[];
  /** How many leading bits count, 0..32 or 0..128. */
  readonly bits: number;
}

/** A block, or what is wrong with it. IPv6 that maps IPv4 is that, with its length counted so. */
function parseBlock(word: string): Block | string {
  const shown = `"${word.slice(0, longestBlock).replaceAll(/[^ -~]/g, "?")}"`;
  const [, address = "", length = ""] = /^([^/]*)(?:\/(0|[1-9]\d{0,2}))?$/.exec(word) ?? [];
  const bytes = parseAddress(address);
  if (bytes === null) return `has ${shown}, which is neither an address nor a block`;
  const mapped = bytes.length === 4 && address.includes(":");
  const whole = mapped ? 128 : bytes.length * 8;
  const written = length === "" ? whole : Number(length);
  if (written > whole) return `has ${shown}, whose length is over ${whole}`;
  if (mapped && written < 96) return `has ${shown}, which holds IPv4 and IPv6 addresses: name the blocks of each`;
  const bits = mapped ? written - 96 : written;
  const block = bytes.map((byte, index) => byte & maskOf(bits, index));
  if (block.some((byte, index) => byte !== bytes[index]))
    return `has ${shown}, whose address has bits behind its length: write ${printAddress(block)}/${bits} for the block, or ${printAddress(bytes)} for the one address`;
  return { bytes, bits };
}

/** Of byte `index`, the bits that count in a block of this length. */
function maskOf(bits: number, index: number): number {
  return (0xff00 >> Math.min(8, Math.max(0, bits - index * 8))) & 0xff;
}

/** Blocks, ready to be asked. Those of one family hold no address of the other: `::/0` is every IPv6 address. */
export class AddressBlocks {
  readonly #ipv4: SortedBlocks;
  readonly #ipv6: SortedBlocks;

  /** Of canonical blocks. Any other block is a bug, since a shorter list would let others in. */
  constructor(blocks: readonly string[]) {
    const parsed = blocks.map((text) => {
      const block = parseBlock(text);
      if (typeof block === "string") throw new Error(`the list ${block}`);
      return block;
    });
    this.#ipv4 = new SortedBlocks(
      parsed.filter(({ bytes }) => bytes.length === 4),
      4,
    );
    this.#ipv6 = new SortedBlocks(
      parsed.filter(({ bytes }) => bytes.length === 16),
      16,
    );
  }

  /** Does the address, the first `length` (4 or 16) bytes, lie in one of the blocks? Allocates nothing. */
  holds(address: Uint8Array, length: 4 | 16): boolean {
    return (length === 4 ? this.#ipv4 : this.#ipv6).holds(address);
  }
}

/** Blocks of one family. Two blocks are apart or one holds the other; without those that another holds, the last that begins at or before an address is the only one that can hold it. */
class SortedBlocks {
  readonly #width: number;
  readonly #count: number;
  /** First and last address of each. */
  readonly #first: Uint8Array;
  readonly #last: Uint8Array;

  constructor(blocks: readonly Block[], width: number) {
    const sorted = [...blocks].sort((a, b) => compareBytes(a.bytes, b.bytes) || a.bits - b.bits);
    const first: number[] = [];
    const last: number[] = [];
    for (const { bytes, bits } of sorted) {
      if (last.length > 0 && compareBytes(bytes, last.slice(-width)) <= 0) continue;
      first.push(...bytes);
      last.push(...bytes.map((byte, index) => byte | (~maskOf(bits, index) & 0xff)));
    }
    this.#width = width;
    this.#count = first.length / width;
    this.#first = Uint8Array.from(first);
    this.#last = Uint8Array.from(last);
  }

  holds(address: Uint8Array): boolean {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareAt(this.#first, middle * this.#width, address, this.#width) <= 0) low = middle + 1;
      else high = middle;
    }
    return low > 0 && compareAt(this.#last, (low - 1) * this.#width, address, this.#width) >= 0;
  }
}

function compareBytes(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return 0;
}

function compareAt(bytes: Uint8Array, at: number, address: Uint8Array, width: number): number {
  for (let i = 0; i < width; i++) if (bytes[at + i] !== address[i]) return bytes[at + i]! - address[i]!;
  return 0;
}
