// Claims: who gets a prefix of shared space. A pure contest over a set of claims.
import { AcceptedClaims } from "./accepted-claims.ts";
import { compareClaimants, ranks, type Claimant } from "./claimant.ts";

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
    const wins = !accepted.isContested(claimant);
    if (wins || claimant.isGrant) accepted.add(claimant, wins);
    if (!wins) losers.push(claimant);
  }
  const undecided = asRecorded ? undecidedOf(losers, accepted) : noIds;
  // Who is named as winner depends on who won alone, not on the order in which it was found out.
  const contests = losers.flatMap((loser) => {
    const named = (other: Claimant): boolean =>
      undecided.has(loser.id) || (!undecided.has(other.id) && !isBelow(other, loser));
    return accepted.firstAgainst(loser, namedOwners, named).map((winner) => ({ loser, winner }));
  });
  return { contests, undecided };
}

/** A claim on `/` may lose to thousands: its Problems name at most this many of them. */
const namedOwners = 16;

const noIds: ReadonlySet<string> = new Set();

/** Losers that nobody stands against for certain, and with each of them whoever it may turn out to beat: until nobody else is found. */
function undecidedOf(losers: readonly Claimant[], accepted: AcceptedClaims): ReadonlySet<string> {
  const undecided = new Set<string>();
  const leaning = new Map<string, Claimant[]>();
  const searches = new Map<Claimant, Generator<Claimant>>();
  // Each loser leans on one that stands against it for certain, and looks for the next one, from there on, when that one is found to be undecided.
  const open = losers.toReversed();
  const add = (id: string): void => {
    if (undecided.has(id)) return;
    undecided.add(id);
    for (const loser of leaning.get(id) ?? []) open.push(loser);
  };
  for (let loser = open.pop(); loser !== undefined; loser = open.pop()) {
    if (undecided.has(loser.id)) continue;
    const firm = nextFirm(searches.get(loser) ?? accepted.against(loser), loser, undecided, searches);
    if (firm !== null) {
      const others = leaning.get(firm.id);
      if (others === undefined) leaning.set(firm.id, [loser]);
      else others.push(loser);
      continue;
    }
    add(loser.id);
    for (const { id } of accepted.against(loser)) add(id);
  }
  return undecided;
}

function nextFirm(
  search: Generator<Claimant>,
  loser: Claimant,
  undecided: ReadonlySet<string>,
  searches: Map<Claimant, Generator<Claimant>>,
): Claimant | null {
  searches.set(loser, search);
  for (let next = search.next(); next.done !== true; next = search.next())
    if (!undecided.has(next.value.id) && isFirm(next.value, loser)) return next.value;
  return null;
}

/** Does it stand against the other whatever the record may say of that one? */
function isFirm(winner: Claimant, loser: Claimant): boolean {
  return compareClaimants(winner, loser) < 0 && (winner.sinceMs !== null || winner.claim.rank !== loser.claim.rank);
}

function isBelow(a: Claimant, b: Claimant): boolean {
  return ranks[a.claim.rank] > ranks[b.claim.rank];
}
