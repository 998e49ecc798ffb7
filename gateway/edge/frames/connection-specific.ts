// What belongs to a connection of HTTP/1.1 and so makes a message of HTTP/2 malformed (RFC 9113 §8.2.2).
import { kind } from "../fields/field-kind.ts";
import { isWord } from "../fields/fields.ts";
import type { HeaderList } from "../hpack/header-list.ts";

/** Of fields that belong to a hop by their kind. TE may say `trailers` and nothing else; hop-by-hop fields not named here are merely not passed on. */
export function isConnectionSpecific({ bytes, fields, kinds }: HeaderList, field: number): boolean {
  const start = fields[field * 4]!;
  const end = fields[field * 4 + 1]!;
  switch (kinds[field]) {
    case kind.te:
      return !isWord(bytes, fields[field * 4 + 2]!, fields[field * 4 + 3]!, "trailers");
    case kind.hop:
      return isWord(bytes, start, end, "keep-alive") || isWord(bytes, start, end, "proxy-connection");
    default:
      return true;
  }
}
