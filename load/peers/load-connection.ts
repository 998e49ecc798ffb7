// One keep-alive connection of the load generator: one request is on its way, or several that were sent together.
import { connect, type Socket } from "node:net";
import { joinChunks, readAnswer, type Answer } from "./answer.ts";

/** Valid only inside the read callback, so all connections share it. */
const readBuffer = Buffer.allocUnsafe(256 * 1024);
const answer: Answer = { status: 0, bodyStart: 0, bodyEnd: 0, chunked: false, close: false };

export interface LoadConnectionOwner {
  /** A complete answer; `body` is an index of the right bodies or −1. The connection is free again unless it is `busy` with those behind it. */
  answered(connection: LoadConnection, status: number, body: number, text: () => string): void;
  /** The requests that were on their way got no readable answer. */
  failed(connection: LoadConnection, sentence: string): void;
  reconnected(): void;
}

export class LoadConnection {
  /** performance.now() when the request on its way was due. */
  dueMs = 0;
  /** What the owner wants to remember of the request on its way. */
  requestIndex = 0;
  /** Answers that are still to come. */
  #pending = 0;
  readonly #address: { readonly host: string; readonly port: number };
  readonly #bodies: readonly Buffer[];
  readonly #owner: LoadConnectionOwner;
  #socket: Socket | null = null;
  #carried: Buffer | null = null;
  #ended = false;

  constructor(
    address: { readonly host: string; readonly port: number },
    bodies: readonly Buffer[],
    owner: LoadConnectionOwner,
  ) {
    this.#address = address;
    this.#bodies = bodies;
    this.#owner = owner;
  }

  get busy(): boolean {
    return this.#pending > 0;
  }

  /** Sends `count` requests: one, or as many as stand in `head` one behind the other. */
  send(head: Buffer, body: Buffer | null, count = 1): void {
    const socket = (this.#socket ??= this.#open());
    this.#pending = count;
    if (body === null) {
      socket.write(head);
    } else {
      socket.cork();
      socket.write(head);
      socket.write(body);
      socket.uncork();
    }
  }

  /** Closes for good, and nobody is told of what was on its way. */
  end(): void {
    this.#ended = true;
    this.#pending = 0;
    this.#socket?.destroy();
  }

  #open(): Socket {
    const socket = connect({
      ...this.#address,
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (bytes) => {
          this.#read(bytes);
          return true;
        },
      },
    });
    let sentence = "the connection was closed before the answer";
    socket.on("error", (error) => {
      sentence = error.message;
    });
    socket.on("close", () => {
      if (this.#socket === socket) {
        this.#socket = null;
        if (!this.#ended) this.#owner.reconnected();
      }
      if (this.busy) this.#fail(sentence);
    });
    return socket;
  }

  #read(length: number): void {
    let bytes: Buffer = readBuffer;
    let end = length;
    if (this.#carried !== null) {
      bytes = Buffer.concat([this.#carried, readBuffer.subarray(0, length)]);
      end = bytes.length;
    }
    this.#carried = null;
    let at = 0;
    try {
      while (at < end) {
        if (!this.busy) throw new Error("bytes without a request");
        if (!readAnswer(bytes, at, end, answer)) {
          this.#carried = Buffer.from(bytes.subarray(at, end));
          return;
        }
        if (answer.close && this.#pending > 1) throw new Error("the peer closes before it has answered all");
        at = answer.bodyEnd;
        if (this.#pending === 1 && at < end) throw new Error(`${end - at} bytes after the answer`);
        this.#answered(bytes);
      }
    } catch (error) {
      this.#socket?.destroy();
      this.#fail(error instanceof Error ? error.message : String(error));
    }
  }

  #answered(bytes: Buffer): void {
    if (answer.close) this.#drop();
    this.#pending -= 1;
    const { bodyStart, bodyEnd, chunked, status } = answer;
    const text = (): string =>
      chunked ? joinChunks(bytes, bodyStart, bodyEnd) : bytes.toString("latin1", bodyStart, bodyEnd);
    this.#owner.answered(this, status, this.#bodyIndex(bytes, chunked ? text() : null), text);
  }

  #bodyIndex(bytes: Buffer, text: string | null): number {
    for (let i = 0; i < this.#bodies.length; i++) {
      const body = this.#bodies[i]!;
      const same =
        text === null
          ? answer.bodyEnd - answer.bodyStart === body.length &&
            body.compare(bytes, answer.bodyStart, answer.bodyEnd) === 0
          : text === body.toString("latin1");
      if (same) return i;
    }
    return -1;
  }

  /** The peer said that it closes: the next request opens a new connection. */
  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.destroy();
    this.#owner.reconnected();
  }

  #fail(sentence: string): void {
    this.#carried = null;
    if (!this.busy) return;
    this.#pending = 0;
    this.#owner.failed(this, sentence);
  }
}
