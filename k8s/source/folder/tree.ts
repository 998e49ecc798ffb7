// The tree of a folder Source: directories with their watchers, and the files in them, brought up to date entry by entry.
//
// Every directory has a watcher of its own: Node's recursive watch costs a watcher a file on Linux and loses what happens in a new subfolder.
import { watch, type FSWatcher } from "node:fs";
import { join } from "node:path";
import { entryAt, isUnreadable, namesIn, type Entry, type FolderBounds, type Names } from "../entries/entries.ts";
import { fileProblem, type ManifestFiles } from "../files/files.ts";
import { linkAbove, noFile, tooDeep, tooManyEntries } from "./folder-problems.ts";
import type { Work } from "../objects/work.ts";

export interface Directory {
  readonly path: string;
  /** How it is shown: the folder as the operator wrote it, and the rest. */
  readonly name: string;
  readonly parent: Directory | null;
  /** Of the directories that a root is in; of all others none. */
  readonly outer: readonly string[];
  identity: string;
  watcher: FSWatcher | null;
  /** Entries counted for it. */
  counted: number;
  readonly files: Set<string>;
  readonly directories: Map<string, Directory>;
  /** Named like manifests, and nothing that is read. */
  readonly unread: Set<string>;
}

/** Entries that something is known about. */
export function knownIn({ files, directories, unread }: Directory): readonly string[] {
  return [...files, ...directories.keys(), ...unread];
}

export function newDirectory(place: Pick<Directory, "path" | "name" | "parent" | "outer" | "identity">): Directory {
  return { ...place, watcher: null, counted: 0, files: new Set(), directories: new Map(), unread: new Set() };
}

export interface TreeOptions {
  readonly files: ManifestFiles;
  readonly bounds: FolderBounds;
  /** Time between two polls, ms, for a sentence. */
  readonly pollMs: number;
  /** Something happened to an entry, or to any of them when `name` is null. */
  readonly onEvent: (directory: Directory, event: string, name: string | null) => void;
}

export class FolderTree {
  readonly #files: ManifestFiles;
  readonly #bounds: FolderBounds;
  readonly #options: TreeOptions;
  #entries = 0;

  constructor(options: TreeOptions) {
    this.#options = options;
    this.#files = options.files;
    this.#bounds = options.bounds;
  }

