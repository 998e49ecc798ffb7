// What is measured of a release: the time that its model takes, and never the time of its client.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { slowClientMs } from "../../gateway/edge/steps/evidence.ts";
import { latencyBoundsMs, latencyBucket } from "../../routing/release/statistics/latency-bounds.ts";
import type { ForwardTarget } from "../../routing/model/mapping.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { eventually, settled } from "../turns.ts";
import { Gateway, endpointsOn, irisTo } from "./gateway.ts";
import { begin, grpcIris, PacedModel, ways, type PacedCall, type PacedClient, type Way } from "./paced-peers.ts";

/** Upper bounds of the buckets in which these times fall: what can be told of them. */
function told(...times: readonly number[]): readonly number[] {
  return times.map((ms) => latencyBoundsMs[latencyBucket(ms)]!);
}

describe.each(ways.map((way) => [way.name, way] as const))("%s", (_name, way: Way) => {
  let gateway: Gateway;
  let model: PacedModel;
  const clients: PacedClient[] = [];
  const isHttp2 = way.client === "http2" || way.client === "grpc";
  /** Of 16 KiB: so many that the gateway has to hold the model back. */
  const manyPieces = isHttp2 ? 64 : 2500;
  let taken = 0;

  beforeEach(async () => {
    model = await new PacedModel(way.upstream).listen();
    taken = 0;
    await start();
  });
  afterEach(async () => {
    await left();
    gateway.close();
    model.close();
  });

  async function start(target: Partial<ForwardTarget> = {}): Promise<void> {
    gateway?.close();
    gateway = await new Gateway().listen();
    const released = { released: true, timeout: { ms: 0, setBy: null }, ...target };
    const isGrpc = way.client === "grpc" || way.client === "grpc-web";
    gateway.serve(
      [isGrpc ? grpcIris(released) : irisTo("model", { rewrite: { kind: "none" }, ...released })],
      [{ ...upstreamOf("model"), protocol: way.upstream }],
      [endpointsOn("model", [model.port])],
    );
  }

  async function ask(bodyBytes: number, fields: Readonly<Record<string, string>> = {}): Promise<PacedClient> {
    const client = await begin(gateway, way, bodyBytes, fields);
    clients.push(client);
    return client;
  }

  /** The model has the next request, or its beginning. */
  async function arrived(): Promise<PacedCall> {
    const at = taken++;
    await eventually(() => model.calls.length > at, "the request at the model");
    return model.calls[at]!;
  }

  async function whole(): Promise<PacedCall> {
    const call = await arrived();
    await eventually(() => call.isWhole, "the whole request at the model");
    return call;
  }

  /** All clients are gone, and their exchanges over. */
  async function left(): Promise<void> {
    for (const client of clients.splice(0)) client.leave();
    await gateway.goOnUntil(() => gateway.counted("inFlight") === 0, "nothing in flight");
  }

  async function over(client: PacedClient): Promise<void> {
    await eventually(() => client.answered(), "the answer");
    await eventually(() => gateway.counted("inFlight") === 0, "the end of the exchange");
  }

  /** What was measured: requests, failures among them, and times. */
  function measured(): { readonly requests: number; readonly failed: number; readonly times: readonly number[] } {
    const [slot] = gateway.evidence.drain().slots;
    if (slot === undefined) return { requests: 0, failed: 0, times: [] };
    const times = Array.from(slot.latency, (count, at) => Array.from({ length: count }, () => latencyBoundsMs[at]!));
    return { requests: slot.requests, failed: slot.failed, times: times.flat() };
  }

  test("from the end of the request to the beginning of the answer", async () => {
    const client = await ask(10);
    client.send(10);
    client.end();
    const call = await whole();
    await gateway.advance(100);
    call.answer();
    await over(client);
    expect(measured()).toEqual({ requests: 1, failed: 0, times: told(100) });
  });

  test("a client that sends slowly is not in it", async () => {
    const client = await ask(20);
    client.send(10);
    const call = await arrived();
    await gateway.advance(8000);
    client.send(10);
    client.end();
    await eventually(() => call.isWhole, "the whole request at the model");
    await gateway.advance(100);
    call.answer();
    await over(client);
    expect(measured()).toEqual({ requests: 1, failed: 0, times: told(100) });
  });

  test("what follows the beginning of the answer is not in it, whoever pauses", async () => {
    const client = await ask(1);
    client.send(1);
    client.end();
    const call = await whole();
    await gateway.advance(100);
    client.pauseReading();
    call.begin();
    for (let piece = 0; piece < manyPieces; piece++) call.write(16 * 1024);
    await settled(() => call.sent);
    await gateway.advance(8000);
    await client.resumeReading();
    await eventually(() => call.unread === 0, "all of it at the gateway");
    await gateway.advance(200);
    call.end();
    await over(client);
    expect(measured()).toEqual({ requests: 1, failed: 0, times: told(100) });
  });

  test("an answer that begins before its request has ended has no latency", async () => {
    const client = await ask(20);
    client.send(10);
    const call = await arrived();
    call.begin();
    await gateway.advance(4000);
    client.send(10);
    client.end();
    await eventually(() => call.isWhole, "the whole request at the model");
    await gateway.advance(200);
    call.end();
    await over(client);
    expect(measured()).toEqual({ requests: 1, failed: 0, times: [] });
  });

  test("an answer that ends before its request has no latency; where it is a failure, it counts as one", async () => {
    for (const [status, grpcStatus] of [
      [200, "0"],
      [500, "13"],
    ] as const) {
      const client = await ask(20);
      client.send(10);
      const call = await arrived();
      await gateway.advance(500);
      call.answer(status, grpcStatus);
      await eventually(() => client.answered() || gateway.counted("inFlight") === 0, "the answer");
      await gateway.advance(500);
      client.send(10);
      client.end();
      await eventually(() => gateway.counted("inFlight") === 0, "the end of the exchange");
    }
    expect(measured()).toEqual({ requests: 2, failed: 1, times: told(0) });
  });

  test("a request that the model refuses is evidence without a latency, unless the refusal is about its client; one that it fails has one", async () => {
    for (const [status, grpcStatus] of [
      [400, "3"],
      [404, "5"],
      [422, "11"],
      [429, "8"],
      [401, "16"],
      [403, "7"],
      [408, "1"],
      [413, "8"],
      [503, "14"],
    ] as const) {
      const client = await ask(1);
      client.send(1);
      client.end();
      const call = await whole();
      await gateway.advance(100);
      call.answer(status, grpcStatus);
      await over(client);
    }
    const [slot] = gateway.evidence.drain().slots;
    expect(slot).toMatchObject({ requests: 4, failed: 1, refused: 3, denied: 5 });
    expect([slot!.latency[latencyBucket(100)], slot!.latency.reduce((sum, count) => sum + count, 0)]).toEqual([1, 1]);
    const { requests, failed, refused } = slot!.callers;
    const at = requests.findIndex((count) => count > 0);
    expect([requests[at], failed[at], refused[at]]).toEqual([4, 1, 3]);
  });

  test("a client that leaves is no evidence, whatever had come of its answer", async () => {
    for (const part of ["request", "wait", "answer"]) {
      const client = await ask(20);
      client.send(10);
      const call = await arrived();
      await gateway.advance(100);
      if (part !== "request") {
        client.send(10);
        client.end();
        await eventually(() => call.isWhole, "the whole request at the model");
      }
      if (part === "answer") {
        call.begin(500, "13");
        call.write(10);
        await gateway.advance(100);
      }
      await left();
    }
    expect(gateway.flagged("DC")).toBe(3);
    expect(measured()).toEqual({ requests: 0, failed: 0, times: [] });
  });

  test.each([
    [slowClientMs - 10, 1],
    [slowClientMs + 10, 0],
  ])("a client that lets the gateway wait %d ms: %d failures", async (waitedMs, failed) => {
    const client = await ask(20);
    client.send(10);
    const call = await arrived();
    await gateway.advance(waitedMs);
    call.cut();
    await eventually(() => client.answered(), "the answer");
    await left();
    expect(measured()).toMatchObject({ requests: failed, failed });
  });

  test("the limit that is written for the answer counts where the model had it, and not where its client had", async () => {
    await start({ timeout: { ms: 5000, setBy: "the test" } });
    const ends = async (call: PacedCall): Promise<void> => {
      await gateway.goOnUntil(() => gateway.flagged("UT") > 0 && gateway.counted("inFlight") === 0, "the limit");
      call.cut();
    };
    // It hangs: before its answer, and in the middle of it.
    for (const begins of [false, true]) {
      const client = await ask(1);
      client.send(1);
      client.end();
      const call = await whole();
      if (begins) {
        call.begin();
        call.write(10);
      }
      await gateway.advance(100);
      await ends(call);
      expect(measured()).toEqual({ requests: 1, failed: 1, times: told(5000) });
      await start({ timeout: { ms: 5000, setBy: "the test" } });
    }
    const client = await ask(1);
    client.send(1);
    client.end();
    const call = await whole();
    client.pauseReading();
    call.begin();
    for (let piece = 0; piece < manyPieces; piece++) call.write(16 * 1024);
    await settled(() => call.sent);
    await gateway.advance(100);
    await ends(call);
    expect(measured()).toEqual({ requests: 0, failed: 0, times: [] });
  });
});

