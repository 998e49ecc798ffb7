// The request head: strict parser (RFC 9112) that fills the core's RequestHead without making a string.
import { RequestHead } from "../../../routing/request/head.ts";
import { failures, type Failure } from "../../failures.ts";
import { isAuthority } from "../fields/authority.ts";
import { colon, cr, isTarget, isToken, lf, lowered, space } from "../fields/characters.ts";
import { readConnectionField, says } from "../fields/connection-field.ts";
import { kind } from "../fields/field-kind.ts";
import {
  fieldRoom,
  holdsElement,
  isWord,
  malformed,
  more,
  readFields,
  tooMany,
  type EncodedFields,
  type FieldList,
} from "../fields/fields.ts";
import type { RequestFraming } from "../fields/framing.ts";
import {
  asksJson,
  begin,
  isHeadMethod,
  isRefusedMethod,
  readField,
  readPath,
  type RequestMeaning,
} from "./request-meaning.ts";

/** Limits of a head. */
export interface HeadLimits {
  /** Request line without CRLF: over it 414. */
  readonly requestLineBytes: number;
  /** The whole head with its blank line: over it 431. */
  readonly headBytes: number;
  /** Over it 431. */
  readonly headFields: number;
}

/** The parser found a fault; `fault` says which. */
export const refused = -2;

/** One HTTP/1.1 request head. A worker has one and fills it again for each request: it is valid only while its bytes are. */
export class WireRequestHead extends RequestHead implements FieldList, RequestMeaning {
  kinds: Uint8Array;
  neverIndexed: Uint8Array | null = null;
  encoded: EncodedFields | null = null;
  /** Start of whatever it refers to in `bytes`. */
  start = 0;
  fieldsEnd = 0;
  /** Why `readRequestHead` returned `refused`. */
  fault: Failure = failures.malformed;
  /** The request target, as sent. */
  targetStart = 0;
  targetEnd = 0;
  /** HTTP/1.1, not 1.0. */
  http11 = true;
  /** Content-Length, or −1. */
  contentLength = -1;
  /** As the client sends it; whether a tunnel is asked for says `websocket`. */
  framing: RequestFraming = "none";
  /** The client closes after this answer. */
  close = false;
  expectsContinue = false;
  /** Asks to change to WebSocket. */
  websocket = false;
  /** Time that the caller of a gRPC method gives it, ms; Infinity: none. */
  grpcTimeoutMs = Infinity;
  /** `te: trailers`. */
  takesTrailers = false;
  /** Its failures are answered in JSON. */
  wantsJson = false;
  /** A gRPC call (`grpc`) in the form that browsers can send, one of `grpcWeb`. */
  grpcWeb = 0;
  /** The method is HEAD. */
  isHead = false;

  /** `room`: fields that it can hold. */
  constructor(room = fieldRoom) {
    super(room);
    this.kinds = new Uint8Array(room);
  }
}

/**
 * Reads one head from `bytes[start..end)`, which is followed by a zero byte. Returns the position after it, `more`, or `refused` with
 * `head.fault` set. The result is the same however the bytes were split.
 */
export function readRequestHead(
  head: WireRequestHead,
  bytes: Uint8Array,
  start: number,
  end: number,
  limits: HeadLimits,
): number {
  head.isHead = false;
  begin(head);
  let at = start;
  while (isToken[bytes[at]!] === 1) at++;
  const methodEnd = at;
  if (bytes[at] !== space || at === start) return lineFault(head, at, start, end, limits);
  const targetStart = ++at;
  while (isTarget[bytes[at]!] === 1) at++;
  const targetEnd = at;
  if (bytes[at] !== space || at - start > limits.requestLineBytes) return lineFault(head, at, start, end, limits);
  const version = readVersion(bytes, at + 1, end);
  if (version < 0)
    return version === more
      ? more
      : refuse(head, isHttp(bytes, targetStart, targetEnd) ? failures.malformed : failures.notHttp);
  at += 9;
  if (at - start > limits.requestLineBytes) return refuse(head, failures.lineTooLong);
  const after = readFields(head, bytes, at + 2, end, limits.headFields);
  if (after === more) return end - start >= limits.headBytes ? refuse(head, failures.headTooLarge) : more;
  if (after < 0)
    return refuse(
      head,
      after === tooMany || head.fieldsEnd - start >= limits.headBytes ? failures.headTooLarge : failures.malformed,
    );
  if (after - start > limits.headBytes) return refuse(head, failures.headTooLarge);
  head.neverIndexed = null;
  head.encoded = null;
  head.start = start;
  head.methodStart = start;
  head.methodEnd = methodEnd;
  head.targetStart = targetStart;
  head.targetEnd = targetEnd;
  head.http11 = version === 1;
  head.isHead = isHeadMethod(bytes, start, methodEnd);
  const fault = readMeaning(head, targetStart, targetEnd);
  if (fault === null) return after;
  readAsked(head);
  return refuse(head, fault);
}

function refuse(head: WireRequestHead, fault: Failure): number {
  head.fault = fault;
  return refused;
}

/** A head that is refused although its fields can be read: in which form it wants to be told. */
function readAsked(head: WireRequestHead): void {
  const { bytes, fields, kinds, fieldCount } = head;
  for (let field = 0; field < fieldCount; field++) {
    if (kinds[field] !== kind.contentType && kinds[field] !== kind.accept) continue;
    if (asksJson(bytes, fields[field * 4 + 2]!, fields[field * 4 + 3]!)) head.wantsJson = true;
  }
}

