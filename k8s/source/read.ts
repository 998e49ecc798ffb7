// Manifests read once, for the tools: no watching, no last good.
import { join } from "node:path";
import type { Problem } from "../../routing/text/problem.ts";
import type { SourceObject } from "../translate/model/object.ts";
import { entryAt, folderBounds, isUnreadable, namesIn, outerIdentities, type FolderBounds } from "./entries/entries.ts";
import { fileProblem, ManifestFiles, type BesideObjects } from "./files/files.ts";
import { linkAbove, noFile, tooDeep, tooManyEntries } from "./folder/folder-problems.ts";
import { manifestBounds } from "./manifest/manifest-bounds.ts";
import { finish } from "./objects/work.ts";

export { placeOfField, placeOfOrigin, type FilePlace } from "./objects/manifest-place.ts";

/** Of standard input no more is read, and more is refused like a file of that size. */
export const maxInputBytes = manifestBounds.fileBytes;

export interface ManifestsRead {
  readonly objects: readonly SourceObject[];
  readonly problems: readonly Problem[];
  /** Paths that are neither a directory nor a manifest that exists. */
  readonly missing: readonly string[];
  readonly beside: BesideObjects;
}

/** What to read, and how. */
export interface ManifestsWanted {
  /** Files and directories; `-` stands for `standardInput`. */
  readonly paths: readonly string[];
  readonly standardInput: Uint8Array | null;
  /** Namespace of objects that name none. */
  readonly defaultNamespace: string;
}

/** Reads files and directory trees as the folder Source does. Never throws: a path that is not there is in `missing`. */
export function readManifests(
  { paths, standardInput, defaultNamespace }: ManifestsWanted,
  bounds: FolderBounds = folderBounds,
): ManifestsRead {
  const reading = new TreeReading(defaultNamespace, bounds);
  const missing = paths.filter((path) =>
    path === "-" && standardInput !== null ? !reading.text(standardInput) : !reading.path(path, path, []),
  );
  const { files } = reading;
  return { objects: files.changes().set, problems: files.problems(), missing, beside: files.beside() };
}

class TreeReading {
  readonly files: ManifestFiles;
  readonly #bounds: FolderBounds;
  #entries = 0;
  /** Of the directories that the path is in which is read now. */
  #outer: readonly string[] = [];

  constructor(defaultNamespace: string, bounds: FolderBounds) {
    this.files = new ManifestFiles(defaultNamespace);
    this.#bounds = bounds;
  }

  text(bytes: Uint8Array): boolean {
    finish(this.files.readBytes(bytes, "-", ""));
    return true;
  }

  /** false: there is nothing that can be read. */
  path(path: string, name: string, above: readonly string[]): boolean {
    const entry = entryAt(path);
    if (entry.kind === "file") finish(this.files.read(path, name, entry.stats));
    if (entry.kind === "directory") {
      if (above.length === 0) this.#outer = outerIdentities(path);
      if (this.#outer.includes(entry.identity)) this.files.report(name, linkAbove(name));
      else if (!above.includes(entry.identity)) this.#directory(path, name, [...above, entry.identity]);
    }
    return entry.kind !== "none";
  }

  #directory(path: string, name: string, above: readonly string[]): void {
    if (above.length > this.#bounds.depth) return this.files.report(name, tooDeep(name, this.#bounds));
    const found = finish(namesIn(path, this.#bounds.entries - this.#entries));
    if (found === null)
      return this.files.report(
        name,
        fileProblem(name, "unreadable-folder", "the folder cannot be listed; make it readable"),
      );
    this.#entries += found.names.length;
    const unread = found.names.filter((below) => isUnreadable(join(path, below)));
    for (const below of unread) this.files.report(join(name, below), noFile(join(name, below)));
    if (found.more) this.files.report(name, tooManyEntries(name, this.#bounds));
    for (const below of found.names) this.path(join(path, below), join(name, below), above);
  }
}
