// The head of a request from a decoded list (RFC 9113 §8.3.1), as the object that HTTP/1.1 fills: what comes after need not know which it was.
import { failures, type Failure } from "../../failures.ts";
import { isAuthority } from "../fields/authority.ts";
import { isToken, lowered, space } from "../fields/characters.ts";
import { kind } from "../fields/field-kind.ts";
import { isWord } from "../fields/fields.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import { begin, isGrpc, isHeadMethod, isRefusedMethod, readField, readPath } from "../message/request-meaning.ts";
import { isConnectionSpecific } from "../frames/connection-specific.ts";
import { pseudo } from "../hpack/field-meaning.ts";
import type { HeaderList } from "../hpack/header-list.ts";

/** What a list is: a request, a request to be refused with an answer, or no request at all (a stream error). */
export type RequestVerdict =
  | { readonly kind: "request" }
  | { readonly kind: "refused"; readonly failure: Failure }
  | { readonly kind: "malformed" };

const request: RequestVerdict = Object.freeze({ kind: "request" });
const malformed: RequestVerdict = Object.freeze({ kind: "malformed" });
const badPath: RequestVerdict = Object.freeze({ kind: "refused", failure: failures.malformed });
const badMethod: RequestVerdict = Object.freeze({ kind: "refused", failure: failures.methodRefused });
const badExpectation: RequestVerdict = Object.freeze({ kind: "refused", failure: failures.unknownExpectation });

const hostName = Buffer.from("host: ");
const cookieName = Buffer.from("cookie: ");

/**
 * Fills `head` from `list`, whose bytes it then refers to. `ended`: the request has no body. The Host is always among the fields, made from
 * :authority (RFC 9113 §8.3.1), and pieces of a Cookie are one field (RFC 9113 §8.2.3), as a server of HTTP/1.1 needs them.
 */
export function readRequest(list: HeaderList, head: WireRequestHead, ended: boolean): RequestVerdict {
  if (list.malformed) return malformed;
  const { bytes, pseudo: places } = list;
  const methodStart = places[pseudo.method * 2]!;
  const methodEnd = places[pseudo.method * 2 + 1]!;
  const pathStart = places[pseudo.path * 2]!;
  const pathEnd = places[pseudo.path * 2 + 1]!;
  if (places[pseudo.status * 2] !== -1 || methodStart === -1 || !isMethod(bytes, methodStart, methodEnd))
    return malformed;
  if (isRefusedMethod(bytes, methodStart, methodEnd)) return badMethod;
  if (pathStart === -1 || pathStart === pathEnd || !isScheme(list)) return malformed;
  head.bytes = bytes;
  head.fields = list.fields;
  head.kinds = list.kinds;
  head.neverIndexed = list.neverIndexed;
  head.encoded = list.encoded;
  // Pseudo headers come in any order.
  head.start = 0;
  head.methodStart = methodStart;
  head.methodEnd = methodEnd;
  head.targetStart = pathStart;
  head.targetEnd = pathEnd;
  // HTTP/1.1 writers copy the method with the space behind it.
  bytes[methodEnd] = space;
  head.isHead = isHeadMethod(bytes, methodStart, methodEnd);
  head.http11 = true;
  head.close = false;
  head.websocket = false;
  const verdict = readMeaning(list, head, ended);
  if (verdict !== request) return verdict;
  head.fieldCount = list.fieldCount;
  head.fieldsEnd = list.fieldsEnd;
  head.framing = head.contentLength >= 0 ? "length" : ended ? "none" : "chunked";
  return readPath(head, pathStart, pathEnd) ? request : badPath;
}

/** Does a list that is no request, or is too large to be read whole, say that it is a gRPC call? */
export function isGrpcCall(list: HeaderList): boolean {
  const { bytes, fields, kinds, fieldCount } = list;
  for (let field = 0; field < fieldCount; field++) {
    if (kinds[field] === kind.contentType) return isGrpc(bytes, fields[field * 4 + 2]!, fields[field * 4 + 3]!);
  }
  return false;
}

