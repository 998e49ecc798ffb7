// The folder Source: directory trees of manifests, followed as they change.
//
// An event names the entry that changed, and that is read once nothing was heard of it for a moment, so that nobody reads half a file. A slow poll
// finds what no event told: network file systems, targets of links. Reading pauses every few milliseconds, so that the admin port answers meanwhile.
import { watch, type FSWatcher } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { sameValue } from "../../../routing/text/diff.ts";
import type { Problem } from "../../../routing/text/problem.ts";
import {
  entryAt,
  folderBounds,
  isHidden,
  isManifestName,
  outerIdentities,
  type FolderBounds,
} from "../entries/entries.ts";
import { fileProblem, ManifestFiles } from "../files/files.ts";
import type { Source, SourceChange } from "../objects/source.ts";
import type { Work } from "../objects/work.ts";
import { LockFile } from "./lock-file.ts";
import { RecordFile } from "./record-file.ts";
import { FolderTree, knownIn, newDirectory, type Directory } from "./tree.ts";

export interface FolderOptions {
  /** Directories; each file in them with a manifest's name is read, links are followed. */
  readonly folders: readonly string[];
  /** Namespace of objects that name none: the single namespace, else `default` . */
  readonly defaultNamespace: string;
  /** The same of releases. */
  readonly releasesFile: string | null;
  /** Time between two polls, ms: the safety net, not the way changes are noticed. */
  readonly pollMs: number;
}

/** An entry that an event named. */
interface Named {
  readonly directory: Directory;
  readonly entry: string;
  /** Time of its last event, of performance.now(). */
  readonly atMs: number;
}

/** An entry is looked at when nothing was heard of it for so long: it may be half written, and git removes a file before it writes the new one. */
const settleMs = 40;
/** What is gone is believed to be gone when no other entry waits, because its objects may be in one of these, or after this long. */
const goneMs = 1000;
/** Time between two looks at what waits, ms. */
const lookMs = 10;
/** Time that reading takes before others have a turn, ms. */
const sliceMs = 10;
/** Entries that a poll looks at before it lets events in. */
const pollSlice = 25;

export function folderSource(options: FolderOptions, bounds: FolderBounds = folderBounds): Source {
  return new FolderSource(options, bounds);
}

class FolderSource implements Source {
  readonly kind = "folder";
  readonly forbiddenAddresses = [];
  readonly releases: RecordFile | null;
  readonly leadership: LockFile | null;
  readonly events = null;
  readonly replicas = null;
  readonly reviews = null;
  readonly #options: FolderOptions;
  readonly #files: ManifestFiles;
  readonly #tree: FolderTree;
  readonly #roots: Directory[] = [];
  readonly #rootWatchers: FSWatcher[] = [];
  /** By path. */
  readonly #named = new Map<string, Named>();
  #settleTimer: NodeJS.Timeout | null = null;
  #pollTimer: NodeJS.Timeout | null = null;
  /** Everything that reads, one after the other. */
  #reading: Promise<void> = Promise.resolve();
  #deliver: ((change: SourceChange) => void) | null = null;
  #stopped = false;
  #readAtMs = 0;
  #shownProblems: readonly Problem[] = [];

