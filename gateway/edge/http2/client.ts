// The client's side of HTTP/2: a connection to an upstream.
import { ResponseHead } from "../message/response-head.ts";
import type { Transport } from "../io/transport.ts";
import { Connection } from "./connection.ts";
import { clientPreface, errorCode, setting } from "../frames/constants.ts";
import type { Flood } from "../frames/floods.ts";
import type { HeaderList } from "../hpack/header-list.ts";
import { readResponse } from "./response-message.ts";
import type { Http2Shared } from "./shared.ts";
import type { Stream, ResponseUser, StreamLoss } from "./stream.ts";
import { ended } from "./stream-table.ts";

/** Who uses a connection to an upstream. */
export interface ClientOwner {
  /** Everything that was in a read is told. */
  connectionRead(connection: Http2ClientConnection): void;
  /** A stream has ended, or the upstream has said how many it takes: there may be more `room`. */
  connectionRoom(connection: Http2ClientConnection): void;
  /** It takes no new streams from now on; those that are open go on. */
  connectionRetiring(connection: Http2ClientConnection): void;
  /** The connection is closed; "" for a clean end. */
  connectionClosed(connection: Http2ClientConnection, failure: string): void;
}

/** Streams at once before the upstream's SETTINGS say how many (RFC 9113 §6.5.2 advises to allow at least so many). */
const assumedStreams = 100;
/** The last id: then another connection is needed. */
const mostId = 0x7fffffff;
/** 1xx responses before one final response; more are a flood. */
const mostInformational = 16;
/** Cancelled streams that an upstream is sure to bear: Node's servers close at 1000 at once and 33 a second (nodejs/node#56306). */
const cancelBurst = 500;
const cancelsASecond = 25;

const neverSent: StreamLoss = Object.freeze({
  cause: "connection",
  code: errorCode.refusedStream,
  unprocessed: true,
  sentence: "the connection ended before the request was sent",
});

/** A request that its upstream does not take. */
const notTaken: StreamLoss = Object.freeze({
  cause: "connection",
  code: errorCode.cancel,
  unprocessed: false,
  sentence: "nothing is taken of what was sent",
});

/** Floods of which each frame ends, or has ended, a stream. */
const costsStream: ReadonlySet<Flood> = new Set<Flood>(["continuations", "largeLists", "forcedResets"]);

export class Http2ClientConnection extends Connection {
  readonly #owner: ClientOwner;
  readonly #head: ResponseHead;
  #connected = false;
  #nextId = 1;
  #most = assumedStreams;
  readonly #pending: Stream[] = [];
  #cancels = cancelBurst;
  #cancelsAtMs: number;

  /**
   * `transport` may still be connecting: then requests wait for `connected`, and are lost as unprocessed if it does not come about. `head` is
   * filled anew for each response: one a worker is enough.
   */
  constructor(transport: Transport, shared: Http2Shared, owner: ClientOwner, head: ResponseHead) {
    super(transport, shared, clientPreface, [[setting.enablePush, 0]]);
    this.#owner = owner;
    this.#head = head;
    this.#cancelsAtMs = shared.nowMs;
  }

  /** The transport is connected: what waits is sent. */
  connected(): void {
    this.#connected = true;
    this.roomChanged();
  }

  /** May `request` be called? */
  get usable(): boolean {
    return !this.isRetiring;
  }

  /** Streams that could begin at once. */
  get room(): number {
    return this.usable ? Math.max(0, this.#most - this.streams.count - this.#pending.length) : 0;
  }

  /** Streams that wait because the upstream takes no more at once. */
  get pendingCount(): number {
    return this.#pending.length;
  }

  /**
   * Sends a request: its header block `block[0..length)`, copied if need be, and `end` if it has no body. A stream for which the upstream has
   * no room waits; what is sent on it meanwhile is kept. The connection must be `usable`.
   */
  request(user: ResponseUser, block: Buffer, length: number, end: boolean): Stream {
    const stream = this.newStream(0);
    stream.user = user;
    if (this.#connected && this.streams.count < this.#most && this.#pending.length === 0) {
      this.#start(stream, block, length, end);
    } else {
      stream.head = Buffer.from(block.subarray(0, length));
      stream.givenEnd = end;
      this.#pending.push(stream);
    }
    return stream;
  }

  #start(stream: Stream, block: Buffer, length: number, end: boolean): void {
    stream.id = this.#nextId;
    this.#nextId += 2;
    stream.sendWindow = this.sender.initialWindow;
    this.addStream(stream);
    stream.givenEnd = false;
    this.sender.head(stream, block, length, true, end);
    if (this.#nextId > mostId) this.drain();
  }

  override resetByUser(stream: Stream, code: number): void {
    const at = stream.id === 0 ? this.#pending.indexOf(stream) : -1;
    if (at >= 0) {
      this.#pending.splice(at, 1);
      stream.user = null;
      this.sender.drop(stream);
      return;
    }
    // A request that is cancelled in the turn in which it came has often not left: then the upstream never hears of it (its id is skipped, RFC 9113 §5.1.1).
    if (this.streams.get(stream.id) === stream && this.output.takeBack(stream.id)) return this.unbegin(stream);
    super.resetByUser(stream, code);
    this.#countCancel();
  }

  /** Too many cancelled streams look like an attack: before that this connection gives way to another one. */
  #countCancel(): void {
    const { nowMs } = this.shared;
    this.#cancels = Math.min(cancelBurst, this.#cancels + ((nowMs - this.#cancelsAtMs) / 1000) * cancelsASecond) - 1;
    this.#cancelsAtMs = nowMs;
    if (this.#cancels < 1) this.drain();
  }

  /** No new streams; it closes after those that are open. */
  override drain(): void {
    if (!this.usable) return;
    this.#retire();
    this.finishIfDone();
  }

  #retire(): void {
    if (this.isRetiring) return;
    this.retire();
    this.times.retired = true;
    this.#owner.connectionRetiring(this);
    // They were never sent: their users choose another connection.
    for (const stream of this.#pending.splice(0)) this.#losePending(stream);
  }

  #losePending(stream: Stream): void {
    const { user } = stream;
    stream.user = null;
    stream.givenEnd = true;
    this.sender.drop(stream);
    user?.streamLost(stream, neverSent);
  }

