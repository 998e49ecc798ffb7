// Digest: 64 bits over the content of plain values. Equal content has equal digests whatever the order of keys; sums of digests do not
// depend on the order of what is summed. It tells replicas apart, not adversaries: whoever reads this writes two
// texts of one digest within seconds.

/** Two lanes of 32 bits. */
export interface Digest {
  readonly high: number;
  readonly low: number;
}

export const noDigest: Digest = Object.freeze({ high: 0, low: 0 });

// The lanes of the value that was digested last: recursion would otherwise allocate a pair for every key of every Mapping.
let high = 0;
let low = 0;

/** What digests begin with: known to everybody, so that replicas say the same. */
const start: Digest = { high: 0x2c1b3c6d, low: 0x297a2d39 };

/** Digests of names of fields: few, and digested for every object. Bounded, because tenants name the keys of labels. */
const names = new Map<string, Digest>();
const maxNames = 1024;

export function digestOf(value: unknown): Digest {
  digest(value);
  return { high, low };
}

// Digests of parts that many Mappings share (k8s/translate/collections/common-part.ts): three quarters of the keys of a Mapping are in them.
const kept = new WeakMap<object, Digest | null>();

/** Digests a frozen value once. */
export function keepDigest(value: object): void {
  kept.set(value, null);
}

/** Lane by lane, modulo 2^32; `times` −1 takes away. */
export function addDigest(sum: Digest, part: Digest, times: 1 | -1): Digest {
  return { high: (sum.high + times * part.high) | 0, low: (sum.low + times * part.low) | 0 };
}

/** 16 hexadecimal digits. */
export function printDigest(sum: Digest): string {
  return (sum.high >>> 0).toString(16).padStart(8, "0") + (sum.low >>> 0).toString(16).padStart(8, "0");
}

function digest(value: unknown): void {
  if (typeof value === "string") digestText(value, 1);
  else if (typeof value !== "object" || value === null) digestText(String(value), 2);
  else digestShared(value);
}

function digestShared(value: object): void {
  const known = kept.get(value);
  if (known !== undefined && known !== null) {
    high = known.high;
    low = known.low;
    return;
  }
  if (Array.isArray(value)) digestList(value);
  else digestObject(value as Readonly<Record<string, unknown>>);
  if (known === null) kept.set(value, { high, low });
}

function digestText(text: string, kind: number): void {
  let a = kind ^ start.high;
  let b = kind ^ start.low;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // Shifted, or what differs in high bits never comes down again.
    a = Math.imul(a ^ unit, 0x01000193);
    a ^= a >>> 15;
    b = Math.imul(b ^ unit, 0x85ebca6b);
    b ^= b >>> 13;
  }
  high = mixed(a ^ text.length);
  low = mixed(b ^ text.length);
}

function digestList(list: readonly unknown[]): void {
  let a = 3;
  let b = 3;
  for (const value of list) {
    digest(value);
    a = mixed(a ^ high);
    b = mixed(b ^ low);
  }
  high = mixed(a ^ list.length);
  low = mixed(b ^ list.length);
}

/** A sum over the keys: the order of keys does not count. */
function digestObject(object: Readonly<Record<string, unknown>>): void {
  let a = 5;
  let b = 5;
  for (const key in object) {
    const value = object[key];
    digest(value);
    const valueHigh = high;
    const valueLow = low;
    const name = digestOfName(key);
    a += mixed(Math.imul(name.high, 31) ^ valueHigh);
    b += mixed(Math.imul(name.low, 31) ^ valueLow);
  }
  high = mixed(a | 0);
  low = mixed(b | 0);
}

function digestOfName(name: string): Digest {
  let known = names.get(name);
  if (known === undefined) {
    digestText(name, 4);
    known = { high, low };
    if (names.size < maxNames) names.set(name, known);
  }
  return known;
}

/** Murmur3's finaliser. */
function mixed(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
