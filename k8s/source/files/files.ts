// Manifest files: read, compared, parsed; each keeps its last good objects while it cannot be read.
import type { Stats } from "node:fs";
import { resolve } from "node:path";
import { digestOf } from "../../../routing/collections/digest.ts";
import { compareProblems, type Problem, type ProblemCode } from "../../../routing/text/problem.ts";
import { objectKey, type SourceObject } from "../../translate/model/object.ts";
import { Declarations, type AnnouncedEntries } from "./declarations.ts";
import { endingOf, endsAlike } from "../entries/ending.ts";
import { entryAt } from "../entries/entries.ts";
import { hashOf, readBytes } from "./file-reading.ts";
import { KnownFiles } from "./known-files.ts";
import type { ReadingTerms } from "../manifest/manifest-objects.ts";
import { missingIn, readingManifest } from "../manifest/manifest.ts";
import { byKey, type StoredObject } from "../objects/stored-object.ts";
import { drawnTextKey } from "../objects/text-digest.ts";
import { finish, type Work } from "../objects/turns.ts";

/** Longest file that is read while somebody may still write to it, bytes. Most writers write so much at once. */
export const earlyBytes = 64 * 1024;

/** What files hold beside the objects that were read of them. */
export interface BesideObjects {
  /** Objects of kinds that routing does not read. */
  readonly otherKinds: number;
  /** Objects that name no namespace and were given the default. */
  readonly withoutNamespace: number;
}

const noProblems: readonly Problem[] = Object.freeze([]);
const nothingBeside: BesideObjects = Object.freeze({ otherKinds: 0, withoutNamespace: 0 });

/** All files of a Source by the name they are shown with. */
export class ManifestFiles {
  /** What all of them are read with. */
  readonly terms: ReadingTerms;
  readonly #files = new KnownFiles();
  readonly #declarations = new Declarations(this.#files, () => this.#reader());
  readonly #problems = new Map<string, readonly Problem[]>();
  /** All of them, and those of Declarations among them; null: gathered anew when somebody asks. */
  #gathered: { readonly declared: readonly Problem[]; readonly all: readonly Problem[] } | null = null;

  constructor(defaultNamespace: string) {
    this.terms = { defaultNamespace, digestKey: drawnTextKey() };
  }

  /** true when the file was read and `stat` says that it is still the same. */
  isCurrent(name: string, stats: Stats): boolean {
    return this.#files.isStamped(name, stampOf(stats));
  }

  /** Namespace of the first object that the file declared when it was read last; null: none. */
  namespaceOf(name: string): string | null {
    return this.#files.namespaceOf(name);
  }

