// PassedVersions: versions of a record that this replica wrote over. The watch of a store may be behind the writes, and what it tells of these is past.
import type { StoredRecord } from "./source.ts";

export class PassedVersions {
  /** Since the watch last told another one. */
  readonly #versions = new Set<string>();

  /** This replica wrote over this version, and the watch has not told of the write; null: nothing was stored. */
  add(version: string | null): void {
    if (version !== null) this.#versions.add(version);
  }

  /** Is it past? What is not ends all that was: what comes after it was written later. */
  has(stored: StoredRecord): boolean {
    if (stored.kind === "text" && this.#versions.has(stored.version)) return true;
    this.clear();
    return false;
  }

  /** What is stored is to be read anew, whatever its version. */
  clear(): void {
    this.#versions.clear();
  }
}
