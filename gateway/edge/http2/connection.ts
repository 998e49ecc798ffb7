// Connection: what both sides of HTTP/2 have in common (RFC 9113): frames in, settings, windows, streams and how they end.
import type { Timed } from '../deadline.ts';
import { Deadline } from '../deadline.ts';
import type { Transport, TransportOwner } from '../transport.ts';
import { defaultHeaderTableBytes, defaultWindow, errorCode, flag, framePayloadBytes, frameType, mostWindow, setting } from './constants.ts';
import { FloodCounters } from './floods.ts';
import type { Flood } from './floods.ts';
import { found, FrameReader } from './frames.ts';
import { HeaderBlock } from './header-blocks.ts';
import type { HeaderList } from './header-list.ts';
import { HpackDecoder } from './hpack-decode.ts';
import { FrameOutput } from './output.ts';
import { Sender } from './sender.ts';
import type { SenderOwner } from './sender.ts';
import type { Http2Shared } from './shared.ts';
import { Stream } from './stream.ts';
import { ended, StreamTable } from './stream-table.ts';
import type { StreamLoss } from './stream-user.ts';

/** After the last frame the peer may take this long to close; then it is cut. */
const closingMs = 1000;
/** Streams kept to be used again. */
const mostSpareStreams = 32;
/** What this side's own PINGs carry: for the round trip of a graceful end, and to ask whether the peer is there. */
const drainPing = Buffer.from('sl-drain');
const keepAlivePing = Buffer.from('sl-alive');

export abstract class Connection implements TransportOwner, Timed, SenderOwner {
  readonly transport: Transport;
  protected readonly shared: Http2Shared;
  protected readonly streams = new StreamTable();
  protected readonly output: FrameOutput;
  protected readonly sender: Sender;
  protected readonly floods: FloodCounters;
  /** The peer's SETTINGS have come. */
  protected settled = false;
  /** No new streams: this side or the peer has said GOAWAY, or the peer has closed its half. */
  protected retiring = false;
  /** Nothing is read or told any more. */
  protected over = false;
  protected readonly bornMs: number;
  readonly #reader = new FrameReader();
  readonly #decoder = new HpackDecoder(defaultHeaderTableBytes);
  readonly #block = new HeaderBlock();
  readonly #deadline = new Deadline(this);
  readonly #spare: Stream[] = [];
  readonly #closed: Stream[] = [];
  /** Bytes that the peer may send on all streams together, and credited bytes of which it does not know. */
  #receiveWindow: number;
  #unannounced = 0;
  /** A rest of what was read waits for the next turn. */
  #held = false;
  #choked = false;
  #lastReadMs: number;
  #idleSinceMs: number;
  #settingsDueMs: number;
  #pingDueMs = Infinity;
  #closeDueMs = Infinity;
  /** When something last moved towards a peer that does not take all it is sent; Infinity: it takes all. */
  #movedMs = Infinity;

