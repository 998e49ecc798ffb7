// ClaimRegistry: which namespace owns which claims in shared space and which bare names, and the record of that.
import type { Problem } from "../../../routing/text/problem.ts";
import { BareNames, type NameRefusal } from "./bare-names.ts";
import { Claims } from "./claim-book.ts";
import { fewOf, listOf } from "../collections/few.ts";
import { entryKey, latestOf, stamped, type ClaimRecord, type ClaimEntry, type RecordChange } from "./claim-entry.ts";
import type { TranslateSettings } from "../model/translation.ts";
import type { Draft, ObjectMeaning } from "../meaning/meaning.ts";
import type { Declarer } from "../declarers/declarer.ts";
import type { Refusals } from "../declarers/usage.ts";

/** Where claims are decided. */
export interface Recording {
  /**
   * `here`: the first claim wins, from the change in which it is seen. `elsewhere`: the record decides (`setRecord`), and until
   * then only uncontested claims are served.
   */
  readonly kind: "here" | "elsewhere";
  /** The record at the start: of an earlier Translator, or []. */
  readonly held: readonly ClaimEntry[];
}

export class ClaimRegistry {
  readonly #claims: Claims;
  readonly #bareNames: BareNames<Declarer>;
  readonly #recordsHere: boolean;
  #record = new Map<string, ClaimEntry>();
  /** Changes of the record since `drainRecord`. */
  #recorded = new Map<string, ClaimEntry | null>();
  #isFirst = true;
  /** Number of the last change. */
  #sequence: number;

