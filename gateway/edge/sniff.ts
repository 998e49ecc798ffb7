// Sniff: what a new connection speaks. HTTP/2 begins with a preface of 24 bytes that is no HTTP/1.1 request (RFC 9113 §3.4).

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** The first bytes of a connection: HTTP/2 by prior knowledge, HTTP/1.1, or too few to tell. `PRI` decides: no method begins so. */
export function sniff(bytes: Uint8Array, start: number, end: number): 'http1' | 'http2' | 'undecided' {
  const count = Math.min(end - start, 4);
  for (let i = 0; i < count; i++) if (bytes[start + i] !== preface[i]) return 'http1';
  return count === 4 ? 'http2' : 'undecided';
}

/** What refuses HTTP/2 cleanly: an empty SETTINGS frame and GOAWAY with HTTP_1_1_REQUIRED (RFC 9113 §6.5, §6.8, §7). */
export const refusal = Buffer.from([
  0, 0, 0, 4, 0, 0, 0, 0, 0,
  0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0d,
]);
