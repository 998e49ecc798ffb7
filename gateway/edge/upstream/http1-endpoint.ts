// An Endpoint of HTTP/1.1 and its idle connections, as a connection sees them; and an idle connection, as they see it.
import type { EndpointView } from "./endpoint-view.ts";
import type { ResponseHandler } from "./response-handler.ts";
import type { UpstreamRequest } from "./upstream-request.ts";

/** A connection that finished its last request cleanly. */
export interface IdleConnection {
  /** May it serve a request to `endpoint`, which has the same address? */
  isFresh(nowMs: number, endpoint: Http1Endpoint): boolean;
  /** The next request, of `user`: it counts for `endpoint`. */
  bind(user: ResponseHandler, endpoint: Http1Endpoint, priority: number): UpstreamRequest;
  /** Ends it. */
  destroy(): void;
}

/** Where connections stand while they are idle. */
export interface IdleConnections {
  /** An idle connection has ended. */
  remove(connection: IdleConnection): void;
  /** A connection to this address was closed after it had been idle for so long. */
  sawClose(idleMs: number, nowMs: number): void;
}

export interface Http1Endpoint extends EndpointView {
  /** Takes a connection that finished cleanly; gives where it stands. */
  park(connection: IdleConnection): IdleConnections;
}
