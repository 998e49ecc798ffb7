// KeyHash: 64 bits of the key by which a caller stays with a member of a Route, seeded with the identity of the Route. Pieces of bytes, one after the other.
// The same in every worker, replica, release and restart (golden values hold it): a change here moves callers of every Route. It is no secret: callers
// who know it can choose where their own requests go, as they can by choosing another key, and nothing else.
import type { Digest } from "./digest.ts";

/** The longest key that counts, bytes: of a longer one its first bytes and its length. */
export const maxKeyBytes = 4096;

// Lanes of the key that is hashed at the moment: an object for each request would cost more than the hash.
let high = 0;
let low = 0;
let length = 0;

export function beginKey({ high: highSeed, low: lowSeed }: Digest): void {
  high = highSeed;
  low = lowSeed;
  length = 0;
}

export function addByte(byte: number): void {
  if (length++ >= maxKeyBytes) return;
  high = Math.imul(high ^ byte, 0x01000193);
  high ^= high >>> 15;
  low = Math.imul(low ^ byte, 0x85ebca6b);
  low ^= low >>> 13;
}

export function addBytes(bytes: Uint8Array, start: number, end: number): void {
  const counted = Math.min(end, start + Math.max(0, maxKeyBytes - length));
  let a = high;
  let b = low;
  for (let at = start; at < counted; at++) {
    const byte = bytes[at]!;
    a = Math.imul(a ^ byte, 0x01000193);
    a ^= a >>> 15;
    b = Math.imul(b ^ byte, 0x85ebca6b);
    b ^= b >>> 13;
  }
  high = a;
  low = b;
  length += end - start;
}

/** Positions on the circle of a Split: 0 to `circle` − 1. Whole numbers, so that sums of them are exact. */
export const circle = 2 ** 48;

/** Where the key falls. */
export function endKey(): number {
  const first = mixed(high ^ length);
  return first * 0x10000 + (mixed(low ^ Math.imul(first, 0x9e3779b1)) >>> 16);
}

/** Another number of the same key, in [0, 1): what is drawn with it depends on nothing that was decided by `point`. `salt`: 32 bits. */
export function secondDraw(point: number, salt: number): number {
  const upper = Math.floor(point / 0x10000);
  return mixed(mixed(upper ^ salt) ^ Math.imul(point % 0x10000, 0x85ebca6b)) / 0x1_0000_0000;
}

/** Murmur3's finaliser: 32 bits, 0 or more. */
function mixed(number: number): number {
  let hash = Math.imul(number ^ (number >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
