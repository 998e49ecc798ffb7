// ConnectionLife: how an HTTP/2 connection ends, and when: it drains, fails, is lost, is silent, or its peer does too much.
import { Deadline, type Timed } from "../io/deadline.ts";
import type { Transport, TransportOwner } from "../io/transport.ts";
import { errorCode, mostWindow } from "../frames/constants.ts";
import { FloodCounters, type Flood } from "../frames/floods.ts";
import { FrameOutput, type OutputOwner } from "./output.ts";
import type { Http2Shared } from "./shared.ts";
import type { Stream, StreamLoss } from "./stream.ts";
import { ended, StreamTable } from "./stream-table.ts";
import { ConnectionTimes } from "../frames/times.ts";

/** After the last frame the peer may take this long to close; then it is cut. */
const closingMs = 1000;
/** What this side's own PINGs carry: for the round trip of a graceful end, and to ask whether the peer is there. */
export const drainPing = Buffer.from("sl-drain");
const keepAlivePing = Buffer.from("sl-alive");

/** How far a connection is; it never goes back. Numbers, so that "that far or further" is one comparison. */
const phase = {
  open: 0,
  /** No new streams: this side or the peer has said GOAWAY, or the peer has closed its half. */
  retiring: 1,
  /** The last id of a graceful end was said: later streams are not served. */
  lastIdSaid: 2,
  /** Nothing is read or told any more; what was said last may still leave. */
  over: 3,
  /** The transport is gone. */
  gone: 4,
} as const;

export abstract class ConnectionLife implements TransportOwner, Timed, OutputOwner {
  readonly transport: Transport;
  protected readonly shared: Http2Shared;
  protected readonly streams = new StreamTable();
  protected readonly output: FrameOutput;
  protected readonly times: ConnectionTimes;
  #phase: (typeof phase)[keyof typeof phase] = phase.open;
  /** What was written is so much more than what the peer reads that it is not read from. */
  protected choked = false;
  /** The peer sent too much, and is not read from for a while. */
  protected calming = false;
  protected readonly floods: FloodCounters;
  readonly #deadline = new Deadline(this);

  constructor(transport: Transport, shared: Http2Shared) {
    const { limits, nowMs } = shared;
    this.transport = transport;
    this.shared = shared;
    this.times = new ConnectionTimes(limits, nowMs, shared.home.draw());
    this.floods = new FloodCounters(limits.floods, nowMs);
    this.output = new FrameOutput(transport, shared.batch, this);
  }

