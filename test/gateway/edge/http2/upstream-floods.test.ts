// What a hostile or careless upstream can do to a connection that carries the calls of many clients: it loses the stream that it spoils, or is
// read from no more for a while, and its connection is drained. No other call is lost.
import { describe, expect, test, vi } from "vitest";
import { errorCode, flag, frameType, setting } from "../../../../gateway/edge/frames/constants.ts";
import { upstreamFloodLimits, type Flood } from "../../../../gateway/edge/frames/floods.ts";
import type { Http2Limits } from "../../../../gateway/edge/frames/limits.ts";
import { tickMs } from "../../../stopped-clock.ts";
import { turns } from "../../../turns.ts";
import { blockOf, startClient, type RunningClient } from "./peers.ts";
import { frame, frames, rawServer, type RawPeer } from "./raw-peer.ts";

const ok = blockOf([[":status", "200"]]);
const end = flag.endHeaders | flag.endStream;

interface Pair {
  readonly client: RunningClient;
  readonly peer: RawPeer;
  /** An answer to it is checked at the end: the call of somebody else. */
  readonly other: ReturnType<RunningClient["call"]>;
}

/** A connection with one open call, whose id is 1. */
async function open(
  limits: Partial<Http2Limits> = {},
  settings: readonly (readonly [number, number])[] = [],
): Promise<Pair> {
  const server = await rawServer();
  const client = await startClient(server.port, {
    connectionCreditAtOnce: true,
    floods: upstreamFloodLimits,
    ...limits,
  });
  const other = client.call("/other", null);
  const peer = await server.peer;
  peer.send(frames.settings(...settings), frames.settingsAck());
  await peer.wait(frameType.headers);
  await peer.answered();
  return { client, peer, other };
}

/** The other call is answered still, whatever happened. */
async function otherIsServed({ peer, other, client }: Pair): Promise<void> {
  peer.send(frames.headers(1, ok, flag.endHeaders), frames.data(1, "late", flag.endStream));
  expect(await other.reply).toMatchObject({ status: 200, loss: null, body: Buffer.from("late") });
  expect(client.shared.faults).toEqual([]);
}

/** A literal that is inserted in the table of the connection. */
function inserted(name: string, value: string): Buffer {
  const block = blockOf([[name, value]]);
  block[0] = 0x40;
  return block;
}

