// RequestBook: what data workers hand over of requests. Failures are kept; while somebody follows, every request is passed on.
import type { ControlPart, Send } from "../part.ts";
import { emptyEntry, isFailureEntry, type AccessEntry } from "../../shared/access-fields.ts";
import type { LeftOut } from "../../shared/messages.ts";
import type { KeptRequest, RequestsView } from "../../admin/view/view.ts";
import { FailureRing } from "./failure-ring.ts";

export class RequestBook implements RequestsView, ControlPart {
  readonly #ring = new FailureRing();
  readonly #followers = new Set<(entry: AccessEntry) => void>();
  readonly #wantAll: (all: boolean) => void;

  /** `wantAll` tells every data worker whether it hands over all requests, or failures alone. */
  constructor(wantAll: (all: boolean) => void) {
    this.#wantAll = wantAll;
  }

  join(_worker: number, send: Send): void {
    if (this.#followers.size > 0) send({ kind: "report-all", all: true });
  }

  take(entries: readonly AccessEntry[], leftOut: LeftOut): void {
    for (const entry of entries) {
      if (isFailureEntry(entry)) this.#ring.add(entry);
      for (const follower of this.#followers) follower(entry);
    }
    this.#ring.leftOut += leftOut.failures;
    const count = leftOut.failures + leftOut.others;
    if (count === 0 || this.#followers.size === 0) return;
    const sentence = `${count} more requests are not shown: a worker shows at most some hundred in a second`;
    for (const follower of this.#followers) follower({ ...emptyEntry, atMs: Date.now(), sentence });
  }

  /** `take` gets every request from now on, until the returned function is called. */
  follow(take: (entry: AccessEntry) => void): () => void {
    this.#followers.add(take);
    if (this.#followers.size === 1) this.#wantAll(true);
    return () => {
      if (this.#followers.delete(take) && this.#followers.size === 0) this.#wantAll(false);
    };
  }

  get failures(): readonly KeptRequest[] {
    return this.#ring.all;
  }

  get leftOut(): number {
    return this.#ring.leftOut;
  }

  find(requestId: string, sees: (namespace: string) => boolean): AccessEntry | null {
    return this.#ring.find(requestId, sees);
  }
}