  constructor(settings: TranslateSettings, recording: Recording) {
    // One namespace contests nothing.
    const isShared = settings.namespaces.length !== 1;
    const asRecorded = isShared && recording.kind === "elsewhere";
    this.#recordsHere = isShared && recording.kind === "here";
    this.#claims = new Claims(settings.grants, asRecorded);
    this.#bareNames = new BareNames({
      grants: settings.grants,
      grantedOnly: isShared && settings.claims === "granted",
      asRecorded,
    });
    const held = new Map(recording.held.map((one) => [entryKey(one.namespace, one.thing), one]));
    this.#sequence = this.#recordsHere ? latestOf(held) : 0;
    this.#hold(isShared ? [...held.values()] : [], []);
    this.#recorded.clear();
  }

  /** What is claimed from now on is claimed later than all before. */
  nextSequence(): void {
    this.#sequence += 1;
  }

  /** Takes the claims of declarers that changed. Gives the declarers that hold more, or less, than before. */
  claim(declarers: ReadonlySet<Declarer>): Iterable<Declarer> {
    const affected = new Set(this.#claims.update(declarers, this.#sequence));
    for (const declarer of this.claimNames(declarers.union(affected))) affected.add(declarer);
    for (const declarer of this.#recordHere()) affected.add(declarer);
    return affected;
  }

  /** Takes the bare names of declarers that changed, but of those whose meaning was let go, which were taken before. Gives declarers as `claim`. */
  claimNames(declarers: Iterable<Declarer>): Iterable<Declarer> {
    for (const declarer of declarers) {
      if (declarer.meaning === null) continue;
      const names = bareNamesOf(declarer.meaning, declarer.refusals);
      this.#bareNames.replace(declarer, listOf(declarer.bareNames), names, this.#sequence);
      declarer.bareNames = fewOf(names);
    }
    return this.#bareNames.decide();
  }

  /** Where claims are decided here: an owner from this change on is recorded with the number of the change. */
  #recordHere(): Iterable<Declarer> {
    if (!this.#recordsHere) return [];
    const { added, ended } = this.recordChange;
    // The first change is everything: what it does not hold is gone.
    const gone = this.#isFirst ? [...ended, ...this.missing] : ended;
    this.#isFirst = false;
    const removed = gone.flatMap((key) => this.#record.get(key) ?? []);
    return this.#hold(stamped(added, this.#sequence - 1, this.#sequence), removed);
  }

  /** What the record says now. Gives declarers as `claim`. */
  setRecord(record: ClaimRecord): Iterable<Declarer> {
    const set = [...record].flatMap(([key, entry]) =>
      this.#record.get(key)?.sinceMs === entry.sinceMs ? [] : [entry],
    );
    const removed = [...this.#record].flatMap(([key, entry]) => (record.has(key) ? [] : [entry]));
    return this.#hold(set, removed);
  }

  /** The record that is in force. */
  get record(): ClaimRecord {
    return this.#record;
  }

  /** What the record should become. */
  get recordChange(): RecordChange {
    return {
      added: [...this.#claims.added, ...this.#bareNames.added],
      ended: [...this.#claims.ended, ...this.#bareNames.ended],
    };
  }

  /** Does a claim wait for the record to be decided? */
  get isUndecided(): boolean {
    return this.#claims.isUndecided || this.#bareNames.isUndecided;
  }

  /** Keys of what is recorded and was not claimed here since: its object is not there, or not there yet. */
  get missing(): readonly string[] {
    return [...this.#claims.missing, ...this.#bareNames.missing];
  }

  /** What changed in the record since the last call, for a successor: null is gone. */
  drainRecord(): ReadonlyMap<string, ClaimEntry | null> {
    const recorded = this.#recorded;
    this.#recorded = new Map();
    return recorded;
  }

  /** Does the declarer hold what this Mapping of it needs? */
  holds(declarer: Declarer, { mapping, standing }: Draft): boolean {
    switch (standing.kind) {
      case "owned":
        return true;
      case "claim":
        return this.#claims.isAccepted(mapping.id);
      case "bare":
        return this.#bareNames.ownerOf(standing.name) === declarer.namespace;
    }
  }

  /** Of bare names that the declarer does not hold. */
  *nameProblems(declarer: Declarer): Iterable<Problem> {
    for (const name of listOf(declarer.bareNames)) {
      const refusal = this.#bareNames.refusalOf(name, declarer.namespace);
      if (refusal !== null) yield bareNameProblem(declarer, name, refusal);
    }
  }

  claimProblems(): Iterable<Problem> {
    return this.#claims.problems();
  }

  #hold(set: readonly ClaimEntry[], removed: readonly ClaimEntry[]): Iterable<Declarer> {
    if (set.length + removed.length === 0) return [];
    const keys = removed.map(({ namespace, thing }) => entryKey(namespace, thing));
    for (const key of keys) {
      this.#record.delete(key);
      this.#recorded.set(key, null);
    }
    for (const entry of set) {
      const key = entryKey(entry.namespace, entry.thing);
      this.#record.set(key, entry);
      this.#recorded.set(key, entry);
    }
    this.#bareNames.hold(set, removed);
    return new Set([...this.#claims.hold(set, keys, this.#sequence), ...this.#bareNames.decide()]);
  }
}

/** What has other forms that are served misses only calls without a namespace; a raw Mapping for these is not served at all. */
function bareNameProblem(declarer: Declarer, name: string, { undecided, reason }: NameRefusal): Problem {
  const isWhole = declarer.configuration !== null;
  const field = isWhole ? "" : "metadata.name";
  return {
    code: "bare-name-contested",
    level: undecided || isWhole ? "error" : "info",
    subject: declarer.ref,
    field,
    sentence: `the name ${name} ${reason}, so gRPC calls without the metadata namespace do not reach it; callers send namespace: ${declarer.namespace}`,
  };
}

/** Names that the drafts of a declarer declare, each once; an SD declares one, raw Mappings up to their allowance. */
function bareNamesOf({ drafts }: ObjectMeaning, refusals: Refusals | null): readonly string[] {
  const names: string[] = [];
  for (const { mapping, standing } of drafts) {
    if (standing.kind !== "bare" || refusals?.mappings.has(mapping.id) === true) continue;
    if (!names.includes(standing.name)) names.push(standing.name);
  }
  return names;
}
