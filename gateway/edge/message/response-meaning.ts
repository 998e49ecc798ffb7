// What an answer says, whatever the version of HTTP: of its fields, those that mean the same in all. What belongs to a version (Connection,
// Transfer-Encoding, what is of connections alone) its codec reads.
import { kind } from "../fields/field-kind.ts";
import { readLength } from "../fields/fields.ts";

/** What fields say together. */
export interface ResponseMeaning {
  bytes: Uint8Array;
  /** Content-Length, or −1. Also of a HEAD's or 304's response, which has no body. */
  contentLength: number;
  hasDate: boolean;
}

/** Nothing has been read. */
export function begin(head: ResponseMeaning): void {
  head.contentLength = -1;
  head.hasDate = false;
}

/** Reads the field of kind `fieldKind` whose value is `bytes[start..end)` of the head. False: no response, its framing is ambiguous. */
export function readField(head: ResponseMeaning, fieldKind: number, start: number, end: number): boolean {
  switch (fieldKind) {
    case kind.contentLength:
      if (head.contentLength >= 0) return false;
      head.contentLength = readLength(head.bytes, start, end);
      return head.contentLength >= 0;
    case kind.date:
      head.hasDate = true;
      return true;
    default:
      return true;
  }
}
