// Kinds of fields: which names mean something to a proxy. By hash, confirmed by comparing the bytes: a hash alone would let a crafted name
// pose as content-length.
import { lowered } from './characters.ts';

/** What a field is to the codec. `other` is forwarded as it is. */
export const kind = {
  other: 0,
  host: 1,
  contentLength: 2,
  transferEncoding: 3,
  connection: 4,
  /** Hop-by-hop fields that end here: keep-alive, proxy-connection, other proxy-*, http2-settings. */
  hop: 5,
  te: 6,
  trailer: 7,
  upgrade: 8,
  expect: 9,
  contentType: 10,
  accept: 11,
  requestId: 12,
  forwardedFor: 13,
  forwardedProto: 14,
  forwardedHost: 15,
  /** Other fields by which a proxy tells about the client: x-forwarded-*, forwarded, x-real-ip. */
  forwarded: 16,
  /** x-envoy-*: what only this gateway may say. */
  gateway: 17,
  date: 18,
  /** Fields that matter only as what a trailer may not be, or what Connection may not name. */
  guarded: 19,
  /** x-original-*: what a proxy in front says about the request. */
  original: 20,
  /** x-envoy-original-path. */
  originalPath: 21,
} as const;

const names: readonly (readonly [string, number])[] = [
  ['host', kind.host],
  ['content-length', kind.contentLength],
  ['transfer-encoding', kind.transferEncoding],
  ['connection', kind.connection],
  ['keep-alive', kind.hop],
  ['proxy-connection', kind.hop],
  ['http2-settings', kind.hop],
  ['te', kind.te],
  ['trailer', kind.trailer],
  ['upgrade', kind.upgrade],
  ['expect', kind.expect],
  ['content-type', kind.contentType],
  ['accept', kind.accept],
  ['x-request-id', kind.requestId],
  ['x-forwarded-for', kind.forwardedFor],
  ['x-forwarded-proto', kind.forwardedProto],
  ['x-forwarded-host', kind.forwardedHost],
  ['forwarded', kind.forwarded],
  ['x-real-ip', kind.forwarded],
  ['x-envoy-original-path', kind.originalPath],
  ['date', kind.date],
  // A trailer that forges one of these must not reach a server that merges trailers into its head (RFC 9110 §6.5.1).
  ...[
    'authorization', 'cookie', 'set-cookie', 'content-encoding', 'content-range', 'cache-control', 'location', 'range', 'max-forwards',
    'www-authenticate', 'age', 'expires', 'retry-after', 'vary', 'warning', 'if-match', 'if-none-match', 'if-modified-since',
    'if-unmodified-since', 'if-range', 'pragma', 'seldon', 'namespace',
  ].map((name) => [name, kind.guarded] as const),
];

// Any longer name that begins so.
const prefixes: readonly (readonly [string, number])[] = [
  ['x-envoy-', kind.gateway],
  ['x-original-', kind.original],
  ['x-forwarded-', kind.forwarded],
  ['proxy-', kind.hop],
];

export const nameHashSeed = 17;

/** The next state of the hash of a field name; ASCII letters in any case give one hash. */
export function nameHashStep(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + (byte | 0x20)) | 0;
}

const slots = 512;
const nameAt: (Buffer | null)[] = Array.from({ length: slots }, () => null);
const kindAt = new Uint8Array(slots);
for (const [name, nameKind] of names) {
  let slot = slotOf(hashOf(name));
  while (nameAt[slot] !== null) slot = (slot + 1) & (slots - 1);
  nameAt[slot] = Buffer.from(name);
  kindAt[slot] = nameKind;
}

const prefixBytes = prefixes.map(([prefix, prefixKind]) => ({ bytes: Buffer.from(prefix), kind: prefixKind }));

function slotOf(hash: number): number {
  return (hash ^ (hash >>> 9)) & (slots - 1);
}

function hashOf(name: string): number {
  let hash = nameHashSeed;
  for (let i = 0; i < name.length; i++) hash = nameHashStep(hash, name.charCodeAt(i));
  return hash;
}

/** The kind of the field whose name is `bytes[start..end)` and has this hash. */
export function kindOf(bytes: Uint8Array, start: number, end: number, hash: number): number {
  for (let slot = slotOf(hash); ; slot = (slot + 1) & (slots - 1)) {
    const name = nameAt[slot]!;
    if (name === null) break;
    if (name.length === end - start && beginsWith(bytes, start, name)) return kindAt[slot]!;
  }
  const first = bytes[start]! | 0x20;
  if (first !== 0x78 && first !== 0x70) return kind.other;
  for (let i = 0; i < prefixBytes.length; i++) {
    const prefix = prefixBytes[i]!;
    if (end - start > prefix.bytes.length && beginsWith(bytes, start, prefix.bytes)) return prefix.kind;
  }
  return kind.other;
}

/** The kind of a field name given as text or as the bytes of a list element, for Connection's nominations and header edits. */
export function kindOfName(bytes: Uint8Array, start: number, end: number): number {
  let hash = nameHashSeed;
  for (let i = start; i < end; i++) hash = nameHashStep(hash, bytes[i]!);
  return kindOf(bytes, start, end, hash);
}

/** Do the bytes at `start` begin with `name` (lower case), letters in any case? */
function beginsWith(bytes: Uint8Array, start: number, name: Buffer): boolean {
  for (let i = 0; i < name.length; i++) {
    if (lowered[bytes[start + i]!] !== name[i]) return false;
  }
  return true;
}
