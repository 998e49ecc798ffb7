// Entries of a folder: which names hold manifests, and what stands behind them.
import { readdirSync, statSync, type Stats } from 'node:fs';

const manifestName = /\.(?:yaml|yml|json)$/i;

/** What a path is, symbolic links followed. */
export type Entry =
  | { readonly kind: 'file'; readonly stats: Stats }
  /** `identity` differs for another directory under the same name, also where the number of a removed one is used again. */
  | { readonly kind: 'directory'; readonly identity: string }
  /** Gone, hidden, another kind of file, or a link that leads nowhere. */
  | { readonly kind: 'none' };

/**
 * Hidden names are no manifests: editors' swap files, `.git`, and the `..data` and `..2026_01_01` of a mounted ConfigMap or Secret, whose
 * files are reached by the links beside them.
 */
export function isHidden(name: string): boolean {
  return name.startsWith('.');
}

/** What `path` is. A file counts when its name is a manifest's. */
export function entryAt(path: string): Entry {
  let stats: Stats | undefined;
  try {
    stats = statSync(path, { throwIfNoEntry: false });
  } catch {
    // ELOOP, ENOTDIR, EACCES on the way: nothing that can be read.
  }
  if (stats?.isDirectory()) return { kind: 'directory', identity: `${stats.dev}:${stats.ino}:${stats.birthtimeMs}` };
  if (stats?.isFile() && manifestName.test(path)) return { kind: 'file', stats };
  return { kind: 'none' };
}

/** Names in a directory that are not hidden, in text order; null when it cannot be listed. */
export function namesIn(directory: string): readonly string[] | null {
  try {
    return readdirSync(directory)
      .filter((name) => !isHidden(name))
      .sort();
  } catch {
    return null;
  }
}
