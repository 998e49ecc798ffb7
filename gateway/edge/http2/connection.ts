// Connection: what frames mean to both sides of HTTP/2 alike (RFC 9113): content, header blocks, resets, settings, windows.
import type { Transport } from "../io/transport.ts";
import { drainPing } from "./connection-life.ts";
import {
  defaultHeaderTableBytes,
  defaultWindow,
  errorCode,
  flag,
  framePayloadBytes,
  frameType,
  mostWindow,
  setting,
} from "../frames/constants.ts";
import { faultOf, uint31, uint32 } from "../frames/frame-rules.ts";
import type { FrameReader } from "../frames/frames.ts";
import { HeaderBlock } from "../hpack/header-block.ts";
import type { HeaderList } from "../hpack/header-list.ts";
import { HpackDecoder } from "../hpack/hpack-decode.ts";
import { ReadingConnection } from "./reading-connection.ts";
import type { Http2Shared } from "./shared.ts";
import type { Stream } from "./stream.ts";
import { ended } from "./stream-table.ts";

const noBytes: Buffer = Buffer.alloc(0);

export abstract class Connection extends ReadingConnection {
  /** The peer's SETTINGS have come. */
  #settled = false;
  readonly #decoder = new HpackDecoder(defaultHeaderTableBytes);
  readonly #block = new HeaderBlock();
  /** Streams that the peer reset, and resets of streams that had ended otherwise. */
  #resetsOfOpen = 0;
  #resetsExcused = 0;

  /** `preface` and SETTINGS are sent first. */
  constructor(
    transport: Transport,
    shared: Http2Shared,
    preface: Buffer,
    pairs: readonly (readonly [number, number])[],
  ) {
    super(transport, shared);
    const { limits } = shared;
    this.output.preface(preface);
    this.output.settings([
      ...pairs,
      [setting.initialWindowSize, limits.streamWindowBytes],
      [setting.maxHeaderListSize, limits.list.bytes],
    ]);
    if (limits.connectionWindowBytes > defaultWindow)
      this.output.windowUpdate(0, limits.connectionWindowBytes - defaultWindow);
    this.arm();
  }

  /** A header list was decoded. */
  protected abstract headers(id: number, endStream: boolean, list: HeaderList): void;
  /** Has no stream with this id been opened by whoever may open it? */
  protected abstract isIdle(id: number): boolean;
  protected abstract setConcurrentStreams(most: number): void;
  protected abstract goneAway(lastStreamId: number, code: number): void;
  /** The peer resets an open stream sooner than it can have lost patience. */
  protected abstract isHasty(stream: Stream): boolean;
  /** A frame on a stream that the peer had ended itself. */
  protected abstract closedFault(id: number, sentence: string): void;

  protected frame(reader: FrameReader): void {
    const { type, streamId } = reader;
    if (!this.#settled && (type !== frameType.settings || (reader.flags & flag.ack) !== 0))
      return this.fail(errorCode.protocolError, "the first frame is not SETTINGS");
    if (this.#block.open && (type !== frameType.continuation || streamId !== this.#block.streamId)) {
      return this.fail(errorCode.protocolError, "a header block is interrupted");
    }
    const fault = faultOf(reader);
    if (fault !== null) return this.fail(fault.code, fault.sentence);
    switch (type) {
      case frameType.data:
        return this.#data(reader);
      case frameType.headers:
        return this.#headersFrame(reader);
      case frameType.continuation:
        return this.#continuation(reader);
      case frameType.priority:
        // Ignored (RFC 9113 §5.3.2), but not without bound.
        this.flooded("priorities");
        return;
      case frameType.rstStream:
        return this.#rstStream(reader);
      case frameType.settings:
        return this.#settings(reader);
      case frameType.ping:
        return this.#ping(reader);
      case frameType.goAway:
        if (!this.flooded("ignored"))
          this.goneAway(uint31(reader.bytes, reader.start), uint32(reader.bytes, reader.start + 4));
        return;
      case frameType.windowUpdate:
        return this.#windowUpdate(reader);
      default:
        // Unknown frames are ignored (RFC 9113 §4.1), but not without bound.
        this.flooded("ignored");
    }
  }

  #data(reader: FrameReader): void {
    const { streamId, flowBytes, bytes, start, end } = reader;
    if (this.isIdle(streamId)) return this.fail(errorCode.protocolError, "DATA on an idle stream");
    if (!this.windows.take(flowBytes))
      return this.fail(errorCode.flowControlError, "more DATA than the window of the connection allows");
    const ends = reader.last && (reader.flags & flag.endStream) !== 0;
    if (reader.last && reader.contentBytes === 0 && !ends && this.flooded("emptyData")) return;
    const stream = this.streams.get(streamId);
    if (stream === null) return this.#dataOfClosed(streamId, flowBytes);
    const content = end - start;
    stream.receiveWindow -= flowBytes;
    // Padding is consumed here; content, once the user has passed it on.
    stream.unconsumed += flowBytes;
    this.credit(stream, flowBytes - content);
    if (stream.receivedEnd) return this.resetForMistake(stream, errorCode.streamClosed, "DATA behind END_STREAM");
    if (stream.receiveWindow < 0)
      return this.resetForMistake(stream, errorCode.flowControlError, "more DATA than the window of the stream allows");
    if (!stream.receivedHead)
      return this.resetForMistake(stream, errorCode.protocolError, "DATA before the head of the response");
    if (!stream.takeContent(content, ends))
      return this.resetForMistake(stream, errorCode.protocolError, "DATA does not sum to content-length");
    if (content > 0) {
      if (stream.user === null) this.credit(stream, content);
      else stream.user.streamData(stream, bytes, start, end);
    }
    if (ends && this.streams.get(streamId) === stream) this.endReceived(stream, null);
  }

