// The folder Source: directory trees of manifests, followed as they change.
//
// An event names the entry that changed and only that is read. A slow poll finds what no event told: network file systems, targets of links.
// All reading is done in turns, a slice of time at a time: whatever somebody puts into the folder, the admin port answers.
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
  type Entry,
  type FolderBounds,
} from "../entries/entries.ts";
import { earlyBytes, fileProblem, ManifestFiles } from "../files/files.ts";
import { hasPassed, PendingEntries, type Happening, type PendingEntry } from "./pending-entries.ts";
import { PassedNames } from "./passed-names.ts";
import type { Source, SourceChange } from "../objects/source.ts";
import { LockFile } from "./lock-file.ts";
import { RecordFile } from "./record-file.ts";
import { FolderTree, knownIn, newDirectory, type Directory } from "./tree.ts";
import { Turns, type Work } from "../objects/turns.ts";

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

/** A file that turns empty is believed to be empty after this long: `> file` empties it before it writes. */
const emptyMs = 100;
/** What is gone is believed to be gone after this long: git removes a file before it writes the new one, and a rename is two events. */
const goneMs = 10;
/** What was read in this time is delivered, whatever else waits: where changes come as fast as they are read, the first would wait for the last. */
const flushMs = 10;
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
  readonly #turns = new Turns();
  readonly #roots: Directory[] = [];
  readonly #rootWatchers: FSWatcher[] = [];
  readonly #pending = new PendingEntries((directory, entry) => this.#files.namespaceOf(join(directory.name, entry)));
  readonly #passed = new PassedNames(
    () =>
      void this.#turns.run(() =>
        this.#passed.take(this.#tree, (directory, name) => this.#await(directory, name, "moved")),
      ),
  );
  #deliver: ((change: SourceChange) => void) | null = null;
  #immediate: NodeJS.Immediate | null = null;
  #settleTimer: NodeJS.Timeout | null = null;
  /** What is pending is looked at by then, of performance.now(). */
  #flushAtMs = Infinity;
  /** A flush has been asked for and has not begun. */
  #flushAsked = false;
  #pollTimer: NodeJS.Timeout | null = null;
  /** Nothing is delivered before this moment. */
  #heldUntilMs: number | null = null;
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
      await this.#turns.run(() => this.#tree.open(root));
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
    this.releases?.stop();
    this.#stopped = true;
    for (const watcher of this.#rootWatchers) watcher.close();
    this.#turns.stop();
    for (const root of this.#roots) this.#tree.unwatch(root);
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    if (this.#settleTimer !== null) clearTimeout(this.#settleTimer);
    if (this.#pollTimer !== null) clearTimeout(this.#pollTimer);
    this.#pending.clear();
    this.#passed.clear();
  }

  /** Secrets are among the manifests. */
  follow(): void {}

  ageSeconds(): number {
    return 0;
  }

  trouble(): null {
    return null;
  }

  // ---- events

  /** The folder itself may be replaced: a link to a release, a directory moved into place. */
  #watchRoot(root: Directory): void {
    try {
      const watcher = watch(dirname(root.path), (_event, name) => {
        if (name !== basename(root.path)) return;
        void this.#turns.run(() => this.#lookAtRoot(root, true)).then(() => this.#send(false));
      });
      watcher.on("error", () => watcher.close());
      this.#rootWatchers.push(watcher);
    } catch {
      // The poll does it.
    }
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

  #onEvent(directory: Directory, event: string, name: string | null): void {
    if (name === null || isHidden(name)) {
      // `..data` is moved to switch all links beside it; an unnamed event may mean any entry.
      if (name === null || name.startsWith("..")) void this.#turns.run(() => this.#awaitAll(directory));
      return;
    }
    const isStrange = !isManifestName(name) && !directory.directories.has(name);
    // What is no manifest may be written to.
    if (event === "change" && isStrange) return;
    this.#await(directory, name, event === "change" ? "written" : isStrange ? "strange" : "moved");
  }

  *#awaitAll(directory: Directory): Work {
    const listing = yield* this.#tree.names(directory);
    for (const entry of listing?.names ?? []) this.#await(directory, entry, "moved");
  }

  #await(directory: Directory, entry: string, happened: Happening): void {
    const dueMs = this.#pending.add(directory, entry, happened, performance.now());
    // Of thousands of events only the first one schedules.
    if (dueMs < this.#flushAtMs) this.#scheduleAt(dueMs);
  }

  #schedule(): void {
    const dueMs = Math.min(this.#heldUntilMs ?? Infinity, this.#pending.dueMs);
    if (dueMs !== Infinity) this.#scheduleAt(dueMs);
  }

  #scheduleAt(dueMs: number): void {
    this.#flushAtMs = dueMs;
    const waitMs = dueMs - performance.now();
    if (waitMs <= 0) {
      // After the events that are already here: a burst is one change.
      this.#immediate ??= setImmediate(() => {
        this.#immediate = null;
        this.#askFlush();
      });
      return;
    }
    if (this.#settleTimer !== null) clearTimeout(this.#settleTimer);
    this.#settleTimer = setTimeout(() => this.#askFlush(), Math.ceil(waitMs));
  }

  #askFlush(): void {
    if (this.#flushAsked) return;
    this.#flushAsked = true;
    void this.#turns.run(() => this.#flush());
  }

  *#flush(): Work {
    this.#flushAsked = false;
    this.#flushAtMs = Infinity;
    this.#readAtMs = now();
    const nowMs = performance.now();
    for (const pending of this.#pending.inTurns()) {
      if (performance.now() - nowMs >= flushMs) break;
      if (pending.dueMs > nowMs) {
        if (pending.early) yield* this.#lookEarly(pending);
        continue;
      }
      this.#pending.delete(pending);
      if (pending.directory.watcher === null) continue;
      if (hasPassed(pending)) {
        this.#passed.add(pending.directory, pending.entry);
        continue;
      }
      const found = entryAt(join(pending.directory.path, pending.entry));
      this.#pending.spend(found.kind === "file" ? found.stats.size : 0);
      const vanishedAtMs = pending.vanishedAtMs ?? nowMs;
      const dueMs = vanishedAtMs + this.#doubtMs(pending, found);
      if (dueMs > nowMs) {
        this.#pending.doubt(pending, vanishedAtMs, dueMs);
        this.#heldUntilMs ??= nowMs + goneMs;
      } else {
        yield* this.#tree.look(pending.directory, pending.entry, true, found);
      }
      yield;
    }
    // What was read beside something that seems gone waits for it, so that a rename is one change.
    if (this.#heldUntilMs === null || this.#heldUntilMs <= nowMs) {
      this.#heldUntilMs = null;
      this.#send(false);
    }
    this.#schedule();
  }

  *#lookEarly(pending: PendingEntry): Work {
    const looked = this.#pending.looked(pending);
    this.#pending.spend(earlyBytes);
    const isWhole =
      pending.directory.watcher !== null && (yield* this.#tree.lookEarly(pending.directory, pending.entry));
    if (isWhole) this.#pending.believe(looked);
  }

  /** For how long the entry's state is not believed, ms. */
  #doubtMs({ directory, entry }: PendingEntry, found: Entry): number {
    if (found.kind === "file") return this.#files.isEmptied(join(directory.name, entry), found.stats) ? emptyMs : 0;
    return found.kind === "none" && (directory.files.has(entry) || directory.directories.has(entry)) ? goneMs : 0;
  }

  // ---- the safety net

  #schedulePoll(): void {
    if (this.#deliver === null) return;
    this.#pollTimer = setTimeout(() => void this.#poll().finally(() => this.#schedulePoll()), this.#options.pollMs);
    this.#pollTimer.unref();
  }

  /** In several turns, so that events come in between. */
  async #poll(): Promise<void> {
    for (const root of this.#roots) {
      await this.#turns.run(() => this.#lookAtRoot(root, false));
      if (root.identity !== "") await this.#pollDirectory(root);
    }
    this.#send(false);
  }

  async #pollDirectory(directory: Directory): Promise<void> {
    let names: readonly string[] = [];
    await this.#turns.run(
      function* (this: FolderSource): Work {
        if (directory.watcher === null) this.#tree.watch(directory);
        names = (yield* this.#tree.names(directory))?.names ?? [];
        const present = new Set(names);
        for (const name of knownIn(directory)) {
          if (!present.has(name)) yield* this.#tree.look(directory, name, false);
          yield;
        }
      }.bind(this),
    );
    for (let first = 0; first < names.length && this.#deliver !== null; first += pollSlice) {
      await this.#turns.run(() => this.#pollNames(directory, names.slice(first, first + pollSlice)));
      // Promises alone would let no event in.
      await new Promise((resume) => setImmediate(resume));
    }
    this.#send(false);
    if (this.#deliver !== null) for (const below of directory.directories.values()) await this.#pollDirectory(below);
  }

  *#pollNames(directory: Directory, names: readonly string[]): Work {
    this.#readAtMs = now();
    for (const name of names) {
      // What an event announced is looked at when it is due.
      if (!this.#pending.has(directory, name)) yield* this.#tree.look(directory, name, false);
      yield;
    }
  }

  // ---- out

  #send(first: boolean): void {
    if (this.#deliver === null) return;
    const { set, removed } = this.#files.changes(this.#pending);
    const problems = this.#files.problems();
    const isShown = problems === this.#shownProblems || sameValue(problems, this.#shownProblems);
    if (!first && set.length === 0 && removed.length === 0 && isShown) return this.#files.letGo();
    this.#shownProblems = problems;
    this.#deliver({ set, removed, problems, readAtMs: this.#readAtMs });
    this.#files.letGo();
  }
}

function now(): number {
  return performance.timeOrigin + performance.now();
}
