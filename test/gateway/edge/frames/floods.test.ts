// Each limit of floods.ts: one below, at it, and one above. A peer over it gets ENHANCE_YOUR_CALM; others notice nothing.
import { describe, expect, test } from "vitest";
import { errorCode, flag, frameType, setting } from "../../../../gateway/edge/frames/constants.ts";
import { defaultFloodLimits, type Flood } from "../../../../gateway/edge/frames/floods.ts";
import { tickMs } from "../../../stopped-clock.ts";
import { eventually, settled } from "../../../turns.ts";
import { answer, answerAtEnd, blockOf, startServer, untilCut, type RunningServer } from "../http2/peers.ts";
import { attacks } from "../http2/attacks.ts";
import { frame, frames, rawClient, rawSocket, requestBlock, type RawPeer } from "../http2/raw-peer.ts";

/** Small limits, in a window that no test outlives. */
const limit = 12;
const floods = Object.fromEntries([
  ...Object.keys(defaultFloodLimits).map((name) => [name, limit]),
  ["windowMs", 60_000],
]) as Record<Flood | "windowMs", number>;

async function attack(server: RunningServer, flood: Flood, count: number): Promise<RawPeer> {
  const peer = await rawClient(server.port);
  await attacks[flood](peer, count);
  return peer;
}

function start(changes: Partial<Record<Flood, number>>): Promise<RunningServer> {
  const body = "x".repeat(100);
  // tinyPieces sends WINDOW_UPDATE too, and pings ask whether the connection lives: only the limit under test is small.
  const others = Object.fromEntries(
    Object.keys(floods).map((name) => [name, name === "windowMs" ? 60_000 : 10_000]),
  ) as typeof floods;
  return startServer(
    answerAtEnd((stream) => answer(stream, 200, [], body)),
    { floods: { ...others, ...changes } },
  );
}

describe.each(Object.keys(attacks) as Flood[])("%s", (flood) => {
  test.each([limit - 1, limit])("%i of 12 are borne", async (count) => {
    const server = await start({ [flood]: limit });
    const peer = await attack(server, flood, count);
    if (flood !== "pings") await peer.answered();
    else await peer.wait(frameType.ping, count);
    expect(peer.goAwayCode).toBe(-1);
    expect(server.failures).toEqual([]);
  });

  test("13 end the connection, and its neighbour is served", async () => {
    const server = await start({ [flood]: limit });
    const neighbour = await rawClient(server.port);
    const peer = await attack(server, flood, limit + 1);
    await untilCut(peer, server);
    expect(peer.goAwayCode).toBe(errorCode.enhanceYourCalm);
    expect(server.failures).toEqual([`flood: ${flood}`]);
    neighbour.send(frames.request(1, true));
    expect((await neighbour.wait(frameType.headers)).streamId).toBe(1);
  });
});

describe("frames that are read and thrown away are counted as one", () => {
  const refused = frames.request(1, true, [["connection", "close"]]);
  const late = [frames.request(1, false), frames.windowUpdate(1, 0)];

  test.each<[string, readonly Buffer[], () => Buffer]>([
    ["unknown types", [], () => frame(0xfe, 0xff, 1, Buffer.alloc(3))],
    ["acknowledgements of SETTINGS", [], frames.settingsAck],
    ["answers to a PING that was not sent", [], () => frame(frameType.ping, flag.ack, 0, Buffer.from("sl-drain"))],
    ["GOAWAY", [frames.request(1, false)], () => frames.goAway(0, errorCode.noError)],
    ["HEADERS on a stream that was refused", [refused], () => frames.request(1, true)],
    ["HEADERS on a stream that was reset here", late, () => frames.request(1, true)],
    // One frame takes all that the window allowed.
    [
      "DATA on a stream that was reset here, beyond its window",
      [...late, ...[16_384, 16_384, 16_384, 16_383].map((bytes) => frames.data(1, Buffer.alloc(bytes)))],
      () => frames.data(1, "x"),
    ],
  ])("%s", async (_, before, one) => {
    for (const count of [limit, limit + 1]) {
      const server = await start({ ignored: limit });
      const peer = await rawClient(server.port);
      peer.send(...before, ...Array.from({ length: count }, one));
      if (count <= limit) await peer.answered();
      else await untilCut(peer, server);
      expect(server.failures).toEqual(count <= limit ? [] : ["flood: ignored"]);
    }
  });

  test("but not what a client sends that could not know of a reset: as much DATA as its window allowed, in frames of one byte", async () => {
    const server = await start({ ignored: limit });
    const peer = await rawClient(server.port);
    peer.send(...late, ...Array.from({ length: 60_000 }, () => frames.data(1, "x")));
    await peer.answered();
    expect(peer.goAwayCode).toBe(-1);
  });

  test("with the limits of the gateway a browser may send PRIORITY_UPDATE with each of 100 requests at once, ten times a second", async () => {
    const server = await startServer(
      answerAtEnd((stream) => answer(stream, 200, [], "x")),
      {},
    );
    const peer = await rawClient(server.port);
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 100; i++)
        peer.send(frame(0x10, 0, 0, Buffer.from("\0\0\0\x01u=3")), frames.request(2 * (100 * round + i) + 1, true));
      await peer.answered();
    }
    expect(peer.goAwayCode).toBe(-1);
  });
});

