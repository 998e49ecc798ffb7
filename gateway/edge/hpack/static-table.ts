// The static table of HPACK (RFC 7541 Appendix A), as lines.
import { meaningOfName } from "./field-meaning.ts";
import { lineExtraBytes, viewOf } from "./field-lines.ts";

const entries: readonly (readonly [name: string, value: string])[] = [
  [":authority", ""],
  [":method", "GET"],
  [":method", "POST"],
  [":path", "/"],
  [":path", "/index.html"],
  [":scheme", "http"],
  [":scheme", "https"],
  [":status", "200"],
  [":status", "204"],
  [":status", "206"],
  [":status", "304"],
  [":status", "400"],
  [":status", "404"],
  [":status", "500"],
  ["accept-charset", ""],
  ["accept-encoding", "gzip, deflate"],
  ["accept-language", ""],
  ["accept-ranges", ""],
  ["accept", ""],
  ["access-control-allow-origin", ""],
  ["age", ""],
  ["allow", ""],
  ["authorization", ""],
  ["cache-control", ""],
  ["content-disposition", ""],
  ["content-encoding", ""],
  ["content-language", ""],
  ["content-length", ""],
  ["content-location", ""],
  ["content-range", ""],
  ["content-type", ""],
  ["cookie", ""],
  ["date", ""],
  ["etag", ""],
  ["expect", ""],
  ["expires", ""],
  ["from", ""],
  ["host", ""],
  ["if-match", ""],
  ["if-modified-since", ""],
  ["if-none-match", ""],
  ["if-range", ""],
  ["if-unmodified-since", ""],
  ["last-modified", ""],
  ["link", ""],
  ["location", ""],
  ["max-forwards", ""],
  ["proxy-authenticate", ""],
  ["proxy-authorization", ""],
  ["range", ""],
  ["referer", ""],
  ["refresh", ""],
  ["retry-after", ""],
  ["server", ""],
  ["set-cookie", ""],
  ["strict-transport-security", ""],
  ["transfer-encoding", ""],
  ["user-agent", ""],
  ["vary", ""],
  ["via", ""],
  ["www-authenticate", ""],
];

export const staticCount = entries.length;

/** All lines, one behind the other. */
export const staticLines = Buffer.from(entries.map(([name, value]) => `${name}: ${value}\r\n`).join(""));
export const staticView = viewOf(staticLines);

// By index, which begins at 1.
export const staticStart = new Int32Array(staticCount + 1);
export const staticNameBytes = new Int32Array(staticCount + 1);
export const staticValueBytes = new Int32Array(staticCount + 1);
export const staticMeaning = new Uint8Array(staticCount + 1);

// Names that a literal may refer to, by their length: few have the same.
const byLength: number[][] = Array.from({ length: 32 }, () => []);

let start = 0;
for (let index = 1; index <= staticCount; index++) {
  const [name, value] = entries[index - 1]!;
  staticStart[index] = start;
  staticNameBytes[index] = name.length;
  staticValueBytes[index] = value.length;
  staticMeaning[index] = meaningOfName(staticLines, start, start + name.length);
  start += name.length + value.length + lineExtraBytes;
  if (entries[index - 2]?.[0] !== name) byLength[name.length]!.push(index);
}

/** Index of an entry whose name is `bytes[start..end)` (lower case), or 0. */
export function staticNameIndex(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length >= byLength.length) return 0;
  const candidates = byLength[length]!;
  for (let c = 0; c < candidates.length; c++) {
    const index = candidates[c]!;
    const at = staticStart[index]!;
    let i = length - 1;
    // From the end: names of one length differ there more often.
    while (i >= 0 && bytes[start + i] === staticLines[at + i]) i--;
    if (i < 0) return index;
  }
  return 0;
}
