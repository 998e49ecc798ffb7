// Claims: who gets a prefix of shared space. A pure contest over a set of claims.
import { AcceptedClaims } from "./accepted-claims.ts";
import { compareClaimants, ranks, type Claimant } from "./claimant.ts";

/** A claimant that lost, and one that it lost to. */
export interface Contest {
  readonly loser: Claimant;
  readonly winner: Claimant;
}

/** A claim on `/` may lose to thousands: its Problems name at most this many of them. */
const namedOwners = 16;

/**
 * Decides all claims: granted before ungranted, then the oldest by creation, then by namespace and name. A claim loses when one of another namespace that won before it overlaps it;
 * a Grant that lost to another of its prefix, which may be for fewer hosts, beats lower ranks all the same.
 */
export function decideClaims(claimants: readonly Claimant[]): readonly Contest[] {
  const accepted = new AcceptedClaims(claimants);
  const losers: Claimant[] = [];
  for (const claimant of [...claimants].sort(compareClaimants)) {
    const wins = !accepted.isContested(claimant);
    if (wins || claimant.isGrant) accepted.add(claimant, wins);
    if (!wins) losers.push(claimant);
  }
  // Who is named as winner depends on who won alone, not on the order in which it was found out.
  return losers.flatMap((loser) =>
    accepted
      .firstAgainst(loser, namedOwners, (other) => ranks[other.claim.rank] <= ranks[loser.claim.rank])
      .map((winner) => ({ loser, winner })),
  );
}
