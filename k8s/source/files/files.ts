// Manifest files: read, parsed, compared; each keeps its last good objects while it cannot be read.
import type { Stats } from "node:fs";
import { compareProblems, type Problem, type ProblemCode } from "../../../routing/text/problem.ts";
import { visible } from "../../../routing/text/visible.ts";
import { isUnread, type SourceObject } from "../../translate/model/object.ts";
import { isPlatformKind } from "../../translate/platform/platform.ts";
import { missingIn, readingManifest } from "../manifest/manifest.ts";
import type { StoredObject } from "../objects/stored-object.ts";
import type { Work } from "../objects/work.ts";
import { Declarations } from "./declarations.ts";
import { readBytes } from "./file-reading.ts";

/** What files hold beside the objects that were read of them. */
export interface BesideObjects {
  /** Objects of kinds that routing does not read. */
  readonly otherKinds: number;
  /** Objects that name no namespace and were given the default. */
  readonly withoutNamespace: number;
}

/** What was read of one file. */
interface KnownFile extends BesideObjects {
  /** What `stat` said when it was read: equal means not written since, as far as a slow poll needs to know. */
  readonly stamp: string;
  /** Last good. */
  readonly objects: readonly StoredObject[];
}

const noProblems: readonly Problem[] = Object.freeze([]);

/** All files of a Source by the name they are shown with. */
export class ManifestFiles {
  readonly #defaultNamespace: string;
  readonly #files = new Map<string, KnownFile>();
  readonly #declarations = new Declarations();
  readonly #problems = new Map<string, readonly Problem[]>();
  /** All of them, and those of Declarations among them; null: gathered anew when somebody asks. */
  #gathered: { readonly declared: readonly Problem[]; readonly all: readonly Problem[] } | null = null;

  /** `defaultNamespace`: of objects that name none. */
  constructor(defaultNamespace: string) {
    this.#defaultNamespace = defaultNamespace;
  }

  /** true when the file was read and `stat` says that it is still the same. */
  isCurrent(name: string, stats: Stats): boolean {
    return this.#files.get(name)?.stamp === stampOf(stats);
  }

  /** Reads the file at `path`. What cannot be read keeps its last good objects, also where a bug of ours is why. */
  *read(path: string, name: string, stats: Stats): Work {
    // In all likelihood somebody is about to write it: `> file` empties it first, and one of its objects may say who may call.
    if (stats.size === 0 && (this.#files.get(name)?.objects.length ?? 0) > 0)
      return this.#unreadable(name, stampOf(stats), "it is empty");
    const bytes = readBytes(path, stats.size);
    if (typeof bytes === "string") return this.#unreadable(name, stampOf(stats), bytes);
    try {
      yield* this.readBytes(bytes, name, stampOf(stats));
    } catch (error) {
      this.#unreadable(name, stampOf(stats), `Sluice met a bug of its own: ${visible(String(error)).slice(0, 200)}`);
    }
  }

  #unreadable(name: string, stamp: string, reason: string): void {
    const objects = this.#files.get(name)?.objects ?? [];
    const stay = objects.length === 0 ? "" : " and its last good objects stay";
    this.#tell(name, [
      fileProblem(
        name,
        "unreadable-file",
        `the file cannot be read (${reason})${stay}; make it readable, or delete it`,
      ),
    ]);
    this.#files.set(name, { stamp, objects, otherKinds: 0, withoutNamespace: 0 });
  }

  /** Reads text that may be no file of its own: standard input. */
  *readBytes(bytes: Uint8Array, name: string, stamp: string): Work {
    const before = this.#files.get(name)?.objects ?? [];
    const lastGood = before.filter(({ ref, object }) => !isPlatformKind(ref.kind) || !isUnread(object));
    const manifest = yield* readingManifest(bytes, { file: name, defaultNamespace: this.#defaultNamespace, lastGood });
    const objects = manifest.complete
      ? manifest.objects
      : [...manifest.objects, ...missingIn(manifest.objects, lastGood)];
    const { otherKinds, withoutNamespace } = manifest;
    this.#files.set(name, { stamp, objects, otherKinds, withoutNamespace });
    this.#declarations.replace(before, objects);
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
  changes(): { readonly set: readonly SourceObject[]; readonly removed: readonly string[] } {
    return this.#declarations.changes();
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

function stampOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  return `${dev}:${ino}:${size}:${mtimeMs}:${ctimeMs}`;
}
