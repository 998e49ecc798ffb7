// Claims of all declarers and of the Grants, decided again whenever one changes.
import type { ObjectRef, Problem } from "../../../routing/text/problem.ts";
import type { Claimant } from "./claimant.ts";
import { decideClaims, type Contest } from "./contest.ts";
import { parseHostGlob } from "../meaning/grant.ts";
import { hostText } from "../../../routing/model/match-precedence.ts";
import type { Grant } from "../model/translation.ts";
import type { Declarer } from "../declarers/declarer.ts";

/** Contests that are told of one claim that won. */
const maxTold = 16;

export class Claims {
  readonly #grants: readonly Claimant[];
  /** In a cluster the oldest object is first; in a folder, which is one hand's, no time decides. */
  readonly #isByAge: boolean;
  readonly #wishes = new Map<Declarer, readonly Claimant[]>();
  /** Declarer of each wish, by its id. */
  readonly #declarerOf = new Map<string, Declarer>();
  #accepted: ReadonlySet<string> = new Set();
  #contests: readonly Contest[] = [];

  constructor(grants: readonly Grant[], isByAge: boolean) {
    this.#grants = grants.flatMap(grantClaims);
    this.#isByAge = isByAge;
  }

  isAccepted(id: string): boolean {
    return this.#accepted.has(id);
  }

  /** Takes declarers whose drafts or refusals changed; gives the declarers whose claims are decided otherwise now. */
  update(changed: Iterable<Declarer>): readonly Declarer[] {
    let differs = false;
    for (const declarer of changed) differs = this.#replace(declarer, this.#wishesOf(declarer)) || differs;
    return differs ? this.#decide() : [];
  }

  /** An error on both sides of each contest. */
  *problems(): Iterable<Problem> {
    // A claim may beat many: each loser gets a Problem, and the winner one for each of the first `maxTold`.
    const told = new Map<string, number>();
    const beaten = new Set(
      this.#contests.flatMap(({ loser, winner }) => (winner.isGrant ? [] : `${loser.id}\0${winner.namespace}`)),
    );
    for (const { loser, winner } of this.#contests) {
      if (winner.isGrant && beaten.has(`${loser.id}\0${winner.namespace}`)) continue;
      yield this.#problem(loser, this.#lostSentence(loser, winner));
      const count = told.get(winner.id) ?? 0;
      if (count === maxTold || !this.#declarerOf.has(winner.id)) continue;
      told.set(winner.id, count + 1);
      const won = `the prefix ${winner.claim.prefix} is served, but ${refText(this.#refOf(loser))} claims ${loser.claim.prefix}, which overlaps it; agree which namespace uses it${winner.claim.rank === "granted" ? "" : ", or ask the operator of the gateway for a Grant"}`;
      yield this.#problem(winner, won);
    }
  }

  #lostSentence(loser: Claimant, winner: Claimant): string {
    const declarer = this.#declarerOf.get(winner.id);
    const owner = declarer === undefined ? `a Grant of the namespace ${winner.namespace}` : refText(declarer.ref);
    return `the prefix ${loser.claim.prefix} is not served, because ${winner.claim.prefix} belongs to ${owner}; use a prefix under /seldon/${loser.namespace}/${winner.claim.rank === "granted" ? "" : ", or ask the operator of the gateway for a Grant"}`;
  }

  #replace(declarer: Declarer, after: readonly Claimant[]): boolean {
    const before = this.#wishes.get(declarer) ?? [];
    if (before.length === after.length && before.every((wish, index) => sameWish(wish, after[index]!))) return false;
    for (const { id } of before) this.#declarerOf.delete(id);
    for (const { id } of after) this.#declarerOf.set(id, declarer);
    if (after.length === 0) this.#wishes.delete(declarer);
    else this.#wishes.set(declarer, after);
    return true;
  }

  #decide(): readonly Declarer[] {
    const wishes = [...this.#wishes.values()].flat();
    this.#contests = decideClaims([...this.#grants, ...wishes]);
    const lost = new Set(this.#contests.map(({ loser }) => loser.id));
    const accepted = new Set<string>();
    const affected = new Set<Declarer>();
    for (const { id } of wishes) {
      if (!lost.has(id)) accepted.add(id);
      if (accepted.has(id) !== this.#accepted.has(id)) affected.add(this.#declarerOf.get(id)!);
    }
    this.#accepted = accepted;
    return [...affected];
  }

  #wishesOf(declarer: Declarer): readonly Claimant[] {
    const wishes: Claimant[] = [];
    for (const { standing, mapping } of declarer.meaning?.drafts ?? []) {
      if (standing.kind !== "claim" || declarer.refusals?.mappings.has(mapping.id) === true) continue;
      wishes.push({
        claim: standing.claim,
        namespace: declarer.namespace,
        createdAt: this.#isByAge ? declarer.createdAt : "",
        name: declarer.ref.name,
        id: mapping.id,
        isGrant: false,
      });
    }
    return wishes;
  }

  #refOf(claimant: Claimant): ObjectRef {
    return (
      this.#declarerOf.get(claimant.id)?.ref ?? {
        kind: "Grant",
        namespace: claimant.namespace,
        name: claimant.claim.prefix,
      }
    );
  }

  #problem(claimant: Claimant, sentence: string): Problem {
    const field =
      this.#declarerOf.get(claimant.id)?.meaning?.drafts.find(({ mapping }) => mapping.id === claimant.id)?.field ?? "";
    return { code: "claim-contested", level: "error", subject: this.#refOf(claimant), field, sentence };
  }
}

/** Prefixes that a Grant keeps for its namespace, used or not. Those under `/seldon/` are owned space, where nothing is claimed. */
function grantClaims({ namespace, prefixes, hosts, open }: Grant): readonly Claimant[] {
  const shared = prefixes.filter((prefix) => !prefix.startsWith("/seldon/"));
  const globs = hosts.length === 0 ? ["*"] : hosts;
  return shared.flatMap((prefix) =>
    globs.flatMap((glob) => {
      const host = parseHostGlob(glob);
      if (host === null) return [];
      const claim = { prefix, exact: false, caseSensitive: true, host, rank: open ? "open" : "granted" } as const;
      return [
        {
          claim,
          namespace,
          createdAt: "",
          name: "",
          id: `grant ${namespace} ${glob} ${prefix}`,
          isGrant: true,
        },
      ];
    }),
  );
}

function sameWish(a: Claimant, b: Claimant): boolean {
  return a.id === b.id && a.createdAt === b.createdAt && claimText(a) === claimText(b);
}

function claimText({ claim: { prefix, exact, caseSensitive, host, rank } }: Claimant): string {
  return JSON.stringify([prefix, exact, caseSensitive, host.kind, hostText(host), rank]);
}

function refText({ kind, namespace, name }: ObjectRef): string {
  return `${kind} ${namespace}/${name}`;
}
