// Claims that have won so far, found by the hosts and prefixes that overlap those of another: a claim on `/` with a host of its own is not compared with
// thousands of claims on other hosts, nor a prefix with all that are above and below it.
import { hostText } from "../../../routing/model/match-precedence.ts";
import { compareClaimants, conflict, ranks, type Claimant } from "./claimant.ts";
import { HostBuckets } from "./host-buckets.ts";
import { foldedText } from "../values/letter-case.ts";
import { PrefixOrder } from "./prefix-order.ts";

/** Claims of one namespace on the same requests: they stand, or do not stand, together. In order of claimants, the first of which speaks for all. */
type Family = Claimant[];

/** Families by the place of their prefix. */
interface Bucket {
  readonly at: Map<number, Family[]>;
  /** Those places, in order. */
  readonly places: number[];
}

export class AcceptedClaims {
  readonly #prefixes: PrefixOrder;
  /** Places of prefixes, folded: letter case counts when claims are compared. */
  readonly #places: ReadonlyMap<Claimant, number>;
  readonly #hosts: HostBuckets;
  readonly #families = new Map<string, Family>();
  /** Of each claim that was added, the first of its family. */
  readonly #firsts = new Map<Claimant, Claimant>();
  readonly #buckets = new Map<string, Bucket>();
  /** Grants that lost to another: they stand against lower ranks alone. */
  readonly #beaten = new Set<Claimant>();

  /** `claimants`: all that will be added or asked for. */
  constructor(claimants: readonly Claimant[]) {
    const folded = claimants.map(({ claim }) => foldedText(claim.prefix));
    this.#prefixes = new PrefixOrder(folded);
    this.#places = new Map(claimants.map((claimant, index) => [claimant, this.#prefixes.placeOf(folded[index]!)]));
    this.#hosts = new HostBuckets(claimants.map(({ claim }) => claim.host));
  }

  /** In order of claimants. Not `wins`: it stands against lower ranks alone. */
  add(claimant: Claimant, wins: boolean): void {
    if (!wins) this.#beaten.add(claimant);
    const { namespace, claim } = claimant;
    const name = JSON.stringify([
      namespace,
      claim.prefix,
      claim.exact,
      claim.caseSensitive,
      claim.host.kind,
      hostText(claim.host),
      claim.rank,
      wins,
    ]);
    const family = this.#families.get(name);
    this.#firsts.set(claimant, family?.[0] ?? claimant);
    if (family !== undefined) {
      family.push(claimant);
      return;
    }
    const made = [claimant];
    this.#families.set(name, made);
    const place = this.#places.get(claimant)!;
    for (const bucketName of this.#hosts.bucketsOf(claim.host)) this.#join(bucketName, place, made);
  }

  #join(bucketName: string, place: number, family: Family): void {
    let bucket = this.#buckets.get(bucketName);
    if (bucket === undefined) this.#buckets.set(bucketName, (bucket = { at: new Map(), places: [] }));
    const there = bucket.at.get(place);
    if (there !== undefined) {
      there.push(family);
      return;
    }
    bucket.at.set(place, [family]);
    bucket.places.splice(this.#prefixes.indexIn(bucket.places, place), 0, place);
  }

  /** Does one stand against it, or one of lower rank that it stands against? */
  isContested(claimant: Claimant): boolean {
    return this.against(claimant).next().done !== true;
  }

  /** The first so many of those that `isNamed`, from the shortest prefix above it to those below it; of one prefix a family after the other. */
  firstAgainst(claimant: Claimant, most: number, isNamed: (other: Claimant) => boolean): readonly Claimant[] {
    // Each bucket is in order, and no claim is in two of those around a host.
    const firstOf = (one: Claimant): Claimant => this.#firsts.get(one)!;
    const found = this.#hosts
      .bucketsAround(claimant.claim.host)
      .flatMap((name) => this.#in(name, claimant).filter(isNamed).take(most).toArray());
    return found
      .sort(
        (a, b) =>
          this.#places.get(a)! - this.#places.get(b)! ||
          compareClaimants(firstOf(a), firstOf(b)) ||
          compareClaimants(a, b),
      )
      .slice(0, most);
  }

  /** Those that stand against a claimant, and those of lower rank that it stands against, in no order. */
  *against(claimant: Claimant): Generator<Claimant, undefined> {
    for (const name of this.#hosts.bucketsAround(claimant.claim.host)) yield* this.#in(name, claimant);
  }

  *#in(bucketName: string, claimant: Claimant): Generator<Claimant, undefined> {
    const bucket = this.#buckets.get(bucketName);
    if (bucket === undefined) return;
    for (const place of this.#prefixes.around(this.#places.get(claimant)!, bucket.places, !claimant.claim.exact)) {
      for (const family of bucket.at.get(place)!) if (this.#stands(family[0]!, claimant)) yield* family;
    }
  }

  #stands(other: Claimant, claimant: Claimant): boolean {
    const rank = ranks[claimant.claim.rank];
    const otherRank = ranks[other.claim.rank];
    if (otherRank > rank) return conflict(claimant, other);
    return conflict(other, claimant) && (rank !== otherRank || !this.#beaten.has(other));
  }
}
