// Use of an Upstream that has a name: it is told to whoever looks names up, and the first requests wait for addresses.
import type { UpstreamContext } from "./upstream-context.ts";
import type { AddressWait } from "./waiting.ts";

/** A name in use is told again after this long. */
const reportUseMs = 20_000;

export class NameUse {
  readonly #context: UpstreamContext;
  readonly #key: string;
  readonly #waiters = new Set<AddressWait>();
  #reportedMs = -Infinity;

  /** `key`: of the Upstream. */
  constructor(context: UpstreamContext, key: string) {
    this.#context = context;
    this.#key = key;
  }

  /** It is looked up at once, and the request waits until `addressed`. */
  wait(waiter: AddressWait): void {
    this.#waiters.add(waiter);
    this.#report();
  }

  stopWaiting(waiter: AddressWait): void {
    this.#waiters.delete(waiter);
  }

  /** A request uses it. */
  used(): void {
    if (this.#context.worker.nowMs - this.#reportedMs >= reportUseMs) this.#report();
  }

  #report(): void {
    this.#reportedMs = this.#context.worker.nowMs;
    this.#context.used([this.#key]);
  }

  /** Addresses came, or the news that there are none: whoever waits is told. */
  addressed(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) {
      try {
        waiter.addressed();
      } catch (error) {
        this.#context.worker.faulted(error);
      }
    }
  }
}
