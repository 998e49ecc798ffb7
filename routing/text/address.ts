// IP addresses: text to bytes and back, and the IPv4 addresses that an IPv6 one leads to.

/** The longest text of an address: six groups of four digits and an IPv4 address. */
const mostCharacters = 45;
const [dot, colon] = [0x2e, 0x3a];

const written = new Uint8Array(mostCharacters);
const read = new Uint8Array(16);

/** 4 or 16 bytes; null when the text is not exactly one address. */
export function parseAddress(text: string): readonly number[] | null {
  if (text.length > mostCharacters) return null;
  for (let i = 0; i < text.length; i++) written[i] = Math.min(text.charCodeAt(i), 0xff);
  const length = readAddress(written, 0, text.length, read);
  return length === 0 ? null : [...read.subarray(0, length)];
}

/**
 * The address that `bytes[start..end)` spell, written into `into` (16 bytes): how many bytes it has, 4 or 16; 0 when they are not exactly one
 * address, and `into` is anything then. IPv6 that maps an IPv4 address is that. Without a zone. Allocates nothing.
 */
export function readAddress(bytes: Uint8Array, start: number, end: number, into: Uint8Array): 0 | 4 | 16 {
  if (end - start > mostCharacters) return 0;
  let at = start;
  while (at < end && bytes[at] !== colon) at++;
  if (at === end) return readIpv4(bytes, start, end, into, 0) ? 4 : 0;
  if (!readIpv6(bytes, start, end, into)) return 0;
  for (let i = 0; i < 10; i++) if (into[i] !== 0) return 16;
  if (into[10] !== 0xff || into[11] !== 0xff) return 16;
  into.copyWithin(0, 12, 16);
  return 4;
}

function readIpv6(bytes: Uint8Array, start: number, end: number, into: Uint8Array): boolean {
  let at = start;
  let length = 0;
  // Where `::` stands, in bytes of the address; −1: nowhere.
  let gap = -1;
  if (bytes[at] === colon) {
    if (end - start < 2 || bytes[at + 1] !== colon) return false;
    gap = 0;
    at += 2;
  }
  while (at < end) {
    const groupAt = at;
    let value = 0;
    for (let digit = 0; at < end && at - groupAt < 4 && (digit = hexadecimal(bytes[at]!)) >= 0; at++)
      value = value * 16 + digit;
    if (at < end && bytes[at] === dot) {
      if (length > 12 || !readIpv4(bytes, groupAt, end, into, length)) return false;
      length += 4;
      break;
    }
    if (at === groupAt || length === 16) return false;
    into[length++] = value >> 8;
    into[length++] = value & 0xff;
    if (at === end) break;
    if (bytes[at++] !== colon || at === end) return false;
    if (bytes[at] !== colon) continue;
    if (gap >= 0) return false;
    gap = length;
    at++;
  }
  if (gap < 0) return length === 16;
  // It stands for one group or more.
  if (length > 14) return false;
  into.copyWithin(16 - (length - gap), gap, length);
  into.fill(0, gap, 16 - (length - gap));
  return true;
}

/** Four decimal numbers without leading zeros: other spellings (octal, one number) mean different things to different readers. */
function readIpv4(bytes: Uint8Array, start: number, end: number, into: Uint8Array, offset: number): boolean {
  let at = start;
  for (let part = 0; part < 4; part++) {
    const partAt = at;
    let value = 0;
    for (; at < end && at - partAt < 3 && isDigit(bytes[at]!); at++) value = value * 10 + bytes[at]! - 0x30;
    if (at === partAt || value > 255 || (at - partAt > 1 && bytes[partAt] === 0x30)) return false;
    into[offset + part] = value;
    if (part < 3 && (at === end || bytes[at++] !== dot)) return false;
  }
  return at === end;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** −1: no digit. */
function hexadecimal(byte: number): number {
  if (isDigit(byte)) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** One spelling an address: IPv6 in lower case with its longest row of zeros left out. */
export function printAddress(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i]! << 8) | bytes[i + 1]!).toString(16));
  const text = `:${groups.join(":")}:`;
  const zeros = text.match(/(?::0){2,}(?=:)/g)?.sort((a, b) => b.length - a.length)[0];
  if (zeros === undefined) return groups.join(":");
  const at = text.indexOf(zeros);
  const left = text.slice(1, at);
  const right = text.slice(at + zeros.length + 1, -1);
  return `${left}::${right}`;
}

/**
 * The IPv4 addresses that packets to an IPv6 address end at: IPv4-compatible (RFC 4291), translated (RFC 2765), NAT64 (RFC 6052), 6to4 (RFC 3056),
 * Teredo (RFC 4380: its server and its client) and ISATAP (RFC 5214). Mapped ones are IPv4 to `parseAddress` already.
 */
export function embeddedIpv4(bytes: readonly number[]): readonly (readonly number[])[] {
  if (bytes.length === 4) return [];
  const last = bytes.slice(12);
  if (zeros(bytes, 0, 12)) return zeros(bytes, 12, 15) && bytes[15]! <= 1 ? [] : [last];
  if (zeros(bytes, 0, 8) && startsWith(bytes.slice(8), [0xff, 0xff, 0, 0])) return [last];
  if (startsWith(bytes, [0x00, 0x64, 0xff, 0x9b]) && zeros(bytes, 4, 12)) return [last];
  const found: (readonly number[])[] = [];
  if (startsWith(bytes, [0x20, 0x02])) found.push(bytes.slice(2, 6));
  if (startsWith(bytes, [0x20, 0x01, 0, 0]))
    found.push(
      bytes.slice(4, 8),
      last.map((byte) => byte ^ 0xff),
    );
  if ((bytes[8]! & 0xfd) === 0 && startsWith(bytes.slice(9), [0, 0x5e, 0xfe])) found.push(last);
  return found;
}

/** true when the address lies in the range that these bytes begin. */
export function startsWith(bytes: readonly number[], beginning: readonly number[]): boolean {
  return beginning.every((byte, index) => bytes[index] === byte);
}

function zeros(bytes: readonly number[], from: number, to: number): boolean {
  return bytes.slice(from, to).every((byte) => byte === 0);
}
