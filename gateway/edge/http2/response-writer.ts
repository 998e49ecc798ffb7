// Writes the header block that goes to an HTTP/2 client: what passes is what passes to clients of HTTP/1.1.
import type { AnswerId } from "../message/answer-id.ts";
import type { Answer } from "../message/answers.ts";
import { kind } from "../fields/field-kind.ts";
import { fieldRoom, type FieldList } from "../fields/fields.ts";
import { isGone, type CompiledEdits } from "../message/header-edits.ts";
import type { ResponseHead } from "../message/response-head.ts";
import { fromUpstream, separateTrailers } from "../fields/field-rules.ts";
import { BlockWriter, staticName } from "../hpack/hpack-encode.ts";

/** Numbers of the fields that pass, of the message that is being written. */
const passing = new Int32Array(fieldRoom + 2);

const serviceTimeName = Buffer.from("x-envoy-upstream-service-time");

let lastDateLine: Buffer | null = null;
let dateBlock: Buffer = Buffer.alloc(0);

/** The encoded line of the clock: a worker has a new one once a second. */
function dateBlockOf(dateLine: Buffer): Buffer {
  if (dateLine === lastDateLine) return dateBlock;
  const writer = new BlockWriter();
  writer.lines(dateLine, 0, dateLine.length);
  lastDateLine = dateLine;
  dateBlock = writer.copy();
  return dateBlock;
}

/** Writes a final response head. `id` null, `serviceTimeMs` −1 and `dateLine` null: not written. */
export function writeResponseBlock(
  writer: BlockWriter,
  head: ResponseHead,
  edits: CompiledEdits | null,
  id: AnswerId | null,
  serviceTimeMs: number,
  dateLine: Buffer | null,
): void {
  writer.clear();
  writer.status(head.status);
  writeFields(writer, head, edits, head.framing !== "none");
  if (serviceTimeMs < 0) {
    if (id !== null) writer.raw(id.bytes, 0, id.idEnd);
  } else if (id === null) writer.ownNumber(serviceTimeName, serviceTimeMs);
  else writer.rawNumber(id.bytes, serviceTimeMs);
  if (dateLine !== null) writer.raw(dateBlockOf(dateLine));
  if (edits !== null) writer.lines(edits.lines, 0, edits.lines.length);
  if (head.contentLength >= 0 && head.status !== 204) writer.namedNumber(staticName.contentLength, head.contentLength);
}

/** Writes a 1xx response. */
export function writeInformationalBlock(writer: BlockWriter, head: ResponseHead): void {
  writer.clear();
  writer.status(head.status);
  writeFields(writer, head, null, false);
}

function writeFields(
  writer: BlockWriter,
  head: ResponseHead,
  edits: CompiledEdits | null,
  mayHaveTrailers: boolean,
): void {
  const { bytes, fields, kinds, fieldCount } = head;
  let passed = 0;
  for (let field = 0; field < fieldCount; field++) {
    const fieldKind = kinds[field]!;
    if (fromUpstream[fieldKind] !== 1 || (fieldKind === kind.trailer && !mayHaveTrailers)) continue;
    if (edits !== null && isGone(edits, bytes, fields[field * 4]!, fields[field * 4 + 1]!)) continue;
    passing[passed++] = field;
  }
  writer.fields(head, passing, passed);
}

/**
 * Writes the trailers of a response. Whatever is no framing passes: HTTP/2 keeps trailers apart from the head, and metadata of gRPC may have
 * any name. False: there are none.
 */
export function writeTrailerBlock(writer: BlockWriter, list: FieldList): boolean {
  const { kinds, fieldCount } = list;
  writer.clear();
  let passed = 0;
  for (let field = 0; field < fieldCount; field++) if (separateTrailers[kinds[field]!] === 1) passing[passed++] = field;
  writer.fields(list, passing, passed);
  return writer.length > 0;
}

/** Writes the head of an answer of the gateway itself; `bodyBytes` is the length of its body. */
export function writeAnswerBlock(writer: BlockWriter, answer: Answer, bodyBytes: number, dateLine: Buffer): void {
  writer.clear();
  writer.status(answer.code);
  for (const [name, value] of answer.fields) writer.fieldText(name, value);
  if (bodyBytes > 0) {
    writer.namedText(staticName.contentType, answer.contentType);
    writer.namedNumber(staticName.contentLength, bodyBytes);
  }
  writer.raw(dateBlockOf(dateLine));
}

/** Writes the status of a gRPC call that ends with a failure of the gateway after its answer had begun. */
export function writeStatusBlock(writer: BlockWriter, grpcStatus: number, message: string): void {
  writer.clear();
  writer.fieldText("grpc-status", String(grpcStatus));
  writer.fieldText("grpc-message", message);
}