test("counts begin anew with each window", async () => {
  const server = await startServer(
    answerAtEnd(() => {}),
    { floods: { ...defaultFloodLimits, windowMs: 50, priorities: 5 } },
  );
  const peer = await rawClient(server.port);
  for (let i = 0; i < 4; i++) {
    await attacks.priorities(peer, 5);
    await peer.answered();
    await server.shared.clock.advance(60);
  }
  expect(peer.goAwayCode).toBe(-1);
});

test("PING and WINDOW_UPDATE that go with content are no flood", async () => {
  const server = await start({ pings: limit, windowUpdates: limit });
  const peer = await rawClient(server.port);
  for (let i = 0; i < 60; i++) {
    peer.send(frames.request(2 * i + 1, true), frames.windowUpdate(0, 100));
    await peer.answered();
  }
  expect(peer.goAwayCode).toBe(-1);
});

test("resets of streams that were answered are no flood", async () => {
  const server = await startServer(
    (stream) => {
      const block = blockOf([[":status", "200"]]);
      stream.sendHead(block, block.length, true, false);
      return { streamData() {}, streamEnd() {}, streamPassedOn() {}, streamLost() {} };
    },
    { floods },
  );
  const peer = await rawClient(server.port);
  for (let i = 0; i < 3 * limit; i++) {
    peer.send(frames.request(2 * i + 1, true));
    await peer.wait(frameType.headers, i + 1);
    peer.send(frames.reset(2 * i + 1, errorCode.cancel));
  }
  await peer.answered();
  expect(peer.goAwayCode).toBe(-1);
});

describe("what never comes", () => {
  const quick = { headTimeoutMs: 100 };

  test.each([
    ["nothing at all", []],
    ["half a preface", [Buffer.from("PRI * HTTP/2.0")]],
    ["a preface without SETTINGS", [Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]],
  ])("%s is ended at the deadline of a head", async (_, parts) => {
    const server = await startServer(
      answerAtEnd(() => {}),
      quick,
    );
    const peer = await rawSocket(server.port);
    peer.send(...parts);
    await server.shared.clock.advance(99);
    expect(peer.closed).toBe(false);
    await server.shared.clock.advance(1 + tickMs);
    await untilCut(peer, server);
    expect(peer.goAwayCode).toBe(errorCode.enhanceYourCalm);
  });

  test("the rest of a header block", async () => {
    const server = await startServer(
      answerAtEnd(() => {}),
      quick,
    );
    const peer = await rawClient(server.port);
    peer.send(frames.headers(1, requestBlock(), 0));
    await server.shared.clock.advance(100 + tickMs);
    await untilCut(peer, server);
    expect(peer.goAwayCode).toBe(errorCode.enhanceYourCalm);
  });

  test("the acknowledgement of SETTINGS", async () => {
    const server = await startServer(
      answerAtEnd(() => {}),
      { settingsTimeoutMs: 100 },
    );
    const peer = await rawSocket(server.port);
    peer.send(Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frames.settings());
    await server.shared.clock.advance(100 + tickMs);
    await untilCut(peer, server);
    expect(peer.goAwayCode).toBe(errorCode.settingsTimeout);
  });

  test("a window for what is queued", async () => {
    const server = await startServer(
      answerAtEnd((stream) => answer(stream, 200, [], "x".repeat(50_000))),
      { writeStallTimeoutMs: 100 },
    );
    const peer = await rawClient(server.port, [[setting.initialWindowSize, 0]]);
    peer.send(frames.request(1, true), frames.request(3, true));
    await server.shared.clock.advance(150);
    await untilCut(peer, server);
    expect(peer.goAwayCode).toBe(errorCode.enhanceYourCalm);
    expect(peer.of(frameType.data)).toEqual([]);
  });

  test("a reader: the peer that takes no bytes is not read from, and is cut", async () => {
    let requests = 0;
    const big = "x".repeat(16_000);
    const server = await startServer(
      (stream) => {
        requests++;
        answer(stream, 200, [["x-large", big]], "");
        return { streamData() {}, streamEnd() {}, streamPassedOn() {}, streamLost() {} };
      },
      { writeStallTimeoutMs: 300 },
    );
    const peer = await rawClient(server.port);
    peer.socket.pause();
    const sent = 20_000;
    for (let i = 0; i < sent; i++) peer.socket.write(frames.request(2 * i + 1, true));
    await eventually(() => requests > 0, "requests");
    await settled(() => requests);
    await server.shared.clock.advance(1000);
    expect(server.failures).toEqual(["nothing is taken of what was sent"]);
    // What the kernel took, and a little more. Without the brake it would have answered all of them into memory: 320 MB.
    expect(requests * big.length).toBeLessThan(8_000_000);
  });
});
