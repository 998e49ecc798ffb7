// Which RST_STREAM is an attack, and which is what a client that means well sends. Each case is tried with the limits of the gateway.
import { describe, expect, test } from "vitest";
import { errorCode, flag, frameType } from "../../../../gateway/edge/frames/constants.ts";
import {
  defaultFloodLimits,
  hastyMs,
  leastCallerMs,
  upstreamFloodLimits,
} from "../../../../gateway/edge/frames/floods.ts";
import { ended, StreamTable } from "../../../../gateway/edge/http2/stream-table.ts";
import { Stream } from "../../../../gateway/edge/http2/stream.ts";
import {
  answer,
  answerAtEnd,
  blockOf,
  startClient,
  startServer,
  untilCut,
  type RunningServer,
  type Serve,
} from "./peers.ts";
import { frames, rawClient, rawServer, type RawPeer } from "./raw-peer.ts";

/** A window that no test outlives. */
const floods = { ...defaultFloodLimits, windowMs: 60_000 };
const limit = floods.resets;
const silent: Serve = () => ({ streamData() {}, streamEnd() {}, streamPassedOn() {}, streamLost() {} });
const grpc = (timeout: string): [string, string][] => [
  ["content-type", "application/grpc"],
  ["te", "trailers"],
  ["grpc-timeout", timeout],
];

function passingOf({ shared }: RunningServer): (ms: number) => void {
  return (ms) => shared.clock.skip(ms);
}

/** Opens `count` streams, 50 at once, and resets them after so many ms of a clock that only `pass` moves. */
async function resetAfter(
  pass: (ms: number) => void,
  peer: RawPeer,
  [from, count]: readonly [number, number],
  ms: number,
  fields: readonly (readonly [string, string])[],
): Promise<void> {
  for (let first = from; first < from + count; first += 50) {
    const ids = Array.from({ length: Math.min(50, from + count - first) }, (_, i) => 2 * (first + i) + 1);
    peer.send(...ids.map((id) => frames.request(id, true, fields)));
    await peer.answered();
    pass(ms);
    peer.send(...ids.map((id) => frames.reset(id, errorCode.cancel)));
    if (first + 50 < from + count) await peer.answered();
  }
}

describe("streams without an answer", () => {
  test.each<[string, number, readonly (readonly [string, string])[]]>([
    ["50 ms old", hastyMs, []],
    ["300 ms old, at their own deadline", 300, grpc("300m")],
    ["20 ms old, at their own deadline", 20, grpc("20m")],
    ["16.5 ms old, as the clock of a caller may say 20", 16.5, grpc("20m")],
    ["10 ms old, at the shortest deadline that counts", leastCallerMs, grpc("10m")],
  ])("%s, may be reset by the thousand", async (_, ms, fields) => {
    const server = await startServer(silent, { floods });
    const peer = await rawClient(server.port);
    await resetAfter(passingOf(server), peer, [0, 1000], ms, fields);
    await peer.answered();
    expect(server.failures).toEqual([]);
  });

  test.each<[string, number, readonly (readonly [string, string])[]]>([
    ["just born", 0, []],
    ["49 ms old", hastyMs - 1, []],
    ["10 ms old, long before their own deadline", 10, grpc("300m")],
    ["9 ms old, behind a deadline that is too short to be one", 9, grpc("1m")],
    ["just born, with a deadline of a nanosecond", 0.1, grpc("1n")],
    ["20 ms old, with a deadline that means nothing outside gRPC", 20, [["grpc-timeout", "20m"]]],
  ])("%s, may be reset 200 times a second and not once more", async (_, ms, fields) => {
    const server = await startServer(silent, { floods });
    const peer = await rawClient(server.port);
    const pass = passingOf(server);
    await resetAfter(pass, peer, [0, limit], ms, fields);
    await peer.answered();
    expect(server.failures).toEqual([]);
    await resetAfter(pass, peer, [limit, 1], ms, fields);
    await peer.wait(frameType.goAway);
    expect(server.failures).toEqual(["flood: resets"]);
  });

  test("may be cancelled at once where more are answered, as hedged calls are", async () => {
    const server = await startServer(
      (stream) => {
        if (stream.id % 6 !== 5) answer(stream, 200, [], "");
        return silent(stream, null as never, true);
      },
      { floods },
    );
    const peer = await rawClient(server.port);
    for (let i = 0; i < 2 * limit; i++) {
      peer.send(frames.request(6 * i + 1, true), frames.request(6 * i + 3, true), frames.request(6 * i + 5, true));
      await peer.wait(frameType.headers, 2 * i + 2);
      peer.send(frames.reset(6 * i + 5, errorCode.cancel));
    }
    await peer.answered();
    expect(server.failures).toEqual([]);
    for (let i = 2 * limit; i < 5 * limit; i++)
      peer.send(frames.request(6 * i + 5, true), frames.reset(6 * i + 5, errorCode.cancel));
    await untilCut(peer, server);
    expect(server.failures).toEqual(["flood: resets"]);
  });
});

