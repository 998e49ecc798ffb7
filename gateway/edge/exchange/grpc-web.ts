// gRPC-Web (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md): browsers cannot read trailers, so they stand in
// the body, behind the last message; and where bodies must be text all of it is base64. Towards the upstream it is gRPC.
import { sentenceOf, type Answer } from "../message/answers.ts";
import type { CompiledMapping } from "../policy/compiled-mapping.ts";
import type { AnswerId } from "../message/answer-id.ts";
import type { ClientAnswer } from "./client-side.ts";
import { failures, type Failure } from "../../failures.ts";
import { kind } from "../fields/field-kind.ts";
import { holdsWord, type FieldList } from "../fields/fields.ts";
import { withFields, type CompiledEdits } from "../message/header-edits.ts";
import { grpcWeb, isGrpc } from "../message/request-meaning.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import { separateTrailers } from "../fields/field-rules.ts";
import type { ResponseHead } from "../message/response-head.ts";
import { Base64Decoder } from "../fields/base64.ts";
import { framed, grpcMessage, prefixBytes } from "../message/grpc-message.ts";

/** Flag of the frame with the trailers. */
const trailersFlag = 0x80;
const space = 0x20;
/** What follows `application/grpc` in the content types of gRPC-Web. */
const webBytes = 4;
const webTextBytes = 9;
const grpcTypeBytes = 16;
/** What browsers may read of an answer that has no message. */
const allowOrigin = "access-control-allow-origin: ";
const exposed = "grpc-status, grpc-message, grpc-status-details-bin";

/** One call: stands between its exchange and its client's answer. */
export class GrpcWeb implements ClientAnswer {
  readonly #client: ClientAnswer;
  readonly #decoder: Base64Decoder | null;
  readonly #textAnswer: boolean;
  readonly #contentType: string;
  /** The upstream answers in something else, which passes as it is. */
  #foreign = false;
  #begun = false;
  /** Bytes of a message's prefix that came, its length so far, and bytes of it that are still to come. */
  #prefix = 0;
  #length = 0;
  #left = 0;

  /** Makes `head`, which says that it is gRPC-Web, the head of a gRPC call. */
  constructor(client: ClientAnswer, head: WireRequestHead) {
    this.#client = client;
    const text = head.grpcWeb === grpcWeb.text;
    this.#decoder = text ? new Base64Decoder() : null;
    this.#textAnswer = wantsText(head, text);
    this.#contentType = `application/grpc-web${this.#textAnswer ? "-text" : ""}${rewriteType(head, text ? webTextBytes : webBytes)}`;
    // The type is another one than what was sent.
    head.encoded = null;
    head.takesTrailers = true;
    if (text) {
      // Shorter when it is decoded.
      if (head.framing === "length") head.framing = head.contentLength > 0 ? "chunked" : "none";
      head.contentLength = -1;
    }
  }

  // The request.

  /** The body was decoded to its end. */
  get complete(): boolean {
    return this.#decoder === null || this.#decoder.complete;
  }

  /** Bytes of the gRPC body; null: they are no base64. */
  decode(bytes: Buffer, start: number, end: number): Buffer | null {
    return this.#decoder === null ? bytes.subarray(start, end) : this.#decoder.decode(bytes, start, end);
  }

  // The answer.

  get congested(): boolean {
    return this.#client.congested;
  }

  get queued(): number {
    return this.#client.queued;
  }

  get unsent(): number {
    return this.#client.unsent;
  }

  informational(head: ResponseHead): void {
    this.#client.informational(head);
  }

  head(
    head: ResponseHead,
    compiled: CompiledMapping,
    edits: CompiledEdits | null,
    serviceTimeMs: number,
    id: AnswerId | null,
  ): void {
    this.#begun = true;
    this.#foreign = !hasGrpcType(head);
    if (this.#foreign) {
      this.#client.head(head, compiled, edits, serviceTimeMs, id);
      return;
    }
    if (head.framing !== "none") {
      head.framing = "chunked";
      head.contentLength = -1;
    }
    const allows = edits !== null && edits.lines.includes(allowOrigin);
    const fields: (readonly [string, string])[] = [["content-type", this.#contentType]];
    // Several fields are one list (RFC 9110 §5.3).
    if (allows) fields.push(["access-control-expose-headers", exposed]);
    this.#client.head(
      head,
      compiled,
      withFields(edits, { instead: ["content-type", "trailer"], fields }),
      serviceTimeMs,
      id,
    );
  }

  upgraded(head: ResponseHead, id: AnswerId | null): void {
    this.#foreign = true;
    this.#client.upgraded(head, id);
  }

  body(bytes: Buffer, start: number, end: number): void {
    if (this.#foreign) {
      this.#client.body(bytes, start, end);
      return;
    }
    this.#follow(bytes, start, end);
    this.#put(bytes, start, end);
  }

  #put(bytes: Buffer, start: number, end: number): void {
    if (!this.#textAnswer) {
      this.#client.body(bytes, start, end);
      return;
    }
    // Each piece by itself, so that a message does not wait for the next one to be a whole number of groups.
    const text = Buffer.from(bytes.toString("base64", start, end), "latin1");
    this.#client.body(text, 0, text.length);
  }

