// Any sequence of frames, sane or not: no fault shows, and what the streams' users are told makes sense.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Transport, TransportOwner } from "../../../../gateway/edge/io/transport.ts";
import { WireRequestHead } from "../../../../gateway/edge/message/request-head.ts";
import { ResponseHead } from "../../../../gateway/edge/message/response-head.ts";
import { Http2ClientConnection } from "../../../../gateway/edge/http2/client.ts";
import { clientPreface, flag, frameType } from "../../../../gateway/edge/frames/constants.ts";
import { ServerConnection } from "../../../../gateway/edge/http2/server.ts";
import type { Stream, RequestUser, ResponseUser, StreamLoss } from "../../../../gateway/edge/http2/stream.ts";
import type { FieldList } from "../../../../gateway/edge/fields/fields.ts";
import { blockOf, sharedOf } from "./peers.ts";
import { frame, frames, requestBlock, uint32 } from "./raw-peer.ts";

class NoTransport implements Transport {
  readonly peer = "test";
  readonly secure = false;
  readonly alpn = null;
  owner!: TransportOwner;
  congested = false;
  readonly queued = 0;
  readonly unsent = 0;
  destroyed = false;
  write(): void {}
  writeBoth(): void {}
  give(): void {}
  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {
    this.destroyed = true;
  }
}

/** Checks the order of what a user is told: data, then one end or one loss, then nothing. */
class StrictUser implements RequestUser, ResponseUser {
  readonly callerMs = Infinity;
  readonly isHead = false;
  readonly faults: string[];
  readonly #act: number;
  #over = false;
  #responded = false;

  constructor(faults: string[], act: number) {
    this.faults = faults;
    this.#act = act;
  }

  #told(what: string): void {
    if (this.#over) this.faults.push(`${what} after the end`);
  }

  streamInformational(): void {
    this.#told("informational");
  }

  streamResponse(): void {
    this.#told("response");
    if (this.#responded) this.faults.push("two responses");
    this.#responded = true;
  }

  streamData(stream: Stream, bytes: Buffer, start: number, end: number): void {
    this.#told("data");
    if (this.#act === 1) stream.credit(stream.sendData(bytes, start, end, false));
    else if (this.#act === 2) stream.reset(8);
    else stream.credit(end - start);
    if (this.#act === 2) this.#over = true;
  }

  streamEnd(stream: Stream): void {
    this.#told("end");
    this.#over = true;
    if (this.#act === 3) stream.reset(0);
    else stream.sendData(Buffer.from("last"), 0, 4, true);
  }

  streamPassedOn(): void {}

  streamLost(): void {
    this.#told("loss");
    this.#over = true;
  }
}

const id = fc.oneof(fc.constantFrom(0, 1, 3, 5, 7, 2, 4), fc.integer({ min: 0, max: 40 }));
const block = fc.oneof(
  fc.constant(requestBlock()),
  fc.constant(blockOf([[":status", "200"]])),
  fc.constant(
    blockOf([
      [":status", "200"],
      ["content-length", "3"],
    ]),
  ),
  fc.constant(blockOf([["grpc-status", "0"]])),
  fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
);
const headerFlags = fc.constantFrom(flag.endHeaders, flag.endHeaders | flag.endStream, 0, flag.endStream);
const anyFrame = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(id, block, headerFlags).map(([id, block, flags]) => frames.headers(id, block, flags)),
  },
  {
    weight: 6,
    arbitrary: fc
      .tuple(id, fc.string({ maxLength: 9 }), fc.constantFrom(0, flag.endStream))
      .map(([id, text, flags]) => frames.data(id, text, flags)),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(id, block, headerFlags).map(([id, block, flags]) => frames.continuation(id, block, flags)),
  },
  { weight: 2, arbitrary: id.map((id) => frames.reset(id, 7)) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(id, fc.constantFrom(0, 1, 1000, 0x7fffffff))
      .map(([id, bytes]) => frames.windowUpdate(id, bytes)),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.integer({ min: 0, max: 9 }), fc.constantFrom(0, 1, 65_535, 0x7fffffff, 0xffffffff))
      .map((pair) => frames.settings(pair)),
  },
  fc.constant(frames.settingsAck()),
  fc.constant(frames.ping()),
  fc.tuple(id, fc.constantFrom(0, 2)).map(([id, code]) => frames.goAway(id, code)),
  fc
    .tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 255 }), id, fc.uint8Array({ maxLength: 20 }))
    .map(([type, flags, id, payload]) => frame(type, flags, id, [...payload])),
  fc.constant(frame(frameType.ping, flag.ack, 0, Buffer.from("sl-drain"))),
  fc.constant(frame(frameType.windowUpdate, 0, 0, uint32(5))),
);
/** Frames, and what this side does in between. */
const script = fc.array(fc.tuple(anyFrame, fc.constantFrom("", "", "", "congested", "drained", "drain", "call")), {
  maxLength: 40,
});

