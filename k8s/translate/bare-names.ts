// Bare gRPC names: calls with `seldon` and without `namespace` (design §4.2). Served while exactly one namespace declares the name.
import type { Grant } from './translation.ts';

export class BareNames<U> {
  /** Name, then namespace, to the units that declare it. */
  readonly #declared = new Map<string, Map<string, Set<U>>>();
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
    const namespaces = this.#declared.get(name);
    return namespaces?.size === 1 ? namespaces.keys().next().value! : null;
  }

  /** A unit declares `after` instead of `before`. Gives the other units whose answer that changed. */
  replace(unit: U, namespace: string, before: ReadonlySet<string>, after: ReadonlySet<string>): readonly U[] {
    const affected: U[] = [];
    for (const name of before) if (!after.has(name)) affected.push(...this.#change(name, () => this.#withdraw(name, namespace, unit)));
    for (const name of after) if (!before.has(name)) affected.push(...this.#change(name, () => this.#declare(name, namespace, unit)));
    return affected.filter((other) => other !== unit);
  }

  /** Why a unit's name is not served, as words that follow it; null when it is. */
  reasonAgainst(name: string, namespace: string): string | null {
    if (this.ownerOf(name) === namespace) return null;
    const reserved = this.#reserved.get(name);
    if (reserved !== undefined) return reserved === null ? 'is reserved for two namespaces by Grants' : `is reserved for the namespace ${reserved} by a Grant`;
    const others = [...this.#declared.get(name)!.keys()].filter((other) => other !== namespace);
    return `is declared in ${others.length === 1 ? `the namespace ${others[0]!}` : `${others.length} other namespaces`} too`;
  }

  #change(name: string, change: () => void): readonly U[] {
    const before = this.ownerOf(name);
    const losing = before === null ? [] : [...(this.#declared.get(name)?.get(before) ?? [])];
    change();
    const after = this.ownerOf(name);
    if (before === after) return [];
    return after === null ? losing : [...losing, ...(this.#declared.get(name)?.get(after) ?? [])];
  }

  #declare(name: string, namespace: string, unit: U): void {
    let namespaces = this.#declared.get(name);
    if (namespaces === undefined) this.#declared.set(name, (namespaces = new Map()));
    const units = namespaces.get(namespace);
    if (units === undefined) namespaces.set(namespace, new Set([unit]));
    else units.add(unit);
  }

  #withdraw(name: string, namespace: string, unit: U): void {
    const namespaces = this.#declared.get(name);
    const units = namespaces?.get(namespace);
    units?.delete(unit);
    if (units?.size === 0) namespaces!.delete(namespace);
    if (namespaces?.size === 0) this.#declared.delete(name);
  }
}
