// Entries of a folder: which names hold manifests, and what stands behind them.
import { lstatSync, opendirSync, realpathSync, statSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import { compareText } from "../../../routing/text/problem.ts";

const manifestName = /\.(?:yaml|yml|json)$/i;

/** Bounds of what is looked at, so that a wrong link cannot make a Source read a whole machine. */
export interface FolderBounds {
  /** Files and directories of one Source, or of one run of a tool. Hidden names are passed over and not counted. */
  readonly entries: number;
  /** Directories inside each other. */
  readonly depth: number;
}

export const folderBounds: FolderBounds = Object.freeze({ entries: 50_000, depth: 32 });

/** What a path is, symbolic links followed. */
export type Entry =
  | { readonly kind: "file"; readonly stats: Stats }
  /** `identity` differs for another directory under the same name, also where the number of a removed one is used again. */
  | { readonly kind: "directory"; readonly identity: string }
  /** Gone, hidden, another kind of file, or a link that leads nowhere. */
  | { readonly kind: "none" };

/**
 * Hidden names are no manifests: editors' swap files, `.git`, and the `..data` and `..2026_01_01` of a mounted ConfigMap or Secret, whose
 * files are reached by the links beside them.
 */
export function isHidden(name: string): boolean {
  return name.startsWith(".");
}

export function isManifestName(name: string): boolean {
  return manifestName.test(name);
}

/** What `path` is. A file counts when its name is a manifest's. */
export function entryAt(path: string): Entry {
  let stats: Stats | undefined;
  try {
    stats = statSync(path, { throwIfNoEntry: false });
  } catch {
    // ELOOP, ENOTDIR, EACCES on the way: nothing that can be read.
  }
  if (stats?.isDirectory()) return { kind: "directory", identity: `${stats.dev}:${stats.ino}:${stats.birthtimeMs}` };
  if (stats?.isFile() && manifestName.test(path)) return { kind: "file", stats };
  return { kind: "none" };
}

/** Named like a manifest and there, but nothing that is read. */
export function isUnreadable(path: string): boolean {
  if (!manifestName.test(path) || entryAt(path).kind !== "none") return false;
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    // Its folder may be listed and not entered.
    return true;
  }
}

/** Identities of the directories that a directory is in, up to the root of the file system; links to these would lead around everything. */
export function outerIdentities(path: string): readonly string[] {
  const identities: string[] = [];
  let at: string;
  try {
    at = realpathSync(path);
  } catch {
    return [];
  }
  while (at !== dirname(at)) {
    at = dirname(at);
    const entry = entryAt(at);
    if (entry.kind === "directory") identities.push(entry.identity);
  }
  return identities;
}

export interface Names {
  /** Not hidden, in text order; at most as many as were asked for. */
  readonly names: readonly string[];
  /** There are more, which were not read. */
  readonly more: boolean;
}

/** Steps between two pauses of a listing. */
const listSlice = 500;

/** Names in a directory, `most` at most; null when it cannot be listed. Yields now and then, so that whoever runs it can let others work. */
export function* namesIn(directory: string, most: number): Generator<void, Names | null> {
  const names: string[] = [];
  let more = false;
  try {
    const entries = opendirSync(directory);
    try {
      for (let entry = entries.readSync(); entry !== null; entry = entries.readSync()) {
        if (isHidden(entry.name)) continue;
        more = names.length >= most;
        if (more) break;
        names.push(entry.name);
        if (names.length % listSlice === 0) yield;
      }
    } finally {
      entries.closeSync();
    }
  } catch {
    return null;
  }
  return { names: names.sort(compareText), more };
}
