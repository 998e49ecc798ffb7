// Files that tests declare objects with.
import type { Declarations, DeclaringFiles } from "../../../k8s/source/files/declarations.ts";
import type { StoredObject } from "../../../k8s/source/objects/stored-object.ts";
import { objectKey } from "../../../k8s/translate/model/object.ts";

export class DeclaredFiles implements DeclaringFiles {
  readonly #names: string[] = [];
  readonly #objects = new Map<string, readonly StoredObject[]>();

  numberOf(file: string): number {
    if (!this.#names.includes(file)) this.#names.push(file);
    return this.#names.indexOf(file);
  }

  declaredIn(number: number, key: string): readonly StoredObject[] {
    return (this.#objects.get(this.#names[number]!) ?? []).filter(({ ref }) => objectKey(ref) === key);
  }

  /** A file declares something else from now on. */
  replace(declarations: Declarations, before: readonly StoredObject[], now: readonly StoredObject[]): void {
    for (const { file } of before) this.#objects.delete(file);
    for (const { file } of now) this.#objects.set(file, now);
    declarations.replace(before, now);
  }
}