test("a server", () => {
  fc.assert(
    fc.property(script, fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 50 }), (steps, act, pieceBytes) => {
      const shared = sharedOf({});
      const transport = new NoTransport();
      const faults: string[] = [];
      let closed = 0;
      const connection = new ServerConnection(
        transport,
        shared,
        {
          request: () => new StrictUser(faults, act),
          refused: (stream) => stream.reset(0),
          readOver() {},
          queueChanged() {},
          connectionFailed() {},
          connectionGone() {},
          connectionClosed: () => closed++,
        },
        new WireRequestHead(),
      );
      connection.received(Buffer.concat([clientPreface, frames.settings()]), 0, 33);
      for (const [bytes, step] of steps) {
        for (let at = 0; at < bytes.length; at += pieceBytes)
          connection.received(bytes, at, Math.min(bytes.length, at + pieceBytes));
        if (step === "congested") transport.congested = true;
        else if (step === "drain") connection.drain();
        else if (step === "drained") {
          transport.congested = false;
          connection.drained();
        }
      }
      connection.destroy();
      expect([shared.faults, faults, closed]).toEqual([[], [], 1]);
      expect(connection.streamCount).toBe(0);
    }),
    { numRuns: 2000 },
  );
});

test("a client", () => {
  fc.assert(
    fc.property(script, fc.integer({ min: 0, max: 3 }), (steps, act) => {
      const shared = sharedOf({});
      const transport = new NoTransport();
      const faults: string[] = [];
      let closed = 0;
      const connection = new Http2ClientConnection(
        transport,
        shared,
        { connectionRead() {}, connectionRoom() {}, connectionRetiring() {}, connectionClosed: () => closed++ },
        new ResponseHead(),
      );
      const call = (): void => {
        if (connection.usable)
          connection.request(new StrictUser(faults, act), requestBlock(), requestBlock().length, false);
      };
      connection.connected();
      for (let i = 0; i < 4; i++) call();
      connection.received(frames.settings([3, 3]), 0, 15);
      for (const [bytes, step] of steps) {
        connection.received(bytes, 0, bytes.length);
        if (step === "call") call();
        else if (step === "congested") transport.congested = true;
        else if (step === "drain") connection.drain();
        else if (step === "drained") {
          transport.congested = false;
          connection.drained();
        }
      }
      connection.destroy();
      expect([shared.faults, faults, closed]).toEqual([[], [], 1]);
      expect([connection.streamCount, connection.pendingCount]).toEqual([0, 0]);
    }),
    { numRuns: 2000 },
  );
});

/** What the users of the streams of one connection were told, stream by stream, and why it was closed. */
class Told {
  readonly #streams = new Map<number, { events: string[]; body: string }>();
  closed = "";

  of(id: number): { events: string[]; body: string } {
    const known = this.#streams.get(id);
    if (known !== undefined) return known;
    const made = { events: [], body: "" };
    this.#streams.set(id, made);
    return made;
  }

  /** How much of a body came before its stream was lost is chance. */
  get all(): unknown {
    return [
      this.closed,
      ...[...this.#streams].map(([id, { events, body }]) => [
        id,
        events,
        events.some((event) => event.startsWith("lost")) ? "" : body,
      ]),
    ];
  }
}

function fieldsOf(list: FieldList | null): string {
  if (list === null) return "none";
  const text = (from: number, to: number): string => Buffer.from(list.bytes).toString("latin1", from, to);
  return Array.from(
    { length: list.fieldCount },
    (_, field) =>
      `${text(list.fields[field * 4]!, list.fields[field * 4 + 1]!)}=${text(list.fields[field * 4 + 2]!, list.fields[field * 4 + 3]!)}`,
  ).join(",");
}

class Listener implements RequestUser, ResponseUser {
  readonly callerMs = Infinity;
  readonly isHead = false;
  readonly #told: Told;
  readonly #answers: boolean;

  constructor(told: Told, answers: boolean) {
    this.#told = told;
    this.#answers = answers;
  }

  streamInformational({ id }: Stream, head: ResponseHead): void {
    this.#told.of(id).events.push(`informational ${head.status}`);
  }

  streamResponse({ id }: Stream, head: ResponseHead): void {
    this.#told.of(id).events.push(`response ${head.status} ${fieldsOf(head)}`);
  }

  streamData(stream: Stream, bytes: Buffer, start: number, end: number): void {
    this.#told.of(stream.id).body += bytes.toString("latin1", start, end);
    stream.credit(end - start);
  }

