// A gRPC model server that costs next to nothing: it answers each unary call, on a port of its own for each predictor, once the message is complete.
// It does not read header blocks; a message that is not whole is answered with INTERNAL.
import { createServer, type Socket } from "node:net";
import { clientPreface, flag, frameType } from "../../../gateway/edge/frames/constants.ts";
import { answerQuestions } from "../child.ts";
import { block, frame, message, ownSettings } from "../h2/frames.ts";
import { Wire, type WireOwner } from "../h2/wire.ts";
import type { GrpcOriginQuestion, GrpcOriginReport } from "./grpc.ts";

const head = Buffer.concat([Buffer.from([0x88]), block([["content-type", "application/grpc"]])]);
const ok = block([["grpc-status", "0"]]);
const broken = Buffer.concat([
  head,
  block([
    ["grpc-status", "13"],
    ["grpc-message", "the message is not whole"],
  ]),
]);

const ports: Record<string, number> = {};
const answers = new Map<string, Buffer>();
let calls = 0;
let openStreams = 0;

function answerTo(fill: string, bytes: number): Buffer {
  const key = `${fill}${bytes}`;
  let known = answers.get(key);
  if (known === undefined) answers.set(key, (known = message(bytes, fill)));
  return known;
}

interface Received {
  bytes: number;
  declared: number;
}

class Connection implements WireOwner {
  readonly #fill: string;
  readonly #wire: Wire;
  readonly #streams = new Map<number, Received>();

  private constructor(socket: Socket, fill: string) {
    this.#fill = fill;
    this.#wire = new Wire(socket, this, [ownSettings]);
  }

  /** Serves a socket whose preface was read. */
  static open(socket: Socket, fill: string): Connection {
    return new Connection(socket, fill);
  }

  frame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (type === frameType.headers) {
      this.#streams.set(id, { bytes: 0, declared: -1 });
      openStreams++;
    } else if (type === frameType.data) {
      const stream = this.#streams.get(id);
      if (stream === undefined) return;
      if (stream.bytes === 0 && end - start >= 5) stream.declared = bytes.readUInt32BE(start + 1);
      stream.bytes += end - start;
    } else if (type === frameType.rstStream) {
      this.#forget(id);
      this.#wire.drop(id);
      return;
    }
    if ((flags & flag.endStream) > 0 && (type === frameType.headers || type === frameType.data)) this.#answer(id);
  }

  closed(): void {
    openStreams -= this.#streams.size;
    this.#streams.clear();
  }

  #forget(id: number): void {
    if (this.#streams.delete(id)) openStreams--;
  }

  #answer(id: number): void {
    const { bytes, declared } = this.#streams.get(id)!;
    this.#forget(id);
    calls++;
    if (bytes !== declared + 5) {
      this.#wire.send(frame(frameType.headers, flag.endHeaders | flag.endStream, id, broken));
      return;
    }
    this.#wire.send(frame(frameType.headers, flag.endHeaders, id, head));
    this.#wire.sendBody(
      id,
      answerTo(this.#fill, declared),
      true,
      frame(frameType.headers, flag.endHeaders | flag.endStream, id, ok),
    );
  }
}

/** Takes the preface off, then reads frames. */
function serve(socket: Socket, fill: string): void {
  let held = Buffer.alloc(0);
  const read = (bytes: Buffer): void => {
    held = Buffer.concat([held, bytes]);
    if (held.length < clientPreface.length) return;
    socket.off("data", read);
    socket.pause();
    const rest = held.subarray(clientPreface.length);
    Connection.open(socket, fill);
    if (rest.length > 0) socket.unshift(rest);
    socket.resume();
  };
  socket.on("error", () => {});
  socket.on("data", read);
}

answerQuestions(async (question: GrpcOriginQuestion): Promise<GrpcOriginReport> => {
  for (const [predictor, fill] of Object.entries(question.predictors)) {
    if (ports[predictor] !== undefined) continue;
    const server = createServer((socket) => serve(socket, fill));
    await new Promise<void>((resolve) => {
      server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, resolve);
    });
    const address = server.address();
    if (typeof address === "object" && address !== null) ports[predictor] = address.port;
  }
  return { ports, calls, openStreams };
});