  constructor(transport: Transport, shared: Http2Shared) {
    const { limits, nowMs } = shared;
    this.transport = transport;
    this.shared = shared;
    this.bornMs = nowMs;
    this.#lastReadMs = nowMs;
    this.#idleSinceMs = nowMs;
    this.#settingsDueMs = nowMs + limits.settingsTimeoutMs;
    this.#receiveWindow = limits.connectionWindowBytes;
    this.floods = new FloodCounters(limits.floods, nowMs);
    this.output = new FrameOutput(transport, shared.turn, () => this.#flushed());
    this.sender = new Sender(this.output, this);
    transport.owner = this;
  }

  // What the two sides do differently.

  /** A header list was decoded to `shared.list`. */
  protected abstract headers(id: number, endStream: boolean, list: HeaderList): void;
  /** Has no stream with this id been opened by whoever may open it? */
  protected abstract isIdle(id: number): boolean;
  /** A SETTINGS frame changed something, or a stream ended: more streams may be possible. */
  protected abstract roomChanged(): void;
  protected abstract setConcurrentStreams(most: number): void;
  protected abstract goneAway(lastStreamId: number, code: number): void;
  /** Id for GOAWAY: the last stream of the peer that was worked on. */
  protected abstract readonly lastStreamId: number;
  /** It is closed; told once. `failure`: what was wrong, or "" for a clean end. */
  protected abstract closed(failure: string): void;

  get streamCount(): number {
    return this.streams.count;
  }

  /** Since when it has had no stream; Infinity: it has some. */
  get idleSinceMs(): number {
    return this.streams.count > 0 ? Infinity : this.#idleSinceMs;
  }

  /** The settings of this side, and its window. Sent first. */
  protected open(pairs: readonly (readonly [number, number])[]): void {
    const { limits } = this.shared;
    this.output.settings([...pairs, [setting.initialWindowSize, limits.streamWindowBytes], [setting.maxHeaderListSize, limits.list.bytes]]);
    const more = limits.connectionWindowBytes - defaultWindow;
    if (more > 0) this.output.windowUpdate(0, more);
    this.#arm();
  }

  // Reading.

  received(bytes: Buffer, start: number, end: number): void {
    if (this.over) return;
    this.#lastReadMs = this.shared.tick();
    if (this.#pingDueMs !== Infinity) this.#pingDueMs = Infinity;
    this.#reader.feed(bytes, start, end);
    if (!this.#held) this.#read();
  }

  /** A turn that was full: the rest of what was read. */
  turnEnded(): void {
    this.#held = false;
    if (this.over) return;
    this.shared.tick();
    try {
      this.#read();
    } catch (error) {
      this.crashed(error);
    }
    if (!this.#held && !this.#choked) this.transport.resume();
  }

  #read(): void {
    const reader = this.#reader;
    for (let frames = 0; !this.over; frames++) {
      if (frames >= this.shared.limits.framesATurn) {
        if (!reader.hold()) return;
        this.#held = true;
        this.transport.pause();
        this.shared.turn.ask(this);
        return;
      }
      switch (reader.next()) {
        case found.nothing:
          return;
        case found.tooLong:
          return this.fail(errorCode.frameSizeError, 'a frame is too large');
        case found.badPadding:
          return this.fail(errorCode.protocolError, 'padding is longer than its frame');
      }
      try {
        this.#frame(reader);
      } catch (error) {
        this.#faulted(error, reader.streamId);
      }
    }
  }

  /** A bug showed in what one stream does: it ends that stream, and nothing else where there is one. */
  #faulted(error: unknown, streamId: number): void {
    this.shared.faulted(error);
    const stream = this.streams.get(streamId);
    if (stream === null) return this.fail(errorCode.internalError, '');
    this.output.reset(streamId, errorCode.internalError);
    this.lose(stream, ended.byUs, { code: errorCode.internalError, unprocessed: false, sentence: 'an unexpected fault' });
  }

  #frame(reader: FrameReader): void {
    const { type, streamId } = reader;
    if (!this.settled && (type !== frameType.settings || (reader.flags & flag.ack) !== 0)) return this.fail(errorCode.protocolError, 'the first frame is not SETTINGS');
    if (this.#block.open && (type !== frameType.continuation || streamId !== this.#block.streamId)) {
      return this.fail(errorCode.protocolError, 'a header block is interrupted');
    }
    switch (type) {
      case frameType.data:
        return this.#data(reader);
      case frameType.headers:
        return this.#headersFrame(reader);
      case frameType.continuation:
        return this.#continuation(reader);
      case frameType.priority:
        return this.#priority(reader);
      case frameType.rstStream:
        return this.#rstStream(reader);
      case frameType.settings:
        return this.#settings(reader);
      case frameType.pushPromise:
        // Clients do not push, and servers were told not to (§8.4).
        return this.fail(errorCode.protocolError, 'PUSH_PROMISE');
      case frameType.ping:
        return this.#ping(reader);
      case frameType.goAway:
        if (streamId !== 0) return this.fail(errorCode.protocolError, 'GOAWAY on a stream');
        if (reader.length < 8) return this.fail(errorCode.frameSizeError, 'GOAWAY is too short');
        return this.goneAway(uint31(reader.bytes, reader.start), uint32(reader.bytes, reader.start + 4));
      case frameType.windowUpdate:
        return this.#windowUpdate(reader);
      default:
        // Unknown frames are ignored (§4.1).
    }
  }

  // Messages.

  #data(reader: FrameReader): void {
    const { streamId, flowBytes, bytes, start, end } = reader;
    if (streamId === 0 || this.isIdle(streamId)) return this.fail(errorCode.protocolError, 'DATA on an idle stream');
    const content = end - start;
    this.#receiveWindow -= flowBytes;
    if (this.#receiveWindow < 0) return this.fail(errorCode.flowControlError, 'more DATA than the window of the connection allows');
    const ends = reader.last && (reader.flags & flag.endStream) !== 0;
    if (reader.last && reader.contentBytes === 0 && !ends && this.#flooded('emptyData')) return;
    const stream = this.streams.get(streamId);
    if (stream === null) return this.#dataOfClosed(streamId, flowBytes);
    if (stream.receivedEnd) {
      this.#announce(flowBytes);
      return this.resetForMistake(stream, errorCode.streamClosed, 'DATA behind END_STREAM');
    }
    stream.receiveWindow -= flowBytes;
    // Padding is consumed here; content, once the user has passed it on.
    stream.unconsumed += flowBytes;
    if (flowBytes > content) this.credit(stream, flowBytes - content);
    if (stream.receiveWindow < 0) return this.resetForMistake(stream, errorCode.flowControlError, 'more DATA than the window of the stream allows');
    if (!stream.receivedHead) return this.resetForMistake(stream, errorCode.protocolError, 'DATA before the head of the response');
    if (stream.bodiless && content > 0) return this.resetForMistake(stream, errorCode.protocolError, 'DATA of a message without content');
    if (stream.contentLeft >= 0) {
      stream.contentLeft -= content;
      if (stream.contentLeft < 0 || (ends && stream.contentLeft > 0)) return this.resetForMistake(stream, errorCode.protocolError, 'DATA does not sum to content-length');
    }
    if (content > 0) stream.user?.streamData(stream, bytes, start, end);
    if (stream.user === null && !stream.receivedEnd) this.credit(stream, stream.unconsumed);
    if (ends && stream.id === streamId) this.endReceived(stream);
  }

  #dataOfClosed(id: number, flowBytes: number): void {
    this.#announce(flowBytes);
    switch (this.streams.howEnded(id)) {
      case ended.normally:
        return this.fail(errorCode.streamClosed, 'DATA on a closed stream');
      case ended.byUs:
        // Sent before it knew.
        return;
      default:
        this.#refuse(id, errorCode.streamClosed);
    }
  }

  #headersFrame(reader: FrameReader): void {
    const { streamId, flags, bytes } = reader;
    let { start, end } = reader;
    if (streamId === 0) return this.fail(errorCode.protocolError, 'HEADERS without a stream');
    if ((flags & flag.padded) !== 0) {
      if (start >= end) return this.fail(errorCode.frameSizeError, 'HEADERS is too short');
      const padding = bytes[start++]!;
      if (padding > end - start) return this.fail(errorCode.protocolError, 'padding is longer than its frame');
      end -= padding;
    }
    if ((flags & flag.priority) !== 0) {
      if (end - start < 5) return this.fail(errorCode.frameSizeError, 'HEADERS is too short');
      if (uint31(bytes, start) === streamId) return this.fail(errorCode.protocolError, 'a stream depends on itself');
      start += 5;
    }
    const ends = (flags & flag.endStream) !== 0;
    if ((flags & flag.endHeaders) !== 0) return this.#decode(streamId, ends, bytes, start, end);
    this.#block.begin(streamId, ends, this.shared.nowMs);
    this.#block.add(bytes, start, end);
    this.#arm();
  }

