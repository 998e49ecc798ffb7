// A peer that sends raw frames and keeps what it gets.
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { clientPreface, flag, frameType } from "../../../../gateway/edge/frames/constants.ts";
import { blockOf } from "./peers.ts";

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

export function frame(type: number, flags: number, streamId: number, payload: Buffer | readonly number[]): Buffer {
  const bytes = Buffer.from(payload);
  const head = Buffer.alloc(9);
  head.writeUIntBE(bytes.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, bytes]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export const frames = {
  settings: (...pairs: readonly (readonly [number, number])[]) =>
    frame(
      frameType.settings,
      0,
      0,
      Buffer.concat(pairs.map(([id, value]) => Buffer.concat([Buffer.from([id >> 8, id & 255]), uint32(value)]))),
    ),
  settingsAck: () => frame(frameType.settings, flag.ack, 0, []),
  ping: () => frame(frameType.ping, 0, 0, Buffer.alloc(8, "p")),
  headers: (streamId: number, block: Buffer, flags: number) => frame(frameType.headers, flags, streamId, block),
  continuation: (streamId: number, block: Buffer, flags: number) =>
    frame(frameType.continuation, flags, streamId, block),
  data: (streamId: number, bytes: Buffer | string, flags = 0) =>
    frame(frameType.data, flags, streamId, Buffer.from(bytes)),
  reset: (streamId: number, code: number) => frame(frameType.rstStream, 0, streamId, uint32(code)),
  windowUpdate: (streamId: number, bytes: number) => frame(frameType.windowUpdate, 0, streamId, uint32(bytes)),
  priority: (streamId: number) => frame(frameType.priority, 0, streamId, [0, 0, 0, 0, 16]),
  goAway: (lastId: number, code: number) =>
    frame(frameType.goAway, 0, 0, Buffer.concat([uint32(lastId), uint32(code)])),
  /** A complete request, or one whose body follows. */
  request: (streamId: number, ends: boolean, fields: readonly (readonly [string, string])[] = []) =>
    frames.headers(streamId, requestBlock(fields), flag.endHeaders | (ends ? flag.endStream : 0)),
};

export function requestBlock(fields: readonly (readonly [string, string])[] = []): Buffer {
  return blockOf([[":method", "POST"], [":scheme", "http"], [":path", "/"], [":authority", "a"], ...fields]);
}

export class RawPeer {
  readonly socket: Socket;
  readonly got: Frame[] = [];
  closed = false;
  #rest = Buffer.alloc(0);
  readonly #wakers: (() => void)[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("error", () => {});
    for (const event of ["end", "close"]) {
      socket.on(event, () => {
        this.closed = true;
        this.#wake();
      });
    }
    onTestFinished(() => void socket.destroy());
  }

  send(...parts: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(parts));
  }

  of(type: number): Frame[] {
    return this.got.filter((frame) => frame.type === type);
  }

  /** Code of the GOAWAY that it got; −1: none. */
  get goAwayCode(): number {
    return this.of(frameType.goAway).at(-1)?.payload.readUInt32BE(4) ?? -1;
  }

  /** Resolves when something has come, or the other side has closed. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#wakers.push(resolve));
  }

  /** Resolves when a frame of this type has come, `count` in all. */
  async wait(type: number, count = 1): Promise<Frame> {
    while (this.of(type).length < count) {
      if (this.closed)
        throw new Error(
          `closed before frame ${count} of type ${type}: ${this.got.map((frame) => frame.type).join(" ")}`,
        );
      await this.next();
    }
    return this.of(type)[count - 1]!;
  }

  /** Resolves when the other side has answered a PING: it has read everything that was sent before. */
  async answered(): Promise<void> {
    const pings = this.of(frameType.ping).length;
    this.send(frames.ping());
    await this.wait(frameType.ping, pings + 1);
  }

  /** Resolves when the other side has closed. */
  async untilClosed(): Promise<void> {
    while (!this.closed) await this.next();
  }

  #wake(): void {
    for (const waker of this.#wakers.splice(0)) waker();
  }

  #read(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 9) {
      const end = 9 + this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < end) break;
      this.got.push({
        type: this.#rest[3]!,
        flags: this.#rest[4]!,
        streamId: this.#rest.readUInt32BE(5),
        payload: Buffer.from(this.#rest.subarray(9, end)),
      });
      this.#rest = this.#rest.subarray(end);
    }
    this.#wake();
  }
}

/** A client that has sent its preface and settings, and acknowledged ours. */
export async function rawClient(port: number, settings: readonly (readonly [number, number])[] = []): Promise<RawPeer> {
  const peer = await rawSocket(port);
  peer.send(clientPreface, frames.settings(...settings), frames.settingsAck());
  await peer.wait(frameType.settings, 2);
  return peer;
}

/** A client that has sent nothing. */
export async function rawSocket(port: number): Promise<RawPeer> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  await once(socket, "connect");
  return new RawPeer(socket);
}

/** A server that reads the preface away and sends what it is told to. */
export async function rawServer(): Promise<{ readonly port: number; readonly peer: Promise<RawPeer> }> {
  const server = createServer({ noDelay: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const accepted = Promise.withResolvers<RawPeer>();
  server.on("connection", (socket: Socket) => {
    let prefaceLeft = clientPreface.length;
    const peer = new RawPeer(socket);
    const listeners = socket.listeners("data") as ((chunk: Buffer) => void)[];
    socket.removeAllListeners("data");
    socket.on("data", (chunk: Buffer) => {
      const skip = Math.min(prefaceLeft, chunk.length);
      prefaceLeft -= skip;
      for (const listener of listeners) listener(chunk.subarray(skip));
    });
    accepted.resolve(peer);
  });
  return { port: (server.address() as AddressInfo).port, peer: accepted.promise };
}