  /** Where in a message the body stands. */
  #follow(bytes: Buffer, start: number, end: number): void {
    for (let at = start; at < end;) {
      if (this.#left > 0) {
        const count = Math.min(this.#left, end - at);
        this.#left -= count;
        at += count;
      } else {
        // The flag, then four bytes of the length.
        this.#length = this.#prefix === 0 ? 0 : this.#length * 256 + bytes[at]!;
        at += 1;
        if (++this.#prefix < prefixBytes) continue;
        this.#prefix = 0;
        this.#left = this.#length;
      }
    }
  }

  end(trailers: FieldList | null): void {
    if (!this.#foreign && trailers !== null) this.#putTrailers(linesOf(trailers));
    this.#client.end(this.#foreign ? trailers : null);
  }

  #putTrailers(lines: string): void {
    const frame = framed(trailersFlag, Buffer.from(lines, "latin1"));
    this.#put(frame, 0, frame.length);
  }

  flush(): void {
    this.#client.flush();
  }

  takeBack(): boolean {
    if (!this.#client.takeBack()) return false;
    this.#begun = false;
    this.#prefix = 0;
    this.#left = 0;
    return true;
  }

  /** A failure of gRPC becomes a body with nothing but trailers; other answers are what they are. */
  sendOwn(answer: Answer, last: boolean): void {
    const status = answer.fields.filter(([name]) => name.startsWith("grpc-"));
    if (status.length === 0) {
      this.#client.sendOwn(answer, last);
      return;
    }
    const frame = framed(
      trailersFlag,
      Buffer.from(status.map(([name, value]) => `${name}: ${value}\r\n`).join(""), "latin1"),
    );
    const fields = answer.fields.filter(([name]) => name !== "content-type" && !name.startsWith("grpc-"));
    this.#client.sendOwn(
      {
        code: answer.code,
        contentType: this.#contentType,
        body: this.#textAnswer ? frame.toString("base64") : frame,
        fields,
      },
      last,
    );
  }

  /** Between two messages the client can still be told why; within one it would take the trailers for a part of it. */
  abort(failure: Failure, detail: string): void {
    if (this.#foreign || !this.#begun || this.#left > 0 || this.#prefix > 0 || failure === failures.clientStalled) {
      this.#client.abort(failure, detail);
      return;
    }
    this.#putTrailers(
      `grpc-status: ${failure.grpcStatus}\r\ngrpc-message: ${grpcMessage(sentenceOf(failure, detail))}\r\n`,
    );
    this.#client.end(null);
    this.#client.flush();
  }
}

/** What the client accepts, if that is gRPC-Web; else the answer is as the request. */
function wantsText(head: WireRequestHead, text: boolean): boolean {
  const { bytes, fields, kinds, fieldCount } = head;
  for (let field = 0; field < fieldCount; field++) {
    if (kinds[field] !== kind.accept) continue;
    const start = fields[field * 4 + 2]!;
    const end = fields[field * 4 + 3]!;
    if (holdsWord(bytes, start, end, "application/grpc-web-text")) return true;
    if (holdsWord(bytes, start, end, "application/grpc-web")) return false;
  }
  return text;
}

/** Makes the content type that of gRPC, where it stands: `cut` bytes go behind `application/grpc`. Gives the `+…` of the type, or "". */
function rewriteType(head: WireRequestHead, cut: number): string {
  const { bytes, fields, kinds, fieldCount } = head;
  for (let field = 0; field < fieldCount; field++) {
    if (kinds[field] !== kind.contentType) continue;
    const start = fields[field * 4 + 2]! + grpcTypeBytes;
    const end = fields[field * 4 + 3]!;
    bytes.copyWithin(start, start + cut, end);
    // White space behind a value is no part of it.
    bytes.fill(space, end - cut, end);
    fields[field * 4 + 3] = end - cut;
    const rest = Buffer.from(bytes.subarray(start, end - cut)).toString("latin1");
    return /^\+[!#$&.^_0-9A-Za-z-]{1,32}/.exec(rest)?.[0] ?? "";
  }
  return "";
}

function hasGrpcType({ bytes, fields, kinds, fieldCount }: ResponseHead): boolean {
  for (let field = 0; field < fieldCount; field++) {
    if (kinds[field] === kind.contentType) return isGrpc(bytes, fields[field * 4 + 2]!, fields[field * 4 + 3]!);
  }
  return false;
}

function linesOf({ bytes, fields, kinds, fieldCount }: FieldList): string {
  let lines = "";
  for (let field = 0; field < fieldCount; field++) {
    if (separateTrailers[kinds[field]!] !== 1) continue;
    const [nameStart, nameEnd, valueStart, valueEnd] = fields.subarray(field * 4, field * 4 + 4);
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    lines += `${text.toString("latin1", nameStart, nameEnd).toLowerCase()}: ${text.toString("latin1", valueStart, valueEnd)}\r\n`;
  }
  return lines;
}
