// Claims of all declarers and of the Grants, decided again whenever one changes; who holds what by the record, and what the record should become.
import type { ObjectRef, Problem } from "../../../routing/text/problem.ts";
import type { Claimant } from "./claimant.ts";
import { decideClaims, type Decision } from "./contest.ts";
import { parseHostGlob } from "../meaning/grant.ts";
import { areaWithin, entryKey, type ClaimEntry, type NewClaim } from "./claim-entry.ts";
import type { Grant } from "../model/translation.ts";
import type { ClaimArea } from "../meaning/meaning.ts";
import type { Declarer } from "../declarers/declarer.ts";

/** A claim of a declarer, before the record has been asked. */
interface Wish extends Omit<Claimant, "sinceMs" | "sequence"> {
  /** Its key in the record. */
  readonly key: string;
}

interface PrefixEntry {
  readonly entry: ClaimEntry;
  readonly area: ClaimArea;
  /** It was claimed here since it was recorded: without a claim it was given up, and is not only missing. */
  seen: boolean;
}

const undecidedNothing: Decision = { contests: [], undecided: new Set() };

/** Contests that are told of one claim that won. */
const maxTold = 16;

export class Claims {
  readonly #grants: readonly Claimant[];
  /** What the record does not say is left open. */
  readonly #asRecorded: boolean;
  readonly #wishes = new Map<Declarer, readonly Wish[]>();
  /** Declarer of each wish, by its id. */
  readonly #declarerOf = new Map<string, Declarer>();
  /** The record's prefixes, by key. */
  readonly #entries = new Map<string, PrefixEntry>();
  /** The change in which each key was first wished for. */
  #sequences: ReadonlyMap<string, number> = new Map();
  #accepted: ReadonlySet<string> = new Set();
  #decision = undecidedNothing;
  #added: readonly NewClaim[] = [];
  /** null: gathered at the next question, which every change of an object asks. */
  #ended: readonly string[] | null = null;

  constructor(grants: readonly Grant[], asRecorded: boolean) {
    this.#grants = grants.flatMap(grantClaims);
    this.#asRecorded = asRecorded;
  }

  isAccepted(id: string): boolean {
    return this.#accepted.has(id);
  }

  /** Takes declarers whose drafts or refusals changed; gives the declarers whose claims are decided otherwise now. */
  update(changed: Iterable<Declarer>, sequence: number): readonly Declarer[] {
    let differs = false;
    for (const declarer of changed) differs = this.#replace(declarer, wishesOf(declarer)) || differs;
    return differs ? this.#decide(sequence) : [];
  }

  /** Takes what the record holds now, and keys that it holds no more; gives the declarers whose claims are decided otherwise now. */
  hold(set: readonly ClaimEntry[], removed: readonly string[], sequence: number): readonly Declarer[] {
    let differs = false;
    for (const key of removed) differs = this.#entries.delete(key) || differs;
    for (const entry of set) {
      if (entry.thing.kind !== "prefix") continue;
      const key = entryKey(entry.namespace, entry.thing);
      this.#entries.set(key, { entry, area: entry.thing.area, seen: this.#sequences.has(key) });
      differs = true;
    }
    return differs ? this.#decide(sequence) : [];
  }

  /** Claims that won and are not in the record. */
  get added(): readonly NewClaim[] {
    return this.#added;
  }

  get isUndecided(): boolean {
    return this.#decision.undecided.size > 0;
  }