  abstract received(bytes: Buffer, start: number, end: number): void;
  /** It may be read from again. */
  protected abstract readOn(): void;
  /** The peer takes bytes again: sends what waits. */
  protected abstract sendOn(): void;
  /** Something waits for the peer, or waits no longer. */
  abstract waitingChanged(): void;
  /** A stream ended before its time. */
  protected abstract lose(stream: Stream, how: number, loss: StreamLoss): void;
  /** Streams that linger have waited long enough. */
  protected abstract lingered(nowMs: number): void;
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
    return this.#phase >= phase.retiring;
  }

  /** Later streams are not served. */
  protected get lastIdSaid(): boolean {
    return this.#phase >= phase.lastIdSaid;
  }

  /** Nothing is read or told any more. */
  protected get over(): boolean {
    return this.#phase >= phase.over;
  }

  /** No new streams from now on. */
  protected retire(): void {
    if (this.#phase === phase.open) this.#phase = phase.retiring;
  }

  /** No new streams; those that are open go on, then it closes. */
  drain(): void {
    if (this.isRetiring) return;
    this.retire();
    // Streams that the peer sent before it knew are served still: the last id follows after a round trip (RFC 9113 §6.8).
    this.output.goAway(mostWindow, errorCode.noError, "");
    this.output.ping(drainPing, 0, false);
    this.times.draining(this.shared.nowMs);
    this.arm();
  }

  /** The round trip of a graceful end is over. */
  protected sayLastId(): void {
    if (this.times.drainDueMs === Infinity) return;
    this.times.drainDueMs = Infinity;
    this.#phase = phase.lastIdSaid;
    this.output.goAway(this.lastStreamId, errorCode.noError, "");
    this.finishIfDone();
  }

  /** Ends a retiring connection that has no streams. */
  protected finishIfDone(): void {
    if (!this.isRetiring || this.over || this.streams.count > 0 || this.times.drainDueMs !== Infinity) return;
    if (!this.lastIdSaid) this.output.goAway(this.lastStreamId, errorCode.noError, "");
    this.#end("");
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

  /** Counts a frame; true: it was one too many, and the connection is ended. */
  protected flooded(flood: Flood): boolean {
    return this.floods.add(flood, this.shared.nowMs, this.streams.ended) && !this.over && this.overLimit(flood);
  }

  /** What the peer is over the limit of is more than half of what it did. */
  protected isMost(flood: Flood): boolean {
    return this.floods.isMost(flood, this.streams.ended);
  }

  /** The peer is not read from until its counts begin anew. */
  protected calm(): void {
    if (this.calming || this.over) return;
    this.calming = true;
    this.transport.pause();
    this.times.calmDueMs = this.floods.windowEndMs;
    this.arm();
  }

  #calmed(): void {
    this.calming = false;
    this.times.calmDueMs = Infinity;
    if (!this.choked) this.readOn();
  }

  #end(failure: string): void {
    this.#phase = phase.over;
    this.#loseAll(failure === "" ? "the connection was closed" : failure);
    this.output.flush();
    this.shared.wheel.set(this.#deadline, this.shared.nowMs + closingMs);
    this.closed(failure);
  }

  #loseAll(sentence: string): void {
    for (const stream of this.streams.all())
      this.lose(stream, ended.byUs, { cause: "connection", code: errorCode.cancel, unprocessed: false, sentence });
  }

  /** Ends it without a word. */
  destroy(): void {
    this.#gone("destroyed");
    this.transport.destroy();
  }

  #gone(reason: string): void {
    this.shared.wheel.remove(this.#deadline);
    if (this.#phase === phase.gone) return;
    const wasOver = this.over;
    this.#phase = phase.gone;
    if (!wasOver) {
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
    this.retire();
    this.times.retired = true;
    this.times.drainDueMs = Infinity;
    const loss: StreamLoss = {
      cause: "connection",
      code: errorCode.cancel,
      unprocessed: false,
      sentence: "the peer closed the connection",
    };
    // What waits for its windows waits in vain.
    for (const stream of this.streams.all())
      if (!stream.receivedEnd || (stream.queuedBytes > 0 && !this.output.congested))
        this.lose(stream, ended.byPeer, loss);
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
    this.sendOn();
    this.waitingChanged();
    if (!this.choked || this.over) return;
    this.choked = false;
    if (!this.calming) this.readOn();
  }

  /** What was put together in this turn has left, or waits for the peer. */
  flushed(): void {
    if (this.over || !this.output.congested) return;
    if (this.times.movedMs === Infinity) this.waitingChanged();
    // A peer that does not read is not read from, else its requests would pile up answers.
    if (!this.output.choked || this.choked) return;
    this.choked = true;
    this.transport.pause();
  }

  // Deadlines.

  expired(nowMs: number): void {
    this.shared.home.nowMs = nowMs;
    if (this.over) {
      this.destroy();
      return;
    }
    switch (this.times.due(nowMs)) {
      case "head":
        return this.fail(errorCode.enhanceYourCalm, "a preface or a header block is not complete in time");
      case "settings":
        return this.fail(errorCode.settingsTimeout, "SETTINGS were not acknowledged in time");
      case "stall":
        this.stalled();
        break;
      case "silence":
        this.#gone("no answer to a PING");
        return this.transport.destroy();
      case "calm":
        this.#calmed();
        break;
      case "linger":
        this.lingered(nowMs);
        break;
      case "drained":
        this.sayLastId();
        break;
      case "retire":
        this.drain();
        break;
      case "ping":
        this.output.ping(keepAlivePing, 0, false);
        this.times.pinged(nowMs);
        break;
      case "probe":
        this.output.ping(keepAlivePing, 0, false);
        this.times.probing(nowMs);
        break;
      case "nothing":
        break;
    }
    this.arm();
  }

  /** Sets the deadline that comes first. */
  protected arm(): void {
    if (!this.over) this.shared.wheel.set(this.#deadline, this.times.nextMs(this.shared.nowMs));
  }
}