  streamEnd(stream: Stream, trailers: FieldList | null): void {
    this.#told.of(stream.id).events.push(`end ${fieldsOf(trailers)}`);
    if (this.#answers) stream.sendData(Buffer.from("last"), 0, 4, true);
  }

  streamPassedOn(): void {}

  streamLost({ id }: Stream, { cause, code, sentence }: StreamLoss): void {
    this.#told.of(id).events.push(`lost ${cause} ${code} ${sentence}`);
  }
}

/** Padding, priority, blocks in several frames, and fields that refer to others of their connection. */
const cutBlock = fc
  .tuple(
    id,
    fc.constantFrom(
      requestBlock(),
      blockOf([[":status", "200"]]),
      blockOf([["grpc-status", "0"]]),
      Buffer.concat([requestBlock(), Buffer.from([0x40, 1, 0x78, 1, 0x79])]),
      Buffer.concat([requestBlock(), Buffer.from([0xbe])]),
      Buffer.concat([Buffer.from([0x88]), Buffer.from([0x40, 1, 0x78, 1, 0x7a])]),
      Buffer.from([0x88, 0xbe]),
    ),
    fc.array(fc.nat(60), { maxLength: 3 }),
    fc.constantFrom(0, flag.endStream),
    fc.constantFrom(0, flag.padded, flag.priority, flag.padded | flag.priority),
    fc.nat(9),
  )
  .map(([stream, whole, cuts, ends, shape, padding]) => {
    const places = [0, ...cuts.map((cut) => Math.min(cut, whole.length)).toSorted((a, b) => a - b), whole.length];
    const [first, ...more] = places.slice(1).map((to, at) => whole.subarray(places[at], to)) as [Buffer, ...Buffer[]];
    const ahead = [
      ...((shape & flag.padded) !== 0 ? [padding] : []),
      ...((shape & flag.priority) !== 0 ? [0, 0, 0, 0, 7] : []),
    ];
    const payload = Buffer.concat([Buffer.from(ahead), first, Buffer.alloc((shape & flag.padded) !== 0 ? padding : 0)]);
    return Buffer.concat([
      frame(frameType.headers, ends | shape | (more.length === 0 ? flag.endHeaders : 0), stream, payload),
      ...more.map((part, at) => frames.continuation(stream, part, at === more.length - 1 ? flag.endHeaders : 0)),
    ]);
  });
const paddedData = fc
  .tuple(id, fc.string({ maxLength: 20 }), fc.nat(12), fc.constantFrom(0, flag.endStream))
  .map(([stream, text, padding, ends]) =>
    frame(
      frameType.data,
      flag.padded | ends,
      stream,
      Buffer.concat([Buffer.from([padding]), Buffer.from(text), Buffer.alloc(padding)]),
    ),
  );
const session = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: cutBlock },
      { weight: 2, arbitrary: paddedData },
      { weight: 2, arbitrary: anyFrame },
    ),
    { maxLength: 20 },
  )
  .map((all) => Buffer.concat(all));
/** One buffer for all reads, as a worker has it: what was read is written over. */
function feed(bytes: Buffer, pieceBytes: number, received: (bytes: Buffer, start: number, end: number) => void): void {
  const room = Buffer.alloc(Math.min(bytes.length, pieceBytes));
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const piece = bytes.subarray(at, at + pieceBytes);
    room.fill(0xff);
    piece.copy(room);
    received(room, 0, piece.length);
  }
}

function servedIn(bytes: Buffer, pieceBytes: number): unknown {
  const shared = sharedOf({});
  const told = new Told();
  const connection = new ServerConnection(
    new NoTransport(),
    shared,
    {
      request(stream, head, ended) {
        told.of(stream.id).events.push(`request ${ended} ${head.contentLength} ${fieldsOf(head)}`);
        return new Listener(told, true);
      },
      refused(stream, failure) {
        told.of(stream.id).events.push(`refused ${failure.name}`);
        stream.reset(0);
      },
      readOver() {},
      queueChanged() {},
      connectionFailed: (sentence) => (told.closed += sentence),
      connectionGone() {},
      connectionClosed() {},
    },
    new WireRequestHead(),
  );
  feed(Buffer.concat([clientPreface, frames.settings(), bytes]), pieceBytes, (piece, start, end) =>
    connection.received(piece, start, end),
  );
  const { all } = told;
  connection.destroy();
  expect(shared.faults).toEqual([]);
  return all;
}

function answeredIn(bytes: Buffer, pieceBytes: number): unknown {
  const shared = sharedOf({});
  const told = new Told();
  const connection = new Http2ClientConnection(
    new NoTransport(),
    shared,
    {
      connectionRead() {},
      connectionRoom() {},
      connectionRetiring() {},
      connectionClosed: (_, failure) => (told.closed += failure),
    },
    new ResponseHead(),
  );
  connection.connected();
  for (let i = 0; i < 4; i++)
    connection.request(new Listener(told, false), requestBlock(), requestBlock().length, false);
  feed(Buffer.concat([frames.settings(), bytes]), pieceBytes, (piece, start, end) =>
    connection.received(piece, start, end),
  );
  const { all } = told;
  connection.destroy();
  expect(shared.faults).toEqual([]);
  return all;
}

test.each([
  ["server", servedIn],
  ["client", answeredIn],
] as const)("what a %s reads is the same however the bytes were split", (_side, readIn) => {
  fc.assert(
    fc.property(session, fc.oneof(fc.constant(1), fc.integer({ min: 2, max: 60 })), (bytes, pieceBytes) => {
      expect(readIn(bytes, pieceBytes)).toEqual(readIn(bytes, bytes.length + 100));
    }),
    { numRuns: 400 },
  );
});
