// Parameters of a query, as a form writes them (WHATWG URL, application/x-www-form-urlencoded): found by name, and taken out.
import type { RequestHead } from "./head.ts";

const [ampersand, equals, percent, plus, space] = [0x26, 0x3d, 0x25, 0x2b, 0x20];

/** Where a query stands. */
type QueryBytes = Pick<RequestHead, "pathBytes" | "queryStart" | "queryEnd">;

/** The values of all parameters of this name, decoded as latin1; a name that is written with `%XX` is the same name. */
export function parametersNamed(head: RequestHead, name: string): readonly string[] {
  const values: string[] = [];
  each(head, (start, nameEnd, end) => {
    if (isNamed(head.pathBytes, start, nameEnd, name))
      values.push(decoded(head.pathBytes, Math.min(nameEnd + 1, end), end));
  });
  return values;
}

/** Is there any parameter of one of these names? */
export function hasParameter(head: QueryBytes, names: readonly string[]): boolean {
  let found = false;
  each(head, (start, nameEnd) => {
    found ||= names.some((name) => isNamed(head.pathBytes, start, nameEnd, name));
  });
  return found;
}

/** The query, without its `?`, without the parameters of these names; all others byte for byte. */
export function queryWithout(head: RequestHead, names: readonly string[]): Buffer {
  const { pathBytes } = head;
  const parts: Buffer[] = [];
  each(head, (start, nameEnd, end) => {
    if (names.some((name) => isNamed(pathBytes, start, nameEnd, name))) return;
    if (parts.length > 0) parts.push(separator);
    parts.push(Buffer.from(pathBytes.subarray(start, end)));
  });
  return Buffer.concat(parts);
}

const separator = Buffer.from("&");

function each(
  { pathBytes, queryStart, queryEnd }: QueryBytes,
  take: (start: number, nameEnd: number, end: number) => void,
): void {
  for (let start = queryStart; start < queryEnd; start++) {
    let end = start;
    let nameEnd = -1;
    for (; end < queryEnd && pathBytes[end] !== ampersand; end++)
      if (nameEnd < 0 && pathBytes[end] === equals) nameEnd = end;
    take(start, nameEnd < 0 ? end : nameEnd, end);
    start = end;
  }
}

function isNamed(bytes: Uint8Array, start: number, end: number, name: string): boolean {
  return end - start >= name.length && end - start <= 3 * name.length && decoded(bytes, start, end) === name;
}

function decoded(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    const value = byte === percent && at + 2 < end ? hexadecimal(bytes[at + 1]!, bytes[at + 2]!) : -1;
    if (value >= 0) at += 2;
    text += String.fromCharCode(value >= 0 ? value : byte === plus ? space : byte);
  }
  return text;
}

function hexadecimal(high: number, low: number): number {
  const value = Number.parseInt(String.fromCharCode(high, low), 16);
  return /^[0-9a-fA-F]{2}$/.test(String.fromCharCode(high, low)) ? value : -1;
}
