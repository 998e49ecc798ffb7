// The header of the PROXY protocol, by which a balancer of connections says for whom it has opened one: versions 1 (a line) and 2 (binary) of
// "The PROXY protocol", W. Tarreau. Read to the letter; where its text leaves a receiver free, the comments here say what is chosen.
import { parseAddress, printAddress } from "../../../routing/text/address.ts";

export type ProxyHeader =
  /** It has begun right, and its end has not come. */
  | { readonly kind: "more" }
  /** Whatever follows, it is none. `reason` says why, without what came. */
  | { readonly kind: "wrong"; readonly reason: string }
  | {
      readonly kind: "read";
      /** Bytes of the header; what follows is the client's. */
      readonly length: number;
      /**
       * Address of the client, canonical, without port. null: the balancer speaks for itself (LOCAL), as it does to see whether we are alive.
       * `unknown`: it knows no address of its client. The text lets a receiver take the balancer's address then; that would let strangers in
       * wherever a list of addresses holds the balancer's network, so nobody's is taken.
       */
      readonly client: string | null;
    };

/** Of version 1, its line end included. */
export const mostLineBytes = 107;
/** Of version 2, all of it. The text sets no bound below 64 kB: 536 bytes must pass, and fields of certificates and of clouds take some hundred. */
export const mostBinaryBytes = 4096;

const unknownClient = "unknown";

const lineStart = Buffer.from("PROXY ");
const signature = Buffer.from("\r\n\r\n\0\r\nQUIT\n");
/** Signature, version and command, family, length. */
const fixedBytes = 16;

const more: ProxyHeader = Object.freeze({ kind: "more" });

/** Reads the header that a connection begins with, of which `bytes[start..end)` have come. */
export function readProxyHeader(bytes: Buffer, start: number, end: number): ProxyHeader {
  if (start === end) return more;
  if (bytes[start] === lineStart[0])
    return begins(bytes, start, end, lineStart) ? readLine(bytes, start, end) : wrong("it does not begin with one");
  if (bytes[start] === signature[0])
    return begins(bytes, start, end, signature) ? readBinary(bytes, start, end) : wrong("it does not begin with one");
  return wrong("it does not begin with one");
}

function wrong(reason: string): ProxyHeader {
  return { kind: "wrong", reason };
}

/** As far as it has come. */
function begins(bytes: Buffer, start: number, end: number, text: Buffer): boolean {
  const length = Math.min(end - start, text.length);
  return bytes.compare(text, 0, length, start, start + length) === 0;
}

/** `PROXY TCP4 192.0.2.7 192.0.2.1 56324 443`, CR, LF. */
function readLine(bytes: Buffer, start: number, end: number): ProxyHeader {
  const limit = Math.min(end, start + mostLineBytes);
  const lineEnd = bytes.subarray(start, limit).indexOf("\r\n");
  if (lineEnd < 0)
    return limit - start < mostLineBytes ? more : wrong(`its line is longer than ${mostLineBytes} bytes`);
  const length = lineEnd + 2;
  const [protocol, ...parts] = bytes.toString("latin1", start + lineStart.length, start + lineEnd).split(" ");
  // Whatever follows is not to be read.
  if (protocol === "UNKNOWN") return { kind: "read", length, client: unknownClient };
  if (protocol !== "TCP4" && protocol !== "TCP6") return wrong("its protocol is none of TCP4, TCP6 and UNKNOWN");
  const [source, destination, sourcePort, destinationPort] = parts;
  if (parts.length !== 4) return wrong("it has not two addresses and two ports");
  if (!isPort(sourcePort!) || !isPort(destinationPort!)) return wrong("a port is no number from 0 to 65535");
  const client = addressIn(protocol, source!);
  if (client === null || addressIn(protocol, destination!) === null) return wrong(`an address is not of ${protocol}`);
  return { kind: "read", length, client };
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 0xffff;
}

/** In its one spelling; null: it is not of this family as it is written. */
function addressIn(protocol: "TCP4" | "TCP6", text: string): string | null {
  return (protocol === "TCP6") === text.includes(":") ? canonical(text) : null;
}

function canonical(text: string): string | null {
  const bytes = parseAddress(text);
  return bytes === null ? null : printAddress(bytes);
}

/** Families and protocols of version 2, as one byte, and what their addresses take; that of no family is not to be read. Datagrams come over no TCP connection. */
const families: ReadonlyMap<number, number> = new Map([
  [0x00, 0],
  [0x11, 12],
  [0x21, 36],
  [0x31, 216],
]);

function readBinary(bytes: Buffer, start: number, end: number): ProxyHeader {
  const come = end - start;
  if (come > 12 && bytes[start + 12] !== 0x20 && bytes[start + 12] !== 0x21)
    return wrong("its version is not 2, or its command neither LOCAL nor PROXY");
  if (come < fixedBytes) return more;
  const local = bytes[start + 12] === 0x20;
  const family = bytes[start + 13]!;
  const length = fixedBytes + bytes.readUInt16BE(start + 14);
  if (length > mostBinaryBytes) return wrong(`it is longer than ${mostBinaryBytes} bytes`);
  const addressBytes = families.get(family);
  if (!local && addressBytes === undefined) return wrong("its family is no stream of IPv4, IPv6 or a UNIX socket");
  if (!local && length < fixedBytes + addressBytes!)
    return wrong("its length has no room for the addresses of its family");
  if (come < length) return more;
  // All of the block is to be left aside.
  if (local) return { kind: "read", length, client: null };
  const reason = family === 0 ? null : reasonAgainst(bytes.subarray(start, start + length), fixedBytes + addressBytes!);
  return reason === null
    ? { kind: "read", length, client: clientIn(bytes, start + fixedBytes, family) }
    : wrong(reason);
}

function clientIn(bytes: Buffer, at: number, family: number): string {
  switch (family) {
    case 0x11:
      return printAddress([...bytes.subarray(at, at + 4)]);
    case 0x21:
      // Printed and read, IPv6 that maps IPv4 is that.
      return canonical(printAddress([...bytes.subarray(at, at + 16)]))!;
    default:
      return unknownClient;
  }
}

/** PP2_TYPE_CRC32C: over the whole header, its own value as zeros. */
const checksumType = 0x03;

/** What is wrong with the fields that follow the addresses (TLV); null: nothing. Those that are not read are only measured. */
function reasonAgainst(header: Buffer, from: number): string | null {
  let checksumAt = -1;
  for (let at = from; at < header.length;) {
    if (at + 3 > header.length) return "a field ends beyond it";
    const length = header.readUInt16BE(at + 1);
    if (at + 3 + length > header.length) return "a field ends beyond it";
    if (header[at] === checksumType) {
      if (length !== 4 || checksumAt >= 0) return "its checksum is not one of 4 bytes";
      checksumAt = at + 3;
    }
    at += 3 + length;
  }
  return checksumAt < 0 || header.readUInt32BE(checksumAt) === checksumOf(header, checksumAt)
    ? null
    : "its checksum is of something else";
}

/** CRC-32C (Castagnoli) of the header with zeros for the four bytes at `checksumAt`. */
function checksumOf(header: Buffer, checksumAt: number): number {
  let crc = 0xffffffff;
  for (let at = 0; at < header.length; at++) {
    crc ^= at >= checksumAt && at < checksumAt + 4 ? 0 : header[at]!;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0x82f63b78;
  }
  return ~crc >>> 0;
}
