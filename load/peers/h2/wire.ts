// One HTTP/2 connection as the harness needs it: frames in, frames out in one write a turn, windows kept on both sides.
import type { Socket } from "node:net";
import {
  defaultWindow,
  errorCode,
  flag,
  framePayloadBytes,
  frameType,
  setting,
} from "../../../gateway/edge/frames/constants.ts";
import { connectionWindowBytes, frame, settingsAck, windowUpdate } from "./frames.ts";

export interface WireOwner {
  /** Frames of streams, and GOAWAY; what concerns windows, settings and pings is done here. Valid during the call. */
  frame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void;
  /** Once. */
  closed(sentence: string): void;
}

/** What waits for a window. */
interface Waiting {
  readonly streamId: number;
  window: number;
  readonly bytes: Buffer;
  at: number;
  /** Sent behind the last byte, such as trailers; null: the last DATA frame ends the stream, or, where it goes on, does not. */
  readonly tail: Buffer | null;
  readonly ends: boolean;
}

/** Credit for the connection is given in pieces of this size. */
const creditBytes = 1 << 28;

export class Wire {
  readonly #socket: Socket;
  readonly #owner: WireOwner;
  #carried: Buffer | null = null;
  #out: Buffer[] = [];
  #window = defaultWindow;
  #initialWindow = defaultWindow;
  #received = 0;
  readonly #waiting = new Map<number, Waiting>();
  #over = false;
  /** Streams that the peer takes at once. */
  mostStreams = Infinity;

  constructor(socket: Socket, owner: WireOwner, opening: readonly Buffer[]) {
    this.#socket = socket;
    this.#owner = owner;
    socket.setNoDelay(true);
    let sentence = "the connection was closed";
    socket.on("data", (bytes: Buffer) => this.#read(bytes));
    socket.on("error", (error) => {
      sentence = error.message;
    });
    socket.on("close", () => this.#close(sentence));
    for (const bytes of opening) this.send(bytes);
    this.send(windowUpdate(0, connectionWindowBytes - defaultWindow));
  }

  /** Frames that need no window. */
  send(bytes: Buffer): void {
    if (this.#out.push(bytes) === 1) setImmediate(() => this.#flush());
  }

  /** A body, as far as windows let it; what is left follows by itself. One body a stream. */
  sendBody(streamId: number, bytes: Buffer, ends: boolean, tail: Buffer | null): void {
    const waiting: Waiting = { streamId, window: this.#initialWindow, bytes, at: 0, tail, ends };
    if (!this.#pump(waiting)) this.#waiting.set(streamId, waiting);
  }

  /** Nobody wants what is left of it. */
  drop(streamId: number): void {
    this.#waiting.delete(streamId);
  }

  end(): void {
    this.#over = true;
    this.#socket.destroy();
  }

  #flush(): void {
    const out = this.#out;
    this.#out = [];
    if (!this.#socket.destroyed) this.#socket.write(out.length === 1 ? out[0]! : Buffer.concat(out));
  }

  #close(sentence: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#owner.closed(sentence);
  }

  /** True: all was sent. */
  #pump(one: Waiting): boolean {
    const { bytes, streamId } = one;
    while (one.at < bytes.length) {
      const room = Math.min(one.window, this.#window, framePayloadBytes, bytes.length - one.at);
      if (room <= 0) return false;
      const last = one.ends && one.tail === null && one.at + room === bytes.length;
      this.send(frame(frameType.data, last ? flag.endStream : 0, streamId, bytes.subarray(one.at, one.at + room)));
      one.at += room;
      one.window -= room;
      this.#window -= room;
    }
    if (one.tail !== null) this.send(one.tail);
    return true;
  }

  #pumpAll(): void {
    for (const one of this.#waiting.values()) {
      if (this.#window <= 0) return;
      if (this.#pump(one)) this.#waiting.delete(one.streamId);
    }
  }

  #read(piece: Buffer): void {
    let bytes = piece;
    if (this.#carried !== null) {
      bytes = Buffer.concat([this.#carried, piece]);
      this.#carried = null;
    }
    let at = 0;
    while (bytes.length - at >= 9) {
      const end = at + 9 + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      this.#frame(bytes[at + 3]!, bytes[at + 4]!, bytes.readUInt32BE(at + 5) & 0x7fffffff, bytes, at + 9, end);
      at = end;
      if (this.#over) return;
    }
    if (at < bytes.length) this.#carried = Buffer.from(bytes.subarray(at));
  }

  #frame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    switch (type) {
      case frameType.settings:
        if ((flags & flag.ack) === 0) this.#settings(bytes, start, end);
        return;
      case frameType.ping:
        if ((flags & flag.ack) === 0) this.send(frame(frameType.ping, flag.ack, 0, bytes.subarray(start, end)));
        return;
      case frameType.windowUpdate: {
        const more = bytes.readUInt32BE(start);
        if (streamId === 0) {
          this.#window += more;
          this.#pumpAll();
          return;
        }
        const one = this.#waiting.get(streamId);
        if (one === undefined) return;
        one.window += more;
        if (this.#pump(one)) this.#waiting.delete(streamId);
        return;
      }
      case frameType.data:
        this.#received += end - start;
        if (this.#received >= creditBytes) {
          this.send(windowUpdate(0, this.#received));
          this.#received = 0;
        }
        break;
      case frameType.goAway:
        if (bytes.readUInt32BE(start + 4) !== errorCode.noError)
          this.#close(`GOAWAY ${bytes.readUInt32BE(start + 4)} ${bytes.toString("latin1", start + 8, end)}`);
        break;
      default:
    }
    this.#owner.frame(type, flags, streamId, bytes, start, end);
  }

  #settings(bytes: Buffer, start: number, end: number): void {
    for (let at = start; at < end; at += 6) {
      const id = bytes.readUInt16BE(at);
      const value = bytes.readUInt32BE(at + 2);
      if (id === setting.initialWindowSize) {
        for (const one of this.#waiting.values()) one.window += value - this.#initialWindow;
        this.#initialWindow = value;
      } else if (id === setting.maxConcurrentStreams) this.mostStreams = value;
    }
    this.send(settingsAck);
    this.#pumpAll();
  }
}