  /** Watches, then lists: what happens between the two is told twice rather than never. */
  *open(directory: Directory): Work {
    this.watch(directory);
    const listing = yield* this.names(directory);
    if (listing === null) {
      const stay = directory.files.size + directory.directories.size === 0 ? "" : " and its last good objects stay";
      this.#files.report(
        directory.name,
        fileProblem(directory.name, "unreadable-folder", `the folder cannot be listed${stay}; make it readable`),
      );
      return;
    }
    const present = new Set(listing.names);
    for (const name of knownIn(directory)) {
      if (present.has(name)) continue;
      // Of a listing that was cut short nothing can be said about the rest.
      if (listing.more) yield* this.look(directory, name, false);
      else this.forget(directory, name);
    }
    for (const name of listing.names) {
      yield* this.look(directory, name, false);
      yield;
    }
  }

  /** Names in a directory, counted against the bound; null when it cannot be listed. */
  *names(directory: Directory): Work<Names | null> {
    const listing = yield* namesIn(
      directory.path,
      Math.max(0, this.#bounds.entries - this.#entries + directory.counted),
    );
    this.#count(directory, listing?.names.length ?? 0);
    this.#files.report(
      `${directory.name} entries`,
      listing?.more === true ? tooManyEntries(directory.name, this.#bounds) : null,
    );
    return listing;
  }

  /**
   * Brings one entry up to date. `announced`: an event named it, so a file is read and a directory opened again even where `stat` shows nothing new
   * (time stamps are coarse, and a directory that was removed and made again may look the same while its watcher is dead). `found`: what it is.
   */
  *look(directory: Directory, name: string, announced: boolean, found: Entry | null = null): Work {
    const path = join(directory.path, name);
    const entry = found ?? entryAt(path);
    const unread = entry.kind === "none" && isUnreadable(path);
    const wasUnread = directory.unread.has(name);
    // Listings count what they find.
    if (
      announced &&
      !this.#countOne(
        directory,
        entry.kind !== "none" || unread,
        directory.files.has(name) || directory.directories.has(name) || wasUnread,
      )
    )
      return;
    if (wasUnread && !unread) this.forget(directory, name);
    if (entry.kind !== "file" && directory.files.has(name)) this.forget(directory, name);
    if (entry.kind === "file") {
      if (directory.directories.has(name)) this.forget(directory, name);
      const shown = join(directory.name, name);
      directory.files.add(name);
      if (announced || !this.#files.isCurrent(shown, entry.stats)) yield* this.#files.read(path, shown, entry.stats);
    } else if (entry.kind === "directory") {
      yield* this.#enter(directory, name, entry.identity, announced);
    } else if (!unread || !wasUnread) {
      this.forget(directory, name);
      if (!unread) return;
      directory.unread.add(name);
      this.#files.report(join(directory.name, name), noFile(join(directory.name, name)));
    }
  }

  forget(directory: Directory, name: string): void {
    if (directory.files.delete(name)) this.#files.forget(join(directory.name, name));
    if (directory.unread.delete(name)) this.#files.report(join(directory.name, name), null);
    this.#files.report(`${join(directory.name, name)} link`, null);
    const below = directory.directories.get(name);
    if (below === undefined) return;
    for (const entry of knownIn(below)) this.forget(below, entry);
    this.unwatch(below);
    this.#count(below, 0);
    for (const about of [below.name, `${below.name} entries`]) this.#files.report(about, null);
    directory.directories.delete(name);
  }

  watch(directory: Directory): void {
    try {
      const watcher = watch(directory.path, (event, name) => {
        // A late event of a directory that is not followed any more.
        if (directory.watcher === watcher) this.#options.onEvent(directory, event, name);
      });
      // An error ends the watcher (the directory is gone on some systems): the parent's event or the poll says what became of it.
      watcher.on("error", () => watcher.close());
      directory.watcher = watcher;
      this.#files.report(directory.name, null);
    } catch {
      this.#files.report(directory.name, {
        ...fileProblem(
          directory.name,
          "unwatched-folder",
          `the folder cannot be watched, so Sluice reads it every ${this.#options.pollMs} ms; allow more watches (fs.inotify.max_user_watches)`,
        ),
        level: "warning",
      });
    }
  }

  unwatch(directory: Directory): void {
    directory.watcher?.close();
    directory.watcher = null;
    for (const below of directory.directories.values()) this.unwatch(below);
  }

  *#enter(parent: Directory, name: string, identity: string, announced: boolean): Work {
    const known = parent.directories.get(name);
    if (known?.identity === identity && known.watcher !== null && !announced) return;
    let depth = 1;
    for (let above: Directory | null = parent; above !== null; above = above.parent) {
      if (above.identity === identity) return;
      if (above.outer.includes(identity))
        return this.#files.report(`${join(parent.name, name)} link`, linkAbove(join(parent.name, name)));
      depth += 1;
    }
    if (known !== undefined) {
      // Another directory under the same name (a link that was moved): what it does not hold is forgotten by the listing.
      this.unwatch(known);
      known.identity = identity;
      return yield* this.open(known);
    }
    const directory = newDirectory({
      path: join(parent.path, name),
      name: join(parent.name, name),
      parent,
      outer: [],
      identity,
    });
    if (depth > this.#bounds.depth)
      return this.#files.report(`${directory.name} link`, tooDeep(directory.name, this.#bounds));
    parent.directories.set(name, directory);
    yield* this.open(directory);
  }

  /** An entry that came or went; false: there is no room for it. */
  #countOne(directory: Directory, exists: boolean, wasKnown: boolean): boolean {
    if (exists === wasKnown) return true;
    if (exists && this.#entries >= this.#bounds.entries) {
      this.#files.report(`${directory.name} entries`, tooManyEntries(directory.name, this.#bounds));
      return false;
    }
    this.#count(directory, Math.max(0, directory.counted + (exists ? 1 : -1)));
    return true;
  }

  #count(directory: Directory, entries: number): void {
    this.#entries += entries - directory.counted;
    directory.counted = entries;
  }
}
