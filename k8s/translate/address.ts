// IP addresses: text to bytes and back, and the IPv4 addresses that an IPv6 one leads to.

/** 4 or 16 bytes; null when the text is not exactly one address. */
export function parseAddress(text: string): readonly number[] | null {
  if (text.length > 45) return null;
  if (!text.includes(':')) return parseIpv4(text);
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const head = parseGroups(halves[0]!);
  const tail = halves.length === 2 ? parseGroups(halves[1]!) : [];
  if (head === null || tail === null) return null;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 2 ? missing < 2 : missing !== 0) return null;
  const bytes = [...head, ...Array.from({ length: missing }, () => 0), ...tail];
  const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  return mapped ? bytes.slice(12) : bytes;
}

function parseGroups(text: string): readonly number[] | null {
  if (text === '') return [];
  const groups = text.split(':');
  const bytes: number[] = [];
  for (const [index, group] of groups.entries()) {
    if (group.includes('.') && index === groups.length - 1) {
      const ipv4 = parseIpv4(group);
      if (ipv4 === null) return null;
      bytes.push(...ipv4);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    } else {
      return null;
    }
  }
  return bytes;
}

/** Four decimal numbers without leading zeros: other spellings (octal, one number) mean different things to different readers. */
function parseIpv4(text: string): readonly number[] | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return null;
  return parts.map(Number);
}

/** One spelling an address: IPv6 in lower case with its longest row of zeros left out. */
export function printAddress(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i]! << 8) | bytes[i + 1]!).toString(16));
  const text = `:${groups.join(':')}:`;
  const zeros = text.match(/(?::0){2,}(?=:)/g)?.sort((a, b) => b.length - a.length)[0];
  if (zeros === undefined) return groups.join(':');
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
  if (startsWith(bytes, [0x20, 0x01, 0, 0])) found.push(bytes.slice(4, 8), last.map((byte) => byte ^ 0xff));
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
