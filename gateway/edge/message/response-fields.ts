// Fields of an upstream's answer: what some of them say.
import { isWord, readLength, type FieldList } from "../fields/fields.ts";
import type { ResponseHead } from "./response-head.ts";

/** The grpc-status in the head of a response that has nothing else; 0 where there is none. */
export function grpcStatusOf(head: ResponseHead): number {
  const slot = fieldAt(head, "grpc-status");
  return slot < 0 ? 0 : Math.max(0, readLength(head.bytes, head.fields[slot + 2]!, head.fields[slot + 3]!));
}

/** Where a field's positions begin, or −1. */
export function fieldAt({ bytes, fields, fieldCount }: FieldList, name: string): number {
  for (let slot = 0; slot < fieldCount * 4; slot += 4)
    if (isWord(bytes, fields[slot]!, fields[slot + 1]!, name)) return slot;
  return -1;
}