describe("what is too large costs its stream", () => {
  /** A header list of so many bytes, on HEADERS and as many CONTINUATION frames as it needs. */
  function large(streamId: number, flags: number, parts: readonly Buffer[], pieceBytes = 16_384): Buffer[] {
    const block = Buffer.concat(parts);
    const pieces: Buffer[] = [];
    for (let at = 0; at < block.length; at += pieceBytes) pieces.push(block.subarray(at, at + pieceBytes));
    return pieces.map((piece, index) => {
      const last = index === pieces.length - 1 ? flag.endHeaders : 0;
      return index === 0 ? frames.headers(streamId, piece, flags | last) : frames.continuation(streamId, piece, last);
    });
  }

  const fields = (count: number, bytes: number): Buffer[] =>
    Array.from({ length: count }, (_, i) => blockOf([[`x-${i}`, "v".repeat(bytes)]]));

  test.each([
    ["70 kB of trailers", large(3, flag.endStream, fields(7, 10_000))],
    ["one trailer of 70 kB", large(3, flag.endStream, fields(1, 70_000))],
    ["200 kB of trailers in 13 frames", large(3, flag.endStream, fields(20, 10_000))],
    [
      "3 MB of trailers, one of them of 2 MB",
      large(3, flag.endStream, [
        ...fields(50, 10_000),
        inserted("x-huge", "h".repeat(2_000_000)),
        ...fields(50, 10_000),
      ]),
    ],
    ["a name of 100 kB", large(3, flag.endStream, [blockOf([["n".repeat(100_000), "v".repeat(30_000)]])])],
    ["101 trailers", large(3, flag.endStream, fields(101, 1))],
    ["trailers in 100 frames", large(3, flag.endStream, fields(100, 20), 30)],
    [
      "trailers in 400 frames of 1 and 2 bytes, some of them empty",
      large(3, flag.endStream, fields(10, 20), 1).flatMap((bytes, i) =>
        i === 9 ? [bytes, frames.continuation(3, Buffer.alloc(0), 0)] : [bytes],
      ),
    ],
  ])("%s", async (_, trailers) => {
    const pair = await open();
    const { client, peer } = pair;
    // What the table holds must mean the same after a block that was not kept.
    const table = client.call("/table", null);
    const call = client.call("/", null);
    const after = client.call("/after", null);
    await peer.wait(frameType.headers, 4);
    peer.send(frames.headers(3, Buffer.concat([ok, inserted("x-before", "b")]), end));
    expect((await table.reply).fields).toEqual([["x-before", "b"]]);
    peer.send(frames.headers(5, ok, flag.endHeaders), ...trailers.map((bytes) => Buffer.from(bytes).fill(5, 8, 9)));
    expect((await call.reply).loss).toMatchObject({
      cause: "mistake",
      sentence: "trailers are larger than 61440 bytes, or more than 100 fields",
    });
    expect((await peer.wait(frameType.rstStream)).streamId).toBe(5);
    peer.send(frames.headers(7, Buffer.concat([ok, inserted("x-after", "a")]), end));
    expect((await after.reply).fields).toEqual([["x-after", "a"]]);
    const last = client.call("/last", null).stream;
    expect(last).toBeDefined();
    await otherIsServed(pair);
  });

  test("entries from before and within a block that was not kept are found in the table behind it", async () => {
    const pair = await open();
    const { client, peer } = pair;
    const calls = [client.call("/a", null), client.call("/b", null), client.call("/c", null), client.call("/d", null)];
    await peer.wait(frameType.headers, 5);
    peer.send(frames.headers(3, Buffer.concat([ok, inserted("x-before", "b")]), end));
    peer.send(...large(5, flag.endStream, [ok, ...fields(2, 40_000), inserted("x-within", "w")]));
    // 0xbe: the newest entry; 0xbf: the one before it.
    peer.send(frames.headers(7, Buffer.concat([ok, Buffer.from([0xbe, 0xbf])]), end));
    peer.send(...large(9, flag.endStream, [ok, inserted("x-huge", "h".repeat(90_000)), inserted("x-last", "l")]));
    expect((await calls[1]!.reply).loss).toMatchObject({
      sentence: "the head of the response is larger than 61440 bytes, or more than 100 fields",
    });
    expect((await calls[2]!.reply).fields).toEqual([
      ["x-within", "w"],
      ["x-before", "b"],
    ]);
    expect((await calls[3]!.reply).loss).toMatchObject({ cause: "mistake" });
    const late = client.connection.usable ? client.call("/late", null) : null;
    expect(late).toBeNull();
    await otherIsServed(pair);
  });

  test("a DATA frame that is larger than allowed", async () => {
    const pair = await open();
    const { client, peer } = pair;
    const call = client.call("/", null);
    await peer.wait(frameType.headers, 2);
    peer.send(frames.headers(3, ok, flag.endHeaders), frames.data(3, Buffer.alloc(3_000_000), flag.endStream));
    expect((await call.reply).loss).toMatchObject({ code: errorCode.frameSizeError });
    await peer.answered();
    await otherIsServed(pair);
  });

  test("11 lists over the limit in a second drain the connection, and 10 do not", async () => {
    const pair = await open();
    const { client, peer } = pair;
    for (let i = 0; i < upstreamFloodLimits.largeLists; i++) client.call("/", null);
    await peer.wait(frameType.headers, 11);
    for (let id = 3; id <= 21; id += 2) peer.send(...large(id, flag.endStream, [ok, ...fields(7, 10_000)]));
    await peer.answered();
    expect(client.connection.usable).toBe(true);
    client.call("/", null);
    await peer.wait(frameType.headers, 12);
    peer.send(...large(23, flag.endStream, [ok, ...fields(7, 10_000)]));
    await peer.answered();
    expect(client.connection.usable).toBe(false);
    await otherIsServed(pair);
    expect((await peer.wait(frameType.goAway)).payload.readUInt32BE(4)).toBe(errorCode.noError);
  });

  test("a block that is no HPACK ends the connection, kept or not", async () => {
    for (const parts of [
      [Buffer.from([0x80])],
      [...fields(8, 10_000), Buffer.from([0x80])],
      [...fields(8, 10_000), Buffer.from([0x20])],
      [...fields(8, 10_000), Buffer.from([0x00, 0x05, 0x61])],
    ]) {
      const { client, peer } = await open();
      peer.send(...large(1, flag.endStream, parts));
      expect(await client.closed).toBe("a header block is not HPACK");
    }
  });
});