  #continuation(reader: FrameReader): void {
    const block = this.#block;
    const { limits } = this.shared;
    if (!block.open) return this.fail(errorCode.protocolError, 'CONTINUATION without HEADERS');
    block.continuations += 1;
    block.add(reader.bytes, reader.start, reader.end);
    // A block that is larger than the list that it may be cannot be read to its end, and not skipped either.
    if (block.continuations > limits.floods.continuations || block.bytes > limits.list.bytes + framePayloadBytes) {
      return this.fail(errorCode.enhanceYourCalm, 'a header block is too long');
    }
    if ((reader.flags & flag.endHeaders) === 0) return;
    const { streamId, endStream } = block;
    const whole = block.take();
    this.#decode(streamId, endStream, whole, 0, whole.length);
  }

  #decode(id: number, endStream: boolean, block: Buffer, start: number, end: number): void {
    const { list } = this.shared;
    if (!this.#decoder.decode(block, start, end, list)) return this.fail(errorCode.compressionError, 'a header block is not HPACK');
    if (list.tooLarge && this.#flooded('largeLists')) return;
    this.headers(id, endStream, list);
  }

  /** HEADERS on a stream that is neither open nor new. */
  protected headersOfClosed(id: number): void {
    switch (this.streams.howEnded(id)) {
      case ended.normally:
        return this.fail(errorCode.streamClosed, 'HEADERS on a closed stream');
      case ended.byUs:
        return;
      case ended.byPeer:
        return this.#refuse(id, errorCode.streamClosed);
      default:
        return this.fail(errorCode.protocolError, 'HEADERS on a stream that was never opened');
    }
  }

  /** A second list on a stream: its trailers, or a mistake. */
  protected trailers(stream: Stream, endStream: boolean, list: HeaderList): void {
    if (stream.receivedEnd) return this.resetForMistake(stream, errorCode.streamClosed, 'HEADERS behind END_STREAM');
    if (!endStream || list.malformed || list.tooLarge || list.pseudo.some((at) => at >= 0) || stream.contentLeft > 0) {
      return this.resetForMistake(stream, errorCode.protocolError, 'trailers are malformed');
    }
    this.endReceived(stream, list);
  }

  /** The peer's message is complete. */
  protected endReceived(stream: Stream, trailers: HeaderList | null = null): void {
    stream.receivedEnd = true;
    const { user } = stream;
    if (stream.givenEnd) stream.user = null;
    user?.streamEnd(stream, trailers);
    if (stream.givenEnd) stream.user = null;
    if (stream.sentEnd) this.#close(stream, ended.normally);
  }

  // Control frames.

  #priority(reader: FrameReader): void {
    const { streamId } = reader;
    if (streamId === 0) return this.fail(errorCode.protocolError, 'PRIORITY without a stream');
    if (reader.length !== 5) return this.fail(errorCode.frameSizeError, 'PRIORITY is not 5 bytes');
    if (uint31(reader.bytes, reader.start) === streamId) return this.fail(errorCode.protocolError, 'a stream depends on itself');
    this.#flooded('priorities');
  }

  #rstStream(reader: FrameReader): void {
    const { streamId } = reader;
    if (streamId === 0 || this.isIdle(streamId)) return this.fail(errorCode.protocolError, 'RST_STREAM on an idle stream');
    if (reader.length !== 4) return this.fail(errorCode.frameSizeError, 'RST_STREAM is not 4 bytes');
    const stream = this.streams.get(streamId);
    const { nowMs, limits } = this.shared;
    const premature = stream === null || (!stream.sentHead && nowMs - stream.bornMs < limits.floods.windowMs);
    if (premature && this.#flooded('resets')) return;
    if (stream === null) return;
    const code = uint32(reader.bytes, reader.start);
    this.lose(stream, ended.byPeer, { code, unprocessed: code === errorCode.refusedStream, sentence: `the peer reset the stream with code ${code}` });
  }

  #settings(reader: FrameReader): void {
    const { bytes, start, end, length } = reader;
    if (reader.streamId !== 0) return this.fail(errorCode.protocolError, 'SETTINGS on a stream');
    if ((reader.flags & flag.ack) !== 0) {
      if (length > 0) return this.fail(errorCode.frameSizeError, 'SETTINGS with ACK has a payload');
      this.#settingsDueMs = Infinity;
      return;
    }
    if (length % 6 !== 0) return this.fail(errorCode.frameSizeError, 'SETTINGS is no multiple of 6 bytes');
    if (this.#flooded('settings')) return;
    for (let at = start; at < end; at += 6) {
      const fault = this.#setting((bytes[at]! << 8) | bytes[at + 1]!, uint32(bytes, at + 2));
      if (fault !== errorCode.noError) return this.fail(fault, 'a setting is out of range');
    }
    this.settled = true;
    this.output.settingsAck();
    this.sender.pumpAll();
    this.roomChanged();
  }

  /** Applies one setting; returns an error code. Unknown ones are ignored (§6.5.2). */
  #setting(id: number, value: number): number {
    switch (id) {
      case setting.enablePush:
        return value <= 1 ? errorCode.noError : errorCode.protocolError;
      case setting.maxConcurrentStreams:
        this.setConcurrentStreams(value);
        return errorCode.noError;
      case setting.initialWindowSize:
        if (value > mostWindow || !this.sender.setInitialWindow(value, this.streams.all())) return errorCode.flowControlError;
        return errorCode.noError;
      case setting.maxFrameSize:
        // This side never sends more than the smallest that may be asked for.
        return value >= framePayloadBytes && value < 2 ** 24 ? errorCode.noError : errorCode.protocolError;
      default:
        return errorCode.noError;
    }
  }

  #ping(reader: FrameReader): void {
    const { bytes, start } = reader;
    if (reader.streamId !== 0) return this.fail(errorCode.protocolError, 'PING on a stream');
    if (reader.length !== 8) return this.fail(errorCode.frameSizeError, 'PING is not 8 bytes');
    if ((reader.flags & flag.ack) !== 0) {
      if (this.retiring && drainPing.compare(bytes, start, start + 8) === 0) this.finishDrain();
      return;
    }
    if (!this.#flooded('pings')) this.output.ping(bytes, start, true);
  }

  #windowUpdate(reader: FrameReader): void {
    const { streamId } = reader;
    if (reader.length !== 4) return this.fail(errorCode.frameSizeError, 'WINDOW_UPDATE is not 4 bytes');
    if (this.isIdle(streamId) && streamId !== 0) return this.fail(errorCode.protocolError, 'WINDOW_UPDATE on an idle stream');
    if (this.#flooded('windowUpdates')) return;
    const bytes = uint31(reader.bytes, reader.start);
    if (streamId === 0) {
      if (bytes === 0) return this.fail(errorCode.protocolError, 'WINDOW_UPDATE of 0');
      if (!this.sender.addWindow(bytes)) this.fail(errorCode.flowControlError, 'the window of the connection overflows');
      return;
    }
    const stream = this.streams.get(streamId);
    if (stream === null) return;
    if (bytes === 0) this.resetForMistake(stream, errorCode.protocolError, 'WINDOW_UPDATE of 0');
    else if (!this.sender.addStreamWindow(stream, bytes)) this.resetForMistake(stream, errorCode.flowControlError, 'the window of the stream overflows');
  }

  /** Counts a frame; true: it was one too many, and the connection is ended. */
  #flooded(flood: Flood): boolean {
    if (!this.floods.add(flood, this.shared.nowMs)) return false;
    this.fail(errorCode.enhanceYourCalm, `flood: ${flood}`);
    return true;
  }

  // Sending, for streams.

  sendHead(stream: Stream, block: Buffer, length: number, final: boolean, end: boolean): void {
    this.sender.head(stream, block, length, final, end);
    if (end) this.#given(stream);
  }

  sendData(stream: Stream, bytes: Buffer, start: number, end: number, last: boolean): number {
    const left = this.sender.data(stream, bytes, start, end, last);
    if (last) this.#given(stream);
    return left;
  }

  sendTrailers(stream: Stream, block: Buffer, length: number): void {
    this.sender.trailers(stream, block, length);
    this.#given(stream);
  }

  /** The user has nothing more to say; once it was told everything too, it is let go. */
  #given(stream: Stream): void {
    if (stream.receivedEnd) stream.user = null;
  }

  sentEnd(stream: Stream): void {
    if (stream.receivedEnd) this.#close(stream, ended.normally);
  }

  sentContent(tiny: boolean): void {
    this.floods.sentContent();
    if (this.#movedMs !== Infinity) this.#movedMs = this.shared.nowMs;
    if (tiny) this.#flooded('tinyPieces');
  }

  waitingChanged(): void {
    this.#movedMs = this.sender.waiting || this.output.congested ? this.shared.nowMs : Infinity;
    this.#arm();
  }

  // Windows of this side.

  credit(stream: Stream, bytes: number): void {
    const credited = Math.min(bytes, stream.unconsumed);
    if (credited <= 0) return;
    stream.unconsumed -= credited;
    this.#announce(credited);
    if (stream.receivedEnd || this.over) return;
    stream.unannounced += credited;
    if (stream.unannounced * 2 < this.shared.limits.streamWindowBytes) return;
    this.output.windowUpdate(stream.id, stream.unannounced);
    stream.receiveWindow += stream.unannounced;
    stream.unannounced = 0;
  }

  /** Gives bytes back to the window of the connection; the peer is told when half of it is consumed. */
  #announce(bytes: number): void {
    this.#unannounced += bytes;
    if (this.#unannounced * 2 < this.shared.limits.connectionWindowBytes || this.over) return;
    this.output.windowUpdate(0, this.#unannounced);
    this.#receiveWindow += this.#unannounced;
    this.#unannounced = 0;
  }

  // How streams begin and end.

  protected newStream(id: number): Stream {
    const stream = this.#spare.pop() ?? new Stream(this);
    stream.begin(id, null, this.shared.nowMs, this.shared.limits.streamWindowBytes, this.sender.initialWindow);
    return stream;
  }

  resetByUser(stream: Stream, code: number): void {
    stream.user = null;
    this.resetStream(stream, code);
  }

  /** Ends a stream whose user is told nothing. */
  protected resetStream(stream: Stream, code: number): void {
    if (this.streams.get(stream.id) !== stream) return;
    this.output.reset(stream.id, code);
    this.#close(stream, ended.byUs);
  }

  /** The peer broke a rule on one stream: it ends, and too many of these end the connection. */
  protected resetForMistake(stream: Stream, code: number, sentence: string): void {
    this.output.reset(stream.id, code);
    this.lose(stream, ended.byUs, { code, unprocessed: false, sentence });
    this.#flooded('forcedResets');
  }

  /** The peer has acknowledged SETTINGS: it knows the limits of this side. */
  protected get settingsKnown(): boolean {
    return this.#settingsDueMs === Infinity;
  }

  /** Answers frames for a stream that is no more. */
  #refuse(id: number, code: number): void {
    this.output.reset(id, code);
    this.#flooded('forcedResets');
  }

  /** Refuses a new stream. `mistake`: the peer should have known. */
  protected refuseNew(id: number, code: number, mistake: boolean): void {
    this.streams.refuse(id);
    if (mistake) this.#refuse(id, code);
    else this.output.reset(id, code);
  }

  protected lose(stream: Stream, how: number, loss: StreamLoss): void {
    const { user } = stream;
    stream.user = null;
    this.#close(stream, how);
    user?.streamLost(stream, loss);
  }

  #close(stream: Stream, how: number): void {
    if (this.streams.get(stream.id) !== stream) return;
    this.streams.remove(stream, how);
    this.#announce(stream.unconsumed);
    stream.unconsumed = 0;
    stream.user = null;
    // From here on whatever is asked of it does nothing; it is used again in a later turn only.
    stream.receivedEnd = true;
    stream.givenEnd = true;
    stream.sentEnd = true;
    this.sender.drop(stream);
    if (this.#closed.push(stream) === 1) this.shared.turn.ask(this.#reuse);
    if (this.streams.count === 0) {
      this.#idleSinceMs = this.shared.nowMs;
      if (this.retiring) this.#finish();
    }
    if (!this.over) this.roomChanged();
  }

  readonly #reuse = {
    turnEnded: (): void => {
      while (this.#closed.length > 0) {
        const stream = this.#closed.pop()!;
        if (this.#spare.length < mostSpareStreams) this.#spare.push(stream);
      }
    },
  };

  // How the connection ends.

  /** No new streams; those that are open go on, then it closes. */
  drain(): void {
    if (this.retiring || this.over) return;
    this.retiring = true;
    // Streams that the peer sent before it knows are served still: the last id follows after a round trip (§6.8).
    this.output.goAway(mostWindow, errorCode.noError, '');
    this.output.ping(drainPing, 0, false);
    this.#closeDueMs = Infinity;
    this.#drainDueMs = this.shared.nowMs + closingMs;
    this.#arm();
  }

  #drainDueMs = Infinity;

  /** The round trip of a graceful end is over. */
  protected finishDrain(): void {
    if (this.#drainDueMs === Infinity) return;
    this.#drainDueMs = Infinity;
    this.output.goAway(this.lastStreamId, errorCode.noError, '');
    this.drainFinished = true;
    if (this.streams.count === 0) this.#finish();
  }

  /** The last id was said: later streams are not served. */
  protected drainFinished = false;

  /** Everything is done: closes when what is queued has left. */
  #finish(): void {
    if (this.over || this.#drainDueMs !== Infinity) return;
    if (!this.drainFinished) this.output.goAway(this.lastStreamId, errorCode.noError, '');
    this.#end('');
  }

  /** Ends a retiring connection that has no streams. */
  protected finishIfDone(): void {
    if (this.retiring && this.streams.count === 0) this.#finish();
  }

  /** A connection error (§5.4.1): says why, and closes. Streams are told. */
  fail(code: number, sentence: string): void {
    if (this.over) return;
    this.output.goAway(this.lastStreamId, code, sentence);
    this.#end(sentence);
  }

  #end(failure: string): void {
    this.over = true;
    this.#loseAll(failure === '' ? 'the connection was closed' : failure);
    this.output.flush();
    this.transport.end();
    // What still comes is not read, so that the peer sees the GOAWAY and not a reset.
    this.#closeDueMs = this.shared.nowMs + closingMs;
    this.shared.wheel.set(this.#deadline, this.#closeDueMs);
    this.closed(failure);
  }

  #loseAll(sentence: string): void {
    for (const stream of this.streams.all()) this.lose(stream, ended.byUs, { code: errorCode.cancel, unprocessed: false, sentence });
  }

  /** Ends it without a word. */
  destroy(): void {
    this.#gone('destroyed');
    this.transport.destroy();
  }

  ended(): void {
    if (this.over) {
      this.destroy();
      return;
    }
    this.shared.tick();
    // The peer sends no more: what it has asked for to the end is still answered.
    this.retiring = true;
    for (const stream of this.streams.all()) {
      if (!stream.receivedEnd) this.lose(stream, ended.byPeer, { code: errorCode.cancel, unprocessed: false, sentence: 'the peer closed the connection' });
    }
    this.#drainDueMs = Infinity;
    this.finishIfDone();
  }

  broken(reason: string): void {
    this.shared.tick();
    this.#gone(reason);
  }

  crashed(error: unknown): void {
    this.shared.faulted(error);
    this.fail(errorCode.internalError, '');
    this.destroy();
  }

  #gone(reason: string): void {
    this.shared.wheel.remove(this.#deadline);
    if (this.over) return;
    this.over = true;
    this.#loseAll(`the connection was lost: ${reason}`);
    this.closed(reason);
  }

  drained(): void {
    this.shared.tick();
    this.output.drained();
    this.#movedMs = this.shared.nowMs;
    this.sender.pumpAll();
    this.waitingChanged();
    if (!this.#choked) return;
    this.#choked = false;
    if (!this.#held) this.transport.resume();
  }

  #flushed(): void {
    if (this.over || !this.output.congested) return;
    if (this.#movedMs === Infinity) this.waitingChanged();
    // A peer that does not read is not read from, else its requests would pile up answers.
    if (!this.output.choked || this.#choked) return;
    this.#choked = true;
    this.transport.pause();
  }

  // Deadlines.

  expired(nowMs: number): void {
    this.shared.nowMs = nowMs;
    const { limits } = this.shared;
    if (this.over) {
      this.destroy();
    } else if (!this.settled && nowMs >= this.bornMs + limits.headTimeoutMs) {
      this.fail(errorCode.enhanceYourCalm, 'the preface is not complete in time');
    } else if (nowMs >= this.#block.sinceMs + limits.headTimeoutMs) {
      this.fail(errorCode.enhanceYourCalm, 'a header block is not complete in time');
    } else if (nowMs >= this.#settingsDueMs) {
      this.fail(errorCode.settingsTimeout, 'SETTINGS were not acknowledged in time');
    } else if (nowMs >= this.#movedMs + limits.writeStallTimeoutMs) {
      this.fail(errorCode.enhanceYourCalm, 'nothing is read of what was sent');
    } else if (nowMs >= this.#pingDueMs) {
      this.#gone('no answer to a PING');
      this.transport.destroy();
    } else {
      if (nowMs >= this.#drainDueMs) this.finishDrain();
      if (nowMs >= Math.min(this.bornMs + limits.maxAgeMs, this.idleSinceMs + limits.idleTimeoutMs)) this.drain();
      if (this.#pingDueMs === Infinity && nowMs >= this.#lastReadMs + limits.pingAfterMs) {
        this.output.ping(keepAlivePing, 0, false);
        this.#pingDueMs = nowMs + limits.pingTimeoutMs;
      }
      this.#arm();
    }
  }

  #arm(): void {
    if (this.over) return;
    const { limits } = this.shared;
    let dueMs = Math.min(this.#settingsDueMs, this.#pingDueMs, this.#drainDueMs, this.#block.sinceMs + limits.headTimeoutMs, this.#movedMs + limits.writeStallTimeoutMs);
    if (!this.settled) dueMs = Math.min(dueMs, this.bornMs + limits.headTimeoutMs);
    if (this.#pingDueMs === Infinity) dueMs = Math.min(dueMs, this.#lastReadMs + limits.pingAfterMs);
    if (!this.retiring) dueMs = Math.min(dueMs, this.bornMs + limits.maxAgeMs, Math.min(this.idleSinceMs, this.shared.nowMs) + limits.idleTimeoutMs);
    this.shared.wheel.set(this.#deadline, dueMs);
  }
}

function uint32(bytes: Buffer, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

function uint31(bytes: Buffer, at: number): number {
  return uint32(bytes, at) & 0x7fffffff;
}
