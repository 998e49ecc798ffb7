// FramedConnection: how the streams of a connection begin and end, how the connection itself ends, and when. What it reads is for `Connection`.
import { Deadline } from '../io/deadline.ts';
import type { Timed } from '../io/deadline.ts';
import type { Transport, TransportOwner } from '../io/transport.ts';
import { defaultWindow, errorCode, mostWindow } from './constants.ts';
import { FloodCounters } from './floods.ts';
import type { Flood } from './floods.ts';
import { FrameOutput } from './output.ts';
import { ReceiveWindows } from './receive-windows.ts';
import { Sender } from './sender.ts';
import type { SenderOwner } from './sender.ts';
import type { Http2Shared } from './shared.ts';
import { Stream } from './stream.ts';
import { ended, StreamTable } from './stream-table.ts';
import type { StreamLoss } from './stream.ts';
import { ConnectionTimes } from './times.ts';

/** As a client of HTTP/1.1 that is answered before it has sent its body: so long, and so much of the rest, is waited for. */
const lingerMs = 100;
const mostDiscardBytes = 64 * 1024;
/** After the last frame the peer may take this long to close; then it is cut. */
const closingMs = 1000;
/** What this side's own PINGs carry: for the round trip of a graceful end, and to ask whether the peer is there. */
export const drainPing = Buffer.from('sl-drain');
const keepAlivePing = Buffer.from('sl-alive');

export abstract class FramedConnection implements TransportOwner, Timed, SenderOwner {
  readonly transport: Transport;
  protected readonly shared: Http2Shared;
  protected readonly streams = new StreamTable();
  protected readonly output: FrameOutput;
  protected readonly sender: Sender;
  protected readonly windows: ReceiveWindows;
  protected readonly times: ConnectionTimes;
  /** No new streams: this side or the peer has said GOAWAY, or the peer has closed its half. */
  protected retiring = false;
  /** The last id of a graceful end was said: later streams are not served. */
  protected lastIdSaid = false;
  /** Nothing is read or told any more. */
  protected over = false;
  /** Bytes of all streams that wait for the peer's windows. */
  protected queuedBytes = 0;
  #isGone = false;
  /** What was written is so much more than what the peer reads that it is not read from. */
  protected choked = false;
  /** The peer sent too much, and is not read from for a while. */
  protected calming = false;
  /** Ids of streams that linger, and when each has waited long enough, in order. */
  readonly #lingering: number[] = [];
  /** Bytes of DATA that may still come for streams that were reset or refused here: what their windows allowed. */
  #lateBytes = 0;
  readonly #floods: FloodCounters;
  readonly #deadline = new Deadline(this);

  constructor(transport: Transport, shared: Http2Shared) {
    const { limits, nowMs } = shared;
    this.transport = transport;
    this.shared = shared;
    this.times = new ConnectionTimes(limits, nowMs, shared.home.draw());
    this.#floods = new FloodCounters(limits.floods, nowMs);
    this.output = new FrameOutput(transport, shared.batch, () => this.#flushed());
    this.sender = new Sender(this.output, this);
    this.windows = new ReceiveWindows(this.output, limits.connectionWindowBytes, limits.streamWindowBytes, limits.connectionCreditAtOnce);
    transport.owner = this;
  }

  abstract received(bytes: Buffer, start: number, end: number): void;
  /** It may be read from again. */
  protected abstract readOn(): void;
  /** A SETTINGS frame changed something, or a stream ended: more streams may be possible. */
  protected abstract roomChanged(): void;
  /** More or fewer bytes are queued. */
  protected abstract queueChanged(): void;
  /** The peer is over a limit. True: the connection is ended for it, and the frame is not worked on. */
  protected abstract overLimit(flood: Flood): boolean;
  /** Nothing has moved towards a peer that does not take what it is sent. */
  protected abstract stalled(): void;
  /** Id for GOAWAY: the last stream of the peer that was worked on. */
  protected abstract readonly lastStreamId: number;
  /** It is closed; told once. `failure`: what was wrong, or "" for a clean end. The transport may still carry what was said last. */
  protected abstract closed(failure: string): void;
  /** The transport is gone too; told once. */
  protected abstract gone(): void;

  /** It takes no new streams. */
  get isRetiring(): boolean {
    return this.retiring;
  }

  get streamCount(): number {
    return this.streams.count;
  }

  // Streams.

  /** A stream that is not in the table yet; id 0: it has none yet. */
  protected newStream(id: number): Stream {
    const stream = this.shared.spares.take() ?? new Stream();
    stream.begin(this, id, this.shared.nowMs, this.shared.limits.streamWindowBytes, this.sender.initialWindow);
    return stream;
  }

  protected addStream(stream: Stream): void {
    this.streams.add(stream);
    this.times.idleSinceMs = Infinity;
  }

  /** The peer's message is complete. */
  protected endReceived(stream: Stream, trailers: Parameters<NonNullable<Stream['user']>['streamEnd']>[1]): void {
    stream.receivedEnd = true;
    const { user } = stream;
    if (stream.givenEnd) stream.user = null;
    user?.streamEnd(stream, trailers);
    if (stream.sentEnd) this.#close(stream, ended.normally);
  }

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
    else if (stream.discards) this.#linger(stream);
  }

