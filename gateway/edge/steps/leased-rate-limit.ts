// Limits of rate that all replicas share: each takes its permits from what the worker holds of Redis. While Redis is away a replica counts its own
// share, or nobody passes, as the policy says.
import type { CallPolicy } from "../../callers/call-policy.ts";
import { failures } from "../../failures.ts";
import type { CompiledLimit } from "../limits/compiled-limit.ts";
import { KeyedHash } from "../limits/keyed-hash.ts";
import type { LeaseBook, Taken } from "../limits/lease-book.ts";
import type { Limiter } from "../limits/limiter.ts";
import { policiesOf, refusal, stateOf } from "./rate-limit-answer.ts";
import { goOn, requestStep, waits, type Resume, type Step, type StepRequest, type Verdict } from "./step.ts";

type WithoutRedis = CallPolicy["limitsWithoutRedis"];

export function leasedRateLimitStep(
  limits: readonly CompiledLimit[],
  limiter: Limiter,
  book: LeaseBook,
  withoutRedis: WithoutRedis,
): Step {
  const leased = new LeasedLimits(limits, limiter, book, withoutRedis);
  return requestStep("rate-limit", (request) => leased.take(request));
}

class LeasedLimits {
  readonly #limits: readonly CompiledLimit[];
  readonly #limiter: Limiter;
  readonly #book: LeaseBook;
  readonly #withoutRedis: WithoutRedis;
  readonly #policies: string;
  readonly #hash = new KeyedHash();
  /** Of the request that is looked at, by limit: the share that it was counted in; null: in none. */
  readonly #shares: (CompiledLimit | null)[];

  constructor(limits: readonly CompiledLimit[], limiter: Limiter, book: LeaseBook, withoutRedis: WithoutRedis) {
    this.#limits = limits;
    this.#limiter = limiter;
    this.#book = book;
    this.#withoutRedis = withoutRedis;
    this.#policies = policiesOf(limits);
    this.#shares = limits.map(() => null);
  }

  take(request: StepRequest): Verdict | typeof waits {
    this.#shares.fill(null);
    return this.#from(request, 0, null) ?? waits;
  }

  /** Takes of each limit from this one on. null: Redis is asked, and `resume` will be told. */
  #from(request: StepRequest, first: number, resume: Resume | null): Verdict | null {
    for (let at = first; at < this.#limits.length; at++) {
      const limit = this.#limits[at]!;
      const client = this.#clientOf(limit, request);
      const taken = this.#book.take(limit, client, () => this.#limiter.textOf(limit, request));
      if (taken === null) {
        const speak = resume ?? request.wait(() => undefined);
        const shares = this.#shares.slice(0, at);
        this.#book.answered(client, (answer) => {
          this.#shares.fill(null).splice(0, at, ...shares);
          const verdict = this.#judged(request, at, answer) ?? this.#from(request, at + 1, speak);
          if (verdict !== null) speak(verdict);
        });
        return null;
      }
      const verdict = this.#judged(request, at, taken);
      if (verdict !== null) return verdict;
    }
    return goOn;
  }

  /** null: this limit lets it pass. */
  #judged(request: StepRequest, at: number, taken: Taken): Verdict | null {
    const limit = this.#limits[at]!;
    switch (taken.kind) {
      case "admitted":
        return null;
      case "refused":
        return this.#refused(request, at, limit, taken.waitMs);
      case "away": {
        if (this.#withoutRedis === "close") {
          this.#giveBack(request, at);
          request.addToAnswer({ instead: ["retry-after"], fields: [["retry-after", "1"]] });
          return { kind: "fail", failure: failures.sharesUnavailable, detail: "" };
        }
        const share = this.#limiter.shareOf(limit, this.#book.replicas);
        this.#limiter.identify(share, request, this.#hash);
        const left = this.#limiter.table.take(share, this.#hash, this.#limiter.nowMs);
        if (left < 0) return this.#refused(request, at, limit, -left / share.unitsPerMs);
        this.#shares[at] = share;
        return null;
      }
    }
  }

  #refused(request: StepRequest, at: number, limit: CompiledLimit, waitMs: number): Verdict {
    this.#giveBack(request, at);
    return refusal(request, limit, waitMs, this.#policies, stateOf(limit, 0, waitMs));
  }

  /** What limits before this one have given, to where it was taken from. */
  #giveBack(request: StepRequest, before: number): void {
    for (let at = 0; at < before; at++) {
      const share = this.#shares[at] ?? null;
      if (share === null) this.#book.giveBack(this.#clientOf(this.#limits[at]!, request));
      else {
        this.#limiter.identify(share, request, this.#hash);
        this.#limiter.table.giveBack(share, this.#hash);
      }
    }
  }

  #clientOf(limit: CompiledLimit, request: StepRequest): number {
    this.#limiter.identify(limit, request, this.#hash);
    return (this.#hash.high & 0x1f_ffff) * 2 ** 32 + this.#hash.low;
  }
}
