// Which paths are Seldon's gRPC services (routing rule 3), by hand: one regex a call would cost a microsecond.
import { bytesOf, fieldNamed, sameBytes, slashAt, standsAt } from "./bytes.ts";
import type { RequestHead } from "./head.ts";

const slash = 0x2f;

/** Is the canonical path, in which there is no newline, a full match of `GRPC_PATTERN`? Its dots stand for any byte. */
export function matchesGrpcPattern(bytes: Uint8Array, start: number, end: number): boolean {
  const package_ = packageEnd(bytes, start, end);
  return package_ >= 0 && slashAt(bytes, package_, end) < end;
}

/** Is it a call of Seldon's services, or reflection or health of a deployment that the metadata names? */
export function isGrpcPath(head: RequestHead): boolean {
  const { pathBytes, pathStart, pathEnd } = head;
  if (matchesGrpcPattern(pathBytes, pathStart, pathEnd)) return true;
  if (
    !startsWith(pathBytes, pathStart, pathEnd, "/grpc.reflection.") &&
    !startsWith(pathBytes, pathStart, pathEnd, "/grpc.health.v1.Health/")
  )
    return false;
  return fieldNamed(head, "seldon", 0) >= 0;
}

// Behind the slash.
const seldon = bytesOf("seldon");
const protos = bytesOf("protos");
const tensorflow = bytesOf("tensorflow");
const serving = bytesOf("serving");
const inference = bytesOf("inference");

/** Where the package's fixed part ends, or −1. */
function packageEnd(bytes: Uint8Array, start: number, end: number): number {
  // The first letter says which one it can be.
  if (end - start < 10 || bytes[start] !== slash) return -1;
  const at = start + 1;
  switch (bytes[at]) {
    case 0x73:
      return dottedEnd(bytes, at, end, seldon, protos);
    case 0x74:
      return dottedEnd(bytes, at, end, tensorflow, serving);
    case 0x69:
      return sameBytes(bytes, at, inference, 0, inference.length) ? at + inference.length : -1;
    default:
      return -1;
  }
}

/** Where two words with one byte between them end, or −1. */
function dottedEnd(bytes: Uint8Array, at: number, end: number, first: Uint8Array, second: Uint8Array): number {
  const dotAt = at + first.length;
  const after = dotAt + 1 + second.length;
  if (
    after > end ||
    !sameBytes(bytes, dotAt + 1, second, 0, second.length) ||
    !sameBytes(bytes, at, first, 0, first.length)
  )
    return -1;
  return after;
}

function startsWith(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  return end - start >= text.length && standsAt(bytes, start, text);
}
