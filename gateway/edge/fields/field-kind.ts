// Kinds of fields: which names mean something to a proxy. By hash, confirmed by comparing the bytes: a hash alone would let a crafted name
// pose as content-length.
import { untouchableHeaders, untouchablePrefix } from "../../../routing/text/untouchable-headers.ts";
import { lowered } from "./characters.ts";

/** What a field is to the codec, below 32. `other` is forwarded as it is. */
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
  /** One of the others but for `_` where it has `-`: servers that speak CGI or WSGI take both for one, so it ends here. */
  underscoreAlias: 22,
  grpcTimeout: 23,
  /** x-forwarded-client-cert: who proved it to whom is said by this gateway alone, also behind a proxy that is believed (Envoy's SANITIZE_SET). */
  vouched: 24,
} as const;

const ownKinds: readonly (readonly [string, number])[] = [
  ["host", kind.host],
  ["content-length", kind.contentLength],
  ["transfer-encoding", kind.transferEncoding],
  ["connection", kind.connection],
  ["te", kind.te],
  ["trailer", kind.trailer],
  ["upgrade", kind.upgrade],
  ["expect", kind.expect],
  ["content-type", kind.contentType],
  ["accept", kind.accept],
  ["grpc-timeout", kind.grpcTimeout],
  ["x-request-id", kind.requestId],
  ["x-forwarded-for", kind.forwardedFor],
  ["x-forwarded-proto", kind.forwardedProto],
  ["x-forwarded-host", kind.forwardedHost],
  ["x-forwarded-client-cert", kind.vouched],
  ["forwarded", kind.forwarded],
  ["x-real-ip", kind.forwarded],
  ["x-rewrite-url", kind.original],
  ["x-envoy-original-path", kind.originalPath],
  ["date", kind.date],
  // A trailer that forges one of these must not reach a server that merges trailers into its head (RFC 9110 §6.5.1).
  ...[
    "authorization",
    "cookie",
    "set-cookie",
    "content-encoding",
    "content-range",
    "cache-control",
    "location",
    "range",
    "max-forwards",
    "www-authenticate",
    "age",
    "expires",
    "retry-after",
    "vary",
    "warning",
    "if-match",
    "if-none-match",
    "if-modified-since",
    "if-unmodified-since",
    "if-range",
    "pragma",
    "seldon",
    "namespace",
    "x-sluice-client",
    "seldon-puid",
  ].map((name) => [name, kind.guarded] as const),
];

/** What no Mapping may touch and has no kind of its own is of one hop. */
const names = [
  ...ownKinds,
  ...untouchableHeaders
    .filter((name) => !ownKinds.some(([own]) => own === name))
    .map((name) => [name, kind.hop] as const),
];

// Any name that begins so, also one that ends there: who reads `proxy-` as a family may read the bare word as its member.
const prefixes: readonly (readonly [string, number])[] = [
  ["x-envoy-", kind.gateway],
  ["x-original-", kind.original],
  ["x-forwarded-", kind.forwarded],
  [untouchablePrefix, kind.hop],
];

// The hash is of the length and three bytes of the name: a scan then does nothing but look for the name's end.
const slots = 1024;
const known = [
  ...names,
  ...underscoreAliasesOf(names.map(([one]) => one)).map(
    (underscoreAlias) => [underscoreAlias, kind.underscoreAlias] as const,
  ),
];
/** All names, one after the other: a look reads bytes and no object. */
const nameBytes = Buffer.from(known.map(([name]) => name).join(""));
const nameAt = new Uint16Array(slots);
/** 0: a free slot. */
const lengthAt = new Uint8Array(slots);
const kindAt = new Uint8Array(slots);
let nameStart = 0;
for (const [name, nameKind] of known) {
  let slot = slotOf(nameBytes, nameStart, nameStart + name.length);
  while (lengthAt[slot] !== 0) slot = (slot + 1) & (slots - 1);
  nameAt[slot] = nameStart;
  lengthAt[slot] = name.length;
  kindAt[slot] = nameKind;
  nameStart += name.length;
}

const prefixBytes = prefixes.map(([prefix, prefixKind]) => ({ bytes: Buffer.from(prefix), kind: prefixKind }));

/** Every spelling of the names with `_` for one `-` or more. */
function underscoreAliasesOf(originals: readonly string[]): readonly string[] {
  return originals.flatMap((name) => {
    const spellings = name
      .split("-")
      .reduce<readonly string[]>(
        (starts, part) =>
          starts.length === 0 ? [part] : starts.flatMap((start) => [`${start}-${part}`, `${start}_${part}`]),
        [],
      );
    return spellings.filter((spelling) => spelling !== name);
  });
}

/** ASCII letters in lower case and `_` as `-`. */
const unaliased = lowered.map((byte) => (byte === 0x5f ? 0x2d : byte));

/** ASCII letters in any case give one slot. */
function slotOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  const first = bytes[start]! | 0x20;
  const middle = bytes[start + (length >>> 1)]! | 0x20;
  const last = bytes[end - 1]! | 0x20;
  return (length * 59 + first * 5 + middle * 23 + last * 97) & (slots - 1);
}

/** The kind of the field whose name is `bytes[start..end)`, one byte or more. */
export function kindOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  for (let slot = slotOf(bytes, start, end); lengthAt[slot] !== 0; slot = (slot + 1) & (slots - 1)) {
    if (lengthAt[slot] === length && isName(bytes, start, nameAt[slot]!, length)) return kindAt[slot]!;
  }
  const first = bytes[start]! | 0x20;
  if (first !== 0x78 && first !== 0x70) return kind.other;
  for (let i = 0; i < prefixBytes.length; i++) {
    const prefix = prefixBytes[i]!;
    if (length >= prefix.bytes.length && beginsWithTwin(bytes, start, prefix.bytes))
      return bytes.subarray(start, start + prefix.bytes.length).includes(0x5f) ? kind.underscoreAlias : prefix.kind;
  }
  return kind.other;
}

/** Are the bytes at `start` the name that stands at `name` in `nameBytes`, letters in any case? */
function isName(bytes: Uint8Array, start: number, name: number, length: number): boolean {
  for (let i = 0; i < length; i++) {
    if (lowered[bytes[start + i]!] !== nameBytes[name + i]) return false;
  }
  return true;
}

/** Do the bytes at `start` begin with `name` (lower case), letters in any case, `_` for `-` or not? */
function beginsWithTwin(bytes: Uint8Array, start: number, name: Buffer): boolean {
  for (let i = 0; i < name.length; i++) {
    if (unaliased[bytes[start + i]!] !== name[i]) return false;
  }
  return true;
}
