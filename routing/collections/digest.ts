// Digest: 64 bits over the content of plain values. Equal content has equal digests whatever the order of keys; sums of digests do not
// depend on the order of what is summed. Without a key it tells replicas apart, not adversaries: whoever knows what a digest begins with writes two
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

/** What digests begin with. */
export interface DigestKey extends Digest {
  /** Digests of names of fields: few, and digested for every object. Bounded, because tenants name the keys of labels. */
  readonly names: Map<string, Digest>;
  readonly recent: RecentDigests;
}

const maxNames = 1024;

/** The parts that were digested last, and their digests. */
interface RecentDigests {
  readonly parts: (object | null)[];
  readonly high: Int32Array;
  readonly low: Int32Array;
  next: number;
}

/** Parts that Mappings of one object share come again within so many. */
const maxRecent = 16;

export function digestKey({ high: highKey, low: lowKey }: Digest): DigestKey {
  const recent = {
    parts: Array.from({ length: maxRecent }, () => null),
    high: new Int32Array(maxRecent),
    low: new Int32Array(maxRecent),
    next: 0,
  };
  return { high: highKey | 0, low: lowKey | 0, names: new Map(), recent };
}

/** Nobody is told of it: content that others write cannot be made to have one digest. `draw` gives a whole number below what it is asked, that nobody can guess. */
export function drawnKey(draw: (below: number) => number): DigestKey {
  return digestKey({ high: draw(2 ** 32), low: draw(2 ** 32) });
}

/** Known to everybody: replicas say the same. */
export const openKey = digestKey({ high: 0x2c1b3c6d, low: 0x297a2d39 });

let current = openKey;

export function digestOf(value: unknown, key: DigestKey = openKey): Digest {
  current = key;
  digest(value);
  return { high, low };
}

/**
 * As `digestOf`, of one of several objects that come one after the other and hold the same parts: a part that was digested lately is not digested again. No
 * part ever changes.
 */
export function digestOfKin(value: object, key: DigestKey = openKey): Digest {
  current = key;
  digestObject(value as Readonly<Record<string, unknown>>, true);
  return { high, low };
}

// Digests of parts that many Mappings share (k8s/translate/collections/common-part.ts): three quarters of the keys of a Mapping are in them.
const kept = new WeakMap<object, WeakMap<DigestKey, Digest>>();

/** Digests a frozen value once for each key. */
export function keepDigest(value: object): void {
  kept.set(value, new WeakMap());
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
  const byKey = kept.get(value);
  const known = byKey?.get(current);
  if (known !== undefined) {
    high = known.high;
    low = known.low;
    return;
  }
  digestParts(value);
  byKey?.set(current, { high, low });
}

function digestParts(value: object): void {
  if (Array.isArray(value)) digestList(value);
  else digestObject(value as Readonly<Record<string, unknown>>, false);
}

function digestRecent(value: object): void {
  const { recent } = current;
  const known = recent.parts.indexOf(value);
  if (known >= 0) {
    high = recent.high[known]!;
    low = recent.low[known]!;
    return;
  }
  digestShared(value);
  const { next } = recent;
  recent.parts[next] = value;
  recent.high[next] = high;
  recent.low[next] = low;
  recent.next = (next + 1) % maxRecent;
}

function digestText(text: string, kind: number): void {
  let a = kind ^ current.high;
  let b = kind ^ current.low;
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

/** A sum over the keys: the order of keys does not count. `isKin`: its parts may be among the recent ones. */
function digestObject(object: Readonly<Record<string, unknown>>, isKin: boolean): void {
  let a = 5;
  let b = 5;
  for (const key in object) {
    const value = object[key];
    if (isKin && typeof value === "object" && value !== null) digestRecent(value);
    else digest(value);
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
  const { names } = current;
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