  constructor(options: FolderOptions, bounds: FolderBounds) {
    this.#options = options;
    this.releases = options.releasesFile === null ? null : new RecordFile(options.releasesFile);
    this.leadership = options.releasesFile === null ? null : new LockFile(options.releasesFile);
    this.#files = new ManifestFiles(options.defaultNamespace);
    this.#tree = new FolderTree({
      files: this.#files,
      bounds,
      pollMs: options.pollMs,
      onEvent: (directory, event, name) => this.#onEvent(directory, event, name),
    });
  }

  async start(deliver: (change: SourceChange) => void): Promise<void> {
    for (const folder of this.#options.folders) {
      const path = resolve(folder);
      const found = entryAt(path);
      if (found.kind !== "directory") throw new Error(`folder ${folder} does not exist or is not a directory`);
      if (this.#roots.some((root) => root.identity === found.identity)) continue;
      const name = folder.replace(/(?<=.)\/+$/, "");
      this.#roots.push(
        newDirectory({ path, name, parent: null, outer: outerIdentities(path), identity: found.identity }),
      );
    }
    this.#readAtMs = now();
    for (const root of this.#roots) {
      await this.#read(() => this.#tree.open(root));
      if (this.#stopped) return;
      this.#watchRoot(root);
    }
    this.releases?.start();
    this.#deliver = deliver;
    this.#send(true);
    this.#schedulePoll();
  }

  async stop(): Promise<void> {
    this.#deliver = null;
    this.#stopped = true;
    this.releases?.stop();
    for (const watcher of this.#rootWatchers) watcher.close();
    for (const root of this.#roots) this.#tree.unwatch(root);
    if (this.#settleTimer !== null) clearTimeout(this.#settleTimer);
    if (this.#pollTimer !== null) clearTimeout(this.#pollTimer);
  }

  /** Secrets are among the manifests. */
  follow(): void {}

  ageSeconds(): number {
    return 0;
  }

  trouble(): null {
    return null;
  }

  // ---- reading

  /** Does the work after all that was asked for before, and pauses now and then. It goes no step further once it is stopped. A bug that it meets is its own: what comes after is read. */
  #read(begin: () => Work): Promise<void> {
    const read = this.#reading.then(async () => {
      if (this.#stopped) return;
      const work = begin();
      let endMs = performance.now() + sliceMs;
      while (work.next().done !== true) {
        if (performance.now() < endMs) continue;
        await new Promise((resume) => setImmediate(resume));
        if (this.#stopped) return;
        endMs = performance.now() + sliceMs;
      }
    });
    this.#reading = read.catch(() => undefined);
    return read;
  }

  *#lookAtRoot(root: Directory, announced: boolean): Work {
    const entry = entryAt(root.path);
    this.#readAtMs = now();
    if (entry.kind !== "directory") {
      this.#files.report(
        `${root.name} itself`,
        fileProblem(
          root.name,
          "folder-gone",
          "the folder is gone and its last objects stay; restore it, or stop the gateway",
        ),
      );
      root.identity = "";
      return;
    }
    this.#files.report(`${root.name} itself`, null);
    if (entry.identity === root.identity && !announced) return;
    this.#tree.unwatch(root);
    root.identity = entry.identity;
    yield* this.#tree.open(root);
  }

  // ---- events

  /** The folder itself may be replaced: a link to a release, a directory moved into place. */
  #watchRoot(root: Directory): void {
    try {
      const watcher = watch(dirname(root.path), (_event, name) => {
        if (name !== basename(root.path)) return;
        void this.#read(() => this.#lookAtRoot(root, true)).then(() => this.#send(false));
      });
      watcher.on("error", () => watcher.close());
      this.#rootWatchers.push(watcher);
    } catch {
      // The poll does it.
    }
  }

  #onEvent(directory: Directory, event: string, name: string | null): void {
    if (name === null || isHidden(name)) {
      // `..data` is moved to switch all links beside it; an unnamed event may mean any entry.
      if (name === null || name.startsWith("..")) void this.#read(() => this.#nameAll(directory));
      return;
    }
    // What is no manifest may be written to.
    if (event !== "change" || isManifestName(name) || directory.directories.has(name)) this.#name(directory, name);
  }

  *#nameAll(directory: Directory): Work {
    const listing = yield* this.#tree.names(directory);
    for (const entry of listing?.names ?? []) this.#name(directory, entry);
  }

  #name(directory: Directory, entry: string): void {
    this.#named.set(join(directory.path, entry), { directory, entry, atMs: performance.now() });
    this.#settleTimer ??= setTimeout(() => this.#settle(), settleMs);
  }

  #settle(): void {
    // After the events that are already here: they may say that an entry has not settled, or where the objects of one went.
    setImmediate(() => {
      void this.#read(() => this.#lookAtSettled()).then(() => {
        this.#send(false);
        this.#settleTimer = this.#named.size > 0 && !this.#stopped ? setTimeout(() => this.#settle(), lookMs) : null;
      });
    });
  }

  *#lookAtSettled(): Work {
    this.#readAtMs = now();
    const nowMs = performance.now();
    const gone: Named[] = [];
    for (const [path, named] of this.#named) {
      const { directory, entry, atMs } = named;
      if (nowMs - atMs < settleMs) continue;
      const found = entryAt(path);
      // `rm -rf` of the folder itself removes its entries first: they stay with it.
      if (found.kind === "none" && isRootGone(directory)) {
        this.#named.delete(path);
        continue;
      }
      if (found.kind === "none" && (directory.files.has(entry) || directory.directories.has(entry))) {
        gone.push(named);
      } else {
        this.#named.delete(path);
        yield* this.#look(named);
      }
      yield;
    }
    const isAlone = this.#named.size === gone.length;
    for (const named of gone) {
      const path = join(named.directory.path, named.entry);
      if ((!isAlone && nowMs - named.atMs < goneMs) || this.#named.get(path) !== named) continue;
      this.#named.delete(path);
      yield* this.#look(named);
    }
  }

  *#look({ directory, entry }: Named): Work {
    if (directory.watcher !== null) yield* this.#tree.look(directory, entry, true);
  }

  // ---- the safety net

  #schedulePoll(): void {
    if (this.#deliver === null) return;
    this.#pollTimer = setTimeout(() => void this.#poll().finally(() => this.#schedulePoll()), this.#options.pollMs);
    this.#pollTimer.unref();
  }

  /** In several parts, so that what events named is read in between. */
  async #poll(): Promise<void> {
    for (const root of this.#roots) {
      await this.#read(() => this.#lookAtRoot(root, false));
      if (root.identity !== "") await this.#pollDirectory(root);
    }
    this.#send(false);
  }

  async #pollDirectory(directory: Directory): Promise<void> {
    let names: readonly string[] = [];
    await this.#read(
      function* (this: FolderSource): Work {
        if (directory.watcher === null) this.#tree.watch(directory);
        names = (yield* this.#tree.names(directory))?.names ?? [];
      }.bind(this),
    );
    const entries = [...new Set([...names, ...knownIn(directory)])];
    for (let first = 0; first < entries.length && this.#deliver !== null; first += pollSlice) {
      await this.#read(() => this.#pollEntries(directory, entries.slice(first, first + pollSlice)));
      // Promises alone would let no event in.
      await new Promise((resume) => setImmediate(resume));
    }
    this.#send(false);
    if (this.#deliver !== null) for (const below of directory.directories.values()) await this.#pollDirectory(below);
  }

  *#pollEntries(directory: Directory, entries: readonly string[]): Work {
    this.#readAtMs = now();
    for (const entry of entries) {
      // What an event named is looked at when it has settled.
      if (!this.#named.has(join(directory.path, entry))) yield* this.#tree.look(directory, entry, false);
      yield;
    }
  }

  // ---- out

  #send(first: boolean): void {
    if (this.#deliver === null) return;
    const { set, removed } = this.#files.changes();
    const problems = this.#files.problems();
    const isShown = problems === this.#shownProblems || sameValue(problems, this.#shownProblems);
    if (!first && set.length === 0 && removed.length === 0 && isShown) return;
    this.#shownProblems = problems;
    this.#deliver({ set, removed, problems, readAtMs: this.#readAtMs });
  }
}

function isRootGone({ parent, path }: Directory): boolean {
  return parent === null ? entryAt(path).kind !== "directory" : isRootGone(parent);
}

function now(): number {
  return performance.timeOrigin + performance.now();
}
