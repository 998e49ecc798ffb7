// The client's side of gRPC: unary calls on one connection, each answer checked to its last byte and its grpc-status.
import { connect } from "node:net";
import { clientPreface, errorCode, flag, frameType } from "../../../gateway/edge/frames/constants.ts";
import { HeaderList } from "../../../gateway/edge/hpack/header-list.ts";
import { HpackDecoder } from "../../../gateway/edge/hpack/hpack-decode.ts";
import { frame, ownSettings, uint32 } from "./frames.ts";
import { Wire, type WireOwner } from "./wire.ts";

export interface Call {
  /** performance.now() when it was due. */
  readonly dueMs: number;
  received: number;
  /** Index of the right answers that its bytes agree with so far; −1: none. */
  answer: number;
  status: number;
  grpcStatus: number;
  grpcMessage: string;
}

export interface CallsOwner {
  /** The call is over: right when its status is 200, its grpcStatus 0 and all of an answer came. */
  done(connection: Calls, call: Call, whole: boolean): void;
  /** The connection is lost, and the calls on it. */
  lost(connection: Calls, calls: number, sentence: string): void;
}

interface Head {
  readonly status: number;
  readonly grpcStatus: number;
  readonly grpcMessage: string;
}

const list = new HeaderList({ bytes: 64 * 1024, fields: 200 });
/** What peers answer is often the same; they have no dynamic table, so the same bytes mean the same. */
const known = new Map<string, Head>();
const mostKnown = 4096;

function readHead(decoder: HpackDecoder, bytes: Buffer, start: number, end: number): Head {
  const key = bytes.toString("latin1", start, end);
  const before = known.get(key);
  if (before !== undefined) return before;
  if (!decoder.decode(bytes, start, end, list)) throw new Error("a header block that cannot be read");
  let grpcStatus = -1;
  let grpcMessage = "";
  for (let slot = 0; slot < list.fieldCount * 4; slot += 4) {
    const name = list.bytes.toString("latin1", list.fields[slot], list.fields[slot + 1]);
    const value = list.bytes.toString("latin1", list.fields[slot + 2], list.fields[slot + 3]);
    if (name === "grpc-status") grpcStatus = Number(value);
    else if (name === "grpc-message") grpcMessage = value;
  }
  const [from, to] = [list.pseudo[8]!, list.pseudo[9]!];
  const head: Head = {
    status: from < 0 ? 0 : Number(list.bytes.toString("latin1", from, to)),
    grpcStatus,
    grpcMessage,
  };
  if (known.size >= mostKnown) known.clear();
  known.set(key, head);
  return head;
}

export class Calls implements WireOwner {
  readonly #owner: CallsOwner;
  readonly #answers: readonly Buffer[];
  readonly #decoder = new HpackDecoder(0);
  readonly #wire: Wire;
  readonly #open = new Map<number, Call>();
  #nextId = 1;
  /** The peer takes no more calls: another connection is needed. */
  retiring = false;
  #partial: Buffer | null = null;
  #partialFlags = 0;

  constructor(
    address: { readonly host: string; readonly port: number },
    answers: readonly Buffer[],
    owner: CallsOwner,
  ) {
    this.#owner = owner;
    this.#answers = answers;
    this.#wire = new Wire(connect(address), this, [clientPreface, ownSettings]);
  }

  get openCalls(): number {
    return this.#open.size;
  }

  /** Sends a call; `ends` false: its message is sent, and `finish` ends it. Gives its stream. */
  begin(block: Buffer, body: Buffer, ends: boolean, dueMs: number): number {
    const id = this.#nextId;
    this.#nextId += 2;
    this.#open.set(id, { dueMs, received: 0, answer: 0, status: 0, grpcStatus: -1, grpcMessage: "" });
    this.#wire.send(frame(frameType.headers, flag.endHeaders, id, block));
    this.#wire.sendBody(id, body, ends, null);
    return id;
  }

  finish(id: number): void {
    this.#wire.send(frame(frameType.data, flag.endStream, id, Buffer.alloc(0)));
  }

  /** Gives a call up; nobody is told of it. False: it is over already. */
  cancel(id: number): boolean {
    if (!this.#open.delete(id)) return false;
    this.#wire.drop(id);
    this.#wire.send(frame(frameType.rstStream, 0, id, uint32(errorCode.cancel)));
    return true;
  }

  end(): void {
    this.#wire.end();
  }

  frame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (type === frameType.goAway) {
      this.retiring = true;
      return;
    }
    const call = this.#open.get(id);
    if (type === frameType.headers) this.#headers(id, flags, bytes, start + ((flags & flag.priority) > 0 ? 5 : 0), end);
    else if (type === frameType.continuation) this.#continuation(id, flags, bytes, start, end);
    else if (call === undefined) return;
    else if (type === frameType.data) this.#data(id, call, flags, bytes, start, end);
    else if (type === frameType.rstStream) {
      call.grpcMessage = `RST_STREAM ${bytes.readUInt32BE(start)}`;
      this.#done(id, call);
    }
  }

  closed(sentence: string): void {
    this.retiring = true;
    const calls = this.#open.size;
    this.#open.clear();
    this.#owner.lost(this, calls, sentence);
  }

  #headers(id: number, flags: number, bytes: Buffer, start: number, end: number): void {
    if ((flags & flag.padded) > 0) throw new Error("padding is not read here");
    if ((flags & flag.endHeaders) === 0) {
      this.#partial = Buffer.from(bytes.subarray(start, end));
      this.#partialFlags = flags;
      return;
    }
    const head = readHead(this.#decoder, bytes, start, end);
    const call = this.#open.get(id);
    if (call === undefined) return;
    if (head.status > 0) call.status = head.status;
    if (head.grpcStatus >= 0) {
      call.grpcStatus = head.grpcStatus;
      call.grpcMessage = head.grpcMessage;
    }
    if ((flags & flag.endStream) > 0) this.#done(id, call);
  }

  #continuation(id: number, flags: number, bytes: Buffer, start: number, end: number): void {
    const whole = Buffer.concat([this.#partial ?? Buffer.alloc(0), bytes.subarray(start, end)]);
    this.#partial = whole;
    if ((flags & flag.endHeaders) > 0) this.#headers(id, this.#partialFlags | flag.endHeaders, whole, 0, whole.length);
  }

  #data(id: number, call: Call, flags: number, bytes: Buffer, start: number, end: number): void {
    while (call.answer >= 0 && !this.#agrees(call, bytes, start, end))
      call.answer = call.answer + 1 < this.#answers.length ? call.answer + 1 : -1;
    call.received += end - start;
    if ((flags & flag.endStream) > 0) this.#done(id, call);
  }

  /** Answers differ in every byte of their message, so that the first bytes that differ decide. */
  #agrees(call: Call, bytes: Buffer, start: number, end: number): boolean {
    const answer = this.#answers[call.answer]!;
    const to = call.received + end - start;
    return to <= answer.length && answer.compare(bytes, start, end, call.received, to) === 0;
  }

  #done(id: number, call: Call): void {
    this.#open.delete(id);
    this.#wire.drop(id);
    this.#owner.done(this, call, call.answer >= 0 && call.received === this.#answers[call.answer]!.length);
  }
}
