// What a request says, whatever the version of HTTP: of its fields, those that mean the same in all. What belongs to a version (Host and :authority,
// Connection, Transfer-Encoding, TE, Upgrade, when Expect is refused) its codec reads.
import type { RequestHead } from "../../../routing/request/head.ts";
import { canonicalPath } from "../../../routing/request/path.ts";
import { space } from "../fields/characters.ts";
import { kind } from "../fields/field-kind.ts";
import { holdsWord, isWord, readLength } from "../fields/fields.ts";
import { readGrpcTimeout } from "../fields/grpc-timeout.ts";

/** What fields say together, besides what decides on a Route. */
export interface RequestMeaning extends RequestHead {
  /** Content-Length, or −1. */
  contentLength: number;
  /** The client waits for 100 Continue. */
  expectsContinue: boolean;
  /** `te: trailers`. */
  takesTrailers: boolean;
  /** Its failures are answered in JSON. */
  wantsJson: boolean;
  /** Time that the caller of a gRPC method gives it, ms; Infinity: none. */
  grpcTimeoutMs: number;
  /** A gRPC call (`grpc`) in the form that browsers can send, one of `grpcWeb`. */
  grpcWeb: number;
}

/** Nothing has been read. */
export function begin(head: RequestMeaning): void {
  head.contentLength = -1;
  head.expectsContinue = false;
  head.takesTrailers = false;
  head.wantsJson = false;
  head.grpc = false;
  head.grpcTimeoutMs = Infinity;
  head.grpcWeb = grpcWeb.no;
}

/** Reads the field of kind `fieldKind` whose value is `bytes[start..end)` of the head. False: no request, its framing is ambiguous. */
export function readField(head: RequestMeaning, fieldKind: number, start: number, end: number): boolean {
  const { bytes } = head;
  switch (fieldKind) {
    case kind.contentLength:
      if (head.contentLength >= 0) return false;
      head.contentLength = readLength(bytes, start, end);
      return head.contentLength >= 0;
    case kind.contentType:
      if (isGrpc(bytes, start, end)) head.grpc = true;
      else if (isGrpcWeb(bytes, start, end)) readGrpcWeb(head, start, end);
      else if (asksJson(bytes, start, end)) head.wantsJson = true;
      return true;
    case kind.grpcTimeout:
      head.grpcTimeoutMs = readGrpcTimeout(bytes, start, end);
      return true;
    case kind.accept:
      if (asksJson(bytes, start, end)) head.wantsJson = true;
      return true;
    default:
      return true;
  }
}

/** Does an Accept or Content-Type say that failures are to be told in JSON? */
export function asksJson(bytes: Uint8Array, start: number, end: number): boolean {
  return holdsWord(bytes, start, end, "json");
}

/** Reads the path `bytes[start..end)` of the head. False: it climbs, or holds what no path may. */
export function readPath(head: RequestHead, start: number, end: number): boolean {
  const { bytes } = head;
  if (!canonicalPath(bytes, start, end, head)) return false;
  const { pathBytes } = head;
  // Where dot segments went, the path stands in bytes of its own: a Buffer like all others, which the writers copy from.
  if (pathBytes !== bytes) head.pathBytes = Buffer.from(pathBytes.buffer, pathBytes.byteOffset, pathBytes.length);
  return true;
}

/** Methods have case (RFC 9110 §9.1): `Head` is another one, whose answer has a body. */
export function isHeadMethod(bytes: Uint8Array, start: number, end: number): boolean {
  return (
    end - start === 4 &&
    bytes[start] === 0x48 &&
    bytes[start + 1] === 0x45 &&
    bytes[start + 2] === 0x41 &&
    bytes[start + 3] === 0x44
  );
}

/** CONNECT would be a tunnel and TRACE an echo of what proxies added: neither passes. */
export function isRefusedMethod(bytes: Uint8Array, start: number, end: number): boolean {
  const first = bytes[start]! | 0x20;
  if (first !== 0x63 && first !== 0x74) return false;
  return isWord(bytes, start, end, "connect") || isWord(bytes, start, end, "trace");
}

/** Forms of gRPC-Web. */
export const grpcWeb = { no: 0, binary: 1, text: 2 } as const;

/** Does a content type begin with `application/grpc-web`? */
function isGrpcWeb(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start >= 20 && bytes[start + 16] === dash && isWord(bytes, start, start + 20, "application/grpc-web");
}

/** Marks a head of which the content type begins so, if it is one of gRPC-Web. */
function readGrpcWeb(head: RequestMeaning, start: number, end: number): void {
  const { bytes } = head;
  const text = end - start >= 25 && isWord(bytes, start + 20, start + 25, "-text");
  const after = start + (text ? 25 : 20);
  if (after < end && bytes[after] !== plus && bytes[after] !== semicolon && bytes[after] !== space) return;
  head.grpc = true;
  head.grpcWeb = text ? grpcWeb.text : grpcWeb.binary;
}

const dash = 0x2d;
const plus = 0x2b;
const semicolon = 0x3b;

/** `application/grpc` alone, with a suffix (`+proto`) or with parameters. */
export function isGrpc(bytes: Uint8Array, start: number, end: number): boolean {
  // The `g` tells from `application/json`, which nearly all of them are, without a look at the rest.
  if (end - start < 16 || (bytes[start + 12]! | 0x20) !== 0x67 || !isWord(bytes, start, start + 16, "application/grpc"))
    return false;
  return end - start === 16 || bytes[start + 16] === 0x2b || bytes[start + 16] === 0x3b || bytes[start + 16] === space;
}
