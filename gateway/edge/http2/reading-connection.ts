// ReadingConnection: cuts what comes into frames, a turn at a time, so that a peer that sends much does not hold up the others of its worker.
import { errorCode, framePayloadBytes, frameType } from "../frames/constants.ts";
import { FramedConnection } from "./framed-connection.ts";
import { found, FrameReader } from "../frames/frames.ts";

export abstract class ReadingConnection extends FramedConnection {
  readonly #reader = new FrameReader();
  /** A rest of what was read waits for the next turn. */
  #held = false;

  /** Does what a frame says. */
  protected abstract frame(reader: FrameReader): void;
  /** DATA in a frame that is too large: false ends the connection, else its stream has ended and the frame is read past. */
  protected abstract bearsLongData(id: number): boolean;
  /** Everything that was read is told. */
  protected abstract readOver(): void;

  received(bytes: Buffer, start: number, end: number): void {
    if (this.over) return;
    this.times.read(this.shared.home.tick());
    this.#reader.feed(bytes, start, end);
    if (this.#held) return;
    this.#read();
    this.readOver();
  }

  protected readOn(): void {
    if (this.#held) this.shared.batch.ask(this);
    else this.transport.resume();
  }

  /** After a turn that was full: the rest of what was read. */
  turnEnded(): void {
    if (this.over || this.choked || this.calming) return;
    this.#held = false;
    this.shared.home.tick();
    try {
      this.#read();
      this.readOver();
    } catch (error) {
      return this.crashed(error);
    }
    if (!this.#held && !this.over && !this.calming) this.transport.resume();
  }

  #read(): void {
    const reader = this.#reader;
    const { framesATurn, framesAHead } = this.shared.limits;
    for (let frames = 0; !this.over; frames += reader.type === frameType.headers ? framesAHead : 1) {
      if (frames >= framesATurn || this.output.choked || this.calming) {
        // Others have their turn, or the peer must first take what it asked for.
        if (!reader.hold()) return;
        this.#held = true;
        this.transport.pause();
        this.shared.batch.ask(this);
        return;
      }
      switch (reader.next()) {
        case found.nothing:
          return;
        case found.tooLong:
          // Only DATA can be read past without being gathered, and only its stream concerns nobody else (RFC 9113 §4.2).
          if (
            reader.type !== frameType.data ||
            reader.length <= framePayloadBytes ||
            !this.bearsLongData(reader.streamId)
          )
            return this.fail(errorCode.frameSizeError, "a frame is too large");
          reader.takeLong();
          continue;
        case found.badPadding:
          return this.fail(errorCode.protocolError, "padding is longer than its frame");
      }
      try {
        this.frame(reader);
      } catch (error) {
        this.#faulted(error, reader.streamId);
      }
    }
  }

  /** A bug showed in what was done for one stream: it ends that stream, and nothing else where there is one. */
  #faulted(error: unknown, streamId: number): void {
    this.shared.home.faulted(error);
    const stream = this.streams.get(streamId);
    if (stream === null) return this.fail(errorCode.internalError, "");
    this.loseHere(stream, errorCode.internalError, {
      cause: "mistake",
      code: errorCode.internalError,
      unprocessed: false,
      sentence: "an unexpected fault",
    });
  }
}
