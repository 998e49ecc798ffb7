// Huffman code of HPACK (RFC 7541 Appendix B). The code is canonical: the lengths say everything. Decoded four bits at a time through a
// table of 16 KiB, which stays in the first-level cache; a table for whole bytes would take 256 KiB.

/** Bits of each symbol's code; the last is EOS. */
const lengths = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26, 30,
] as const;

const eos = 256;

// A cell of the table: the next state in bits 0–7, then these, then the symbol from bit 16 on.
const emits = 1 << 8;
const fails = 1 << 9;

const cells = new Int32Array(256 * 16);
/** States in which a string may end: at most seven bits, all ones (RFC 7541 §5.2). */
const mayEnd = new Uint8Array(256);

/** An inner node: its children are inner nodes (0 and up) or symbols (−1 − symbol). */
interface Node {
  readonly children: [number | null, number | null];
}

function build(): void {
  const nodes: Node[] = [{ children: [null, null] }];
  let code = 0;
  let previousLength = 0;
  const symbols = lengths.map((_, symbol) => symbol).sort((a, b) => lengths[a]! - lengths[b]! || a - b);
  for (const symbol of symbols) {
    const length = lengths[symbol]!;
    code = previousLength === 0 ? 0 : (code + 1) * 2 ** (length - previousLength);
    previousLength = length;
    let node = 0;
    for (let bit = length - 1; bit >= 0; bit--) {
      const side = (code >>> bit) & 1;
      if (bit === 0) {
        nodes[node]!.children[side] = -1 - symbol;
      } else {
        const next = nodes[node]!.children[side] ?? nodes.push({ children: [null, null] }) - 1;
        nodes[node]!.children[side] = next;
        node = next;
      }
    }
  }
  for (let state = 0; state < nodes.length; state++) {
    for (let nibble = 0; nibble < 16; nibble++) cells[state * 16 + nibble] = cellOf(nodes, state, nibble);
  }
  for (let state = 0, depth = 0; depth < 8; depth++) {
    mayEnd[state] = 1;
    state = nodes[state]!.children[1]!;
  }
}

function cellOf(nodes: readonly Node[], state: number, nibble: number): number {
  let node = state;
  let cell = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const next = nodes[node]!.children[(nibble >>> bit) & 1]!;
    if (next >= 0) {
      node = next;
      continue;
    }
    const symbol = -1 - next;
    if (symbol === eos) return fails;
    // Codes have at least five bits: four bits end at most one.
    cell = emits | (symbol << 16);
    node = 0;
  }
  return cell | node;
}

build();

/** Not the code: EOS inside a string, or padding that is longer than seven bits or not all ones. */
export const huffmanMalformed = -1;
/** `into` has no room for the string. */
export const huffmanTooLong = -2;

/** Decodes `bytes[start..end)` to `into` from `at` on, not beyond `limit`; returns where the string ends, or one of the codes above. */
export function decodeHuffman(
  bytes: Uint8Array,
  start: number,
  end: number,
  into: Uint8Array,
  at: number,
  limit: number,
): number {
  let state = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    let cell = cells[(state << 4) | (byte >>> 4)]!;
    if ((cell & (emits | fails)) !== 0) {
      if ((cell & fails) !== 0) return huffmanMalformed;
      if (at >= limit) return huffmanTooLong;
      into[at++] = cell >>> 16;
    }
    cell = cells[((cell & 0xff) << 4) | (byte & 15)]!;
    if ((cell & (emits | fails)) !== 0) {
      if ((cell & fails) !== 0) return huffmanMalformed;
      if (at >= limit) return huffmanTooLong;
      into[at++] = cell >>> 16;
    }
    state = cell & 0xff;
  }
  return mayEnd[state] === 1 ? at : huffmanMalformed;
}
