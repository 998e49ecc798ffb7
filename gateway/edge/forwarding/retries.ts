// The retries of one request: how many are left, whether one more is admitted, how long to wait before it, and the limit of one try.
import { Deadline, type Timed } from "../io/deadline.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import { resource, type Breaker } from "../balancing/breaker.ts";
import type { CompiledRetry } from "../policy/retry-policy.ts";

/** Envoy's back-off: a draw between 0 and 25 ms × 2ⁿ, at most 250 ms. */
const firstBackOffMs = 25;
const mostBackOffMs = 250;
/** Retries of one worker at an Upstream: a fifth of its requests, but so many at least. */
const budgetShare = 0.2;
const leastBudget = 3;

export interface RetriesOwner {
  /** The wait is over. */
  retryDue(): void;
  /** The try has no response head in time. */
  tryExpired(): void;
}

/** Made for the first request of an exchange whose Mapping has a policy. */
export class Retries implements Timed {
  readonly #worker: WorkerContext;
  readonly #owner: RetriesOwner;
  readonly #deadline = new Deadline(this);
  #policy: CompiledRetry | null = null;
  #breaker: Breaker | null = null;
  /** Counted as a retry. */
  #admitted = false;
  #isWaiting = false;
  made = 0;
  /** All that the policy allows were made, and another would have been wanted. */
  spent = false;

  constructor(worker: WorkerContext, owner: RetriesOwner) {
    this.#worker = worker;
    this.#owner = owner;
  }

  begin(policy: CompiledRetry, breaker: Breaker): void {
    this.#policy = policy;
    this.#breaker = breaker;
    this.made = 0;
    this.spent = false;
  }

  /** Lets go of the policy and the breaker. */
  forget(): void {
    this.#policy = null;
    this.#breaker = null;
  }

  /** Waits for one more try, unless there is a reason not to: gives the reason, or "" when it waits. `pushbackMs` null: as we like. */
  wait(pushbackMs: number | null, remainingMs: number): string {
    this.tryOver();
    if (this.made >= this.#policy!.retries) {
      this.spent = true;
      return "retries are used up";
    }
    const waitMs = pushbackMs ?? this.#worker.draw() * Math.min(mostBackOffMs, firstBackOffMs * 2 ** this.made);
    if (waitMs < 0) return "the upstream asks for no retry";
    if (waitMs >= remainingMs) return "no time is left for a retry";
    if (!this.#admit()) return "too many retries are under way";
    this.made += 1;
    this.#isWaiting = true;
    this.#worker.wheel.set(this.#deadline, this.#worker.nowMs + waitMs);
    return "";
  }

  #admit(): boolean {
    const breaker = this.#breaker!;
    if (this.#admitted) return true;
    const budget = Math.max(leastBudget, budgetShare * breaker.inUseHere(resource.requests));
    this.#admitted = breaker.inUseHere(resource.retries) < budget && breaker.enter(resource.retries);
    return this.#admitted;
  }

  /** A try has the whole request, or gets it as soon as it is connected: from here its limit runs. */
  tryBegun(): void {
    const { perTryTimeoutMs } = this.#policy!;
    if (perTryTimeoutMs > 0) this.#worker.wheel.set(this.#deadline, this.#worker.nowMs + perTryTimeoutMs);
  }

  /** The try was answered, or failed. */
  tryOver(): void {
    this.#isWaiting = false;
    this.#worker.wheel.clear(this.#deadline);
  }

  expired(nowMs: number): void {
    this.#worker.nowMs = nowMs;
    const wasWaiting = this.#isWaiting;
    this.#isWaiting = false;
    if (wasWaiting) this.#owner.retryDue();
    else this.#owner.tryExpired();
  }

  /** The request is over. */
  end(): void {
    this.tryOver();
    if (this.#admitted) this.#breaker!.leave(resource.retries);
    this.#admitted = false;
  }
}
