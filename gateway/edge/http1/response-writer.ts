// Writes the response head that goes to the client, and the gateway's own answers.
import { bodyOf, type Answer } from "../message/answers.ts";
import { isGone, type CompiledEdits } from "../message/header-edits.ts";
import type { AnswerId } from "../message/answer-id.ts";
import { reasons } from "./reasons.ts";
import { upgradeLines } from "./upgrade.ts";
import { kind } from "../fields/field-kind.ts";
import type { OutBuffer } from "../io/out-buffer.ts";
import { fromUpstream } from "../fields/field-rules.ts";
import type { ResponseHead } from "../message/response-head.ts";

/** How the connection goes on, where a client does not know it by itself. */
export const closeLine = Buffer.from("connection: close\r\n");
export const keepAliveLine = Buffer.from("connection: keep-alive\r\n");

const statusStart = Buffer.from("HTTP/1.1 ");
const space = Buffer.from(" ");
const crlf = Buffer.from("\r\n");
const contentLengthName = Buffer.from("content-length: ");
const chunkedLine = Buffer.from("transfer-encoding: chunked\r\n");
const serviceTimeName = Buffer.from("x-envoy-upstream-service-time: ");

/** Bytes of all lines above and their values, and to spare. */
const roomForLines = 512;

/** How the response goes to this client. */
export interface ResponseShape {
  edits: CompiledEdits | null;
  /** null: not written. */
  id: AnswerId | null;
  /** Ms that the upstream took; −1: not written. */
  serviceTimeMs: number;
  /** Our chunked framing. */
  chunked: boolean;
  /** What is said of the connection; null: nothing. */
  connectionLine: Buffer | null;
  /** `date: …` with its line end, for a response without one; null: not written. */
  dateLine: Buffer | null;
}

/** By status, each made when it is first needed. */
const statusLines: (Buffer | undefined)[] = Array.from({ length: 600 });

/** The status line where the upstream has given no reason phrase, as no HTTP/2 upstream can: some clients take a line without one for a fault. */
function statusLineOf(status: number): Buffer {
  return (statusLines[status] ??= Buffer.from(`HTTP/1.1 ${status} ${reasons[status] ?? "Unknown"}\r\n`));
}

/** Writes a final response head whole. */
export function writeResponseHead(out: OutBuffer, head: ResponseHead, shape: ResponseShape): void {
  const { edits, dateLine } = shape;
  const { id } = shape;
  out.reserve(head.fieldsEnd - head.start + (edits?.lines.length ?? 0) + (id?.bytes.length ?? 0) + roomForLines);
  writeStatusAndFields(out, head, edits, shape.chunked);
  if (shape.serviceTimeMs < 0) {
    if (id !== null) out.append(id.bytes, 0, id.idEnd);
  } else {
    const name = id === null ? serviceTimeName : id.bytes;
    out.append(name, 0, name.length);
    out.putNumber(shape.serviceTimeMs);
    out.append(crlf, 0, 2);
  }
  if (dateLine !== null) out.append(dateLine, 0, dateLine.length);
  if (edits !== null) out.append(edits.lines, 0, edits.lines.length);
  if (shape.chunked) {
    out.append(chunkedLine, 0, chunkedLine.length);
  } else if (head.contentLength >= 0 && head.status >= 200 && head.status !== 204) {
    out.append(contentLengthName, 0, contentLengthName.length);
    out.putNumber(head.contentLength);
    out.append(crlf, 0, 2);
  }
  if (shape.connectionLine !== null) out.append(shape.connectionLine, 0, shape.connectionLine.length);
  out.append(crlf, 0, 2);
}

/** Writes the 101 that begins a tunnel. */
export function writeUpgrade(out: OutBuffer, head: ResponseHead, id: AnswerId | null): void {
  out.reserve(head.fieldsEnd - head.start + (id?.bytes.length ?? 0) + roomForLines);
  writeStatusAndFields(out, head, null, false);
  if (id !== null) out.append(id.bytes, 0, id.idEnd);
  out.putAll(upgradeLines);
  out.putAll(crlf);
}

/** Writes a 1xx response. */
export function writeInformational(out: OutBuffer, head: ResponseHead): void {
  out.reserve(head.fieldsEnd - head.start + roomForLines);
  writeStatusAndFields(out, head, null, false);
  out.putAll(crlf);
}

function writeStatusAndFields(out: OutBuffer, head: ResponseHead, edits: CompiledEdits | null, chunked: boolean): void {
  const { bytes, fields, kinds, fieldCount, fieldsEnd } = head;
  // The status line of a 1.1 response is copied with the fields after it.
  let runStart = head.lineStart;
  if (head.reasonStart === head.reasonEnd) {
    const line = statusLineOf(head.status);
    out.append(line, 0, line.length);
  } else if (runStart < 0) {
    out.append(statusStart, 0, statusStart.length);
    out.putNumber(head.status);
    out.append(space, 0, 1);
    out.append(bytes, head.reasonStart, head.reasonEnd);
    out.append(crlf, 0, 2);
  }
  for (let field = 0; field < fieldCount; field++) {
    const fieldKind = kinds[field]!;
    const lineStart = fields[field * 4]!;
    let keep = fromUpstream[fieldKind] === 1 && (fieldKind !== kind.trailer || chunked);
    if (keep && edits !== null) keep = !isGone(edits, bytes, lineStart, fields[field * 4 + 1]!);
    if (keep) {
      if (runStart < 0) runStart = lineStart;
    } else if (runStart >= 0) {
      out.append(bytes, runStart, lineStart);
      runStart = -1;
    }
  }
  if (runStart >= 0) out.append(bytes, runStart, fieldsEnd);
}

/** Writes an answer whole. `connectionLine`: what is said of the connection; null: nothing. */
export function writeAnswer(
  out: OutBuffer,
  answer: Answer,
  dateLine: Buffer,
  isHead: boolean,
  connectionLine: Buffer | null,
): void {
  const body = bodyOf(answer);
  const type = body.length === 0 ? "" : `content-type: ${answer.contentType}\r\n`;
  const lines = answer.fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  out.putAll(statusLineOf(answer.code));
  out.putAll(
    Buffer.from(
      `${lines}${type}${answer.code === 204 || answer.code === 304 ? "" : `content-length: ${body.length}\r\n`}`,
    ),
  );
  out.putAll(dateLine);
  if (connectionLine !== null) out.putAll(connectionLine);
  out.putAll(crlf);
  if (!isHead) out.putAll(body);
}
