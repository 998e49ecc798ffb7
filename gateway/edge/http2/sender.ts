// Sender: what a connection sends on its streams, within the peer's windows. What does not pass waits in the stream's queue, and streams that
// wait take turns, a frame each.
import { defaultWindow, framePayloadBytes, mostWindow } from "../frames/constants.ts";
import { tinyPieceBytes } from "../frames/floods.ts";
import type { FrameOutput } from "./output.ts";
import type { Stream } from "./stream.ts";

/** What a sender tells its connection. */
export interface SenderOwner {
  /** The end of the stream's message has been written. */
  sentEnd(stream: Stream): void;
  /** HEADERS or DATA went out. `tiny`: a piece as small as the peer's window, with more behind it. */
  sentContent(tiny: boolean): void;
  /** Something waits for the peer, or waits no longer. */
  waitingChanged(): void;
  /** So many bytes more are queued; below 0: fewer. */
  queued(bytes: number): void;
}

export class Sender {
  readonly #output: FrameOutput;
  readonly #owner: SenderOwner;
  /** Bytes that the peer takes on all streams together. */
  #window = defaultWindow;
  #initialWindow = defaultWindow;
  /** Streams with something queued, in the order of their turns. */
  readonly #waiting = new Set<Stream>();

  constructor(output: FrameOutput, owner: SenderOwner) {
    this.#output = output;
    this.#owner = owner;
  }

  /** Window of a new stream. */
  get initialWindow(): number {
    return this.#initialWindow;
  }

  /** A stream waits for the peer. */
  get waiting(): boolean {
    return this.#waiting.size > 0;
  }

  head(stream: Stream, block: Buffer, length: number, final: boolean, end: boolean): void {
    if (stream.givenEnd) return;
    if (final) stream.sentHead = true;
    if (end) stream.givenEnd = true;
    this.#output.headers(stream.id, block, length, end);
    this.#owner.sentContent(false);
    if (end) this.#ended(stream);
  }

  data(stream: Stream, bytes: Buffer, start: number, end: number, last: boolean): number {
    if (stream.givenEnd) return end - start;
    if (last) stream.givenEnd = true;
    let at = start;
    if (stream.id !== 0 && stream.queue.bytes === 0) {
      at = this.#write(stream, bytes, start, end, last);
      if (at === end) return end - start;
    }
    if (at < end) {
      stream.queue.append(bytes, at, end);
      this.#owner.queued(end - at);
    }
    if (stream.id !== 0 && stream.queue.bytes > 0) this.#wait(stream);
    return at - start;
  }

  trailers(stream: Stream, block: Buffer, length: number): void {
    if (stream.givenEnd) return;
    stream.givenEnd = true;
    if (stream.id === 0 || stream.queue.bytes > 0) {
      stream.trailers = Buffer.from(block.subarray(0, length));
      return;
    }
    this.#output.headers(stream.id, block, length, true);
    this.#owner.sentContent(false);
    this.#ended(stream);
  }

  /** A stream that waited for its turn has its id and its head is sent: what was given in the meantime follows. */
  begun(stream: Stream): void {
    if (stream.queue.bytes > 0) {
      this.#wait(stream);
      this.#pump(stream);
    } else if (stream.givenEnd && !stream.sentEnd) {
      this.#finish(stream);
    }
  }