function isMethod(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (isToken[bytes[at]!] !== 1) return false;
  return end > start;
}

function isScheme(list: HeaderList): boolean {
  const start = list.pseudo[pseudo.scheme * 2]!;
  const end = list.pseudo[pseudo.scheme * 2 + 1]!;
  return start >= 0 && (isWord(list.bytes, start, end, "http") || isWord(list.bytes, start, end, "https"));
}

function readMeaning(list: HeaderList, head: WireRequestHead, ended: boolean): RequestVerdict {
  const { bytes, fields, kinds, fieldCount } = list;
  let host = -1;
  let lastCookie = -1;
  let cookies = 0;
  let expectation = true;
  begin(head);
  for (let field = 0; field < fieldCount; field++) {
    const fieldKind = kinds[field]!;
    if (fieldKind === kind.other) continue;
    const start = fields[field * 4 + 2]!;
    const end = fields[field * 4 + 3]!;
    switch (fieldKind) {
      case kind.connection:
      case kind.transferEncoding:
      case kind.upgrade:
      case kind.hop:
        if (isConnectionSpecific(list, field)) return malformed;
        break;
      case kind.te:
        if (isConnectionSpecific(list, field)) return malformed;
        head.takesTrailers = true;
        break;
      case kind.host:
        if (host >= 0) return malformed;
        host = field;
        break;
      case kind.expect:
        if (isWord(bytes, start, end, "100-continue")) head.expectsContinue = true;
        else expectation = false;
        break;
      case kind.guarded:
        if (isWord(bytes, fields[field * 4]!, fields[field * 4 + 1]!, "cookie")) {
          cookies += 1;
          lastCookie = field;
        }
        break;
      default:
        if (!readField(head, fieldKind, start, end)) return malformed;
    }
  }
  if (ended && head.contentLength > 0) return malformed;
  if (!readAuthority(list, head, host)) return malformed;
  if (cookies > 1) joinCookies(list, lastCookie);
  return expectation ? request : badExpectation;
}

/** :authority and Host must not differ: one name each for this gateway and the next server. */
function readAuthority(list: HeaderList, head: WireRequestHead, host: number): boolean {
  const { bytes, fields } = list;
  let start = list.pseudo[pseudo.authority * 2]!;
  let end = list.pseudo[pseudo.authority * 2 + 1]!;
  if (host >= 0) {
    const hostStart = fields[host * 4 + 2]!;
    const hostEnd = fields[host * 4 + 3]!;
    if (start >= 0) {
      if (end - start !== hostEnd - hostStart) return false;
      for (let i = 0; i < end - start; i++)
        if (lowered[bytes[start + i]!] !== lowered[bytes[hostStart + i]!]) return false;
    }
    start = hostStart;
    end = hostEnd;
  }
  if (start < 0 || !isAuthority(bytes, start, end)) return false;
  head.authorityStart = start;
  head.authorityEnd = end;
  if (host < 0) list.addOwn(hostName, start, end, kind.host, 0);
  return true;
}

/** Puts the pieces together behind the other fields; the pieces themselves lose their names and go no further. */
function joinCookies(list: HeaderList, last: number): void {
  const { bytes, fields, kinds } = list;
  const ranges: (readonly [number, number])[] = [];
  let neverIndexed = 0;
  for (let field = 0; field <= last; field++) {
    if (kinds[field] !== kind.guarded || !isWord(bytes, fields[field * 4]!, fields[field * 4 + 1]!, "cookie")) continue;
    ranges.push([fields[field * 4 + 2]!, fields[field * 4 + 3]!]);
    if (list.neverIndexed[field] === 1) neverIndexed = 1;
    fields[field * 4 + 1] = fields[field * 4]!;
    kinds[field] = kind.hop;
  }
  list.addJoined(cookieName, ranges, kind.guarded, neverIndexed);
}
