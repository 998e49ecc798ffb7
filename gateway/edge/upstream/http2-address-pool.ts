// The HTTP/2 sessions to one address, and who waits for room on them. Few and full rather than many: what leaves together in one write is what
// makes a call cheap. Upstreams that reach the address in the same way share them.
import type { WorkerContext } from "../io/worker-context.ts";
import { failures, type Failure } from "../../failures.ts";
import { resource, type Breaker } from "../balancing/breaker.ts";
import type { EndpointView } from "./endpoint-view.ts";
import { Http2UpstreamConnection, type Http2ConnectionOwner } from "./http2-connection.ts";
import type { Acquired, Waiting } from "./upstream-request.ts";
import type { ResponseHandler } from "./response-handler.ts";

/** Sessions to one address of one worker; beyond that requests wait for room. */
const mostSessions = 8;
/** Streams that a session is expected to take before it has said how many. */
const assumedStreams = 100;
/** A session that should be replaced and could not: when to try again. */
const replaceAgainMs = 1000;

/** A place in the queue. */
class StreamWait implements Waiting {
  readonly kind = "waiting";
  readonly endpoint: EndpointView;
  readonly user: ResponseHandler;
  readonly breaker: Breaker;
  readonly #sessions: Http2AddressPool;

  /** It has entered `breaker` as pending. */
  constructor(sessions: Http2AddressPool, endpoint: EndpointView, user: ResponseHandler, breaker: Breaker) {
    this.#sessions = sessions;
    this.endpoint = endpoint;
    this.user = user;
    this.breaker = breaker;
    endpoint.inFlight += 1;
  }

  cancel(): void {
    this.#sessions.cancel(this);
  }
}

const raiseRequests = "raise max_requests of its circuit breaker";
const tooManyRequests: Acquired = Object.freeze({ kind: "failed", failure: failures.overflow, detail: raiseRequests });
const tooManyWait: Acquired = Object.freeze({
  kind: "failed",
  failure: failures.overflow,
  detail: "raise max_pending_requests of its circuit breaker",
});

export class Http2AddressPool implements Http2ConnectionOwner {
  readonly #worker: WorkerContext;
  /** Those that take requests, or will. */
  #sessions: Http2UpstreamConnection[] = [];
  readonly #waiting = new Set<StreamWait>();
  #balancer = false;
  #replaceAgainAtMs = 0;

  constructor(worker: WorkerContext) {
    this.#worker = worker;
  }

  /** A stream for a request of `user` to `endpoint`, or a place in the queue for one. Throws on keys that OpenSSL does not read. */
  acquire(endpoint: EndpointView, user: ResponseHandler, priority: number): Acquired {
    const breaker = endpoint.upstream.breakerOf(priority);
    const session = this.#roomy();
    if (session !== null && this.#waiting.size === 0) {
      if (!breaker.enter(resource.requests)) return tooManyRequests;
      const { nowMs } = this.#worker;
      if (session.isOld(nowMs) && nowMs >= this.#replaceAgainAtMs && this.#dialling() === 0)
        this.#replace(nowMs, endpoint, breaker);
      return session.take(endpoint, user, breaker);
    }
    if (!breaker.enter(resource.pending)) return tooManyWait;
    const wait = new StreamWait(this, endpoint, user, breaker);
    this.#waiting.add(wait);
    try {
      this.#dialForOneMore(endpoint, breaker);
    } catch (error) {
      this.#leave(wait);
      throw error;
    }
    return wait;
  }

  /** The first session that has room. */
  #roomy(): Http2UpstreamConnection | null {
    for (let i = 0; i < this.#sessions.length; i++) if (this.#sessions[i]!.room > 0) return this.#sessions[i]!;
    return null;
  }

  /** How many sessions are dialled. */
  #dialling(): number {
    let count = 0;
    for (const session of this.#sessions) if (session.dialling) count += 1;
    return count;
  }

  #dialForOneMore(endpoint: EndpointView, breaker: Breaker): void {
    if (this.#waiting.size > this.#dialling() * assumedStreams && this.#mayDial(breaker)) this.#dial(endpoint, breaker);
  }

  /** A worker without a session to the Endpoint gets one whatever the breaker says: its requests would have nothing to wait for. */
  #mayDial(breaker: Breaker): boolean {
    return this.#sessions.length === 0 || (this.#sessions.length < mostSessions && breaker.hasRoomForConnection());
  }

