// Bare gRPC names: calls with `seldon` and without `namespace` (design §4.2). Served while exactly one namespace declares the name.
import type { Grant } from './translation.ts';

/** Who declares names. */
export interface Declarer {
  readonly namespace: string;
}

/** Units that declare one name, and how many of them are in each namespace: thousands may share a name. */
class Declared<U extends Declarer> {
  readonly units = new Set<U>();
  readonly namespaces = new Map<string, number>();

  add(unit: U): void {
    this.units.add(unit);
    this.namespaces.set(unit.namespace, (this.namespaces.get(unit.namespace) ?? 0) + 1);
  }

  remove(unit: U): void {
    this.units.delete(unit);
    const left = this.namespaces.get(unit.namespace)! - 1;
    if (left === 0) this.namespaces.delete(unit.namespace);
    else this.namespaces.set(unit.namespace, left);
  }

  /** The only namespace, or null. */
  get owner(): string | null {
    if (this.namespaces.size !== 1) return null;
    for (const namespace of this.namespaces.keys()) return namespace;
    return null;
  }
}

export class BareNames<U extends Declarer> {
  readonly #declared = new Map<string, Declared<U>>();
  /** Names that Grants reserve; null: for two namespaces, so for none. */
  readonly #reserved = new Map<string, string | null>();

  constructor(grants: readonly Grant[]) {
    for (const { namespace, grpcNames } of grants) {
      for (const name of grpcNames) this.#reserved.set(name, (this.#reserved.get(name) ?? namespace) === namespace ? namespace : null);
    }
  }

  /** The namespace whose deployment answers calls of this name, or null. */
  ownerOf(name: string): string | null {
    const reserved = this.#reserved.get(name);
    if (reserved !== undefined) return reserved;
    return this.#declared.get(name)?.owner ?? null;
  }

  /** A unit declares `after` instead of `before`. Gives the other units whose answer that changed. */
  replace(unit: U, before: readonly string[], after: readonly string[]): readonly U[] {
    if (before === after) return [];
    const affected: U[] = [];
    for (const name of before) if (!after.includes(name)) this.#change(name, unit, affected, () => this.#withdraw(name, unit));
    for (const name of after) if (!before.includes(name)) this.#change(name, unit, affected, () => this.#declare(name, unit));
    return affected;
  }

  /** Why a unit's name is not served, as words that follow it; null when it is. */
  reasonAgainst(name: string, namespace: string): string | null {
    if (this.ownerOf(name) === namespace) return null;
    const reserved = this.#reserved.get(name);
    if (reserved !== undefined) return reserved === null ? 'is reserved for two namespaces by Grants' : `is reserved for the namespace ${reserved} by a Grant`;
    const others = new Set(this.#declared.get(name)!.namespaces.keys());
    others.delete(namespace);
    return `is declared in ${others.size === 1 ? `the namespace ${[...others][0]!}` : `${others.size} other namespaces`} too`;
  }

  #change(name: string, unit: U, affected: U[], change: () => void): void {
    const before = this.ownerOf(name);
    change();
    const after = this.ownerOf(name);
    if (before === after) return;
    for (const other of this.#declared.get(name)?.units ?? []) {
      if (other !== unit && (other.namespace === before || other.namespace === after)) affected.push(other);
    }
  }

  #declare(name: string, unit: U): void {
    let declared = this.#declared.get(name);
    if (declared === undefined) this.#declared.set(name, (declared = new Declared()));
    declared.add(unit);
  }

  #withdraw(name: string, unit: U): void {
    const declared = this.#declared.get(name)!;
    declared.remove(unit);
    if (declared.units.size === 0) this.#declared.delete(name);
  }
}
