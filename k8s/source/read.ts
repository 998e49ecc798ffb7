// Manifests read once, for the tools: no watching, no last good.
import { join } from 'node:path';
import type { Problem } from '../../routing/problem.ts';
import type { SourceObject } from '../translate/object.ts';
import { entryAt, namesIn } from './entries.ts';
import { fileProblem, ManifestFiles } from './files.ts';

export interface ManifestsRead {
  readonly objects: readonly SourceObject[];
  readonly problems: readonly Problem[];
  /** Paths that are neither a directory nor a manifest that exists. */
  readonly missing: readonly string[];
}

/** Reads files and directory trees as the folder Source does. Never throws: a path that is not there is in `missing`. */
export function readManifests(paths: readonly string[], defaultNamespace: string): ManifestsRead {
  const files = new ManifestFiles(defaultNamespace);
  const missing = paths.filter((path) => !readPath(files, path, path, []));
  return { objects: files.changes().set, problems: files.problems(), missing };
}

function readPath(files: ManifestFiles, path: string, name: string, above: readonly string[]): boolean {
  const entry = entryAt(path);
  if (entry.kind === 'file') files.read(path, name, entry.stats);
  if (entry.kind === 'directory' && !above.includes(entry.identity)) {
    const names = namesIn(path);
    if (names === null) files.report(name, fileProblem(name, 'unreadable-folder', 'the folder cannot be listed; make it readable'));
    for (const below of names ?? []) readPath(files, join(path, below), join(name, below), [...above, entry.identity]);
  }
  return entry.kind !== 'none';
}
