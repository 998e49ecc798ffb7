// FailureRing: the last requests that failed, for `sluice failures` and `sluice explain ID`. Bounded in entries, in the text of each, and by namespace.
import type { KeptRequest } from "../../admin/view/view.ts";
import type { AccessEntry } from "../../shared/access-fields.ts";
import { FairRing } from "../../shared/fair-ring.ts";

/** Failures that are kept. */
export const maxFailures = 1000;
/** Characters of each field that are kept. */
export const maxFieldLength = 512;

export class FailureRing {
  readonly #ring: FairRing<KeptRequest>;
  /** Failures that data workers did not hand over, because there were too many in a second. */
  leftOut = 0;

  constructor(max = maxFailures) {
    this.#ring = new FairRing(max, ({ entry }) => entry.namespace);
  }

  add(entry: AccessEntry): void {
    this.#ring.add((number) => ({ number, entry: cut(entry) }));
  }

  /** The oldest first. */
  get all(): readonly KeptRequest[] {
    return this.#ring.kept;
  }

  /** The newest with this id that `sees` admits; null: none. Trusted proxies choose ids, so that several requests may have one. */
  find(requestId: string, sees: (namespace: string) => boolean): AccessEntry | null {
    const found = this.#ring.kept.findLast(({ entry }) => entry.requestId === requestId && sees(entry.namespace));
    return found?.entry ?? null;
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
