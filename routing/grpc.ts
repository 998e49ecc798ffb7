// Which paths are Seldon's gRPC services (routing rule 3), by hand: one regex a call would cost a microsecond.
import { fieldNamed, standsAt } from './bytes.ts';
import type { RequestHead } from './head.ts';

const dot = 0x2e;
const newline = 0x0a;

/** Is the path a full match of `GRPC_PATTERN`? Its dots stand for any byte but a newline. */
export function matchesGrpcPattern(bytes: Uint8Array, start: number, end: number): boolean {
  const package_ = packageEnd(bytes, start, end);
  if (package_ < 0) return false;
  let method = false;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte === newline) return false;
    if (byte === 0x2f && i >= package_) method = true;
  }
  return method;
}

/** Is it a call of Seldon's services, or reflection or health of a deployment that the metadata names? */
export function isGrpcPath(head: RequestHead): boolean {
  const { pathBytes, pathStart, pathEnd } = head;
  if (matchesGrpcPattern(pathBytes, pathStart, pathEnd)) return true;
  if (!startsWith(pathBytes, pathStart, pathEnd, '/grpc.reflection.') && !startsWith(pathBytes, pathStart, pathEnd, '/grpc.health.v1.Health/')) return false;
  return fieldNamed(head, 'seldon', 0) >= 0;
}

/** Where the package's fixed part ends, or −1. */
function packageEnd(bytes: Uint8Array, start: number, end: number): number {
  if (startsLike(bytes, start, end, '/seldon.protos')) return start + 14;
  if (startsLike(bytes, start, end, '/tensorflow.serving')) return start + 19;
  if (startsLike(bytes, start, end, '/inference')) return start + 10;
  return -1;
}

function startsWith(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  return end - start >= text.length && standsAt(bytes, start, text);
}

/** As `startsWith`, a dot of `text` standing for any byte. */
function startsLike(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  if (end - start < text.length) return false;
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i);
    if (character !== dot && bytes[start + i] !== character) return false;
  }
  return true;
}
