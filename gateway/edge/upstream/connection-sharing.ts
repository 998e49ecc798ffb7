// Which Upstreams share the connections to an address, and when a change of one makes its connections other ones.
import type { Upstream } from "../../../routing/model/upstream.ts";

/** Plain ones; where HTTP/2 is spoken, those without limits of their own for idle and old sessions. */
export function mayShare({ tls, protocol, idleTimeoutMs, maxLifetimeMs }: Upstream): boolean {
  return tls === null && (protocol === "http1" || (idleTimeoutMs === null && maxLifetimeMs === null));
}

/** The two are reached over the same connections: those of the one serve the other. */
export function isReachedAlike(before: Upstream, after: Upstream): boolean {
  return (
    before.protocol === after.protocol &&
    mayShare(before) === mayShare(after) &&
    JSON.stringify(before.tls) === JSON.stringify(after.tls)
  );
}
