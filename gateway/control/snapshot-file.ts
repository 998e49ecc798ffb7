// The snapshot on disk: last good objects for a start while the API server is away. Versioned, with a checksum, readable by its
// owner alone, replaced at once or not at all, and without Secrets.
//
// One line of head, one a an object, one of checksum; so it is written and read piece by piece.
import { createHash, type Hash } from "node:crypto";
import { open, rename, rm, type FileHandle } from "node:fs/promises";
import type { LastGood, LastGoodRead, StoredForm } from "../../k8s/source/objects/last-good.ts";
import type { Log } from "../shared/log.ts";

export interface SnapshotTimes {
  /** From a change to its write. */
  readonly settleMs: number;
  /** Between two writes. */
  readonly betweenMs: number;
}

export const snapshotTimes: SnapshotTimes = { settleMs: 2000, betweenMs: 30_000 };

export interface SnapshotOptions {
  readonly file: string;
  /** What the objects are of: a snapshot of another cluster or other namespaces is not read. */
  readonly scope: string;
  readonly times: SnapshotTimes;
  readonly log: Log;
}

const format = "sluice-snapshot";
const formatVersion = 1;
const pieceBytes = 256 * 1024;

interface Head {
  readonly format: string;
  readonly version: number;
  readonly scope: string;
  readonly objects: number;
  readonly writtenAtMs: number;
}

/** Kind, namespace, name, apiVersion, uid and the object. */
type Line = readonly [string, string, string, string, string, unknown];

export class SnapshotFile implements LastGood {
  readonly #options: SnapshotOptions;
  #objects: (() => readonly StoredForm[]) | null = null;
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();
  #writtenMs = -Infinity;

  constructor(options: SnapshotOptions) {
    this.#options = options;
  }

  async read(): Promise<LastGoodRead | null> {
    const { file, log } = this.#options;
    try {
      const read = await this.#read();
      if (typeof read !== "string") {
        log.write("snapshot-read", {
          file,
          objects: read.objects.length,
          ageSeconds: Math.round(read.ageSeconds),
        });
        return read;
      }
      log.write("snapshot-not-read", { file, reason: read });
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? String(error);
      if (code !== "ENOENT") log.write("snapshot-not-read", { file, reason: code });
    }
    return null;
  }

  changed(objects: () => readonly StoredForm[]): void {
    this.#objects = objects;
    if (this.#timer !== null) return;
    const { settleMs, betweenMs } = this.#options.times;
    this.#timer = setTimeout(() => this.#start(), Math.max(settleMs, this.#writtenMs + betweenMs - performance.now()));
    this.#timer.unref();
  }

  async close(): Promise<void> {
    this.#start();
    await this.#writing;
  }

  #start(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const objects = this.#objects;
    this.#objects = null;
    if (objects === null) return;
    this.#writing = this.#writing.then(() => this.#write(objects().filter(({ ref }) => ref.kind !== "Secret")));
  }

  /** Never rejects: what cannot be written is logged, and the file that was there stays. */
  async #write(objects: readonly StoredForm[]): Promise<void> {
    const { file, scope, log } = this.#options;
    const draft = `${file}.new`;
    try {
      await rm(draft, { force: true });
      const handle = await open(draft, "wx", 0o600);
      try {
        await writeLines(
          handle,
          { format, version: formatVersion, scope, objects: objects.length, writtenAtMs: Date.now() },
          objects,
        );
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(draft, file);
    } catch (error) {
      log.write("snapshot-not-written", {
        file,
        reason: (error as NodeJS.ErrnoException).code ?? String(error),
      });
      // Half a draft would keep a full disk full.
      await rm(draft, { force: true }).catch(() => undefined);
    }
    this.#writtenMs = performance.now();
  }

  /** The content, or why it does not count. */
  async #read(): Promise<LastGoodRead | string> {
    const handle = await open(this.#options.file, "r");
    try {
      const hash = createHash("sha256");
      const objects: StoredForm[] = [];
      let head: Head | null = null;
      let checksum: string | null = null;
      for await (const line of handle.readLines()) {
        if (checksum !== null) return "something follows its end";
        if (head === null) {
          head = JSON.parse(line) as Head;
          if (head.format !== format || head.version !== formatVersion) return "it is of another version";
          if (head.scope !== this.#options.scope) return "it is of another cluster or of other namespaces";
        } else if (line.startsWith("sha256 ")) {
          checksum = line.slice("sha256 ".length);
          continue;
        } else {
          objects.push(formOf(JSON.parse(line) as Line));
        }
        hash.update(`${line}\n`);
      }
      if (head === null || checksum !== hash.digest("hex") || objects.length !== head.objects)
        return "its checksum is wrong";
      return { objects, ageSeconds: Math.max(0, (Date.now() - head.writtenAtMs) / 1000) };
    } catch (error) {
      if (error instanceof SyntaxError) return "its checksum is wrong";
      throw error;
    } finally {
      await handle.close();
    }
  }
}

async function writeLines(handle: FileHandle, head: Head, objects: readonly StoredForm[]): Promise<void> {
  const hash: Hash = createHash("sha256");
  let piece = `${JSON.stringify(head)}\n`;
  for (const { ref, apiVersion, uid, text } of objects) {
    const names = JSON.stringify([ref.kind, ref.namespace, ref.name, apiVersion, uid]);
    piece += `${names.slice(0, -1)},${text}]\n`;
    if (piece.length < pieceBytes) continue;
    hash.update(piece);
    await handle.appendFile(piece);
    piece = "";
  }
  hash.update(piece);
  await handle.appendFile(`${piece}sha256 ${hash.digest("hex")}\n`);
}

function formOf([kind, namespace, name, apiVersion, uid, object]: Line): StoredForm {
  return { ref: { kind, namespace, name }, apiVersion, uid, text: JSON.stringify(object) };
}