  discardRest(stream: Stream): void {
    if (stream.receivedEnd) return;
    stream.user = null;
    stream.discards = true;
    stream.discardBytes = mostDiscardBytes;
    if (stream.sentEnd) this.#linger(stream);
  }

  /** The answer has left: the peer may take it and end its message before it is told that nobody wants it. */
  #linger(stream: Stream): void {
    this.#lingering.push(stream.id, this.shared.nowMs + lingerMs);
    if (this.times.lingerDueMs !== Infinity) return;
    this.times.lingerDueMs = this.shared.nowMs + lingerMs;
    this.arm();
  }

  /** Ends the stream that lingers longest. False: none does. */
  protected endLingering(): boolean {
    const lingering = this.#lingering;
    while (lingering.length > 0) {
      const stream = this.streams.get(lingering[0]!);
      lingering.splice(0, 2);
      if (stream === null) continue;
      this.resetByUser(stream, errorCode.noError);
      return true;
    }
    return false;
  }

  /** Those that were first have waited long enough, or have ended meanwhile. */
  #lingered(nowMs: number): void {
    const lingering = this.#lingering;
    let at = 0;
    for (; at < lingering.length && lingering[at + 1]! <= nowMs; at += 2) {
      const stream = this.streams.get(lingering[at]!);
      if (stream !== null) this.resetByUser(stream, errorCode.noError);
    }
    lingering.splice(0, at);
    this.times.lingerDueMs = lingering[1] ?? Infinity;
  }

  credit(stream: Stream, bytes: number): void {
    if (!this.over) this.windows.credit(stream, bytes);
  }

  resetByUser(stream: Stream, code: number): void {
    stream.user = null;
    if (this.streams.get(stream.id) !== stream) return;
    this.output.reset(stream.id, code);
    this.#expectLate(stream);
    this.#close(stream, ended.byUs);
  }

  /** A stream of which the peer has seen nothing ends without a word. */
  protected unbegin(stream: Stream): void {
    stream.user = null;
    this.#close(stream, ended.byUs);
  }

  /** The peer broke a rule on one stream: it ends, and too many of these end the connection (MadeYouReset). */
  protected resetForMistake(stream: Stream, code: number, sentence: string): void {
    this.loseHere(stream, code, { cause: 'mistake', code, unprocessed: false, sentence });
    this.flooded('forcedResets');
  }

  /** Resets a stream and tells its user. */
  protected loseHere(stream: Stream, code: number, loss: StreamLoss): void {
    this.output.reset(stream.id, code);
    this.#expectLate(stream);
    this.lose(stream, ended.byUs, loss);
  }

  /** The peer sends on until it hears of the end. */
  #expectLate(stream: Stream): void {
    if (!stream.receivedEnd) this.#lateBytes += Math.max(0, stream.receiveWindow);
  }

  /** A stream was refused: as above. */
  protected refuseId(id: number): void {
    this.streams.refuse(id);
    this.#lateBytes += Math.max(defaultWindow, this.shared.limits.streamWindowBytes);
  }

  /** DATA for a stream that was reset here, or may have been. */
  protected lateData(flowBytes: number): void {
    this.#lateBytes -= flowBytes;
    if (this.#lateBytes >= 0) return;
    this.#lateBytes = 0;
    this.flooded('ignored');
  }

  /** Answers frames for a stream that is no more, or was refused. */
  protected refuse(id: number, code: number): void {
    this.output.reset(id, code);
    this.flooded('forcedResets');
  }

  /** A stream ended before its time. */
  protected lose(stream: Stream, how: number, loss: StreamLoss): void {
    const { user } = stream;
    stream.user = null;
    this.#close(stream, how);
    user?.streamLost(stream, loss);
  }

  #close(stream: Stream, how: number): void {
    if (this.streams.get(stream.id) !== stream) return;
    this.streams.remove(stream, how);
    if (!this.over) this.windows.giveBack(stream.unconsumed);
    stream.close();
    this.sender.drop(stream);
    this.shared.spares.giveBack(stream);
    if (this.streams.count === 0) {
      this.times.idleSinceMs = this.shared.nowMs;
      this.finishIfDone();
    }
    if (!this.over) this.roomChanged();
  }

  // How the connection ends.

  /** No new streams; those that are open go on, then it closes. */
  drain(): void {
    if (this.retiring || this.over) return;
    this.retiring = true;
    // Streams that the peer sent before it knew are served still: the last id follows after a round trip (RFC 9113 §6.8).
    this.output.goAway(mostWindow, errorCode.noError, '');
    this.output.ping(drainPing, 0, false);
    this.times.draining(this.shared.nowMs);
    this.arm();
  }

  /** The round trip of a graceful end is over. */
  protected sayLastId(): void {
    if (this.times.drainDueMs === Infinity) return;
    this.times.drainDueMs = Infinity;
    this.lastIdSaid = true;
    this.output.goAway(this.lastStreamId, errorCode.noError, '');
    this.finishIfDone();
  }

  /** Ends a retiring connection that has no streams. */
  protected finishIfDone(): void {
    if (!this.retiring || this.over || this.streams.count > 0 || this.times.drainDueMs !== Infinity) return;
    if (!this.lastIdSaid) this.output.goAway(this.lastStreamId, errorCode.noError, '');
    this.#end('');
    this.#readToEnd();
  }

  /** A connection error (RFC 9113 §5.4.1): says why, and closes. Streams are told. */
  fail(code: number, sentence: string): void {
    if (this.over) return;
    this.output.goAway(this.lastStreamId, code, sentence);
    this.#end(sentence);
    // Reading a flood on to throw it away is work as the flood wants it, and a peer that is closed at once is back at once.
    if (code === errorCode.enhanceYourCalm) this.transport.pause();
    else this.#readToEnd();
  }

  /** Sends no more. What still comes is thrown away, so that the peer sees the GOAWAY and not a reset. */
  #readToEnd(): void {
    this.transport.end();
    this.transport.resume();
  }

  readonly #tooManyPieces = { turnEnded: (): void => void this.overLimit('tinyPieces') };

  /** Counts a frame; true: it was one too many, and the connection is ended. */
  protected flooded(flood: Flood): boolean {
    return this.#floods.add(flood, this.shared.nowMs, this.streams.ended) && !this.over && this.overLimit(flood);
  }

  /** What the peer is over the limit of is more than half of what it did. */
  protected isMost(flood: Flood): boolean {
    return this.#floods.isMost(flood, this.streams.ended);
  }

  /** The peer is not read from until its counts begin anew. */
  protected calm(): void {
    if (this.calming || this.over) return;
    this.calming = true;
    this.transport.pause();
    this.times.calmDueMs = this.#floods.windowEndMs;
    this.arm();
  }

  #calmed(): void {
    this.calming = false;
    this.times.calmDueMs = Infinity;
    if (!this.choked) this.readOn();
  }

  #end(failure: string): void {
    this.over = true;
    this.#loseAll(failure === '' ? 'the connection was closed' : failure);
    this.output.flush();
    this.shared.wheel.set(this.#deadline, this.shared.nowMs + closingMs);
    this.closed(failure);
  }

  #loseAll(sentence: string): void {
    for (const stream of this.streams.all()) this.lose(stream, ended.byUs, { cause: 'connection', code: errorCode.cancel, unprocessed: false, sentence });
  }

  /** Ends it without a word. */
  destroy(): void {
    this.#gone('destroyed');
    this.transport.destroy();
  }

  #gone(reason: string): void {
    this.shared.wheel.remove(this.#deadline);
    if (this.#isGone) return;
    this.#isGone = true;
    if (!this.over) {
      this.over = true;
      this.#loseAll(`the connection was lost: ${reason}`);
      this.closed(reason);
    }
    this.gone();
  }

  // What the transport tells.

  ended(): void {
    if (this.over) {
      this.destroy();
      return;
    }
    this.shared.home.tick();
    // The peer sends no more: what it has asked for to the end is still answered.
    this.retiring = true;
    this.times.retired = true;
    this.times.drainDueMs = Infinity;
    const loss: StreamLoss = { cause: 'connection', code: errorCode.cancel, unprocessed: false, sentence: 'the peer closed the connection' };
    // What waits for its windows waits in vain.
    for (const stream of this.streams.all()) if (!stream.receivedEnd || (stream.queuedBytes > 0 && !this.output.congested)) this.lose(stream, ended.byPeer, loss);
    this.finishIfDone();
    this.times.probing(this.shared.nowMs);
    this.arm();
  }

  broken(reason: string): void {
    this.shared.home.tick();
    this.#gone(reason);
  }

  crashed(error: unknown): void {
    this.shared.home.faulted(error);
    this.destroy();
  }

  drained(): void {
    this.shared.home.tick();
    this.output.drained();
    this.sender.pumpAll();
    this.waitingChanged();
    if (!this.choked || this.over) return;
    this.choked = false;
    if (!this.calming) this.readOn();
  }

  #flushed(): void {
    if (this.over || !this.output.congested) return;
    if (this.times.movedMs === Infinity) this.waitingChanged();
    // A peer that does not read is not read from, else its requests would pile up answers.
    if (!this.output.choked || this.choked) return;
    this.choked = true;
    this.transport.pause();
  }

  // What the sender tells.

  sentContent(tiny: boolean): void {
    this.#floods.sentContent();
    // What is only queued has not moved.
    if (this.times.movedMs !== Infinity && !this.output.congested) this.times.movedMs = this.shared.nowMs;
    // Whoever sends is in the middle of its own work: the connection ends when that is done.
    if (tiny && this.#floods.add('tinyPieces', this.shared.nowMs, this.streams.ended)) this.shared.batch.ask(this.#tooManyPieces);
  }

  queued(bytes: number): void {
    this.queuedBytes += bytes;
    this.shared.queuedBytes += bytes;
    this.queueChanged();
  }

  waitingChanged(): void {
    this.times.movedMs = this.sender.waiting || this.output.congested ? this.shared.nowMs : Infinity;
    this.arm();
  }

  // Deadlines.

  expired(nowMs: number): void {
    this.shared.home.nowMs = nowMs;
    if (this.over) {
      this.destroy();
      return;
    }
    switch (this.times.due(nowMs)) {
      case 'head':
        return this.fail(errorCode.enhanceYourCalm, 'a preface or a header block is not complete in time');
      case 'settings':
        return this.fail(errorCode.settingsTimeout, 'SETTINGS were not acknowledged in time');
      case 'stall':
        this.stalled();
        break;
      case 'silence':
        this.#gone('no answer to a PING');
        return this.transport.destroy();
      case 'calm':
        this.#calmed();
        break;
      case 'linger':
        this.#lingered(nowMs);
        break;
      case 'drained':
        this.sayLastId();
        break;
      case 'retire':
        this.drain();
        break;
      case 'ping':
        this.output.ping(keepAlivePing, 0, false);
        this.times.pinged(nowMs);
        break;
      case 'probe':
        this.output.ping(keepAlivePing, 0, false);
        this.times.probing(nowMs);
        break;
      case 'nothing':
        break;
    }
    this.arm();
  }

  /** Sets the deadline that comes first. */
  protected arm(): void {
    if (!this.over) this.shared.wheel.set(this.#deadline, this.times.nextMs(this.shared.nowMs));
  }
}
