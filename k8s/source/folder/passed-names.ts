// Names that no manifest has and that seem to have come and gone: whoever replaces a file writes beside it first. Events do not tell what came from
// what went, so a folder may be there all the same: it was put in the place of an empty one, or the events of an earlier look were late.
import type { FolderTree, Directory } from "./tree.ts";
import type { Work } from "../objects/turns.ts";

/** So long after the first of them all are looked for: nobody waits for it who works in the directory meanwhile. */
const passedMs = 1000;
/** More names of one directory are not looked for one by one, but in its listing. */
const few = 16;

export class PassedNames {
  readonly #look: () => void;
  readonly #names = new Map<Directory, Set<string>>();
  #timer: NodeJS.Timeout | null = null;

  /** `look`: it is time to ask which of them are there. */
  constructor(look: () => void) {
    this.#look = look;
  }

  add(directory: Directory, name: string): void {
    const names = this.#names.get(directory);
    if (names === undefined) this.#names.set(directory, new Set([name]));
    else names.add(name);
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#look();
    }, passedMs).unref();
  }

  /** Takes those that may be there. */
  *take(tree: FolderTree, found: (directory: Directory, name: string) => void): Work {
    for (const [directory, names] of this.#names) {
      this.#names.delete(directory);
      if (directory.watcher === null) continue;
      const present = names.size <= few ? null : new Set((yield* tree.names(directory))?.names);
      for (const name of names) if (present === null || present.has(name)) found(directory, name);
    }
  }

  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#names.clear();
  }
}