  /** The stream is over: what it has queued goes nowhere. */
  drop(stream: Stream): void {
    const { bytes } = stream.queue;
    stream.queue.clear();
    if (bytes > 0) this.#owner.queued(-bytes);
    if (this.#waiting.delete(stream)) this.#owner.waitingChanged();
  }

  /** WINDOW_UPDATE of the connection. False: more than a window may hold. */
  addWindow(bytes: number): boolean {
    this.#window += bytes;
    if (this.#window > mostWindow) return false;
    this.pumpAll();
    return true;
  }

  /** WINDOW_UPDATE of a stream. False: more than a window may hold. */
  addStreamWindow(stream: Stream, bytes: number): boolean {
    stream.sendWindow += bytes;
    if (stream.sendWindow > mostWindow) return false;
    if (stream.queue.bytes > 0) this.#pump(stream);
    return true;
  }

  /** SETTINGS_INITIAL_WINDOW_SIZE moves the windows of all streams (RFC 9113 §6.9.2); `pumpAll` follows. False: one grew too large. */
  setInitialWindow(bytes: number, streams: readonly Stream[]): boolean {
    const change = bytes - this.#initialWindow;
    this.#initialWindow = bytes;
    for (const stream of streams) {
      stream.sendWindow += change;
      if (stream.sendWindow > mostWindow) return false;
    }
    return true;
  }

  /** Lets every waiting stream have a frame, and another one, as long as windows last. */
  pumpAll(): void {
    // One that has more goes to the end of the line, so this goes round until nothing moves.
    for (const stream of this.#waiting) {
      if (this.#window <= 0 || this.#output.congested) return;
      this.#pumpFrame(stream);
    }
  }

  /** Writes as much as passes; returns where it stopped. */
  #write(stream: Stream, bytes: Buffer, start: number, end: number, last: boolean): number {
    let at = start;
    while (at < end) {
      const room = Math.min(this.#window, stream.sendWindow, framePayloadBytes);
      if (room <= 0 || this.#output.congested) return at;
      const count = Math.min(room, end - at);
      this.#window -= count;
      stream.sendWindow -= count;
      at += count;
      const whole = last && at === end;
      this.#output.data(stream.id, bytes, at - count, at, whole);
      this.#owner.sentContent(room < tinyPieceBytes && at < end);
      if (whole) {
        this.#ended(stream);
        return at;
      }
    }
    // An end without content needs no window.
    if (last && start === end) this.#finish(stream);
    return at;
  }

  #wait(stream: Stream): void {
    if (this.#waiting.has(stream)) return;
    this.#waiting.add(stream);
    this.#owner.waitingChanged();
  }

  /** Writes of one stream what its windows let pass. */
  #pump(stream: Stream): void {
    while (this.#waiting.has(stream) && this.#pumpFrame(stream));
  }

  /** Writes one frame of a waiting stream. */
  #pumpFrame(stream: Stream): boolean {
    const { queue } = stream;
    const room = Math.min(this.#window, stream.sendWindow, framePayloadBytes);
    if (!this.#waiting.has(stream) || room <= 0 || this.#output.congested) return false;
    const start = queue.frontStart;
    const count = Math.min(room, queue.frontEnd - start);
    const whole = count === queue.bytes;
    const last = whole && stream.givenEnd && stream.trailers === null;
    this.#window -= count;
    stream.sendWindow -= count;
    this.#output.data(stream.id, queue.front, start, start + count, last);
    queue.consume(count);
    this.#owner.queued(-count);
    this.#waiting.delete(stream);
    // To the end of the line.
    if (!whole) this.#waiting.add(stream);
    this.#owner.sentContent(room < tinyPieceBytes && !whole);
    stream.user?.streamPassedOn(stream, count);
    if (whole) {
      this.#owner.waitingChanged();
      if (last) this.#ended(stream);
      else if (stream.givenEnd && stream.queue.bytes === 0 && !stream.sentEnd) this.#finish(stream);
    }
    return true;
  }

  /** Writes the end, with the trailers if there are any. */
  #finish(stream: Stream): void {
    const { trailers } = stream;
    stream.trailers = null;
    if (trailers === null) {
      if (!this.#output.endData(stream.id)) this.#output.data(stream.id, noBytes, 0, 0, true);
    } else this.#output.headers(stream.id, trailers, trailers.length, true);
    this.#owner.sentContent(false);
    this.#ended(stream);
  }

  #ended(stream: Stream): void {
    if (stream.sentEnd) return;
    stream.sentEnd = true;
    this.#owner.sentEnd(stream);
  }
}

const noBytes = Buffer.alloc(0);
