// Tables for consistent hashing: the same hash goes to the same Endpoint while it serves, and when one comes or goes only the hashes that are
// its own move. Bounded in bytes, built when first asked for, and anew when the Endpoints change; an Endpoint that may not take a request now
// is passed over without a new table, so that nobody else's hashes move.
import { hashText, mix } from "./sticky-hash.ts";
import type { Candidate } from "./candidates.ts";

export interface HashTable<T extends Candidate> {
  /** `hash`: any 32-bit number. `tried` are left out; null: nobody may take it. */
  pick(hash: number, tried: readonly Candidate[], nowMs: number): T | null;
}

/** Points of one Endpoint on the ring: its share differs from the mean by some 8 %. */
const mostPoints = 160;
/** Points of a ring, 6 bytes each. With more Endpoints than this gives each `mostPoints`, each has fewer. */
const ringPoints = 65_536;

/** Ketama's ring (Envoy's `ring_hash`): a hash belongs to the first point at or after it. */
export function ringOf<T extends Candidate>(candidates: readonly T[]): HashTable<T> {
  const sorted = byAddress(candidates);
  const each = Math.max(1, Math.min(mostPoints, Math.floor(ringPoints / Math.max(1, sorted.length))));
  // Point and owner in one number, so that a plain sort of numbers will do: 32 bits and 16 bits.
  const points = new Float64Array(sorted.length * each);
  for (const [owner, { address }] of sorted.entries()) {
    const seed = hashText(address);
    for (let i = 0; i < each; i++) points[owner * each + i] = mix(seed + Math.imul(i, 0x9e3779b1)) * 65_536 + owner;
  }
  points.sort();
  const at = Uint32Array.from(points, (point) => Math.floor(point / 65_536));
  const owners = Uint16Array.from(points, (point) => point % 65_536);
  return { pick: (hash, tried, nowMs) => walk(sorted, owners, firstAtOrAfter(at, hash >>> 0), tried, nowMs) };
}

/** Sizes of a Maglev table, primes: the small one for up to this many Endpoints. */
const smallMaglev = 8191;
const largeMaglev = 65_537;
const fewEndpoints = 64;

/**
 * Maglev's table (Eisenbud et al., NSDI 2016): Endpoints fill it in turn, each in its own order of places, so that shares are even to about
 * 1 %; when one comes or goes a few per cent of the others' hashes move as well.
 */
export function maglevOf<T extends Candidate>(candidates: readonly T[]): HashTable<T> {
  const sorted = byAddress(candidates);
  const size = sorted.length <= fewEndpoints ? smallMaglev : largeMaglev;
  const owners = new Uint16Array(size);
  const free = new Uint8Array(size).fill(1);
  const places = sorted.map(({ address }) => hashText(address) % size);
  const skips = sorted.map(({ address }) => (mix(hashText(address) ^ 0x5bd1e995) % (size - 1)) + 1);
  let left = sorted.length === 0 ? 0 : size;
  for (let owner = 0; left > 0; owner = (owner + 1) % sorted.length) {
    let place = places[owner]!;
    while (free[place] === 0) place = (place + skips[owner]!) % size;
    free[place] = 0;
    owners[place] = owner;
    places[owner] = place;
    left -= 1;
  }
  return { pick: (hash, tried, nowMs) => walk(sorted, owners, (hash >>> 0) % size, tried, nowMs) };
}

/** Most Endpoints that a table tells apart. */
const mostOwners = 65_536;

function byAddress<T extends Candidate>(candidates: readonly T[]): readonly T[] {
  return candidates.toSorted((a, b) => (a.address < b.address ? -1 : 1)).slice(0, mostOwners);
}

/** The owner of the place, or of the first after it whose owner may take the request. */
function walk<T extends Candidate>(
  candidates: readonly T[],
  owners: Uint16Array,
  from: number,
  tried: readonly Candidate[],
  nowMs: number,
): T | null {
  if (candidates.length === 0) return null;
  const usable = (candidate: T): boolean => !tried.includes(candidate) && candidate.mayTake(nowMs);
  const natural = candidates[owners[from]!]!;
  if (usable(natural)) return natural;
  if (!candidates.some(usable)) return null;
  for (let place = (from + 1) % owners.length; ; place = (place + 1) % owners.length) {
    const candidate = candidates[owners[place]!]!;
    if (usable(candidate)) return candidate;
  }
}

/** Index of the first point that is not below `hash`, around the ring. */
function firstAtOrAfter(points: Uint32Array, hash: number): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (points[middle]! < hash) low = middle + 1;
    else high = middle;
  }
  return low === points.length ? 0 : low;
}
