// One record in a file, for a folder of manifests: replaced at once or not at all, and only over what the writer has read. A file beside it
// that nobody else may make at the same time keeps two writers apart.
import { createHash } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unwatchFile,
  watchFile,
  writeFileSync,
} from "node:fs";
import type { ObjectRef } from "../../../routing/text/problem.ts";
import { recordExcess } from "../../translate/values/record-text.ts";
import { errorCode } from "../objects/error-code.ts";
import type { RecordStore, RecordWrite, StoredRecord } from "../objects/source.ts";
import { linkedFile } from "./linked-file.ts";

/** No record is longer; what is has not been written by a gateway and is not read. */
const maxBytes = 1024 * 1024;
/** Between two looks at the file, ms. */
const lookMs = 2000;
/** A draft that is older, or that much younger than now, was left by a writer that ended in the middle: perhaps by a clock that was set back since. */
const staleDraftMs = 10_000;

export class RecordFile implements RecordStore {
  readonly subject: ObjectRef;
  readonly #file: string;
  #told: (stored: StoredRecord) => void = () => {};
  #shown: string | null = null;

  constructor(file: string) {
    this.#file = file;
    this.subject = { kind: "File", namespace: "", name: file };
  }

  follow(told: (stored: StoredRecord) => void): void {
    this.#told = told;
  }

  start(): void {
    this.#look();
    watchFile(this.#file, { interval: lookMs, persistent: false }, this.#look);
  }

  stop(): void {
    unwatchFile(this.#file, this.#look);
  }

  write(text: string, over: string | null): Promise<RecordWrite> {
    return Promise.resolve(this.#write(text, over));
  }

  readonly #look = (): void => {
    const stored = this.#read();
    const shown = JSON.stringify(stored);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#told(stored);
  };

  #read(): StoredRecord {
    try {
      const found = statSync(this.#file);
      // A FIFO would hold this thread until somebody writes, and a device may have no end.
      if (!found.isFile()) return { kind: "unreadable", sentence: "it is no file" };
      if (found.size > maxBytes) return { kind: "unreadable", sentence: `it has more than ${maxBytes} bytes` };
      const text = readFileSync(this.#file, "utf8");
      return { kind: "text", text, version: versionOf(text) };
    } catch (error) {
      const code = errorCode(error);
      return code === "ENOENT" ? { kind: "absent" } : { kind: "unreadable", sentence: `it cannot be read (${code})` };
    }
  }

  #write(text: string, over: string | null): RecordWrite {
    const excess = recordExcess(text);
    if (excess !== null) return { kind: "failed", sentence: excess };
    let draft = "";
    let handle: number | null = null;
    try {
      const file = linkedFile(this.#file);
      draft = `${file}.new`;
      handle = openDraft(draft);
      const stored = this.#read();
      if (stored.kind === "unreadable") return { kind: "failed", sentence: stored.sentence };
      if ((stored.kind === "text" ? stored.version : null) !== over) {
        this.#shown = null;
        setImmediate(this.#look);
        return { kind: "conflict" };
      }
      // All of it or an error: one write alone may take a part, where the disk is full.
      writeFileSync(handle, text);
      fsyncSync(handle);
      closeSync(handle);
      handle = null;
      renameSync(draft, file);
      // After the answer, as the watch of a cluster does: the writer knows then that nothing before it is told any more, and an older text that follows was put back.
      setImmediate(this.#look);
      return { kind: "written", version: versionOf(text) };
    } catch (error) {
      return { kind: "failed", sentence: `it cannot be written (${errorCode(error)})` };
    } finally {
      if (handle !== null) {
        closeSync(handle);
        rmSync(draft, { force: true });
      }
    }
  }
}

function openDraft(draft: string): number {
  try {
    return openSync(draft, "wx", 0o600);
  } catch (error) {
    if (errorCode(error) !== "EEXIST" || Math.abs(Date.now() - statSync(draft).mtimeMs) < staleDraftMs) throw error;
    rmSync(draft, { force: true });
    return openSync(draft, "wx", 0o600);
  }
}

function versionOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
