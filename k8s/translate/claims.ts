// Claims: who gets a prefix of shared space. A pure contest over a set of claims.
import { firstPlace } from '../../routing/bisect.ts';
import { compareText } from '../../routing/problem.ts';
import { hostsOverlap } from './grant.ts';
import { beginsWith, foldedText, samePath } from './letter-case.ts';
import type { Claim } from './unit.ts';

/** A claim and who makes it. */
export interface Claimant {
  readonly claim: Claim;
  readonly namespace: string;
  /** Since when the namespace holds it, as recorded; null: it is not recorded. */
  readonly sinceMs: number | null;
  /** Number of the change in which it was first seen here. */
  readonly turn: number;
  /** RFC 3339 or "". */
  readonly createdAt: string;
  readonly name: string;
  /** Unique: id of the Mapping. */
  readonly id: string;
  /** It is a Grant, not a Mapping that may use one. */
  readonly isGrant: boolean;
}

/** A claimant that lost, and one that it lost to. */
export interface Contest {
  readonly loser: Claimant;
  readonly winner: Claimant;
}

export interface Decision {
  readonly contests: readonly Contest[];
  /** Ids of those that only the record can decide between, and that it does not know: all sides of such a contest, and whoever would lose to one of them. */
  readonly undecided: ReadonlySet<string>;
}

/**
 * Decides all claims: granted before ungranted, then those that are recorded, the earlier first, then by when they were first seen, creation,
 * namespace and name. A claim loses when one of another namespace that won before it overlaps it; a Grant that lost to another of its prefix, which may
 * be for fewer hosts, beats lower ranks all the same. `asRecorded`: what the record does not say is not decided here.
 */
export function decideClaims(claimants: readonly Claimant[], asRecorded: boolean): Decision {
  const accepted = new AcceptedClaims(claimants);
  const losers: Claimant[] = [];
  for (const claimant of [...claimants].sort(compareClaimants)) {
    const wins = accepted.against(claimant).next().done === true;
    if (wins || claimant.isGrant) accepted.add(claimant, wins);
    if (!wins) losers.push(claimant);
  }
  const undecided = asRecorded ? undecidedOf(losers, accepted) : noIds;
  // Who is named as winner depends on who won alone, not on the order in which it was found out.
  const contests = losers.flatMap((loser) => {
    const winners = accepted.against(loser).filter((other) => undecided.has(loser.id) || (!undecided.has(other.id) && !isBelow(other, loser)));
    return winners.take(namedHolders).map((winner) => ({ loser, winner })).toArray();
  });
  return { contests, undecided };
}

/** A claim on `/` may lose to thousands: so many of them are told, and it tells so many. */
const namedHolders = 16;

const ranks: Readonly<Record<Claim['rank'], number>> = { granted: 0, open: 1, ungranted: 2 };

const noIds: ReadonlySet<string> = new Set();

/** Losers that nobody stands against for certain, and with each of them whoever it may turn out to beat: until nobody else is found. */
function undecidedOf(losers: readonly Claimant[], accepted: AcceptedClaims): ReadonlySet<string> {
  const undecided = new Set<string>();
  for (let before = -1; before < undecided.size; ) {
    before = undecided.size;
    for (const loser of losers) {
      if (undecided.has(loser.id) || accepted.against(loser).some((winner) => !undecided.has(winner.id) && isFirm(winner, loser))) continue;
      undecided.add(loser.id);
      for (const { id } of accepted.against(loser)) undecided.add(id);
    }
  }
  return undecided;
}

/** Does it stand against the other whatever the record may say of that one? */
function isFirm(winner: Claimant, loser: Claimant): boolean {
  return compareClaimants(winner, loser) < 0 && (winner.sinceMs !== null || winner.claim.rank !== loser.claim.rank);
}

function isBelow(a: Claimant, b: Claimant): boolean {
  return ranks[a.claim.rank] > ranks[b.claim.rank];
}

function compareClaimants(a: Claimant, b: Claimant): number {
  return (
    ranks[a.claim.rank] - ranks[b.claim.rank] ||
    Number(a.sinceMs === null) - Number(b.sinceMs === null) ||
    (a.sinceMs ?? a.turn) - (b.sinceMs ?? b.turn) ||
    compareText(a.createdAt, b.createdAt) ||
    compareText(a.namespace, b.namespace) ||
    compareText(a.name, b.name) ||
    compareText(a.id, b.id)
  );
}

/** May not both be served? `later` was ranked behind `earlier`. */
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
  /** Grants that lost to another: they stand against lower ranks alone. */
  readonly #beaten = new Set<Claimant>();

  constructor(claimants: readonly Claimant[]) {
    this.#prefixes = [...new Set(claimants.map(({ claim }) => foldedText(claim.prefix)))].sort(compareText);
  }

  /** Not `wins`: it stands against lower ranks alone. */
  add(claimant: Claimant, wins: boolean): void {
    if (!wins) this.#beaten.add(claimant);
    const prefix = foldedText(claimant.claim.prefix);
    const there = this.#byPrefix.get(prefix);
    if (there === undefined) this.#byPrefix.set(prefix, [claimant]);
    else there.push(claimant);
    this.#lengths.add(prefix.length);
  }

  /** Those that stand against a claimant, and those of lower rank that it stands against, from the shortest prefix above it to those below it. */
  *against(claimant: Claimant): Generator<Claimant, undefined> {
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
    const { namespace, claim } = claimant;
    const rank = ranks[claim.rank];
    const stands = (other: Claimant): boolean => {
      if (other.namespace === namespace) return false;
      if (ranks[other.claim.rank] > rank) return conflict(claimant, other);
      return conflict(other, claimant) && (claim.rank !== other.claim.rank || !this.#beaten.has(other));
    };
    return (this.#byPrefix.get(prefix) ?? []).filter(stands).sort(compareClaimants);
  }

  #indexOf(prefix: string): number {
    return firstPlace(this.#prefixes.length, (place) => this.#prefixes[place]! >= prefix);
  }
}
