// One keep-alive connection of the load generator: at most one request is on its way.
import { connect, type Socket } from 'node:net';
import { joinChunks, readAnswer, type Answer } from './answer.ts';

/** Valid only inside the read callback, so all connections share it. */
const readBuffer = Buffer.allocUnsafe(256 * 1024);
const answer: Answer = { status: 0, bodyStart: 0, bodyEnd: 0, headEnd: 0, chunked: false, close: false };

export interface LoadConnectionOwner {
  /** A complete answer; `body` is an index of the right bodies or −1. The connection is free again. */
  answered(connection: LoadConnection, status: number, body: number, text: () => string): void;
  /** The request on this connection got no readable answer. */
  failed(connection: LoadConnection, sentence: string): void;
  reconnected(): void;
}

export class LoadConnection {
  /** performance.now() when the request on its way was due. */
  dueMs = 0;
  /** What the owner wants to remember of the request on its way. */
  requestIndex = 0;
  busy = false;
  readonly #address: { readonly host: string; readonly port: number };
  readonly #bodies: readonly Buffer[];
  readonly #owner: LoadConnectionOwner;
  #socket: Socket | null = null;
  #carried: Buffer | null = null;
  #ended = false;

  constructor(address: { readonly host: string; readonly port: number }, bodies: readonly Buffer[], owner: LoadConnectionOwner) {
    this.#address = address;
    this.#bodies = bodies;
    this.#owner = owner;
  }

  send(head: Buffer, body: Buffer | null): void {
    const socket = (this.#socket ??= this.#open());
    this.busy = true;
    if (body === null) {
      socket.write(head);
    } else {
      socket.cork();
      socket.write(head);
      socket.write(body);
      socket.uncork();
    }
  }

  /** Closes for good; a request on its way fails. */
  end(): void {
    this.#ended = true;
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
    let sentence = 'the connection was closed before the answer';
    socket.on('error', (error) => {
      sentence = error.message;
    });
    socket.on('close', () => {
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
    try {
      if (!this.busy) throw new Error('bytes without a request');
      if (!readAnswer(bytes, end, answer)) {
        this.#carried = Buffer.from(bytes.subarray(0, end));
        return;
      }
    } catch (error) {
      this.#socket?.destroy();
      this.#fail(error instanceof Error ? error.message : String(error));
      return;
    }
    this.#carried = null;
    if (answer.close) this.#drop();
    this.busy = false;
    const { bodyStart, bodyEnd, chunked } = answer;
    const text = (): string => (chunked ? joinChunks(bytes, bodyStart, bodyEnd) : bytes.toString('latin1', bodyStart, bodyEnd));
    this.#owner.answered(this, answer.status, this.#bodyIndex(bytes, chunked ? text() : null), text);
  }

  #bodyIndex(bytes: Buffer, text: string | null): number {
    for (let i = 0; i < this.#bodies.length; i++) {
      const body = this.#bodies[i]!;
      const same =
        text === null
          ? answer.bodyEnd - answer.bodyStart === body.length && body.compare(bytes, answer.bodyStart, answer.bodyEnd) === 0
          : text === body.toString('latin1');
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
    this.busy = false;
    this.#owner.failed(this, sentence);
  }
}