  #dial(endpoint: EndpointView, breaker: Breaker): void {
    this.#sessions.push(new Http2UpstreamConnection(endpoint, this, breaker));
  }

  /** Another session is dialled while the old one still takes requests: nobody waits for it. */
  #replace(nowMs: number, endpoint: EndpointView, breaker: Breaker): void {
    this.#replaceAgainAtMs = nowMs + replaceAgainMs;
    this.#dial(endpoint, breaker);
  }

  sessionRoom(session: Http2UpstreamConnection): void {
    if (session.room > 0) this.#retireOld(session);
    this.#serve();
  }

  /** There is a young session: the old ones give way. */
  #retireOld(young: Http2UpstreamConnection): void {
    const { nowMs } = this.#worker;
    if (young.isOld(nowMs)) return;
    this.#replaceAgainAtMs = 0;
    for (const session of this.#sessions) if (session.isOld(nowMs)) session.drain();
  }

  /** Gives what room there is to those who wait, in order. */
  #serve(): void {
    // A user that is told here may end another stream, which comes back here: the loop goes on with the next.
    if (this.#balancer || this.#waiting.size === 0) return;
    this.#balancer = true;
    for (const wait of this.#waiting) {
      const session = this.#roomy();
      if (session === null) break;
      this.#leave(wait);
      this.#tell(() => {
        if (wait.breaker.enter(resource.requests))
          wait.user.connected(session.take(wait.endpoint, wait.user, wait.breaker));
        else wait.user.connectFailed(null, failures.overflow, raiseRequests);
      });
    }
    this.#balancer = false;
  }

  /** What one user does wrong is not another's. */
  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#worker.faulted(error);
    }
  }

  #leave(wait: StreamWait): void {
    if (!this.#waiting.delete(wait)) return;
    wait.endpoint.inFlight -= 1;
    wait.breaker.leave(resource.pending);
  }

  cancel(wait: StreamWait): void {
    this.#leave(wait);
  }

  sessionRetiring(session: Http2UpstreamConnection): void {
    this.#sessions = this.#sessions.filter((other) => other !== session);
    const [first] = this.#waiting;
    // Its Upstream says whether it is still dialled.
    if (first?.endpoint.retired === true) return this.leave(first.endpoint);
    if (first === undefined || this.#dialling() > 0 || !this.#mayDial(first.breaker)) return;
    // Requests wait for room, and there is less of it now.
    try {
      this.#dial(first.endpoint, first.breaker);
    } catch (error) {
      if (this.#sessions.length === 0)
        this.#failAll(failures.connectRefused, error instanceof Error ? error.message : String(error));
    }
  }

  sessionFailed(session: Http2UpstreamConnection, failure: Failure, reason: string): void {
    this.#sessions = this.#sessions.filter((other) => other !== session);
    // Those who wait for room on other sessions get it there.
    if (this.#sessions.length > 0) return session.endpoint.failed();
    for (const endpoint of new Set([session.endpoint, ...Array.from(this.#waiting, (wait) => wait.endpoint)]))
      endpoint.failed();
    this.#failAll(failure, reason);
  }

  #failAll(failure: Failure, reason: string): void {
    // Those who come meanwhile wait for the next session.
    const waits = [...this.#waiting];
    for (const wait of waits) {
      this.#leave(wait);
      this.#tell(() => wait.user.connectFailed(wait.endpoint, failure, reason));
    }
  }

  /** `endpoint` is gone, or is reached in another way: those who wait for it choose another one, or the same if there is no other. */
  leave(endpoint: EndpointView): void {
    for (const wait of Array.from(this.#waiting)) {
      if (wait.endpoint !== endpoint) continue;
      this.#leave(wait);
      this.#tell(() => wait.user.connectFailed(endpoint, failures.upstreamClosed, "the endpoint is gone"));
    }
  }

  /** Nobody uses the address any more. Running requests finish. */
  close(): void {
    for (const session of this.#sessions.splice(0)) session.drain();
  }
}
