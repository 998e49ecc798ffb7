// What a comparison reads of the head of an answer.
import { grpcStatusIn } from "../message/grpc-status.ts";
import { fieldAt } from "../message/response-fields.ts";
import type { ResponseHead } from "../message/response-head.ts";
import type { CapturedBody } from "./captures.ts";

/** Characters of a coding that are told. */
const maxEncodingLength = 40;

/** Valid during the call. */
export function readCapturedHead(captured: CapturedBody, head: ResponseHead): void {
  captured.status = head.status;
  captured.grpcStatus = grpcStatusIn(head);
  captured.encoding = valueOf(head, "content-encoding").toLowerCase().slice(0, maxEncodingLength);
  const length = valueOf(head, "inference-header-content-length");
  captured.headerBytes = /^\d{1,10}$/.test(length) ? Number(length) : -1;
}

function valueOf(head: ResponseHead, name: string): string {
  const { bytes, fields } = head;
  const at = fieldAt(head, name);
  return at < 0
    ? ""
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1", fields[at + 2], fields[at + 3]);
}
