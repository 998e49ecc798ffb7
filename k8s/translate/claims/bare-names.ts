// Bare gRPC names: calls with `seldon` and without `namespace`. A name belongs to the namespace that held it first, by the record of claims.
import { compareText } from "../../../routing/text/problem.ts";
import { fewOf, listOf, type Few } from "../collections/few.ts";
import { entryKey, type ClaimEntry, type NewClaim } from "./claim-entry.ts";
import type { Grant } from "../model/translation.ts";

/** Who declares names. */
export interface Declarer {
  readonly namespace: string;
  /** RFC 3339 or "". */
  readonly createdAt: string;
}

export interface BareNameSettings {
  readonly grants: readonly Grant[];
  /** Only names that a Grant reserves are served. */
  readonly grantedOnly: boolean;
  /** What the record does not say is left open. */
  readonly asRecorded: boolean;
}

/** A namespace that declares a name. */
interface Declaring {
  readonly namespace: string;
  /** Number of the change in which it was first seen. */
  readonly sequence: number;
  /** Of its oldest object that declared the name since. */
  createdAt: string;
  /** Declarers that declare it. */
  count: number;
}

/** All that declare one name: mostly one declarer, and thousands may. */
class Declared<U extends Declarer> {
  #declarers: U | Set<U>;
  #namespaces: Declaring | Map<string, Declaring>;
  /** null: not known. */
  #first: Declaring | null;

  constructor(declarer: U, sequence: number) {
    const { namespace, createdAt } = declarer;
    this.#declarers = declarer;
    this.#first = { namespace, sequence, createdAt, count: 1 };
    this.#namespaces = this.#first;
  }

