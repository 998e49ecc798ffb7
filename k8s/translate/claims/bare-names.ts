// Bare gRPC names: calls with `seldon` and without `namespace`. A name is a claim on `grpc:NAME`: a Grant goes first, then the namespace whose object is the oldest.
import { compareText } from "../../../routing/text/problem.ts";
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
  /** The oldest is first; else the namespace alone decides, as in a folder. */
  readonly isByAge: boolean;
}

export class BareNames<U extends Declarer> {
  readonly #settings: BareNameSettings;
  /** Names that Grants reserve; null: for two namespaces, so for none. */
  readonly #reserved = new Map<string, string | null>();
  /** All that declare a name: mostly one, and thousands may. */
  readonly #declared = new Map<string, U | Set<U>>();
  /** The declarer that is first, of each name that is declared, as `decide` found it. */
  readonly #first = new Map<string, { readonly declarer: U; readonly createdAt: string }>();
  /** Names that changed since `decide`: looked at once, however many changed them. */
  readonly #touched = new Set<string>();

  constructor(settings: BareNameSettings) {
    this.#settings = settings;
    for (const { namespace, grpcNames } of settings.grants) {
      for (const name of grpcNames)
        this.#reserved.set(name, (this.#reserved.get(name) ?? namespace) === namespace ? namespace : null);
    }
  }

  /** The namespace whose deployment answers calls of this name, or null. As of the last `decide`. */
  ownerOf(name: string): string | null {
    const reserved = this.#reserved.get(name);
    if (reserved !== undefined) return reserved;
    return this.#settings.grantedOnly ? null : (this.#first.get(name)?.declarer.namespace ?? null);
  }

  /** A declarer declares `after` instead of `before`. */
  replace(declarer: U, before: readonly string[], after: readonly string[]): void {
    for (const name of before) if (!after.includes(name)) this.#withdraw(name, declarer);
    for (const name of after) {
      if (!before.includes(name)) this.#declare(name, declarer);
      else if (this.#isOfAnotherAge(name, declarer)) this.#touched.add(name);
    }
  }

  /** An object that was created again may be first no more, or be first now. */
  #isOfAnotherAge(name: string, declarer: U): boolean {
    const first = this.#first.get(name);
    if (first === undefined) return false;
    return first.declarer === declarer
      ? first.createdAt !== declarer.createdAt
      : this.#compare(declarer, first.declarer) < 0;
  }

  /** Declarers whose answer changed since the last call. */
  decide(): readonly U[] {
    const affected: U[] = [];
    for (const name of this.#touched) {
      const before = this.ownerOf(name);
      const declarers = this.#declarersOf(name);
      const first = this.#firstOf(declarers);
      if (first === null) this.#first.delete(name);
      else this.#first.set(name, { declarer: first, createdAt: first.createdAt });
      const after = this.ownerOf(name);
      if (before === after) continue;
      for (const declarer of declarers)
        if (declarer.namespace === before || declarer.namespace === after) affected.push(declarer);
    }
    this.#touched.clear();
    return affected;
  }

  /** null when the name of a declarer in this namespace is served; else words that follow the name. */
  refusalOf(name: string, namespace: string): string | null {
    const owner = this.ownerOf(name);
    if (owner === namespace) return null;
    if (this.#reserved.has(name))
      return owner === null
        ? "is reserved for two namespaces by Grants"
        : `is reserved for the namespace ${owner} by a Grant`;
    if (owner === null) return "needs a Grant here (--claims granted)";
    return `belongs to the namespace ${owner}, ${this.#settings.isByAge ? "which goes first by the age of its object, then by its name" : "whose name comes first"}`;
  }

  #firstOf(declarers: Iterable<U>): U | null {
    let first: U | null = null;
    for (const one of declarers) if (first === null || this.#compare(one, first) < 0) first = one;
    return first;
  }

  #compare(a: U, b: U): number {
    return (
      (this.#settings.isByAge ? compareText(a.createdAt, b.createdAt) : 0) || compareText(a.namespace, b.namespace)
    );
  }

  #declarersOf(name: string): Iterable<U> {
    const declared = this.#declared.get(name);
    if (declared === undefined) return [];
    return declared instanceof Set ? declared : [declared];
  }

  #declare(name: string, declarer: U): void {
    this.#touched.add(name);
    const declared = this.#declared.get(name);
    if (declared === undefined) this.#declared.set(name, declarer);
    else if (declared instanceof Set) declared.add(declarer);
    else this.#declared.set(name, new Set([declared, declarer]));
  }

  #withdraw(name: string, declarer: U): void {
    this.#touched.add(name);
    const declared = this.#declared.get(name);
    if (!(declared instanceof Set) || (declared.delete(declarer) && declared.size === 0)) this.#declared.delete(name);
  }
}
