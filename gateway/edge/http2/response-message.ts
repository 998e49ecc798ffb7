// The head of a response from a decoded list (RFC 9113 §8.3.2), as the object that HTTP/1.1 fills.
import { kind } from "../fields/field-kind.ts";
import { readLength } from "../fields/fields.ts";
import type { ResponseHead } from "../message/response-head.ts";
import { begin, readField } from "../message/response-meaning.ts";
import { isConnectionSpecific } from "../frames/connection-specific.ts";
import { pseudo } from "../hpack/field-meaning.ts";
import type { HeaderList } from "../hpack/header-list.ts";

/** Fills `head` from `list`, whose bytes it then refers to. `ended`: nothing follows. False: malformed. */
export function readResponse(list: HeaderList, head: ResponseHead, isHead: boolean, ended: boolean): boolean {
  if (list.malformed || list.tooLarge) return false;
  const { bytes, fields, kinds, fieldCount, pseudo: places } = list;
  for (let number = 0; number < places.length; number += 2) {
    if (places[number] !== -1 && number !== pseudo.status * 2) return false;
  }
  const status = readStatus(bytes, places[pseudo.status * 2]!, places[pseudo.status * 2 + 1]!);
  // 101 is of HTTP/1.1 alone (RFC 9113 §8.6); an informational response does not end anything.
  if (status < 100 || status === 101 || (status < 200 && ended)) return false;
  head.bytes = bytes;
  begin(head);
  for (let field = 0; field < fieldCount; field++) {
    const fieldKind = kinds[field]!;
    if (fieldKind === kind.other) continue;
    switch (fieldKind) {
      case kind.connection:
      case kind.transferEncoding:
      case kind.upgrade:
      case kind.hop:
      case kind.te:
        if (isConnectionSpecific(list, field)) return false;
        break;
      default:
        if (!readField(head, fieldKind, fields[field * 4 + 2]!, fields[field * 4 + 3]!)) return false;
    }
  }
  const bodiless = isHead || status < 200 || status === 204 || status === 304;
  if (ended && !bodiless && head.contentLength > 0) return false;
  head.fields = fields;
  head.kinds = kinds;
  head.neverIndexed = list.neverIndexed;
  head.encoded = list.encoded;
  head.fieldCount = fieldCount;
  head.fieldsEnd = list.fieldsEnd;
  head.status = status;
  head.start = 0;
  head.lineStart = -1;
  head.reasonStart = 0;
  head.reasonEnd = 0;
  head.close = false;
  if (bodiless) head.framing = "none";
  else if (head.contentLength >= 0) head.framing = "length";
  else head.framing = "chunked";
  return true;
}

/** Three digits, 100..599, or −1. */
function readStatus(bytes: Buffer, start: number, end: number): number {
  if (start < 0 || end - start !== 3) return -1;
  const status = readLength(bytes, start, end);
  return status >= 100 && status <= 599 ? status : -1;
}
