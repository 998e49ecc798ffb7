// A lock on a file beside the state file, which the system gives to one process and takes back when that process ends: SQLite's, by fcntl. Node has no
// call for such a lock, and a file that merely exists outlives a process that was killed.
import type { DatabaseSync } from "node:sqlite";
import type { ObjectRef } from "../../../routing/text/problem.ts";
import type { LeaderLock } from "../objects/source.ts";
import { linkedFile } from "./linked-file.ts";

/** SQLite's number for a lock that another connection has. */
const busy = 5;

export class LockFile implements LeaderLock {
  readonly kind = "lock";
  readonly subject: ObjectRef;
  readonly #file: string;
  #held: DatabaseSync | null = null;

  /** The lock of `file` is `file.lock`. */
  constructor(file: string) {
    this.#file = file;
    this.subject = { kind: "File", namespace: "", name: `${file}.lock` };
  }

  async take(): ReturnType<LeaderLock["take"]> {
    if (this.#held !== null) return { kind: "taken" };
    // Loaded where it is asked for: most gateways never do.
    const { DatabaseSync: Database } = await import("node:sqlite");
    let database: DatabaseSync | null = null;
    try {
      // Processes that name the file by different links want the same lock.
      database = new Database(`${linkedFile(this.#file)}.lock`, { timeout: 0 });
      database.exec("BEGIN EXCLUSIVE");
      this.#held = database;
      return { kind: "taken" };
    } catch (error) {
      database?.close();
      const { errcode, message } = error as { readonly errcode?: number; readonly message: string };
      return errcode === busy ? { kind: "busy" } : { kind: "failed", sentence: message };
    }
  }

  release(): void {
    this.#held?.close();
    this.#held = null;
  }
}
