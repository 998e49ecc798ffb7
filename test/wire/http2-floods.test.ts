// Floods against the gateway's own port, with the limits that it has by default: one below, at it, and one above. The offender is closed with
// ENHANCE_YOUR_CALM, its neighbour is served, and memory stays where it was.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DeadlineWheel } from "../../gateway/edge/io/deadline.ts";
import { Exchange } from "../../gateway/edge/exchange/exchange.ts";
import { errorCode, frameType, setting } from "../../gateway/edge/frames/constants.ts";
import { defaultFloodLimits, type Flood } from "../../gateway/edge/frames/floods.ts";
import { ServedConnection } from "../../gateway/edge/downstream/http2-connection.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { attacks } from "../gateway/edge/http2/attacks.ts";
import { frames, rawClient, type RawPeer } from "../gateway/edge/http2/raw-peer.ts";
import { eventually } from "../turns.ts";
import { Gateway, endpointsOn, irisTo } from "./gateway.ts";
import { Http2Origin } from "./http2-origin.ts";
import { Origin, answerEach } from "./origin.ts";

const mebibyte = 1024 * 1024;

let gateway: Gateway;
let origin: Origin;

async function start(body: string, options: ConstructorParameters<typeof Gateway>[0] = {}): Promise<void> {
  gateway = await new Gateway(options).listen();
  origin = await new Origin(answerEach(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`)).listen();
  const root = irisTo("iris");
  const match = { ...root.match, path: { kind: "prefix" as const, prefix: "/", caseSensitive: true } };
  gateway.serve([{ ...root, space: null, match }], [upstreamOf("iris")], [endpointsOn("iris", [origin.port])]);
}

afterEach(async () => {
  gateway.close();
  await origin.close();
  expect(gateway.faults).toBe(0);
});

/** Sends a request and waits for its answer; ms. */
async function served(peer: RawPeer, id: number): Promise<number> {
  const startMs = performance.now();
  const before = peer.of(frameType.headers).length;
  peer.send(frames.request(id, true));
  await peer.wait(frameType.headers, before + 1);
  return performance.now() - startMs;
}

describe.each(Object.keys(attacks) as Flood[])("%s", (flood) => {
  const limit = defaultFloodLimits[flood];

  beforeEach(() => start("x".repeat(300)));

  test.each([limit - 1, limit])(`%i are borne`, async (count) => {
    const peer = await rawClient(gateway.port);
    await attacks[flood](peer, count);
    // A PING more would be one too many.
    if (flood === "pings") await peer.wait(frameType.ping, count);
    else await peer.answered();
    expect(peer.goAwayCode).toBe(-1);
  });

  test(`${limit + 1} end the connection, and its neighbour is served`, async () => {
    const neighbour = await rawClient(gateway.port);
    await served(neighbour, 1);
    const peer = await rawClient(gateway.port);
    await attacks[flood](peer, limit + 1);
    await peer.wait(frameType.goAway, 1);
    // It is told at once, and closed when it has calmed down: who is closed at once is back at once.
    await gateway.advance(700);
    expect(peer.closed).toBe(false);
    await gateway.during(peer.untilClosed());
    expect(peer.goAwayCode).toBe(errorCode.enhanceYourCalm);
    expect(gateway.flagged("DPE")).toBeGreaterThanOrEqual(1);
    expect(gateway.entries.map(({ sentence }) => sentence)).toContain(
      `The client broke the rules of HTTP/2, so the gateway closed its connection: flood: ${flood}`,
    );
    await served(neighbour, 3);
    expect(neighbour.goAwayCode).toBe(-1);
    await eventually(() => gateway.counted("clientConnectionsHttp2") === 1, "the neighbour alone");
  });
});

test("a flood of resets is counted whole and writes no more lines than a second may have", async () => {
  await start("x", { limits: { accessLinesPerSecond: 50 } });
  const peer = await rawClient(gateway.port);
  await attacks.resets(peer, defaultFloodLimits.resets);
  await peer.answered();
  const lines = gateway.entries.filter(({ flag }) => flag === "DC");
  expect(gateway.flagged("DC")).toBe(defaultFloodLimits.resets);
  expect(lines).toHaveLength(50);
  await gateway.goOnUntil(
    () => gateway.entries.some(({ sentence }) => sentence.startsWith("150 more lines like this one were left out")),
    "how many were left out",
  );
});

test("requests that were reset leave no more in the wheel than the worker keeps to be used again", async () => {
  const sets = vi.spyOn(DeadlineWheel.prototype, "set");
  await start("x");
  const most = 256;
  // Open at once, so that each has an exchange of its own.
  const peers = await Promise.all(Array.from({ length: 4 }, () => rawClient(gateway.port)));
  for (const peer of peers) peer.send(...Array.from({ length: 100 }, (_, i) => frames.request(2 * i + 1, false)));
  for (const peer of peers) await peer.answered();
  for (const peer of peers)
    peer.send(...Array.from({ length: 100 }, (_, i) => frames.reset(2 * i + 1, errorCode.cancel)));
  for (const peer of peers) await peer.answered();
  // Exchanges that are merely cleared would stand there, all of them, for seconds.
  const owners = new Set(sets.mock.calls.map(([{ owner }]) => owner).filter((owner) => owner instanceof Exchange));
  const standing = [...new Set(sets.mock.calls.map(([deadline]) => deadline))].filter(
    ({ owner, slotAtMs }) => owner instanceof Exchange && slotAtMs !== Infinity,
  );
  expect(owners.size).toBe(400);
  expect(standing).toHaveLength(most);
  sets.mockRestore();
});

test("requests that are reset in the read in which they came never reach the upstream, and a later one on the same session is served", async () => {
  await start("x");
  const upstream = await new Http2Origin().listen();
  const root = irisTo("iris");
  const match = { ...root.match, path: { kind: "prefix" as const, prefix: "/", caseSensitive: true } };
  gateway.serve(
    [{ ...root, space: null, match }],
    [{ ...upstreamOf("iris"), protocol: "http2" }],
    [endpointsOn("iris", [upstream.port])],
  );
  const peer = await rawClient(gateway.port);
  await served(peer, 1);
  const pairs = Array.from({ length: 100 }, (_, i) => [
    frames.request(2 * i + 3, false),
    frames.reset(2 * i + 3, errorCode.cancel),
  ]);
  peer.send(...pairs.flat());
  await peer.answered();
  await served(peer, 301);
  // A read may end between a request and its reset, which is then cancelled as any other.
  expect(upstream.requests.length).toBeLessThan(10);
  expect(upstream.sessions).toHaveLength(1);
  expect(gateway.flagged("DC")).toBe(100);
  upstream.close();
});

test("a client that asks for much at once has 20 requests a turn: its neighbour is served between", async () => {
  await start("x");
  const greedy = await rawClient(gateway.port);
  const neighbour = await rawClient(gateway.port);
  const requests = vi.spyOn(ServedConnection.prototype, "request");
  greedy.send(...Array.from({ length: 100 }, (_, i) => frames.request(2 * i + 1, true)));
  neighbour.send(frames.request(1, true));
  await greedy.wait(frameType.headers, 100);
  await neighbour.wait(frameType.headers);
  const { contexts } = requests.mock;
  expect(contexts).toHaveLength(101);
  expect(contexts.findIndex((one) => one !== contexts[0])).toBeLessThanOrEqual(40);
  requests.mockRestore();
});

describe("windows that stay shut", () => {
  const large = "x".repeat(64 * 1024);
  const streams = 100;

  async function shutClients(count: number, window: number): Promise<RawPeer[]> {
    const peers: RawPeer[] = [];
    for (let i = 0; i < count; i++) {
      const peer = await rawClient(gateway.port, [[setting.initialWindowSize, window]]);
      for (let id = 1; id < 2 * streams; id += 2) peer.send(frames.request(id, true));
      peers.push(peer);
    }
    return peers;
  }

  function queued(): number {
    return gateway.counted("http2QueuedBytes");
  }

  test("4 clients with 100 answers of 64 KiB each queue little more than 4 MiB, and a neighbour is served at once", async () => {
    await start(large);
    const neighbour = await rawClient(gateway.port, [[setting.initialWindowSize, 1 << 20]]);
    neighbour.send(frames.windowUpdate(0, 1 << 30));
    await served(neighbour, 1);
    const peers = await shutClients(4, 0);
    for (const peer of peers) await peer.answered();
    await eventually(() => queued() > 3 * mebibyte, "what is queued");
    const times: number[] = [];
    for (let id = 3; id < 103; id += 2) times.push(await served(neighbour, id));
    times.sort((a, b) => a - b);
    // 1 MiB a client, one read more than that, and what their first answers brought.
    expect(queued()).toBeLessThan(4 * (mebibyte + 2 * 64 * 1024));
    process.stdout.write(
      `shut windows: ${(queued() / mebibyte).toFixed(1)} MiB queued, neighbour p50 ${times[25]!.toFixed(1)} ms, p98 ${times[48]!.toFixed(1)} ms\n`,
    );
    for (const peer of peers) peer.socket.destroy();
    await gateway.goOnUntil(() => queued() === 0, "an empty queue");
  });

  test("with an HTTP/2 upstream, where they share sessions with their neighbour, less than 16 MiB, and the neighbour is served at once", async () => {
    await start(large);
    const upstream = await new Http2Origin(({ stream }) => {
      stream.respond({ ":status": 200 });
      stream.end(large);
    }).listen();
    const root = irisTo("iris");
    const match = { ...root.match, path: { kind: "prefix" as const, prefix: "/", caseSensitive: true } };
    gateway.serve(
      [{ ...root, space: null, match }],
      [{ ...upstreamOf("iris"), protocol: "http2" }],
      [endpointsOn("iris", [upstream.port])],
    );
    const peers = await shutClients(4, 0);
    for (const peer of peers) await peer.answered();
    await eventually(() => upstream.requests.length === 4 * streams && queued() > 10 * mebibyte, "what is queued");
    const neighbour = await rawClient(gateway.port, [[setting.initialWindowSize, 1 << 20]]);
    neighbour.send(frames.windowUpdate(0, 1 << 30));
    const bodies = (): number => neighbour.of(frameType.data).reduce((sum, { payload }) => sum + payload.length, 0);
    for (let call = 0; call < 20; call++) {
      neighbour.send(frames.request(2 * call + 1, true));
      while (bodies() < (call + 1) * large.length) await neighbour.next();
    }
    expect(queued()).toBeLessThan(16 * mebibyte);
    upstream.close();
  });

  test("a client that opens its windows after all gets every answer whole", async () => {
    await start(large);
    const [peer] = await shutClients(1, 0);
    await eventually(() => queued() > 0.9 * mebibyte, "what is queued");
    peer!.send(frames.windowUpdate(0, 1 << 30), frames.settings([setting.initialWindowSize, 1 << 20]));
    const bodies = (): number => peer!.of(frameType.data).reduce((sum, { payload }) => sum + payload.length, 0);
    while (bodies() < streams * large.length) await peer!.next();
    expect(bodies()).toBe(streams * large.length);
    await eventually(() => queued() === 0, "an empty queue");
    expect(gateway.answered("200")).toBe(streams);
    expect(peer!.goAwayCode).toBe(-1);
  });

  test("a client that opens its window a little at a time is served to the end, in three times what a reader has that takes nothing", async () => {
    await start(large, { limits: { writeStallTimeoutMs: 250 } });
    const peer = await rawClient(gateway.port, [[setting.initialWindowSize, 0]]);
    peer.send(frames.windowUpdate(0, 1 << 20), frames.request(1, true));
    await peer.answered();
    const bodies = (): number => peer.of(frameType.data).reduce((sum, { payload }) => sum + payload.length, 0);
    while (bodies() < large.length) {
      const before = bodies();
      peer.send(frames.windowUpdate(1, 4096));
      while (bodies() === before) await peer.next();
      await gateway.advance(50);
    }
    expect(bodies()).toBe(large.length);
    expect(gateway.flagged("DC")).toBe(0);
    peer.socket.destroy();
  });

  test("over the budget of the worker every client keeps a little", async () => {
    await start(large, { limits: { http2QueuedBytes: 256 * 1024 } });
    const peers = await shutClients(4, 0);
    for (const peer of peers) await peer.answered();
    await eventually(() => origin.connections.length === 4 * streams, "every request at the origin");
    await peers[0]!.answered();
    // The budget, and for each client what it may keep and two reads more.
    expect(queued()).toBeLessThan(256 * 1024 + 4 * 3 * 64 * 1024);
  });

  test("what nobody takes ends with the time that a reader has", async () => {
    await start(large, { limits: { writeStallTimeoutMs: 200 } });
    await shutClients(1, 0);
    await eventually(() => queued() > 0, "what is queued");
    // The connection ends, or each of its streams does: whoever is due first.
    await gateway.goOnUntil(() => queued() === 0 && gateway.counted("inFlight") === 0, "nothing left");
    expect(gateway.flagged("DC")).toBeGreaterThan(0);
  });
});
