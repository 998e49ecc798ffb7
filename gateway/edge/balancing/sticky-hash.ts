// The hash that keeps a client at one Endpoint: FNV-1a over the bytes, then Murmur3's last step, so that near texts fall far apart. The same in
// every worker and every replica. Not a secret: whoever knows it can choose where his own requests go, and no more.

const start = 0x811c9dc5;
const prime = 0x01000193;

/** Spreads a 32-bit number over 32 bits, 0 or more. */
export function mix(number: number): number {
  let hash = number ^ (number >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Hash of `bytes[from..to)`, 32 bits, 0 or more. */
export function hashRange(bytes: Uint8Array, from: number, to: number): number {
  let hash = start;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i]!, prime);
  return mix(hash);
}

/** Hash of a text of single bytes: the same as of its bytes. */
export function hashText(text: string): number {
  let hash = start;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), prime);
  return mix(hash);
}