  #dataOfClosed(id: number, flowBytes: number): void {
    this.windows.giveBack(flowBytes);
    switch (this.streams.howEnded(id)) {
      case ended.normally:
        return this.closedFault(id, "DATA on a closed stream");
      case ended.byUs:
      case ended.forgotten:
        // What was reset here was sent before the peer knew.
        return this.lateData(flowBytes);
      default:
        return this.refuse(id, errorCode.streamClosed);
    }
  }

  #headersFrame(reader: FrameReader): void {
    const { streamId, flags, bytes, start, end } = reader;
    const ends = (flags & flag.endStream) !== 0;
    if ((flags & flag.endHeaders) !== 0) return this.#decode(streamId, ends, bytes, start, end);
    this.#block.begin(streamId, ends);
    this.#block.add(bytes, start, end);
    this.times.blockSinceMs = this.shared.nowMs;
    this.arm();
  }

  #continuation(reader: FrameReader): void {
    const block = this.#block;
    const { limits } = this.shared;
    if (!block.open) return this.fail(errorCode.protocolError, "CONTINUATION without HEADERS");
    block.continuations += 1;
    if (block.isLong) this.flooded("ignored");
    let isHpack = block.add(reader.bytes, reader.start, reader.end);
    // A block that is larger than the list it may be: a client need not be borne, an upstream is read on for the sake of others' calls.
    if (
      !block.isLong &&
      (block.continuations > limits.floods.continuations || block.bytes > limits.list.bytes + framePayloadBytes)
    ) {
      if (this.overLimit("continuations")) return;
      isHpack = block.skip(this.#decoder, this.shared.list);
    }
    if (!isHpack) return this.#notHpack();
    if ((reader.flags & flag.endHeaders) === 0) return;
    const { streamId, endStream } = block;
    this.times.blockSinceMs = Infinity;
    if (block.isLong) {
      if (!block.skipped()) return this.#notHpack();
      this.#tooLarge(streamId, endStream);
      return;
    }
    const whole = block.take();
    this.#decode(streamId, endStream, whole, 0, whole.length);
  }

  #notHpack(): void {
    this.fail(errorCode.compressionError, "a header block is not HPACK");
  }

  /** A block ended of which nothing was kept. */
  #tooLarge(id: number, endStream: boolean): void {
    const { list } = this.shared;
    list.begin(noBytes);
    list.tooLarge = true;
    if (!this.flooded("largeLists")) this.headers(id, endStream, list);
  }

  #decode(id: number, endStream: boolean, block: Buffer, start: number, end: number): void {
    const { list } = this.shared;
    if (!this.#decoder.decode(block, start, end, list)) return this.#notHpack();
    if (list.tooLarge && this.flooded("largeLists")) return;
    this.headers(id, endStream, list);
  }

  /** HEADERS on a stream that is neither open nor new. */
  protected headersOfClosed(id: number): void {
    switch (this.streams.howEnded(id)) {
      case ended.normally:
        return this.closedFault(id, "HEADERS on a closed stream");
      case ended.byUs:
      case ended.forgotten:
        this.flooded("ignored");
        return;
      case ended.byPeer:
        return this.refuse(id, errorCode.streamClosed);
      default:
        return this.fail(errorCode.protocolError, "HEADERS on a stream that was never opened");
    }
  }

  /** A second list on a stream: its trailers, or a mistake. */
  protected trailers(stream: Stream, endStream: boolean, list: HeaderList): void {
    if (stream.receivedEnd) return this.resetForMistake(stream, errorCode.streamClosed, "HEADERS behind END_STREAM");
    if (list.tooLarge) return this.resetForMistake(stream, errorCode.protocolError, this.largeSentence("trailers are"));
    if (!endStream || list.malformed || list.hasPseudo || !stream.takeContent(0, true)) {
      return this.resetForMistake(stream, errorCode.protocolError, "trailers are malformed");
    }
    this.endReceived(stream, list);
  }

  /** `what`: with its verb. */
  protected largeSentence(what: string): string {
    const { bytes, fields } = this.shared.limits.list;
    return `${what} larger than ${bytes} bytes, or more than ${fields} fields`;
  }

  #rstStream(reader: FrameReader): void {
    const { streamId } = reader;
    if (this.isIdle(streamId)) return this.fail(errorCode.protocolError, "RST_STREAM on an idle stream");
    const stream = this.streams.get(streamId);
    if (stream === null) return this.#resetOfClosed();
    if (this.isHasty(stream) && this.flooded("resets")) return;
    this.#resetsOfOpen += 1;
    const code = uint32(reader.bytes, reader.start);
    this.lose(stream, ended.byPeer, {
      cause: "reset",
      code,
      unprocessed: code === errorCode.refusedStream,
      sentence: `the peer reset the stream with code ${code}`,
    });
  }

  /**
   * Each stream that ended otherwise than by a reset of the peer excuses one: it crossed the end on its way, or asks for no more (RFC 9113 §8.1). Which
   * stream it names is not asked: whether that is remembered is chance.
   */
  #resetOfClosed(): void {
    if (this.#resetsExcused < this.streams.closed - this.#resetsOfOpen) this.#resetsExcused += 1;
    else this.flooded("lateResets");
  }

  #settings(reader: FrameReader): void {
    const { bytes, start, end } = reader;
    if ((reader.flags & flag.ack) !== 0) {
      if (this.times.settingsDueMs === Infinity) this.flooded("ignored");
      this.times.settingsDueMs = Infinity;
      return;
    }
    if (this.flooded("settings")) return;
    for (let at = start; at < end; at += 6) {
      const fault = this.#setting((bytes[at]! << 8) | bytes[at + 1]!, uint32(bytes, at + 2));
      if (fault !== errorCode.noError) return this.fail(fault, "a setting is out of range");
    }
    this.#settled = true;
    this.times.prefaceDueMs = Infinity;
    this.output.settingsAck();
    this.sender.pumpAll();
    this.roomChanged();
  }

  /** Applies one setting; returns an error code. Unknown ones are ignored (RFC 9113 §6.5.2). */
  #setting(id: number, value: number): number {
    switch (id) {
      case setting.enablePush:
        return value <= 1 ? errorCode.noError : errorCode.protocolError;
      case setting.maxConcurrentStreams:
        this.setConcurrentStreams(value);
        return errorCode.noError;
      case setting.initialWindowSize:
        return value <= mostWindow && this.sender.setInitialWindow(value, this.streams.all())
          ? errorCode.noError
          : errorCode.flowControlError;
      case setting.maxFrameSize:
        // This side never sends more than the smallest that may be asked for.
        return value >= framePayloadBytes && value < 2 ** 24 ? errorCode.noError : errorCode.protocolError;
      default:
        return errorCode.noError;
    }
  }

  #ping(reader: FrameReader): void {
    const { bytes, start } = reader;
    if ((reader.flags & flag.ack) === 0) {
      if (!this.flooded("pings")) this.output.ping(bytes, start, true);
    } else if (!this.flooded("ignored") && drainPing.compare(bytes, start, start + 8) === 0) {
      this.sayLastId();
    }
  }

  #windowUpdate(reader: FrameReader): void {
    const { streamId } = reader;
    if (streamId !== 0 && this.isIdle(streamId))
      return this.fail(errorCode.protocolError, "WINDOW_UPDATE on an idle stream");
    if (this.flooded("windowUpdates")) return;
    const bytes = uint31(reader.bytes, reader.start);
    if (streamId === 0) {
      if (bytes === 0) this.fail(errorCode.protocolError, "WINDOW_UPDATE of 0");
      else if (!this.sender.addWindow(bytes))
        this.fail(errorCode.flowControlError, "the window of the connection overflows");
      return;
    }
    const stream = this.streams.get(streamId);
    if (stream === null) return;
    if (bytes === 0) this.resetForMistake(stream, errorCode.protocolError, "WINDOW_UPDATE of 0");
    else if (!this.sender.addStreamWindow(stream, bytes))
      this.resetForMistake(stream, errorCode.flowControlError, "the window of the stream overflows");
  }
}
