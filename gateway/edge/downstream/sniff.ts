// Sniff: what a new connection speaks. HTTP/2 begins with a preface of 24 bytes that is no HTTP/1.1 request (RFC 9113 §3.4).

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** The first bytes of a connection: HTTP/2 by prior knowledge, HTTP/1.1, or too few to tell. `PRI` decides: no method begins so. */
export function sniff(bytes: Uint8Array, start: number, end: number): "http1" | "http2" | "undecided" {
  const count = Math.min(end - start, 4);
  for (let i = 0; i < count; i++) if (bytes[start + i] !== preface[i]) return "http1";
  return count === 4 ? "http2" : "undecided";
}
