// Declared names: which deployments the gRPC Routes of all namespaces name. Only a call that names no namespace and found no Route asks: whether
// it should say one, or whether nobody has that name.
import { PersistentMapEdit, findIn } from './persistent-map.ts';
import type { PersistentMap } from './persistent-map.ts';
import { hashText } from './bytes.ts';
import type { Route } from './decision.ts';
import { compareText } from './problem.ts';
import { deploymentName } from './namespace-routes.ts';

/** A name, as byte text, and how many Routes of namespaces have it. */
export interface DeclaredName {
  readonly name: string;
  readonly hash: number;
  readonly routes: number;
}

export function isDeclared(names: PersistentMap<DeclaredName>, name: string): boolean {
  return findIn(names, hashText(name), (declared) => declared.name === name) !== null;
}

/** The names of the next table. */
export class DeclaredNamesEdit {
  readonly #names: PersistentMapEdit<DeclaredName>;

  constructor(from: PersistentMap<DeclaredName>, expected: number) {
    this.#names = new PersistentMapEdit(from, expected, ({ hash }) => hash, (a, b) => compareText(a.name, b.name));
  }

  /** A Route came (`by` 1) or left (−1). */
  count<T>({ placing, space, match }: Route<T>, by: 1 | -1): void {
    if (placing !== 'named' || space === null) return;
    const name = deploymentName(match)!;
    const hash = hashText(name);
    const before = this.#names.find(hash, (declared) => declared.name === name);
    const after = Object.freeze({ name, hash, routes: (before?.routes ?? 0) + by });
    if (after.routes > 0) this.#names.set(after);
    else this.#names.remove(after);
  }

  done(): PersistentMap<DeclaredName> {
    return this.#names.done();
  }
}