  protected get lastStreamId(): number {
    return 0;
  }

  protected isIdle(id: number): boolean {
    return id >= this.#nextId || (id & 1) === 0;
  }

  protected queueChanged(): void {
    // The exchange of each stream keeps an eye on what waits there.
  }

  protected readOver(): void {
    this.#owner.connectionRead(this);
  }

  protected setConcurrentStreams(most: number): void {
    this.#most = most;
  }

  protected roomChanged(): void {
    while (this.#connected && this.#pending.length > 0 && this.streams.count < this.#most && this.usable) {
      const stream = this.#pending.shift()!;
      const end = stream.givenEnd && stream.queue.bytes === 0 && stream.trailers === null;
      const given = stream.givenEnd;
      this.#start(stream, stream.head!, stream.head!.length, end);
      stream.head = null;
      stream.givenEnd = given;
      if (!end) this.sender.begun(stream);
    }
    if (this.usable) this.#owner.connectionRoom(this);
  }

  protected headers(id: number, endStream: boolean, list: HeaderList): void {
    if (this.isIdle(id)) return this.fail(errorCode.protocolError, "HEADERS on a stream that was not asked for");
    const stream = this.streams.get(id);
    if (stream === null) return this.headersOfClosed(id);
    if (stream.receivedHead) return this.trailers(stream, endStream, list);
    const user = stream.user as ResponseUser | null;
    const head = this.#head;
    if (list.tooLarge)
      return this.resetForMistake(stream, errorCode.protocolError, this.largeSentence("the head of the response is"));
    if (!readResponse(list, head, user?.isHead ?? false, endStream))
      return this.resetForMistake(stream, errorCode.protocolError, "the head of the response is malformed");
    if (head.status < 200) {
      if (++stream.informational > mostInformational)
        return this.resetForMistake(stream, errorCode.enhanceYourCalm, "too many informational responses");
      user?.streamInformational(stream, head);
      return;
    }
    stream.receivedHead = true;
    stream.bodiless = head.framing === "none";
    stream.contentLeft = stream.bodiless ? -1 : head.contentLength;
    user?.streamResponse(stream, head);
    if (endStream && this.streams.get(id) === stream) this.endReceived(stream, null);
  }

  protected goneAway(lastStreamId: number, code: number): void {
    this.#retire();
    const loss: StreamLoss = { cause: "connection", code, unprocessed: true, sentence: "the upstream has sent GOAWAY" };
    for (const stream of this.streams.all()) if (stream.id > lastStreamId) this.lose(stream, ended.byPeer, loss);
    this.finishIfDone();
  }

  /** Calls of many clients go over this connection: none is lost for what the upstream does to another, or to all. */
  protected overLimit(flood: Flood): boolean {
    // What costs a stream each is bounded by the requests. Of the rest no more is read until the window is over.
    if (!costsStream.has(flood)) this.calm();
    this.drain();
    return false;
  }

  /** Requests that the upstream does not take are lost; answers go on. Where it neither takes nor sends a byte, it is gone. */
  protected stalled(): void {
    const { nowMs, limits } = this.shared;
    if (this.output.congested && nowMs - this.times.lastReadMs >= limits.writeStallTimeoutMs)
      return this.fail(errorCode.enhanceYourCalm, notTaken.sentence);
    this.times.movedMs = this.output.congested ? nowMs : Infinity;
    for (const stream of this.streams.all())
      if (stream.queuedBytes > 0) this.loseHere(stream, errorCode.cancel, notTaken);
    this.drain();
  }

  /** Each costs one of our own requests. */
  protected isHasty(): boolean {
    return false;
  }

  protected bearsLongData(id: number): boolean {
    const stream = this.streams.get(id);
    if (stream !== null) this.resetForMistake(stream, errorCode.frameSizeError, "a DATA frame is larger than allowed");
    return true;
  }

  /** A connection error (RFC 9113 §5.1); but where there are calls of others, these go on, and the connection ends after them. */
  protected closedFault(id: number, sentence: string): void {
    if (this.streams.count === 0) return this.fail(errorCode.streamClosed, sentence);
    this.refuse(id, errorCode.streamClosed);
    this.drain();
  }

  protected closed(failure: string): void {
    for (const stream of this.#pending.splice(0)) this.#losePending(stream);
    this.#owner.connectionClosed(this, failure);
  }

  protected gone(): void {
    // Whoever asked has been told that it is closed.
  }
}
