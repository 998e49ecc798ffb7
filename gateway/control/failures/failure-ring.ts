// FailureRing: the last requests that failed, for `sluice failures` and `sluice explain ID`. Bounded in entries, in the text of each, and by namespace.
import type { KeptRequest } from "../../admin/view.ts";
import type { AccessEntry } from "../../shared/access-fields.ts";

/** Failures that are kept. */
export const maxFailures = 1000;
/** Characters of each field that are kept. */
export const maxFieldLength = 512;

export class FailureRing {
  readonly #most: number;
  /** Those of each namespace, the oldest first. "": of no Route. */
  readonly #byNamespace = new Map<string, KeptRequest[]>();
  #length = 0;
  #last = 0;
  /** Failures that data workers did not hand over, because there were too many in a second. */
  leftOut = 0;

  constructor(most = maxFailures) {
    this.#most = most;
  }

  add(entry: AccessEntry): void {
    const { namespace } = entry;
    let own = this.#byNamespace.get(namespace);
    if (own === undefined) this.#byNamespace.set(namespace, (own = []));
    own.push({ number: ++this.#last, entry: cut(entry) });
    this.#length += 1;
    if (this.#length > this.#most) this.#dropOne();
  }

  /** The namespace that has most loses its oldest: a storm of failures pushes out its own. */
  #dropOne(): void {
    let longest: KeptRequest[] = [];
    let name = "";
    for (const [namespace, failures] of this.#byNamespace) {
      // Among equals, the one whose oldest failure is older.
      if (
        failures.length < longest.length ||
        (failures.length === longest.length && failures[0]!.number > longest[0]!.number)
      )
        continue;
      longest = failures;
      name = namespace;
    }
    longest.shift();
    if (longest.length === 0) this.#byNamespace.delete(name);
    this.#length -= 1;
  }

  /** In no order. */
  get all(): readonly KeptRequest[] {
    return [...this.#byNamespace.values()].flat();
  }

  /** The newest with this id that `sees` admits; null: none. Trusted proxies choose ids, so that several requests may have one. */
  find(requestId: string, sees: (namespace: string) => boolean): AccessEntry | null {
    let newest: KeptRequest | null = null;
    for (const [namespace, failures] of this.#byNamespace) {
      if (!sees(namespace)) continue;
      const found = failures.findLast(({ entry }) => entry.requestId === requestId);
      if (found !== undefined && (newest === null || found.number > newest.number)) newest = found;
    }
    return newest === null ? null : newest.entry;
  }
}

/** What tenants and clients wrote may be long. */
function cut(entry: AccessEntry): AccessEntry {
  return Object.fromEntries(
    Object.entries(entry).map(([field, value]) => [
      field,
      typeof value === "string" && value.length > maxFieldLength ? `${value.slice(0, maxFieldLength - 1)}…` : value,
    ]),
  ) as AccessEntry;
}
