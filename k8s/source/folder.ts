// The folder Source: directory trees of manifests, followed as they change.
//
// Every directory has a watcher of its own: Node's recursive watch costs a watcher a file on Linux and loses what happens in a new subfolder.
// An event names the entry that changed and only that is read. A slow poll finds what no event told: network file systems, targets of links.
import { watch, type FSWatcher } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { entryAt, isHidden, namesIn } from './entries.ts';
import { fileProblem, ManifestFiles } from './files.ts';
import type { Source, SourceChange } from './source.ts';

export interface FolderOptions {
  /** Directories; each file in them with a manifest's name is read, links are followed. */
  readonly folders: readonly string[];
  /** Namespace of objects that name none: the single namespace, else `default` (design §4.2). */
  readonly defaultNamespace: string;
  /** Time between two polls, ms: the safety net, not the way changes are noticed. */
  readonly pollMs: number;
}

/** A file that is written in place is read when nothing was written to it for this long. */
const settleMs = 5;
/** … or at the latest this long after the first event, when somebody writes without end. */
const settleLimitMs = 100;
/** A file that turns empty is believed to be empty after this long: `> file` empties it before it writes. */
const emptyMs = 100;
/** What is gone is believed to be gone after this long: git removes a file before it writes the new one, and a rename is two events. */
const goneMs = 10;
/** Entries that a poll looks at before it lets events in. */
const pollSlice = 500;

interface Directory {
  readonly path: string;
  /** How it is shown: the folder as the operator wrote it, and the rest. */
  readonly name: string;
  readonly parent: Directory | null;
  identity: string;
  watcher: FSWatcher | null;
  readonly files: Set<string>;
  readonly directories: Map<string, Directory>;
}

/** An entry that something happened to, not looked at yet. */
interface Pending {
  readonly directory: Directory;
  readonly entry: string;
  readonly sinceMs: number;
  dueMs: number;
  /** When it was first found gone or empty. */
  readonly vanishedAtMs: number | null;
}

export function folderSource(options: FolderOptions): Source {
  return new FolderSource(options);
}

class FolderSource implements Source {
  readonly kind = 'folder';
  readonly forbiddenAddresses = [];
  readonly events = null;
  readonly #options: FolderOptions;
  readonly #files: ManifestFiles;
  readonly #roots: Directory[] = [];
  readonly #rootWatchers: FSWatcher[] = [];
  readonly #pending = new Map<string, Pending>();
  #deliver: ((change: SourceChange) => void) | null = null;
  #immediate: NodeJS.Immediate | null = null;
  #settleTimer: NodeJS.Timeout | null = null;
  #pollTimer: NodeJS.Timeout | null = null;
  /** Nothing is delivered before this moment. */
  #heldUntilMs: number | null = null;
  #readAtMs = 0;
  #shownProblems = '';

  constructor(options: FolderOptions) {
    this.#options = options;
    this.#files = new ManifestFiles(options.defaultNamespace);
  }