  add(declarer: U, sequence: number): void {
    const { namespace, createdAt } = declarer;
    if (!(this.#declarers instanceof Set)) this.#declarers = new Set([this.#declarers]);
    this.#declarers.add(declarer);
    let declaring = this.#at(namespace);
    if (declaring === null) {
      declaring = { namespace, sequence, createdAt, count: 0 };
      if (!(this.#namespaces instanceof Map))
        this.#namespaces = new Map([[this.#namespaces.namespace, this.#namespaces]]);
      this.#namespaces.set(namespace, declaring);
    }
    declaring.count += 1;
    if (createdAt < declaring.createdAt) declaring.createdAt = createdAt;
    if (this.#first !== null && compareDeclaring(declaring, this.#first) < 0) this.#first = declaring;
  }

  /** false: no declarer is left. */
  remove(declarer: U): boolean {
    if (!(this.#declarers instanceof Set)) return false;
    this.#declarers.delete(declarer);
    if (this.#declarers.size === 0) return false;
    const declaring = this.#at(declarer.namespace)!;
    declaring.count -= 1;
    if (declaring.count > 0 || !(this.#namespaces instanceof Map)) return true;
    this.#namespaces.delete(declarer.namespace);
    if (this.#first === declaring) this.#first = null;
    return true;
  }

  get declarers(): Iterable<U> {
    return this.#declarers instanceof Set ? this.#declarers : [this.#declarers];
  }

  /** The namespace that was first. */
  get first(): Declaring {
    if (this.#first === null && this.#namespaces instanceof Map) {
      for (const one of this.#namespaces.values())
        if (this.#first === null || compareDeclaring(one, this.#first) < 0) this.#first = one;
    }
    return this.#first!;
  }

  get namespaceCount(): number {
    return this.#namespaces instanceof Map ? this.#namespaces.size : 1;
  }

  has(namespace: string): boolean {
    return this.#at(namespace) !== null;
  }

  #at(namespace: string): Declaring | null {
    if (this.#namespaces instanceof Map) return this.#namespaces.get(namespace) ?? null;
    return this.#namespaces.namespace === namespace ? this.#namespaces : null;
  }
}

function compareDeclaring(a: Declaring, b: Declaring): number {
  return a.sequence - b.sequence || compareText(a.createdAt, b.createdAt) || compareText(a.namespace, b.namespace);
}

/** Why a declarer's name is not served. */
export interface NameRefusal {
  /** No namespace is served: only the record could name the owner. */
  readonly undecided: boolean;
  /** Words that follow the name. */
  readonly reason: string;
}

export class BareNames<U extends Declarer> {
  readonly #settings: BareNameSettings;
  readonly #declared = new Map<string, Declared<U>>();
  /** Names that Grants reserve; null: for two namespaces, so for none. */
  readonly #reserved = new Map<string, string | null>();
  /** The record's names. More than one owner only where the record or the Grants were changed by hand. */
  readonly #entries = new Map<string, Few<ClaimEntry>>();
  /** Entries whose namespace has not declared the name since it was recorded. If the namespace of any other entry no longer declares it, that claim was given up. */
  readonly #unseen = new Set<ClaimEntry>();
  /** Names that are declared and have no owner in the record. */
  readonly #unrecorded = new Set<string>();
  /** Keys of what was given up. */
  readonly #ended = new Set<string>();
  /** Names that changed since `decide`, and who had them before: looked at once, however many changed them. */
  readonly #touched = new Map<string, string | null>();

  constructor(settings: BareNameSettings) {
    this.#settings = settings;
    for (const { namespace, grpcNames } of settings.grants) {
      for (const name of grpcNames)
        this.#reserved.set(name, (this.#reserved.get(name) ?? namespace) === namespace ? namespace : null);
    }
  }

  /** The namespace whose deployment answers calls of this name, or null. */
  ownerOf(name: string): string | null {
    const reserved = this.#reserved.get(name);
    if (reserved !== undefined) return reserved;
    if (this.#settings.grantedOnly) return null;
    const owner = this.#recordedOwnerOf(name);
    if (owner !== null) return owner;
    const declared = this.#declared.get(name);
    if (declared === undefined) return null;
    return this.#settings.asRecorded && declared.namespaceCount > 1 ? null : declared.first.namespace;
  }

  /** A declarer declares `after` instead of `before`. */
  replace(declarer: U, before: readonly string[], after: readonly string[], sequence: number): void {
    if (before === after) return;
    for (const name of before) if (!after.includes(name)) this.#withdraw(name, declarer);
    for (const name of after) if (!before.includes(name)) this.#declare(name, declarer, sequence);
  }

  /** Takes what the record holds now, and what it holds no more. */
  hold(set: readonly ClaimEntry[], removed: readonly ClaimEntry[]): void {
    for (const { namespace, thing } of removed) if (thing.kind === "name") this.#release(thing.name, namespace);
    for (const entry of set) {
      const { thing, namespace } = entry;
      if (thing.kind !== "name") continue;
      this.#release(thing.name, namespace);
      const all = [...this.#entriesOf(thing.name), entry];
      this.#entries.set(
        thing.name,
        fewOf(all.sort((a, b) => a.sinceMs - b.sinceMs || compareText(a.namespace, b.namespace))),
      );
      if (this.#declared.get(thing.name)?.has(namespace) !== true) this.#unseen.add(entry);
    }
  }

  /** Declarers whose answer changed since the last call. */
  decide(): readonly U[] {
    const affected: U[] = [];
    for (const [name, before] of this.#touched) {
      const declared = this.#declared.get(name);
      if (declared !== undefined && this.#recordedOwnerOf(name) === null && !this.#reserved.has(name))
        this.#unrecorded.add(name);
      else this.#unrecorded.delete(name);
      const after = this.ownerOf(name);
      if (before === after) continue;
      for (const declarer of declared?.declarers ?? [])
        if (declarer.namespace === before || declarer.namespace === after) affected.push(declarer);
    }
    this.#touched.clear();
    return affected;
  }

  /** Claims that won and are not in the record. */
  get added(): readonly NewClaim[] {
    if (this.#settings.grantedOnly) return [];
    return Array.from(this.#unrecorded, (name) => {
      const { namespace, sequence } = this.#declared.get(name)!.first;
      return { namespace, thing: { kind: "name", name }, sinceMs: null, sequence };
    });
  }

  get isUndecided(): boolean {
    return this.#unrecorded.values().some((name) => this.ownerOf(name) === null);
  }

  /** Keys of what was given up. */
  get ended(): readonly string[] {
    return [...this.#ended];
  }

  /** Keys of what is recorded and was not declared here since. */
  get missing(): readonly string[] {
    return Array.from(this.#unseen, ({ namespace, thing }) => entryKey(namespace, thing));
  }

  /** null when the name of a declarer in this namespace is served. */
  refusalOf(name: string, namespace: string): NameRefusal | null {
    if (this.ownerOf(name) === namespace) return null;
    const reserved = this.#reserved.get(name);
    if (reserved !== undefined)
      return {
        undecided: false,
        reason:
          reserved === null
            ? "is reserved for two namespaces by Grants"
            : `is reserved for the namespace ${reserved} by a Grant`,
      };
    if (this.#settings.grantedOnly) return { undecided: false, reason: "needs a Grant here (--claims granted)" };
    const owner = this.#recordedOwnerOf(name) ?? this.#declared.get(name)!.first.namespace;
    if (this.ownerOf(name) !== null)
      return { undecided: false, reason: `belongs to the namespace ${owner}, which had it first` };
    const others = this.#declared.get(name)!.namespaceCount - 1;
    return {
      undecided: true,
      reason: `is declared in ${others === 1 ? "another namespace" : `${others} other namespaces`} too, and the record of claims does not say which was first`,
    };
  }

  /** By the record; those that gave it up hold it no more. */
  #recordedOwnerOf(name: string): string | null {
    for (const entry of this.#entriesOf(name))
      if (this.#ended.size === 0 || this.#unseen.has(entry) || !this.#ended.has(entryKey(entry.namespace, entry.thing)))
        return entry.namespace;
    return null;
  }

  #entriesOf(name: string): readonly ClaimEntry[] {
    return listOf(this.#entries.get(name) ?? null);
  }

  #touch(name: string): void {
    if (!this.#touched.has(name)) this.#touched.set(name, this.ownerOf(name));
  }

  #declare(name: string, declarer: U, sequence: number): void {
    this.#touch(name);
    const declared = this.#declared.get(name);
    if (declared === undefined) this.#declared.set(name, new Declared(declarer, sequence));
    else declared.add(declarer, sequence);
    this.#mark(name, declarer.namespace);
  }

  #withdraw(name: string, declarer: U): void {
    this.#touch(name);
    if (!this.#declared.get(name)!.remove(declarer)) this.#declared.delete(name);
    this.#mark(name, declarer.namespace);
  }

  /** Notes whether the namespace still declares what it holds. */
  #mark(name: string, namespace: string): void {
    const own = this.#entriesOf(name).find((entry) => entry.namespace === namespace);
    if (own === undefined) return;
    const key = entryKey(namespace, own.thing);
    if (this.#declared.get(name)?.has(namespace) === true) {
      this.#unseen.delete(own);
      this.#ended.delete(key);
    } else if (!this.#unseen.has(own)) {
      this.#ended.add(key);
    }
  }

  #release(name: string, namespace: string): void {
    this.#touch(name);
    this.#ended.delete(entryKey(namespace, { kind: "name", name }));
    const all = this.#entriesOf(name);
    const others = all.filter((entry) => entry.namespace !== namespace);
    for (const entry of all) if (entry.namespace === namespace) this.#unseen.delete(entry);
    if (others.length === 0) this.#entries.delete(name);
    else this.#entries.set(name, fewOf(others));
  }
}
