// Untouchable headers: what no Mapping may add, replace or remove, because the gateway writes it or it belongs to one connection.

/** They frame the message, say whose connection it is, or are about one hop (RFC 9110 §7.6.1, §10.1.1). */
export const untouchableHeaders: readonly string[] = Object.freeze([
  "connection",
  "content-length",
  "expect",
  "host",
  "http2-settings",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Whatever begins so belongs to them. */
export const untouchablePrefix = "proxy-";

/** Letters in any case. With `_` for `-` it is the same name to servers that speak CGI or WSGI. */
export function isUntouchableHeader(name: string): boolean {
  const plain = name.toLowerCase().replaceAll("_", "-");
  return plain.startsWith(untouchablePrefix) || untouchableHeaders.includes(plain);
}
