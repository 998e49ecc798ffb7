// Frames out: writes frames into the connection's out buffer, which leaves at the end of the turn.
import type { OutBuffer } from "../io/out-buffer.ts";
import type { Transport } from "../io/transport.ts";
import { flag, frameHeadBytes, framePayloadBytes, frameType } from "../frames/constants.ts";
import type { WriteBatch } from "../io/write-batch.ts";

/** Bytes put in vain while the peer does not read: more, and it is not read from either. */
const mostUnreadBytes = 64 * 1024;

/** The connection that writes. */
export interface OutputOwner {
  /** At the end of each turn in which something was written. */
  flushed(): void;
  /** A bug showed while it was written. */
  crashed(error: unknown): void;
}

export class FrameOutput {
  readonly #transport: Transport;
  readonly #batch: WriteBatch;
  readonly #owner: OutputOwner;
  #out: OutBuffer | null = null;
  #headersSent = false;
  /** Where the last frame begins in the buffer, if it is DATA and has not left; else −1. And its stream. */
  #dataAt = -1;
  #dataStreamId = 0;
  /** Where the last frame begins among all bytes, if it is a whole header block and has not left; else −1. And its stream. */
  #blockAt = -1;
  #blockStreamId = 0;
  /** Bytes put since the peer stopped reading. */
  #unreadBytes = 0;

  constructor(transport: Transport, batch: WriteBatch, owner: OutputOwner) {
    this.#transport = transport;
    this.#batch = batch;
    this.#owner = owner;
  }

  /** The peer does not take what it has: DATA waits. */
  get congested(): boolean {
    return this.#transport.congested;
  }

  /** So much was put while the peer did not read that it must not be read from. */
  get choked(): boolean {
    return this.#unreadBytes > mostUnreadBytes;
  }

  drained(): void {
    this.#unreadBytes = 0;
  }

  turnEnded(): void {
    try {
      this.flush();
      this.#owner.flushed();
    } catch (error) {
      this.#owner.crashed(error);
    }
  }

  flush(): void {
    const out = this.#out;
    if (out === null) return;
    this.#out = null;
    this.#dataAt = -1;
    this.#blockAt = -1;
    out.flush();
    this.#batch.giveBack(out);
  }

  /** Puts the head of a frame of which `more` bytes follow at once, and returns the buffer with room for them. */
  #begin(type: number, flags: number, streamId: number, length: number, more: number): OutBuffer {
    const needed = frameHeadBytes + more;
    const out = this.#take();
    out.reserve(needed);
    if (this.#transport.congested) this.#unreadBytes += needed;
    const { bytes } = out;
    const at = out.length;
    this.#dataAt = type === frameType.data ? at : -1;
    this.#dataStreamId = streamId;
    this.#blockAt = -1;
    bytes[at] = length >>> 16;
    bytes[at + 1] = length >>> 8;
    bytes[at + 2] = length;
    bytes[at + 3] = type;
    bytes[at + 4] = flags;
    putUint32(bytes, at + 5, streamId);
    out.length = at + frameHeadBytes;
    return out;
  }

  /** What comes before any frame. */
  preface(bytes: Buffer): void {
    this.#take().putAll(bytes);
  }

  #take(): OutBuffer {
    if (this.#out !== null) return this.#out;
    const out = this.#batch.takeOut();
    out.open(this.#transport);
    this.#out = out;
    this.#batch.ask(this);
    return out;
  }

  settings(pairs: readonly (readonly [id: number, value: number])[]): void {
    const out = this.#begin(frameType.settings, 0, 0, pairs.length * 6, pairs.length * 6);
    for (const [id, value] of pairs) {
      out.bytes[out.length] = id >>> 8;
      out.bytes[out.length + 1] = id;
      putUint32(out.bytes, out.length + 2, value);
      out.length += 6;
    }
  }

  settingsAck(): void {
    this.#begin(frameType.settings, flag.ack, 0, 0, 0);
  }

  /** `payload[start..start + 8)`. */
  ping(payload: Buffer, start: number, ack: boolean): void {
    this.#begin(frameType.ping, ack ? flag.ack : 0, 0, 8, 8).put(payload, start, start + 8);
  }

  goAway(lastStreamId: number, code: number, sentence: string): void {
    const out = this.#begin(frameType.goAway, 0, 0, 8 + sentence.length, 8 + sentence.length);
    putUint32(out.bytes, out.length, lastStreamId);
    putUint32(out.bytes, out.length + 4, code);
    out.length += 8;
    out.putText(sentence);
  }

  reset(streamId: number, code: number): void {
    const out = this.#begin(frameType.rstStream, 0, streamId, 4, 4);
    putUint32(out.bytes, out.length, code);
    out.length += 4;
  }

  windowUpdate(streamId: number, bytes: number): void {
    const out = this.#begin(frameType.windowUpdate, 0, streamId, 4, 4);
    putUint32(out.bytes, out.length, bytes);
    out.length += 4;
  }

  /** A header block, in as many frames as it needs. */
  headers(streamId: number, block: Buffer, length: number, endStream: boolean): void {
    // An encoder without a table says so once; then no later SETTINGS_HEADER_TABLE_SIZE asks for an answer (RFC 7541 §4.2).
    const update = this.#headersSent ? 0 : 1;
    this.#headersSent = true;
    const first = Math.min(length, framePayloadBytes - update);
    const flags = (endStream ? flag.endStream : 0) | (first === length ? flag.endHeaders : 0);
    const out = this.#begin(frameType.headers, flags, streamId, first + update, first + update);
    if (update === 1) out.bytes[out.length++] = 0x20;
    out.put(block, 0, first);
    if (update === 0 && first === length) {
      this.#blockAt = out.position - frameHeadBytes - length;
      this.#blockStreamId = streamId;
      return;
    }
    for (let at = first; at < length;) {
      const end = Math.min(length, at + framePayloadBytes);
      this.#begin(frameType.continuation, end === length ? flag.endHeaders : 0, streamId, end - at, end - at).put(
        block,
        at,
        end,
      );
      at = end;
    }
  }

  /** Takes a header block back, as if it had never been put. False: it is not what was put last, or it has left. */
  takeBack(streamId: number): boolean {
    const at = this.#blockAt;
    if (at < 0 || this.#blockStreamId !== streamId || !this.#out!.takeBack(this.#transport, at)) return false;
    this.#blockAt = -1;
    return true;
  }

  /** Ends the message with the frame that was put last, where that is DATA of this stream: a frame less for each call. False: it is not. */
  endData(streamId: number): boolean {
    if (this.#dataAt < 0 || this.#dataStreamId !== streamId) return false;
    this.#out!.bytes[this.#dataAt + 4]! |= flag.endStream;
    this.#dataAt = -1;
    return true;
  }

  /**
   * At most `framePayloadBytes`. What of it finds no room follows in the next write, so that writes are as long as the buffer, however long frames
   * are: `writeBytes`.
   */
  data(streamId: number, bytes: Buffer, start: number, end: number, endStream: boolean): void {
    const out = this.#begin(frameType.data, endStream ? flag.endStream : 0, streamId, end - start, 0);
    const room = out.bytes.length - out.length;
    if (end - start > room) {
      out.append(bytes, start, start + room);
      start += room;
      this.#dataAt = -1;
    }
    out.put(bytes, start, end);
  }
}

function putUint32(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
