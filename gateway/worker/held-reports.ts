// HeldReports: lines about requests on their way from a data worker to the control worker, in batches.
import type { AccessEntry } from "../shared/access-fields.ts";
import type { LeftOut } from "../shared/messages.ts";

/** Held back at most this long, so that a busy worker posts one message for many. */
const holdMs = 100;
/** Held while there is no control worker. */
export const maxHeldReports = 1024;

export class HeldReports {
  /** False: there is no control worker now. */
  readonly #post: (entries: readonly AccessEntry[], leftOut: LeftOut) => boolean;
  #entries: AccessEntry[] = [];
  #failuresLeftOut = 0;
  #othersLeftOut = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(post: (entries: readonly AccessEntry[], leftOut: LeftOut) => boolean) {
    this.#post = post;
  }

  take(entry: AccessEntry, isFailure: boolean): void {
    if (this.#entries.length < maxHeldReports) this.#entries.push(entry);
    else this.#count(isFailure, 1);
    this.#arm();
  }

  /** So many were not handed over. */
  leftOut(isFailure: boolean, lines: number): void {
    this.#count(isFailure, lines);
    this.#arm();
  }

  #count(isFailure: boolean, lines: number): void {
    if (isFailure) this.#failuresLeftOut += lines;
    else this.#othersLeftOut += lines;
  }

  #arm(): void {
    this.#timer ??= setTimeout(() => this.flush(), holdMs).unref();
  }

  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const leftOut = { failures: this.#failuresLeftOut, others: this.#othersLeftOut };
    if (this.#entries.length === 0 && leftOut.failures + leftOut.others === 0) return;
    // Without a control worker they wait: whoever brings one flushes.
    if (!this.#post(this.#entries, leftOut)) return;
    this.#entries = [];
    this.#failuresLeftOut = 0;
    this.#othersLeftOut = 0;
  }
}
