// The response head of an upstream: as strict as the request's, because an upstream is a tenant's code.
import { cr, isValue, lf, space } from "../fields/characters.ts";
import { readConnectionField, says } from "../fields/connection-field.ts";
import { kind } from "../fields/field-kind.ts";
import {
  fieldRoom,
  isWord,
  malformed,
  more,
  readFields,
  tooMany,
  type EncodedFields,
  type FieldList,
} from "../fields/fields.ts";
import type { ResponseFraming } from "../fields/framing.ts";
import { begin, readField, type ResponseMeaning } from "./response-meaning.ts";

/** Not a response head, or too large. */
export const badResponse = -2;

/** One HTTP/1.1 response head. A worker has one: it is valid only while its bytes are. */
export class ResponseHead implements FieldList, ResponseMeaning {
  bytes: Uint8Array = new Uint8Array(0);
  fieldCount = 0;
  fields: Int32Array;
  kinds: Uint8Array;
  neverIndexed: Uint8Array | null = null;
  encoded: EncodedFields | null = null;
  fieldsEnd = 0;
  /** 100..599. */
  status = 0;
  /** Start of the head. */
  start = 0;
  /** Start of the status line, where it can be copied as it is; else −1. */
  lineStart = -1;
  /** Reason phrase, maybe empty. */
  reasonStart = 0;
  reasonEnd = 0;
  framing: ResponseFraming = "none";
  contentLength = -1;
  /** The upstream closes after this response, or may not be trusted to end it cleanly. */
  close = false;
  hasDate = false;

  constructor(room: number = fieldRoom) {
    this.fields = new Int32Array(4 * room);
    this.kinds = new Uint8Array(room);
  }
}

const versionBytes = Buffer.from("HTTP/1.");

/**
 * Reads one head from `bytes[start..end)`, which is followed by a zero byte. `bodiless`: the request was HEAD. Returns the position after it,
 * `more`, or `badResponse`: malformed, larger than `mostBytes`, or framed in two ways.
 */
export function readResponseHead(
  head: ResponseHead,
  bytes: Uint8Array,
  start: number,
  end: number,
  bodiless: boolean,
  mostBytes: number,
): number {
  const tooLarge = end - start >= mostBytes;
  for (let i = 0; i < 7; i++) {
    if (bytes[start + i] !== versionBytes[i]) return start + i >= end ? more : badResponse;
  }
  const minor = bytes[start + 7]! - 0x30;
  if (start + 12 >= end) return tooLarge ? badResponse : more;
  if (minor < 0 || minor > 9 || bytes[start + 8] !== space) return badResponse;
  const status = statusAt(bytes, start + 9);
  if (status < 100) return badResponse;
  let at = start + 12;
  // `HTTP/1.1 200` without the space after the code is what some servers write for an empty reason.
  if (bytes[at] === space) at++;
  else if (bytes[at] !== cr) return badResponse;
  head.start = start;
  head.reasonStart = at;
  while (isValue[bytes[at]!] === 1) at++;
  head.reasonEnd = at;
  head.lineStart = minor === 1 && at > head.reasonStart ? start : -1;
  if (at >= end || (bytes[at] === cr && at + 1 >= end)) return tooLarge ? badResponse : more;
  if (bytes[at] !== cr || bytes[at + 1] !== lf) return badResponse;
  const after = readFields(head, bytes, at + 2, end, fieldRoom);
  if (after === malformed || after === tooMany) return badResponse;
  if (after === more) return tooLarge ? badResponse : more;
  if (after - start > mostBytes) return badResponse;
  head.status = status;
  head.neverIndexed = null;
  head.encoded = null;
  return readMeaning(head, bodiless, minor >= 1) ? after : badResponse;
}

/** Three digits, 100..599, or −1. */
function statusAt(bytes: Uint8Array, at: number): number {
  const hundreds = bytes[at]! - 0x30;
  const tens = bytes[at + 1]! - 0x30;
  const ones = bytes[at + 2]! - 0x30;
  if (hundreds < 1 || hundreds > 5 || tens < 0 || tens > 9 || ones < 0 || ones > 9) return -1;
  return hundreds * 100 + tens * 10 + ones;
}

/** False: its framing is ambiguous. */
function readMeaning(head: ResponseHead, bodiless: boolean, http11: boolean): boolean {
  const { bytes, fields, kinds, fieldCount, status } = head;
  let connection = 0;
  let chunked = false;
  begin(head);
  for (let field = 0; field < fieldCount; field++) {
    const fieldKind = kinds[field]!;
    if (fieldKind === kind.other) continue;
    const start = fields[field * 4 + 2]!;
    const end = fields[field * 4 + 3]!;
    switch (fieldKind) {
      case kind.transferEncoding:
        if (chunked || !http11 || !isWord(bytes, start, end, "chunked")) return false;
        chunked = true;
        break;
      case kind.connection:
        connection = readConnectionField(head, field, connection);
        break;
      default:
        if (!readField(head, fieldKind, start, end)) return false;
    }
  }
  if ((connection & says.refused) !== 0) return false;
  const hasBody = status >= 200 && status !== 204 && status !== 304 && !bodiless;
  // Both framings: whoever reads the other one splits the response (RFC 9112 §6.3 suspects an attack; Envoy refuses it as well).
  if (chunked && head.contentLength >= 0) return false;
  head.close = (connection & says.close) !== 0 || !http11;
  if (!hasBody) head.framing = "none";
  else if (chunked) head.framing = "chunked";
  else if (head.contentLength >= 0) head.framing = "length";
  else head.framing = "until-close";
  if (head.framing === "until-close") head.close = true;
  return true;
}
