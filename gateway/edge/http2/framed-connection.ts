// FramedConnection: how the streams of a connection begin and end, and what is sent on them. How the connection itself ends is in `ConnectionLife`;
// what it reads is for `ReadingConnection` and `Connection`.
import type { Transport } from "../io/transport.ts";
import { ConnectionLife } from "./connection-life.ts";
import { defaultWindow, errorCode } from "../frames/constants.ts";
import { LingeringStreams } from "./lingering.ts";
import { ReceiveWindows } from "./receive-windows.ts";
import { Sender, type SenderOwner } from "./sender.ts";
import type { Http2Shared } from "./shared.ts";
import { Stream, type StreamLoss } from "./stream.ts";
import { ended } from "./stream-table.ts";

/** As a client of HTTP/1.1 that is answered before it has sent its body: so long, and so much of the rest, is waited for. */
const lingerMs = 100;
const mostDiscardBytes = 64 * 1024;

export abstract class FramedConnection extends ConnectionLife implements SenderOwner {
  protected readonly sender: Sender;
  protected readonly windows: ReceiveWindows;
  /** Bytes of all streams that wait for the peer's windows. */
  protected queuedBytes = 0;
  readonly #lingering = new LingeringStreams();
  /** Bytes of DATA that may still come for streams that were reset or refused here: what their windows allowed. */
  #lateBytes = 0;
  readonly #tooManyPieces = { turnEnded: (): void => void this.overLimit("tinyPieces") };

  constructor(transport: Transport, shared: Http2Shared) {
    super(transport, shared);
    const { limits } = shared;
    this.sender = new Sender(this.output, this);
    this.windows = new ReceiveWindows(
      this.output,
      limits.connectionWindowBytes,
      limits.streamWindowBytes,
      limits.connectionCreditAtOnce,
    );
    transport.owner = this;
  }

  /** A SETTINGS frame changed something, or a stream ended: more streams may be possible. */
  protected abstract roomChanged(): void;
  /** More or fewer bytes are queued. */
  protected abstract queueChanged(): void;

  get streamCount(): number {
    return this.streams.count;
  }

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
  protected endReceived(stream: Stream, trailers: Parameters<NonNullable<Stream["user"]>["streamEnd"]>[1]): void {
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
    const dueMs = this.shared.nowMs + lingerMs;
    this.#lingering.add(stream.id, dueMs);
    if (this.times.lingerDueMs !== Infinity) return;
    this.times.lingerDueMs = dueMs;
    this.arm();
  }

  /** Ends the stream that lingers longest. False: none does. */
  protected endLingering(): boolean {
    return this.#endLingering(Infinity);
  }

  protected lingered(nowMs: number): void {
    while (this.#endLingering(nowMs));
    this.times.lingerDueMs = this.#lingering.dueMs;
  }

  /** Ends the one that has waited longest, if it has waited long enough and has not ended meanwhile. */
  #endLingering(nowMs: number): boolean {
    for (let id = this.#lingering.take(nowMs); id !== 0; id = this.#lingering.take(nowMs)) {
      const stream = this.streams.get(id);
      if (stream === null) continue;
      this.resetByUser(stream, errorCode.noError);
      return true;
    }
    return false;
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
    this.loseHere(stream, code, { cause: "mistake", code, unprocessed: false, sentence });
    this.flooded("forcedResets");
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
    this.flooded("ignored");
  }

  /** Answers frames for a stream that is no more, or was refused. */
  protected refuse(id: number, code: number): void {
    this.output.reset(id, code);
    this.flooded("forcedResets");
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

  protected sendOn(): void {
    this.sender.pumpAll();
  }

  // What the sender tells.

  sentContent(tiny: boolean): void {
    this.floods.sentContent();
    // What is only queued has not moved.
    if (this.times.movedMs !== Infinity && !this.output.congested) this.times.movedMs = this.shared.nowMs;
    // Whoever sends is in the middle of its own work: the connection ends when that is done.
    if (tiny && this.floods.add("tinyPieces", this.shared.nowMs, this.streams.ended))
      this.shared.batch.ask(this.#tooManyPieces);
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
}