  async start(deliver: (change: SourceChange) => void): Promise<void> {
    for (const folder of this.#options.folders) {
      const path = resolve(folder);
      const found = entryAt(path);
      if (found.kind !== 'directory') throw new Error(`folder ${folder} does not exist or is not a directory`);
      if (this.#roots.some((root) => root.identity === found.identity)) continue;
      const name = folder.replace(/(?<=.)\/+$/, '');
      this.#roots.push({ path, name, parent: null, identity: found.identity, watcher: null, files: new Set(), directories: new Map() });
    }
    this.#readAtMs = now();
    for (const root of this.#roots) {
      this.#open(root);
      this.#watchRoot(root);
    }
    this.#deliver = deliver;
    this.#send(true);
    this.#schedulePoll();
  }

  async stop(): Promise<void> {
    this.#deliver = null;
    for (const watcher of this.#rootWatchers) watcher.close();
    for (const root of this.#roots) this.#unwatch(root);
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    if (this.#settleTimer !== null) clearTimeout(this.#settleTimer);
    if (this.#pollTimer !== null) clearTimeout(this.#pollTimer);
    this.#pending.clear();
  }

  /** Secrets are among the manifests. */
  follow(): void {}

  ageSeconds(): number {
    return 0;
  }

  trouble(): null {
    return null;
  }

  // ---- the tree

  /** Watches, then lists: what happens between the two is told twice rather than never. */
  #open(directory: Directory): void {
    this.#watch(directory);
    this.#list(directory);
  }

  #list(directory: Directory): void {
    const names = namesIn(directory.path);
    if (names === null) {
      this.#files.report(directory.name, fileProblem(directory.name, 'unreadable-folder', 'the folder cannot be listed and its last good objects stay; make it readable'));
      return;
    }
    const present = new Set(names);
    for (const name of [...directory.files, ...directory.directories.keys()]) if (!present.has(name)) this.#forget(directory, name);
    for (const name of names) this.#look(directory, name, false);
  }

  /**
   * Brings one entry up to date. `announced`: an event named it, so a file is read and a directory opened again even where `stat` shows nothing new
   * (time stamps are coarse, and a directory that was removed and made again may look the same while its watcher is dead).
   */
  #look(directory: Directory, name: string, announced: boolean): void {
    const path = join(directory.path, name);
    const entry = entryAt(path);
    if (entry.kind !== 'file' && directory.files.has(name)) this.#forget(directory, name);
    if (entry.kind === 'file') {
      if (directory.directories.has(name)) this.#forget(directory, name);
      const shown = join(directory.name, name);
      if (announced || !this.#files.isCurrent(shown, entry.stats)) this.#files.read(path, shown, entry.stats);
      directory.files.add(name);
    } else if (entry.kind === 'directory') {
      this.#enter(directory, name, entry.identity, announced);
    } else {
      this.#forget(directory, name);
    }
  }

  #enter(parent: Directory, name: string, identity: string, announced: boolean): void {
    const known = parent.directories.get(name);
    if (known?.identity === identity && known.watcher !== null && !announced) return;
    for (let above: Directory | null = parent; above !== null; above = above.parent) if (above.identity === identity) return;
    if (known !== undefined) {
      // Another directory under the same name (a link that was moved): what it does not hold is forgotten by the listing.
      this.#unwatch(known);
      known.identity = identity;
      this.#open(known);
      return;
    }
    const directory: Directory = {
      path: join(parent.path, name), name: join(parent.name, name), parent, identity, watcher: null, files: new Set(), directories: new Map(),
    };
    parent.directories.set(name, directory);
    this.#open(directory);
  }

  #forget(directory: Directory, name: string): void {
    if (directory.files.delete(name)) this.#files.forget(join(directory.name, name));
    const below = directory.directories.get(name);
    if (below === undefined) return;
    for (const entry of [...below.files, ...below.directories.keys()]) this.#forget(below, entry);
    this.#unwatch(below);
    this.#files.report(below.name, null);
    directory.directories.delete(name);
  }

  // ---- events

  #watch(directory: Directory): void {
    try {
      const watcher = watch(directory.path, (event, name) => this.#onEvent(directory, watcher, event, name));
      // An error ends the watcher (the directory is gone on some systems): the parent's event or the poll says what became of it.
      watcher.on('error', () => watcher.close());
      directory.watcher = watcher;
      this.#files.report(directory.name, null);
    } catch {
      this.#files.report(directory.name, {
        ...fileProblem(directory.name, 'unwatched-folder', `the folder cannot be watched and is read every ${this.#options.pollMs} ms; allow more watches (fs.inotify.max_user_watches)`),
        level: 'warning',
      });
    }
  }

  #unwatch(directory: Directory): void {
    directory.watcher?.close();
    directory.watcher = null;
    for (const below of directory.directories.values()) this.#unwatch(below);
  }

  /** The folder itself may be replaced: a link to a release, a directory moved into place. */
  #watchRoot(root: Directory): void {
    try {
      const watcher = watch(dirname(root.path), (_event, name) => {
        if (name !== basename(root.path)) return;
        this.#lookAtRoot(root, true);
        this.#send(false);
      });
      watcher.on('error', () => watcher.close());
      this.#rootWatchers.push(watcher);
    } catch {
      // The poll does it.
    }
  }

  #lookAtRoot(root: Directory, announced: boolean): void {
    const entry = entryAt(root.path);
    this.#readAtMs = now();
    if (entry.kind !== 'directory') {
      this.#files.report(`${root.name} itself`, fileProblem(root.name, 'folder-gone', 'the folder is gone and its last objects stay; bring it back, or stop the gateway'));
      root.identity = '';
      return;
    }
    this.#files.report(`${root.name} itself`, null);
    if (entry.identity === root.identity && !announced) return;
    this.#unwatch(root);
    root.identity = entry.identity;
    this.#open(root);
  }

  #onEvent(directory: Directory, watcher: FSWatcher, event: string, name: string | null): void {
    // A late event of a directory that is not followed any more.
    if (directory.watcher !== watcher) return;
    if (name === null || isHidden(name)) {
      // `..data` is moved to switch all links beside it; an unnamed event may mean any entry.
      if (name === null || name.startsWith('..')) for (const entry of namesIn(directory.path) ?? []) this.#await(directory, entry, 0);
      return;
    }
    this.#await(directory, name, event === 'change' ? settleMs : 0);
  }

  #await(directory: Directory, entry: string, delayMs: number): void {
    const key = `${directory.path}/${entry}`;
    const nowMs = performance.now();
    const known = this.#pending.get(key);
    const sinceMs = known?.sinceMs ?? nowMs;
    const dueMs = delayMs === 0 ? nowMs : Math.min(nowMs + delayMs, sinceMs + settleLimitMs);
    this.#pending.set(key, { directory, entry, sinceMs, dueMs, vanishedAtMs: known?.vanishedAtMs ?? null });
    this.#schedule();
  }

  #schedule(): void {
    if (this.#pending.size === 0 && this.#heldUntilMs === null) return;
    let dueMs = this.#heldUntilMs ?? Infinity;
    for (const pending of this.#pending.values()) dueMs = Math.min(dueMs, pending.dueMs);
    const waitMs = dueMs - performance.now();
    if (waitMs <= 0) {
      // After the events that are already here: a burst is one change.
      this.#immediate ??= setImmediate(() => {
        this.#immediate = null;
        this.#flush();
      });
      return;
    }
    if (this.#settleTimer !== null) clearTimeout(this.#settleTimer);
    this.#settleTimer = setTimeout(() => this.#flush(), Math.ceil(waitMs));
  }

  #flush(): void {
    this.#readAtMs = now();
    const nowMs = performance.now();
    for (const [key, pending] of this.#pending) {
      if (pending.dueMs > nowMs) continue;
      this.#pending.delete(key);
      if (pending.directory.watcher === null) continue;
      const vanishedAtMs = pending.vanishedAtMs ?? nowMs;
      const dueMs = vanishedAtMs + this.#doubtMs(pending);
      if (dueMs > nowMs) {
        this.#pending.set(key, { ...pending, dueMs, vanishedAtMs });
        this.#heldUntilMs ??= nowMs + goneMs;
      } else {
        this.#look(pending.directory, pending.entry, true);
      }
    }
    // What was read beside something that seems gone waits for it, so that a rename is one change.
    if (this.#heldUntilMs === null || this.#heldUntilMs <= nowMs) {
      this.#heldUntilMs = null;
      this.#send(false);
    }
    this.#schedule();
  }

  /** For how long the entry's state is not believed, ms. */
  #doubtMs({ directory, entry }: Pending): number {
    const found = entryAt(join(directory.path, entry));
    if (found.kind === 'file') return this.#files.isEmptied(join(directory.name, entry), found.stats) ? emptyMs : 0;
    return found.kind === 'none' && (directory.files.has(entry) || directory.directories.has(entry)) ? goneMs : 0;
  }

  // ---- the safety net

  #schedulePoll(): void {
    if (this.#deliver === null) return;
    this.#pollTimer = setTimeout(() => void this.#poll().finally(() => this.#schedulePoll()), this.#options.pollMs);
    this.#pollTimer.unref();
  }

  async #poll(): Promise<void> {
    for (const root of this.#roots) {
      this.#lookAtRoot(root, false);
      if (root.identity !== '') await this.#pollDirectory(root);
    }
    this.#send(false);
  }

  async #pollDirectory(directory: Directory): Promise<void> {
    if (directory.watcher === null) this.#watch(directory);
    const names = namesIn(directory.path) ?? [];
    const present = new Set(names);
    for (const name of [...directory.files, ...directory.directories.keys()]) if (!present.has(name)) this.#look(directory, name, false);
    for (let first = 0; first < names.length; first += pollSlice) {
      this.#readAtMs = now();
      for (const name of names.slice(first, first + pollSlice)) {
        // What an event announced is looked at when it is due.
        if (!this.#pending.has(`${directory.path}/${name}`)) this.#look(directory, name, false);
      }
      this.#send(false);
      await new Promise((done) => setImmediate(done));
      if (this.#deliver === null) return;
    }
    for (const below of directory.directories.values()) await this.#pollDirectory(below);
  }

  // ---- out

  #send(first: boolean): void {
    if (this.#deliver === null) return;
    const { set, removed } = this.#files.changes();
    const problems = this.#files.problems();
    const shown = JSON.stringify(problems);
    if (!first && set.length === 0 && removed.length === 0 && shown === this.#shownProblems) return;
    this.#shownProblems = shown;
    this.#deliver({ set, removed, problems, readAtMs: this.#readAtMs });
  }
}

function now(): number {
  return performance.timeOrigin + performance.now();
}