describe("the caller's grpc-timeout", () => {
  const way = ways.find(({ name }) => name === "gRPC")!;

  test.each([
    ["1m", 0],
    ["2690m", 0],
    ["2710m", 1],
  ])("%s of a deployment's 3 s: %d failures", async (timeout, failed) => {
    const model = await new PacedModel("http2").listen();
    const gateway = await new Gateway().listen();
    gateway.serve(
      [grpcIris({ released: true })],
      [{ ...upstreamOf("model"), protocol: "http2" }],
      [endpointsOn("model", [model.port])],
    );
    const client = await begin(gateway, way, 1, { "grpc-timeout": timeout });
    client.send(1);
    client.end();
    await gateway.goOnUntil(() => gateway.flagged("UT") === 1, "the caller's limit");
    const [slot] = gateway.evidence.drain().slots;
    expect([slot?.requests ?? 0, slot?.failed ?? 0]).toEqual([failed, failed]);
    client.leave();
    gateway.close();
    model.close();
  });

  test.each([
    ["4m", 1, 0],
    ["50m", 50, 0],
    ["50m", 20, 1],
    ["2690m", 2690, 0],
    ["2690m", 1000, 1],
    ["2710m", 2710, 1],
    ["", 50, 1],
  ])(
    "%s, which the model itself tells by DEADLINE_EXCEEDED after %d ms: %d failures",
    async (timeout, afterMs, failed) => {
      const model = await new PacedModel("http2").listen();
      const gateway = await new Gateway().listen();
      gateway.serve(
        [grpcIris({ released: true })],
        [{ ...upstreamOf("model"), protocol: "http2" }],
        [endpointsOn("model", [model.port])],
      );
      const client = await begin(gateway, way, 1, timeout === "" ? {} : { "grpc-timeout": timeout });
      client.send(1);
      client.end();
      await eventually(() => model.calls.some(({ isWhole }) => isWhole), "the request at the model");
      await gateway.advance(afterMs - 1);
      model.calls[0]!.answer(200, "4");
      await eventually(() => gateway.counted("inFlight") === 0, "the end of the exchange");
      expect(gateway.flagged("UT")).toBe(0);
      const [slot] = gateway.evidence.drain().slots;
      expect([slot?.requests ?? 0, slot?.failed ?? 0]).toEqual([failed, failed]);
      client.leave();
      gateway.close();
      model.close();
    },
  );

  test("a caller that opens a stream and says nothing", async () => {
    const model = await new PacedModel("http2").listen();
    const gateway = await new Gateway({ limits: { streamIdleTimeoutMs: 5000 } }).listen();
    gateway.serve(
      [grpcIris({ released: true, timeout: { ms: 0, setBy: null } })],
      [{ ...upstreamOf("model"), protocol: "http2" }],
      [endpointsOn("model", [model.port])],
    );
    const silent = await begin(gateway, way, 10);
    await gateway.goOnUntil(() => gateway.flagged("SI") === 1, "the limit of silence");
    expect(gateway.evidence.drain().slots).toEqual([]);
    // The model says nothing.
    const waiting = await begin(gateway, way, 1, { "grpc-timeout": "50S" });
    waiting.send(1);
    waiting.end();
    await eventually(() => model.calls.some(({ isWhole }) => isWhole), "the request at the model");
    await gateway.goOnUntil(() => gateway.flagged("SI") === 2, "the limit of silence");
    expect(gateway.evidence.drain().slots).toMatchObject([{ requests: 1, failed: 1 }]);
    silent.leave();
    waiting.leave();
    gateway.close();
    model.close();
  });
});
