// Fields of an upstream's answer: which go to clients, whatever protocol either side speaks, and what some of them say.
import { kind } from './field-kind.ts';
import { isWord, readLength } from './fields.ts';
import type { ResponseHead } from './response-head.ts';

const dropped: readonly number[] = [kind.contentLength, kind.transferEncoding, kind.connection, kind.hop, kind.te, kind.upgrade, kind.gateway, kind.originalPath, kind.twin];
/** By kind: 1, the field goes on to clients, whatever protocol they speak. */
export const passesDownstream = Uint8Array.from({ length: 32 }, (_, fieldKind) => (dropped.includes(fieldKind) ? 0 : 1));

/** The grpc-status in the head of a response that has nothing else; 0 where there is none. */
export function grpcStatusOf(head: ResponseHead): number {
  const slot = fieldAt(head, 'grpc-status');
  return slot < 0 ? 0 : Math.max(0, readLength(head.bytes, head.fields[slot + 2]!, head.fields[slot + 3]!));
}

/** Where a field's positions begin, or −1. */
export function fieldAt({ bytes, fields, fieldCount }: ResponseHead, name: string): number {
  for (let slot = 0; slot < fieldCount * 4; slot += 4) if (isWord(bytes, fields[slot]!, fields[slot + 1]!, name)) return slot;
  return -1;
}
