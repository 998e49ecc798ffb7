// Claims: who gets a prefix of shared space. A pure contest over a set of claims; the Translator keeps who holds what.
import { compareText } from '../../routing/problem.ts';
import { hostText } from '../../routing/order.ts';
import { hostsOverlap } from './grant.ts';
import { beginsWith, foldedText, samePath } from './letter-case.ts';
import type { Claim } from './unit.ts';

/** A claim and who makes it. */
export interface Claimant {
  readonly claim: Claim;
  readonly namespace: string;
  /** RFC 3339 or "". */
  readonly createdAt: string;
  readonly name: string;
  /** Unique: id of the Mapping. */
  readonly id: string;
}

/** A claimant that lost, and one that it lost to. */
export interface Contest {
  readonly loser: Claimant;
  readonly winner: Claimant;
}

/** Text by which a claim is remembered as held. */
export function claimText({ prefix, exact, caseSensitive, host }: Claim): string {
  return `${hostText(host)} ${exact ? '=' : ''}${caseSensitive ? prefix : `~${foldedText(prefix)}`}`;
}

/**
 * Decides all claims: granted before ungranted, then the namespace that holds the prefix already, then by creation, namespace and name. A claim
 * loses when one of another namespace that won before it overlaps it. `holds` says whether a claimant's namespace holds its claim now.
 */
export function decideClaims(claimants: readonly Claimant[], holds: (claimant: Claimant) => boolean): readonly Contest[] {
  const ordered = claimants.map((claimant) => ({ claimant, held: holds(claimant) })).sort((a, b) => compareRanks(a.claimant, b.claimant) || Number(b.held) - Number(a.held) || compareClaimants(a.claimant, b.claimant));
  const accepted = new AcceptedClaims(claimants);
  const losers: Claimant[] = [];
  for (const { claimant } of ordered) {
    if (accepted.against(claimant) === null) accepted.add(claimant);
    else losers.push(claimant);
  }
  // Who is named as winner depends on who won alone, not on the order in which it was found out.
  return losers.flatMap((loser) => accepted.allAgainst(loser).map((winner) => ({ loser, winner })));
}

/** A claim on `/` may lose to thousands: so many of them are told, and it tells so many. */
const namedHolders = 16;

const ranks: Readonly<Record<Claim['rank'], number>> = { granted: 0, open: 1, ungranted: 2 };

function compareRanks(a: Claimant, b: Claimant): number {
  return ranks[a.claim.rank] - ranks[b.claim.rank];
}

function compareRanked(a: Claimant, b: Claimant): number {
  return compareRanks(a, b) || compareClaimants(a, b);
}

function compareClaimants(a: Claimant, b: Claimant): number {
  return compareText(a.createdAt, b.createdAt) || compareText(a.namespace, b.namespace) || compareText(a.name, b.name) || compareText(a.id, b.id);
}

/** May both be served? `later` was ranked behind `earlier`. */
function conflict(earlier: Claimant, later: Claimant): boolean {
  if (earlier.namespace === later.namespace) return false;
  const [a, b] = [earlier.claim, later.claim];
  if (!pathsOverlap(a, b) || !hostsOverlap(a.host, b.host)) return false;
  // Two Grants are the operator's own decision; Order decides between them unless they are the same prefix.
  if (b.rank !== 'ungranted') return samePath(a.prefix, b.prefix, a.caseSensitive && b.caseSensitive);
  return a.rank !== 'open' || b.prefix.length <= a.prefix.length;
}

/** Without letter case where either side is matched so: a path of one may then be a path of the other. */
function pathsOverlap(a: Claim, b: Claim): boolean {
  const caseSensitive = a.caseSensitive && b.caseSensitive;
  if (a.exact && b.exact) return samePath(a.prefix, b.prefix, caseSensitive);
  return (!b.exact && beginsWith(a.prefix, b.prefix, caseSensitive)) || (!a.exact && beginsWith(b.prefix, a.prefix, caseSensitive));
}

/** Claims that have won so far, found by the prefixes above and below one, whatever their letter case. */
class AcceptedClaims {
  /** By folded prefix, as everything here. */
  readonly #byPrefix = new Map<string, Claimant[]>();
  readonly #lengths = new Set<number>();
  /** Every prefix there is, in order of text, so that those below one stand together. */
  readonly #prefixes: readonly string[];

  constructor(claimants: readonly Claimant[]) {
    this.#prefixes = [...new Set(claimants.map(({ claim }) => foldedText(claim.prefix)))].sort(compareText);
  }

  add(claimant: Claimant): void {
    const prefix = foldedText(claimant.claim.prefix);
    const there = this.#byPrefix.get(prefix);
    if (there === undefined) this.#byPrefix.set(prefix, [claimant]);
    else there.push(claimant);
    this.#lengths.add(prefix.length);
  }

  /** The first that stands against a claimant. */
  against(claimant: Claimant): Claimant | null {
    return this.#standing(claimant).next().value ?? null;
  }

  /** Those that stand against a claimant, the first `namedHolders` of them. */
  allAgainst(claimant: Claimant): readonly Claimant[] {
    return this.#standing(claimant).take(namedHolders).toArray();
  }

  /** From the shortest prefix above a claimant to those below it. */
  *#standing(claimant: Claimant): Generator<Claimant, undefined> {
    const prefix = foldedText(claimant.claim.prefix);
    for (let length = 0; length < prefix.length; length++) {
      if (!this.#lengths.has(length)) continue;
      yield* this.#at(prefix.slice(0, length), claimant);
    }
    for (let index = this.#indexOf(prefix); index < this.#prefixes.length && this.#prefixes[index]!.startsWith(prefix); index++) {
      yield* this.#at(this.#prefixes[index]!, claimant);
    }
  }

  #at(prefix: string, claimant: Claimant): readonly Claimant[] {
    return (this.#byPrefix.get(prefix) ?? []).filter((earlier) => conflict(earlier, claimant)).sort(compareRanked);
  }

  #indexOf(prefix: string): number {
    let low = 0;
    let high = this.#prefixes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#prefixes[middle]! < prefix) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