/** The byte at `at` of the request line is not what must stand there: the line is too long, or the byte has not come, or it is another. */
function lineFault(head: WireRequestHead, at: number, start: number, end: number, limits: HeadLimits): number {
  if (at - start > limits.requestLineBytes) return refuse(head, failures.lineTooLong);
  return at < end ? refuse(head, failures.malformed) : more;
}

/**
 * Is a line that ends with no version of HTTP a request at all? One whose second word is no target of any form either (RFC 9112 §3.2) is of
 * another protocol, or a preface of HTTP/2 that is none, and an answer of HTTP/1.1 would mean nothing to whoever sent it (RFC 9113 §3.4).
 */
function isHttp(bytes: Uint8Array, targetStart: number, targetEnd: number): boolean {
  if (targetStart === targetEnd) return true;
  for (let at = targetStart; at < targetEnd; at++) {
    const byte = bytes[at]!;
    if (byte === slash || byte === colon || byte === star) return true;
  }
  return bytes[targetEnd + 1] === versionBytes[0] && bytes[targetEnd + 2] === versionBytes[1];
}

const slash = 0x2f;
const star = 0x2a;
const versionBytes = Buffer.from("HTTP/1.");

/** 1 for `HTTP/1.1` and CRLF at `at`, 0 for `HTTP/1.0`, `more` or `malformed`. */
function readVersion(bytes: Uint8Array, at: number, end: number): number {
  for (let i = 0; i < 7; i++) {
    if (bytes[at + i] !== versionBytes[i]) return at + i >= end ? more : malformed;
  }
  const minor = bytes[at + 7]! - 0x30;
  if (minor !== 0 && minor !== 1) return at + 7 >= end ? more : malformed;
  if (bytes[at + 8] !== cr) return at + 8 >= end ? more : malformed;
  if (bytes[at + 9] !== lf) return at + 9 >= end ? more : malformed;
  return minor;
}

/** What the fields say together. Null: a request that can be served. */
function readMeaning(head: WireRequestHead, targetStart: number, targetEnd: number): Failure | null {
  const { bytes, fields, kinds, fieldCount } = head;
  let hosts = 0;
  let codings = 0;
  let connection = 0;
  let upgrades = false;
  let chunked = false;
  for (let field = 0; field < fieldCount; field++) {
    const fieldKind = kinds[field]!;
    if (fieldKind === kind.other) continue;
    const start = fields[field * 4 + 2]!;
    const end = fields[field * 4 + 3]!;
    switch (fieldKind) {
      case kind.host:
        if (++hosts > 1) return failures.malformed;
        if (!isAuthority(bytes, start, end)) return failures.malformed;
        head.authorityStart = start;
        head.authorityEnd = end;
        break;
      case kind.transferEncoding:
        if (++codings > 1 || !isWord(bytes, start, end, "chunked")) return failures.malformed;
        chunked = true;
        break;
      case kind.connection:
        connection = readConnectionField(head, field, connection);
        break;
      case kind.expect:
        if (!isWord(bytes, start, end, "100-continue")) return failures.unknownExpectation;
        head.expectsContinue = head.http11;
        break;
      case kind.te:
        if (holdsElement(bytes, start, end, "trailers")) head.takesTrailers = true;
        break;
      case kind.upgrade:
        if (holdsElement(bytes, start, end, "websocket")) upgrades = true;
        break;
      default:
        if (!readField(head, fieldKind, start, end)) return failures.malformed;
    }
  }
  if (hosts === 0) {
    // HTTP/1.0 needs none (RFC 9112 §3.2). It is nobody's host then, and health checks of balancers are such requests.
    if (head.http11) return failures.malformed;
    head.authorityStart = targetStart;
    head.authorityEnd = targetStart;
  }
  if (chunked && (head.contentLength >= 0 || !head.http11)) return failures.malformed;
  head.framing = chunked ? "chunked" : head.contentLength >= 0 ? "length" : "none";
  if ((connection & says.refused) !== 0) return failures.malformed;
  // HTTP/1.0 closes unless the client asks for more (RFC 9112 §9.3).
  head.close = (connection & says.close) !== 0 || (!head.http11 && (connection & says.keepAlive) === 0);
  // HTTP/1.0 cannot ask for another protocol (RFC 9110 §7.8).
  head.websocket = head.http11 && upgrades && (connection & says.upgrade) !== 0;
  if (isRefusedMethod(bytes, head.methodStart, head.methodEnd)) return failures.methodRefused;
  const pathStart = bytes[targetStart] === 0x2f ? targetStart : afterAuthority(head, targetStart, targetEnd);
  return pathStart >= 0 && readPath(head, pathStart, targetEnd) ? null : failures.malformed;
}

/**
 * The path of an absolute-form target (`http://host/path`), or −1. Its authority must be what Host says: a request whose two names differ
 * means one thing to one server and another to the next. Without Host there is none.
 */
function afterAuthority(head: WireRequestHead, start: number, end: number): number {
  const { bytes, authorityStart, authorityEnd } = head;
  let at = start;
  while (at < end && bytes[at] !== colon) at++;
  if (!isWord(bytes, start, at, "http") && !isWord(bytes, start, at, "https")) return -1;
  if (bytes[at + 1] !== 0x2f || bytes[at + 2] !== 0x2f) return -1;
  const host = at + 3;
  const length = authorityEnd - authorityStart;
  if (length === 0 || host + length >= end) return -1;
  for (let i = 0; i < length; i++) {
    if (lowered[bytes[host + i]!] !== lowered[bytes[authorityStart + i]!]) return -1;
  }
  // `http://host` without a path is not origin-form's `/`: nothing sends it, and what follows must be the path.
  return bytes[host + length] === 0x2f ? host + length : -1;
}
