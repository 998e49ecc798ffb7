// Framing: how the end of a message's body is known (RFC 9112 §6.3), whatever the version of HTTP. Where the length is known it stands beside it.

/**
 * `none`: there is no body, and nothing is said of one. `length`: so many bytes, 0 or more. `chunked`: until its last chunk, or the end of its
 * stream over HTTP/2. `until-close`: until the connection ends. `upgrade`: a tunnel is asked for, whose bytes pass as they are.
 */
export type Framing = "none" | "length" | "chunked" | "until-close" | "upgrade";

/** A request is never read to the end of its connection (RFC 9112 §6.3). */
export type RequestFraming = Exclude<Framing, "until-close">;

/** An answer's; a tunnel has none of its own. */
export type ResponseFraming = Exclude<Framing, "upgrade">;
