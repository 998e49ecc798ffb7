// TriedEndpoints: the Endpoints of an Upstream that one request has tried, and the one that it tries next.
import { failures } from "../../failures.ts";
import { plainBalancing, type BalancingPolicy } from "../balancing/balancing-policy.ts";
import type { EndpointView } from "../upstream/endpoint-view.ts";
import type { UpstreamPool } from "../upstream/pool.ts";
import type { ResponseHandler } from "../upstream/response-handler.ts";
import type { Acquired } from "../upstream/upstream-request.ts";

/** Where requests are sent. */
export type RequestPool = Pick<
  UpstreamPool,
  "upstream" | "plain" | "speaksHttp2" | "reportUse" | "breakerOf" | "acquire"
>;

/** Kept in its exchange and begun anew for each request. */
export class TriedEndpoints {
  readonly #tried: EndpointView[] = [];
  #pool: RequestPool | null = null;
  #balancing: BalancingPolicy = plainBalancing;
  #hash: number | null = null;

  /** Forgets the request before. */
  reset(): void {
    this.#hash = null;
    if (this.#tried.length > 0) this.#tried.length = 0;
  }

  /** Lets go of the Upstream, too. */
  forget(): void {
    this.reset();
    this.#pool = null;
    this.#balancing = plainBalancing;
  }

  /** Asks for the first try of a request of `user`. `hash` keeps the client at one of them; null: nothing does. */
  first(user: ResponseHandler, pool: RequestPool, balancing: BalancingPolicy, hash: number | null): Acquired {
    this.#pool = pool;
    this.#balancing = balancing;
    this.#hash = hash;
    return pool.acquire(user, this.#tried, balancing, this.#hash);
  }

  add(endpoint: EndpointView): void {
    this.#tried.push(endpoint);
  }

  /** Asks for one that was not tried; `again`: else for one that was, but not last, or for the last if it is the only one. */
  next(user: ResponseHandler, again: boolean): Acquired {
    const tried = this.#tried;
    for (;;) {
      const acquired = this.#pool!.acquire(user, tried, this.#balancing, this.#hash);
      if (!again || tried.length === 0 || acquired.kind !== "failed" || acquired.failure !== failures.noHealthyUpstream)
        return acquired;
      if (tried.length === 1) tried.length = 0;
      else tried.splice(0, tried.length - 1);
    }
  }
}