describe("streams that are over", () => {
  const count = 3 * limit;

  test("may be reset once each by a client whose calls are answered before it has ended them, and more often 200 times", async () => {
    const server = await startServer(
      (stream, head, isEnd) => {
        answer(stream, 200, [], "");
        if (!isEnd) stream.reset(errorCode.noError);
        return silent(stream, head, isEnd);
      },
      { floods },
    );
    const peer = await rawClient(server.port);
    // In turn, of which the ring of closed streams has long forgotten half when their resets come.
    for (let i = 0; i < count; i++) peer.send(frames.request(2 * i + 1, i % 2 === 0));
    for (let i = 0; i < count; i++) peer.send(frames.reset(2 * i + 1, errorCode.noError));
    await peer.answered();
    for (let i = 0; i < floods.lateResets; i++) peer.send(frames.reset(1, errorCode.noError));
    await peer.answered();
    expect(server.failures).toEqual([]);
    peer.send(frames.reset(1, errorCode.noError));
    await untilCut(peer, server);
    expect(server.failures).toEqual(["flood: lateResets"]);
  });

  test("are not excused by what the client reset itself", async () => {
    const server = await startServer(silent, { floods });
    const peer = await rawClient(server.port);
    await resetAfter(passingOf(server), peer, [0, count], hastyMs, []);
    for (let i = 0; i < floods.lateResets + 1; i++) peer.send(frames.reset(2 * i + 1, errorCode.cancel));
    await untilCut(peer, server);
    expect(server.failures).toEqual(["flood: lateResets"]);
  });

  test("may be reset by an upstream that has answered whole, which RFC 9113 §8.1 invites: at any rate", async () => {
    const server = await rawServer();
    const client = await startClient(server.port, {
      floods: { ...upstreamFloodLimits, lateResets: 10, windowMs: 60_000 },
    });
    const long = client.call("/long", null);
    const peer = await server.peer;
    peer.send(frames.settings([3, 1000]), frames.settingsAck());
    await peer.wait(frameType.headers);
    const ok = blockOf([[":status", "200"]]);
    for (let i = 1; i <= count; i++) {
      const { reply } = client.call("/", null);
      const id = 2 * i + 1;
      await peer.wait(frameType.headers, i + 1);
      peer.send(frames.headers(id, ok, flag.endHeaders | flag.endStream), frames.reset(id, errorCode.noError));
      expect((await reply).loss).toBeNull();
    }
    await peer.answered();
    expect(client.connection.usable).toBe(true);
    peer.send(frames.headers(1, ok, flag.endHeaders | flag.endStream));
    expect(await long.reply).toMatchObject({ status: 200, loss: null });
  });
});

describe("streams over the limit", () => {
  test("are refused by the thousand, and those below it are served", async () => {
    const streams: Stream[] = [];
    const server = await startServer(
      (stream) => {
        streams.push(stream);
        return silent(stream, null as never, true);
      },
      { floods },
    );
    const peer = await rawClient(server.port);
    for (let i = 0; i < 2100; i++) peer.send(frames.request(2 * i + 1, true));
    await peer.wait(frameType.rstStream, 2000);
    expect(new Set(peer.of(frameType.rstStream).map(({ payload }) => payload.readUInt32BE()))).toEqual(
      new Set([errorCode.refusedStream]),
    );
    for (const stream of streams) answer(stream, 200, [], "");
    await peer.wait(frameType.headers, 100);
    // What the client sends again, and its resets of what was refused, are no attack.
    for (let i = 100; i < 2100; i++) peer.send(frames.reset(2 * i + 1, errorCode.cancel));
    peer.send(frames.request(4201, true));
    await peer.answered();
    expect(streams).toHaveLength(101);
    expect(server.failures).toEqual([]);
  });

  test("malformed requests are counted still", async () => {
    const server = await startServer(silent, { floods });
    const peer = await rawClient(server.port);
    for (let i = 0; i <= floods.forcedResets; i++)
      peer.send(frames.request(2 * i + 1, true, [["connection", "close"]]));
    await untilCut(peer, server);
    expect(server.failures).toEqual(["flood: forcedResets"]);
  });
});

describe("how a stream ended", () => {
  function closed(table: StreamTable, id: number, how: number): void {
    const stream = new Stream();
    stream.id = id;
    table.add(stream);
    table.remove(stream, how);
  }

  test("is remembered of the last ones, and forgotten is not never", () => {
    const table = new StreamTable();
    const long = new Stream();
    long.id = 1;
    table.add(long);
    for (let id = 3; id < 1003; id += 2) if (id !== 901) closed(table, id, ended.normally);
    table.refuse(1003);
    expect([999, 749].map((id) => table.howEnded(id))).toEqual([ended.normally, ended.normally]);
    expect(table.howEnded(1003)).toBe(ended.byUs);
    expect([3, 745].map((id) => table.howEnded(id))).toEqual([ended.forgotten, ended.forgotten]);
    expect(table.howEnded(901)).toBe(ended.never);
    // An old stream ends: a later one has its place.
    table.remove(long, ended.byUs);
    expect(table.howEnded(1)).toBe(ended.forgotten);
    expect([table.count, table.ended, table.closed]).toEqual([0, 500, 501]);
  });
});

test("a stream that this side reset long after it began may be sent DATA and trailers still, though it is forgotten", async () => {
  const streams: Stream[] = [];
  const server = await startServer(
    (stream, head, isEnd) => {
      streams.push(stream);
      return answerAtEnd((one) => (one.id === 1 ? undefined : answer(one, 200, [], "")))(stream, head, isEnd);
    },
    { floods },
  );
  const peer = await rawClient(server.port);
  peer.send(frames.request(1, false));
  for (let i = 1; i <= 300; i++) peer.send(frames.request(2 * i + 1, true));
  await peer.wait(frameType.headers, 300);
  streams[0]!.reset(errorCode.noError);
  for (let i = 301; i <= 600; i++) peer.send(frames.request(2 * i + 1, true));
  for (let i = 0; i < 3; i++) peer.send(frames.data(1, Buffer.alloc(16_384)));
  peer.send(frames.headers(1, blockOf([["x-sum", "1"]]), flag.endHeaders | flag.endStream));
  await peer.wait(frameType.headers, 600);
  await peer.answered();
  expect(server.failures).toEqual([]);
});
