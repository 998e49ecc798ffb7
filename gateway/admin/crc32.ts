// CRC-32 (RFC 1952 §8) of a text whose parts are known: that of two parts together follows from those of each, so a part that comes again and again is looked at once.
//
// A "sum" here is the register without the two inversions, begun at 0: of `a` and then `b` it is shifted(sum of a, shiftOf(length of b)) ^ sum of b.

const polynomial = 0xedb88320;

/** By byte: what it makes of a register of 0. */
const byteSums = new Int32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ polynomial : sum >>> 1;
  byteSums[byte] = sum;
}

/** The sum of one more byte. */
export function withByte(sum: number, byte: number): number {
  return byteSums[(sum ^ byte) & 0xff]! ^ (sum >>> 8);
}

/** The sum of `bytes` from `start` to `end` behind what `sum` is of. */
export function withBytes(sum: number, bytes: Uint8Array, start: number, end: number): number {
  let all = sum;
  for (let at = start; at < end; at++) all = byteSums[(all ^ bytes[at]!) & 0xff]! ^ (all >>> 8);
  return all;
}

/** What becomes of a register when bytes of 0 follow: for each byte of it, 256 registers. */
export type Shift = Int32Array;

/** By how many bytes follow. Few lengths are asked for. */
const shifts = new Map<number, Shift>();
/** Longer ones are made each time: their number has no bound. */
const mostKept = 1024;

export function shiftOf(length: number): Shift {
  return shifts.get(length) ?? makeShift(length);
}

export function shifted(sum: number, shift: Shift): number {
  return shift[sum & 0xff]! ^ shift[256 + ((sum >>> 8) & 0xff)]! ^ shift[512 + ((sum >>> 16) & 0xff)]! ^ shift[768 + (sum >>> 24)]!;
}

function makeShift(length: number): Shift {
  const shift = new Int32Array(1024);
  for (let bit = 0; bit < 32; bit++) {
    let sum = 1 << bit;
    for (let byte = 0; byte < length; byte++) sum = withByte(sum, 0);
    shift[(bit >>> 3) * 256 + (1 << (bit & 7))] = sum;
  }
  // It is linear: what becomes of a byte is made of what becomes of its bits.
  for (let part = 0; part < 1024; part += 256) {
    for (let byte = 1; byte < 256; byte++) shift[part + byte] = shift[part + (byte & -byte)]! ^ shift[part + (byte & (byte - 1))]!;
  }
  if (length <= mostKept) shifts.set(length, shift);
  return shift;
}