describe("floods of an upstream", () => {
  const window = { windowMs: 400 };
  const floods: Readonly<
    Record<Exclude<Flood, "resets" | "forcedResets" | "continuations" | "tinyPieces" | "largeLists">, () => Buffer>
  > = {
    lateResets: () => frames.reset(3, errorCode.noError),
    pings: () => frames.ping(),
    settings: () => frames.settings([setting.maxFrameSize, 16_384]),
    priorities: () => frames.priority(1),
    emptyData: () => frames.data(1, ""),
    windowUpdates: () => frames.windowUpdate(0, 1),
    ignored: () => frame(0xbe, 0, 0, Buffer.from("unknown")),
  };

  test.each(Object.keys(floods) as (keyof typeof floods)[])(
    "%s: over the limit it is drained and not read from until the window is over, and no call is lost",
    async (flood) => {
      const pair = await open({ floods: { ...upstreamFloodLimits, ...window } });
      const { client, peer } = pair;
      const tick = vi.spyOn(client.shared.home, "tick");
      const call = client.call("/", null);
      await peer.wait(frameType.headers, 2);
      peer.send(frames.headers(3, ok, end));
      await call.reply;
      peer.send(frames.headers(1, ok, flag.endHeaders));
      const one = floods[flood]();
      peer.send(
        ...Array.from({ length: 3 * upstreamFloodLimits[flood] }, () => one),
        frames.data(1, "all", flag.endStream),
      );
      let isServed = false;
      void pair.other.reply.then(() => (isServed = true));
      // Three times the limit takes three windows: the first began before it was sent.
      await client.shared.clock.advance(window.windowMs - 1);
      expect(isServed).toBe(false);
      for (let windows = 1; windows < 4; windows++) {
        await client.shared.clock.advance(window.windowMs + tickMs);
        await turns(60);
      }
      expect(await pair.other.reply).toMatchObject({ status: 200, loss: null, body: Buffer.from("all") });
      expect(client.connection.usable).toBe(false);
      expect(await client.closed).toBe("");
      expect(client.shared.faults).toEqual([]);
      tick.mockRestore();
    },
  );

  test("at the limit nothing happens", async () => {
    for (const flood of ["pings", "priorities", "emptyData", "ignored"] as const) {
      const pair = await open();
      pair.peer.send(frames.headers(1, ok, flag.endHeaders));
      const already = flood === "pings" ? 1 : 0;
      pair.peer.send(
        ...Array.from({ length: upstreamFloodLimits[flood] - already }, () => floods[flood]()),
        frames.data(1, "all", flag.endStream),
      );
      expect(await pair.other.reply).toMatchObject({ status: 200, loss: null });
      expect(pair.client.connection.usable).toBe(true);
    }
  });

  test("DATA and HEADERS behind the end of an answer are refused, and end the connection behind the calls of others", async () => {
    const pair = await open();
    const { client, peer } = pair;
    const call = client.call("/", null);
    await peer.wait(frameType.headers, 2);
    peer.send(frames.headers(3, ok, end));
    await call.reply;
    peer.send(frames.data(3, "more"), frames.headers(3, ok, end));
    await peer.answered();
    expect((await peer.wait(frameType.rstStream)).streamId).toBe(3);
    expect(client.connection.usable).toBe(false);
    await otherIsServed(pair);
  });
});

describe("an upstream that does not take requests", () => {
  test("loses those that wait for its windows, and no other", async () => {
    const pair = await open({ writeStallTimeoutMs: 100 }, [[setting.initialWindowSize, 10]]);
    const { client, peer } = pair;
    const { reply } = client.call("/", Buffer.alloc(1000));
    await peer.answered();
    await client.shared.clock.advance(150);
    expect((await reply).loss).toMatchObject({ unprocessed: false, sentence: "nothing is taken of what was sent" });
    expect((await peer.wait(frameType.rstStream)).streamId).toBe(3);
    await otherIsServed(pair);
  });
});