  /** true when the file declares objects and is empty now: in all likelihood somebody is about to write it. */
  isEmptied(name: string, stats: Stats): boolean {
    return stats.size === 0 && (this.#files.get(name)?.objects.length ?? 0) > 0;
  }

  /** Reads the file at `path`. Equal bytes cost no parse; what cannot be read keeps its last good objects. */
  *read(path: string, name: string, stats: Stats): Work {
    const bytes = readBytes(path, stats.size);
    if (typeof bytes === "string") this.#unreadable(name, stampOf(stats), bytes);
    else yield* this.readBytes(bytes, name, stampOf(stats));
  }

  #unreadable(name: string, stamp: number, reason: string): void {
    const objects = this.#files.get(name)?.objects ?? [];
    const stay = objects.length === 0 ? "" : " and its last good objects stay";
    this.#tell(name, [
      fileProblem(name, "unreadable-file", `the file cannot be read (${reason})${stay}; make it readable`),
    ]);
    this.#files.set(name, { ...nothingBeside, stamp, digest: "", ending: null, objects });
  }

  /** Reads the file if all of it seems to be there, though somebody may still write to it: it has objects already and ends as it did. false: it may be half. */
  *readIfWhole(path: string, name: string, stats: Stats): Work<boolean> {
    const before = this.#files.get(name);
    if (before === undefined || before.objects.length === 0 || before.ending === null || stats.size > earlyBytes)
      return false;
    const bytes = readBytes(path, stats.size);
    if (typeof bytes === "string" || !endsAlike(bytes, before.ending)) return false;
    yield* this.readBytes(bytes, name, stampOf(stats));
    return true;
  }

  /** Reads text that is no file of its own: standard input. */
  *readBytes(bytes: Uint8Array, name: string, stamp: number): Work {
    const before = this.#files.get(name);
    const digest = yield* hashOf(bytes);
    if (before !== undefined && before.digest === digest) {
      this.#files.set(name, { ...before, stamp });
      return;
    }
    const lastGood = before?.objects ?? [];
    const manifest = yield* readingManifest(bytes, { file: name, terms: this.terms, lastGood });
    const objects = manifest.complete
      ? [...manifest.objects]
      : [...manifest.objects, ...missingIn(manifest.objects, lastGood)];
    const { otherKinds, withoutNamespace } = manifest;
    this.#files.set(name, { stamp, digest, ending: endingOf(bytes), objects, otherKinds, withoutNamespace });
    this.#declarations.replace(lastGood, objects);
    this.#tell(name, manifest.problems);
  }

  forget(name: string): void {
    this.#declarations.replace(this.#files.get(name)?.objects ?? [], []);
    this.#files.delete(name);
    this.#tell(name, noProblems);
  }

  /** A Problem of something else than a manifest: a folder that is gone. null: it is solved. */
  report(name: string, problem: Problem | null): void {
    this.#tell(name, problem === null ? noProblems : [problem]);
  }

  #tell(name: string, problems: readonly Problem[]): void {
    if (problems.length > 0) this.#problems.set(name, problems);
    else if (!this.#problems.delete(name)) return;
    this.#gathered = null;
  }

  /** Objects that changed since the last call. */
  changes(entries?: AnnouncedEntries): { readonly set: readonly SourceObject[]; readonly removed: readonly string[] } {
    return this.#declarations.changes(entries);
  }

  /** Whoever was given the last changes has read them: objects need not be kept. */
  letGo(): void {
    this.#declarations.letGo();
    this.#files.pack();
  }

  /**
   * Reads objects that another file's declaration stood before, and does no longer. null: the file says something else by now, or cannot be read;
   * that is read in any case when somebody touches it. Each file is read once, however many of its objects are asked for.
   */
  #reader(): (object: StoredObject) => StoredObject | null {
    const read = new Map<string, ReadonlyMap<string, readonly StoredObject[]>>();
    return (object) => {
      const { file } = object;
      let objects = read.get(file);
      if (objects === undefined) read.set(file, (objects = byKey(this.#objectsIn(file))));
      const found = objects.get(objectKey(object.ref))?.find((one) => one.isSame(object));
      const known = this.#files.get(file);
      if (found === undefined && known !== undefined) this.#files.set(file, { ...known, digest: "" });
      return found ?? null;
    };
  }

  /** Of a file whose name is a path, as it is now. */
  #objectsIn(file: string): readonly StoredObject[] {
    const path = resolve(file);
    const entry = entryAt(path);
    const bytes = entry.kind === "file" ? readBytes(path, entry.stats.size) : "";
    return typeof bytes === "string"
      ? []
      : finish(readingManifest(bytes, { file, terms: this.terms, lastGood: [] })).objects;
  }

  /** What all files hold beside the objects that were read. */
  beside(): BesideObjects {
    let [otherKinds, withoutNamespace] = [0, 0];
    for (const file of this.#files.values()) {
      otherKinds += file.otherKinds;
      withoutNamespace += file.withoutNamespace;
    }
    return { otherKinds, withoutNamespace };
  }

  /** All Problems there are now, in order: the same list until something may be another one. */
  problems(): readonly Problem[] {
    const declared = this.#declarations.problems();
    if (this.#gathered === null || this.#gathered.declared !== declared)
      this.#gathered = { declared, all: [...[...this.#problems.values()].flat(), ...declared].sort(compareProblems) };
    return this.#gathered.all;
  }
}

export function fileProblem(name: string, code: ProblemCode, sentence: string): Problem {
  return { code, level: "error", subject: { kind: "File", namespace: "", name }, field: "", sentence };
}

/** 53 bits. */
function stampOf(stats: Stats): number {
  const { high, low } = digestOf(`${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeMs}:${stats.ctimeMs}`);
  return (high >>> 0) * 2 ** 21 + (low >>> 11);
}