  /** Keys of what was given up. */
  get ended(): readonly string[] {
    return (this.#ended ??= [...this.#entries].flatMap(([key, { seen }]) =>
      seen && !this.#sequences.has(key) ? [key] : [],
    ));
  }

  /** Keys of what is recorded and was not claimed here since. */
  get missing(): readonly string[] {
    return [...this.#entries].flatMap(([key, { seen }]) => (seen ? [] : [key]));
  }

  /** An error on both sides of each contest. */
  *problems(): Iterable<Problem> {
    const { contests, undecided } = this.#decision;
    // A claim may beat many: each loser gets a Problem, and the winner one for each of the first `maxTold`.
    const told = new Map<string, number>();
    for (const { loser, winner } of contests) {
      const isUndecided = undecided.has(loser.id);
      yield this.#problem(
        loser,
        isUndecided ? this.#undecidedSentence(loser, winner) : this.#lostSentence(loser, winner),
      );
      const count = told.get(winner.id) ?? 0;
      if (count === maxTold || (!isUndecided && !this.#declarerOf.has(winner.id))) continue;
      told.set(winner.id, count + 1);
      const won = `the prefix ${winner.claim.prefix} is served, but ${refText(this.#refOf(loser))} claims ${loser.claim.prefix}, which overlaps it; agree which namespace uses it, or ask the operator of the gateway for a Grant`;
      yield this.#problem(winner, isUndecided ? this.#undecidedSentence(winner, loser) : won);
    }
  }

  #lostSentence(loser: Claimant, winner: Claimant): string {
    const declarer = this.#declarerOf.get(winner.id);
    const owner =
      declarer !== undefined
        ? refText(declarer.ref)
        : winner.claim.rank === "ungranted"
          ? `the namespace ${winner.namespace}, which had it when its object was last seen and keeps it for an hour`
          : `a Grant of the namespace ${winner.namespace}`;
    return `the prefix ${loser.claim.prefix} is not served, because ${winner.claim.prefix} belongs to ${owner}; use a prefix under /seldon/${loser.namespace}/, or ask the operator of the gateway for a Grant`;
  }

  #undecidedSentence(one: Claimant, other: Claimant): string {
    return `the prefix ${one.claim.prefix} is not served, because ${refText(this.#refOf(other))} claims ${other.claim.prefix}, which overlaps it, and the record of claims does not say which claim was first; wait while the gateway writes the record, else correct the record or ask the operator of the gateway for a Grant`;
  }

  #replace(declarer: Declarer, after: readonly Wish[]): boolean {
    const before = this.#wishes.get(declarer) ?? [];
    if (before.length === after.length && before.every((wish, index) => sameWish(wish, after[index]!))) return false;
    for (const { id } of before) this.#declarerOf.delete(id);
    for (const { id } of after) this.#declarerOf.set(id, declarer);
    if (after.length === 0) this.#wishes.delete(declarer);
    else this.#wishes.set(declarer, after);
    return true;
  }

  #decide(sequence: number): readonly Declarer[] {
    this.#ended = null;
    const wishes = [...this.#wishes.values()].flat();
    this.#sequences = new Map(wishes.map(({ key }) => [key, this.#sequences.get(key) ?? sequence]));
    const byNamespace = Map.groupBy(this.#entries.values(), ({ entry }) => entry.namespace);
    const claimants = wishes.map((wish): Claimant => ({
      ...wish,
      sinceMs: this.#sinceOf(wish, byNamespace),
      sequence: this.#sequences.get(wish.key)!,
    }));
    this.#decision = decideClaims([...this.#grants, ...this.#reservations(), ...claimants], this.#asRecorded);
    const { contests, undecided } = this.#decision;
    const lost = new Set(contests.map(({ loser }) => loser.id));
    const accepted = new Set<string>();
    const added = new Map<string, NewClaim>();
    const affected = new Set<Declarer>();
    for (const [index, { id, key, namespace, claim }] of wishes.entries()) {
      const wins = !lost.has(id);
      if (wins && !undecided.has(id)) accepted.add(id);
      const { sinceMs, sequence: firstSequence } = claimants[index]!;
      if (wins && !this.#entries.has(key))
        added.set(key, { namespace, thing: { kind: "prefix", area: areaOf(claim) }, sinceMs, sequence: firstSequence });
      if (accepted.has(id) !== this.#accepted.has(id)) affected.add(this.#declarerOf.get(id)!);
    }
    this.#accepted = accepted;
    this.#added = [...added.values()];
    return [...affected];
  }

  /** What is recorded, or what lies inside a claim that the namespace has already. */
  #sinceOf({ key, namespace, claim }: Wish, byNamespace: ReadonlyMap<string, readonly PrefixEntry[]>): number | null {
    const own = this.#entries.get(key);
    if (own !== undefined) {
      own.seen = true;
      return own.entry.sinceMs;
    }
    const wider = (byNamespace.get(namespace) ?? []).filter(({ area }) => areaWithin(claim, area));
    return wider.length === 0 ? null : Math.min(...wider.map(({ entry }) => entry.sinceMs));
  }

  /** Recorded prefixes without a claim here yet: they stay reserved for their namespaces. */
  #reservations(): readonly Claimant[] {
    return [...this.#entries].flatMap(([key, { entry, area, seen }]) =>
      seen || this.#sequences.has(key)
        ? []
        : [
            {
              claim: { ...area, rank: "ungranted" } as const,
              namespace: entry.namespace,
              sinceMs: entry.sinceMs,
              sequence: 0,
              createdAt: "",
              name: "",
              id: `held ${key}`,
              isGrant: false,
            },
          ],
    );
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

function wishesOf(declarer: Declarer): readonly Wish[] {
  const wishes: Wish[] = [];
  for (const { standing, mapping } of declarer.meaning?.drafts ?? []) {
    if (standing.kind !== "claim" || declarer.refusals?.mappings.has(mapping.id) === true) continue;
    const key = entryKey(declarer.namespace, { kind: "prefix", area: standing.claim });
    wishes.push({
      claim: standing.claim,
      namespace: declarer.namespace,
      createdAt: declarer.createdAt,
      name: declarer.ref.name,
      id: mapping.id,
      key,
      isGrant: false,
    });
  }
  return wishes;
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
          sinceMs: -1,
          sequence: 0,
          createdAt: "",
          name: "",
          id: `grant ${namespace} ${glob} ${prefix}`,
          isGrant: true,
        },
      ];
    }),
  );
}

function areaOf({ prefix, exact, caseSensitive, host }: ClaimArea): ClaimArea {
  return { prefix, exact, caseSensitive, host };
}

function sameWish(a: Wish, b: Wish): boolean {
  return a.id === b.id && a.createdAt === b.createdAt && a.claim.rank === b.claim.rank && a.key === b.key;
}

function refText({ kind, namespace, name }: ObjectRef): string {
  return `${kind} ${namespace}/${name}`;
}
