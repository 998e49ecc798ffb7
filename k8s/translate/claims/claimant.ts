// Claimants: claims and who makes them, their order, and which two of them may not both be served.
import { compareText } from "../../../routing/text/problem.ts";
import { hostsOverlap } from "../meaning/grant.ts";
import { beginsWith, samePath } from "../values/letter-case.ts";
import type { Claim } from "../meaning/meaning.ts";

/** A claim and who makes it. */
export interface Claimant {
  readonly claim: Claim;
  readonly namespace: string;
  /** RFC 3339; "" in a folder, where no time decides. */
  readonly createdAt: string;
  readonly name: string;
  /** Unique: id of the Mapping. */
  readonly id: string;
  /** It is a Grant, not a Mapping that may use one. */
  readonly isGrant: boolean;
}

export const ranks: Readonly<Record<Claim["rank"], number>> = { granted: 0, open: 1, ungranted: 2 };

/** Who comes first: granted, then the oldest, then by namespace and name. The same on every replica and after every restart. */
export function compareClaimants(a: Claimant, b: Claimant): number {
  return (
    ranks[a.claim.rank] - ranks[b.claim.rank] ||
    compareText(a.createdAt, b.createdAt) ||
    compareText(a.namespace, b.namespace) ||
    compareText(a.name, b.name) ||
    compareText(a.id, b.id)
  );
}

/** May not both be served? `later` was ranked behind `earlier`. */
export function conflict(earlier: Claimant, later: Claimant): boolean {
  if (earlier.namespace === later.namespace) return false;
  const [a, b] = [earlier.claim, later.claim];
  if (!pathsOverlap(a, b) || !hostsOverlap(a.host, b.host)) return false;
  // Two Grants are the operator's own decision. Match precedence decides between them unless they are the same prefix.
  if (b.rank !== "ungranted") return samePath(a.prefix, b.prefix, a.caseSensitive && b.caseSensitive);
  return a.rank !== "open" || b.prefix.length <= a.prefix.length;
}

/** Without letter case where either side is matched so: a path of one may then be a path of the other. */
function pathsOverlap(a: Claim, b: Claim): boolean {
  const caseSensitive = a.caseSensitive && b.caseSensitive;
  if (a.exact && b.exact) return samePath(a.prefix, b.prefix, caseSensitive);
  return (
    (!b.exact && beginsWith(a.prefix, b.prefix, caseSensitive)) ||
    (!a.exact && beginsWith(b.prefix, a.prefix, caseSensitive))
  );
}
