// Which requests are evidence of a release, and of how long its model took: streams both ways, retries, and requests that are none.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { slowClientMs } from "../../gateway/edge/steps/evidence.ts";
import { rewardsOf } from "../../routing/release/bandit/rewards.ts";
import { armCounts } from "../../routing/release/statistics/arm-counts.ts";
import { latencyBoundsMs, latencyBucket } from "../../routing/release/statistics/latency-bounds.ts";
import type { ForwardTarget, Mapping } from "../../routing/model/mapping.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { eventually } from "../turns.ts";
import { Gateway, endpointsOn, irisTo, post, type GatewayOptions } from "./gateway.ts";
import { answerEach, Origin } from "./origin.ts";
import { begin, grpcIris, PacedModel, ways, type PacedCall, type PacedClient } from "./paced-peers.ts";

const closers: (() => unknown)[] = [];
let gateway: Gateway;
let model: PacedModel;

beforeEach(async () => {
  model = await new PacedModel("http2").listen();
  closers.push(() => model.close());
});
afterEach(async () => {
  await gateway.goOnUntil(() => gateway.counted("inFlight") === 0, "nothing in flight");
  gateway.close();
  for (const close of closers.splice(0).toReversed()) await close();
});

async function start(target: Partial<ForwardTarget>, port: number, options: GatewayOptions = {}): Promise<void> {
  gateway = await new Gateway(options).listen();
  gateway.serveIris([port], { released: true, timeout: { ms: 0, setBy: null }, ...target });
}

/** What is evidence of the only predictor. */
function evidence(): { readonly requests: number; readonly failed: number; readonly times: readonly number[] } {
  const [slot] = gateway.evidence.drain().slots;
  if (slot === undefined) return none;
  const times = Array.from(slot.latency, (count, at) => Array.from({ length: count }, () => latencyBoundsMs[at]!));
  return { requests: slot.requests, failed: slot.failed, times: times.flat() };
}

const none = { requests: 0, failed: 0, times: [] };
const told = (ms: number): number => latencyBoundsMs[latencyBucket(ms)]!;

async function originOf(answer: Parameters<typeof answerEach>[0]): Promise<Origin> {
  const origin = await new Origin(answerEach(answer)).listen();
  closers.push(() => origin.close());
  return origin;
}

async function arrived(at: number): Promise<PacedCall> {
  await eventually(() => model.calls.length > at, "the request at the model");
  return model.calls[at]!;
}

async function over(client: PacedClient): Promise<void> {
  await eventually(() => client.answered() && gateway.counted("inFlight") === 0, "the end of the exchange");
}

test.each([
  [slowClientMs - 600, 1],
  [slowClientMs, 0],
])(
  "gRPC both ways, whose messages before the last take %d ms: %d requests, without a latency",
  async (ms, requests) => {
    gateway = await new Gateway().listen();
    gateway.serve(
      [grpcIris({ released: true, timeout: { ms: 0, setBy: null } })],
      [{ ...upstreamOf("model"), protocol: "http2" }],
      [endpointsOn("model", [model.port])],
    );
    const client = await begin(
      gateway,
      ways.find(({ name }) => name === "gRPC")!,
      30,
    );
    const call = await arrived(0);
    call.begin();
    for (const wait of [ms / 2, ms / 2]) {
      client.send(10);
      const before = client.received();
      // The client thinks, or the model does: from outside that is the same.
      await gateway.advance(wait);
      call.write(10);
      await eventually(() => client.received() > before, "the answer to this message");
    }
    client.send(10);
    client.end();
    await eventually(() => call.isWhole, "the last message at the model");
    await gateway.advance(200);
    call.end();
    await over(client);
    expect(evidence()).toEqual(requests === 0 ? none : { requests: 1, failed: 0, times: [] });
  },
);

test.each([
  [200, 0],
  [503, 1],
])("all tries are one request, with the waits between them: the last one answers %d", async (status, failed) => {
  // Waits are drawn: almost 25, 50 and 100 ms.
  vi.spyOn(Math, "random").mockReturnValue(0.99);
  closers.push(() => vi.restoreAllMocks());
  model.close();
  model = await new PacedModel("http1").listen();
  const retry = { retryOn: ["5xx"], numRetries: 3, perTryTimeoutMs: null };
  await start({ retry, rewrite: { kind: "none" } }, model.port);
  const client = await begin(gateway, ways[0]!, 20);
  client.send(10);
  // The client is slow, and its body is held for the other tries.
  await arrived(0);
  await gateway.advance(8000);
  client.send(10);
  for (const answer of [503, 503, 503, status]) {
    const at = model.calls.length - 1;
    await eventually(() => model.calls[at]!.isWhole, "the whole request at the model");
    await gateway.advance(100);
    model.calls[at]!.answer(answer);
    if (at < 3) await gateway.goOnUntil(() => model.calls.length === at + 2, "another try");
  }
  await over(client);
  const { times, ...found } = evidence();
  expect(found).toEqual({ requests: 1, failed });
  expect(times).toHaveLength(1);
  // Each wait may end a little late.
  expect(times[0]).toBeGreaterThanOrEqual(told(400 + 173));
  expect(times[0]).toBeLessThanOrEqual(told(400 + 173 + 3 * 20));
});

test("a WebSocket connection is none", async () => {
  const origin = await new Origin(({ socket }) => {
    socket.end("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n");
  }).listen();
  closers.push(() => origin.close());
  await start({ upgrades: ["websocket"] }, origin.port);
  const client = await gateway.open(false);
  client.write(
    "GET /seldon/prod/iris/ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n",
  );
  await client.until(({ text }) => text.includes(" 101 "), "the 101");
  client.destroy();
  await gateway.goOnUntil(() => gateway.counted("inFlight") === 0, "the end of the connection");
  expect(evidence()).toEqual(none);
});

test("feedback is none, and a prediction beside it is", async () => {
  const origin = await originOf("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n");
  await start({}, origin.port);
  const feedback = post('{"reward":1}', "", "/seldon/prod/iris/api/v1.0/feedback");
  expect((await gateway.ask(false, feedback)).status).toBe(500);
  expect(evidence()).toEqual(none);
  expect((await gateway.ask(false, post("{}"))).status).toBe(500);
  expect(evidence()).toMatchObject({ requests: 1, failed: 1 });
});

describe("callers, by groups", () => {
  /** Requests by group, those that are refused and those that are not known to be anybody's. */
  async function groups(fields: readonly string[], mapping: Partial<Mapping>, options: GatewayOptions = {}) {
    const origin = await originOf("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
    gateway = await new Gateway(options).listen();
    const iris = irisTo("iris", { released: true, timeout: { ms: 0, setBy: null } });
    gateway.serve([{ ...iris, ...mapping }], [upstreamOf("iris")], [endpointsOn("iris", [origin.port])]);
    for (const field of fields) expect((await gateway.ask(false, post("{}", field))).status).toBe(404);
    await eventually(() => gateway.counted("inFlight") === 0, "the end of the exchanges");
    const [slot] = gateway.evidence.drain().slots;
    expect(slot).toMatchObject({ requests: fields.length, refused: fields.length });
    expect(slot!.callers.refused).toEqual(slot!.callers.requests);
    return [...slot!.callers.requests].filter((count) => count > 0);
  }
  const users = Array.from({ length: 200 }, (_, at) => `x-user: user-${at}\r\n`);
  const sticky = { on: { kind: "header", name: "x-user" }, identity: "prod/iris" } as const;
  const addresses = Array.from({ length: 200 }, (_, at) => `x-forwarded-for: 10.0.${at}.7\r\n`);

  test("by the sticky key: a caller is in one group, and callers are in all", async () => {
    expect(
      await groups(
        Array.from({ length: 20 }, () => users[0]!),
        { sticky },
      ),
    ).toEqual([20]);
  });
  test("of 200 sticky keys", async () => {
    const found = await groups(users, { sticky });
    expect(found.length).toBeGreaterThan(50);
    expect(found.reduce((sum, count) => sum + count, 0)).toBe(200);
  });
  test("by the client's address, where no key is", async () => {
    expect(await groups(users.slice(0, 20), {})).toEqual([20]);
  });
  test("by the address that a trusted proxy tells", async () => {
    expect((await groups(addresses, { sticky }, { trustedHops: 1 })).length).toBeGreaterThan(50);
  });
  test("by nothing, where a trusted proxy tells no address", async () => {
    expect(await groups(["x-forwarded-for: unknown\r\n"], {}, { trustedHops: 1 })).toEqual([]);
  });
});

const chunked = "POST /seldon/prod/iris/p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n";

test.each([
  ["a chunk that is none", "nonsense\r\n", 400],
  ["a body that grows too large", "6\r\nabcdef\r\n", 413],
])("%s, of which the model has the beginning, is none", async (_name, rest, status) => {
  const origin = await originOf("");
  await start({}, origin.port, { limits: { bodyBytes: 10 } });
  const client = await gateway.open(false);
  client.write(chunked);
  await eventually(() => origin.text.includes("abcde"), "the beginning at the model");
  client.write(rest);
  const [answer] = await client.answers(1);
  expect(answer!.status).toBe(status);
  client.destroy();
  await eventually(() => gateway.counted("inFlight") === 0, "the end of the exchange");
  expect(gateway.flagged("DPE")).toBe(1);
  expect(evidence()).toEqual(none);
});

test("the reward `latency` of a bandit is the time of the model, whatever its client does", async () => {
  model.close();
  model = await new PacedModel("http1").listen();
  await start({ rewrite: { kind: "none" } }, model.port);
  for (const [at, waitMs] of [0, 8000].entries()) {
    const client = await begin(gateway, ways[0]!, 20);
    client.send(10);
    const call = await arrived(at);
    await gateway.advance(waitMs);
    client.send(10);
    await eventually(() => call.isWhole, "the whole request at the model");
    await gateway.advance(100);
    call.answer();
    await over(client);
  }
  const { requests, failed, latency } = gateway.evidence.drain().slots[0]!;
  const { count, sum } = rewardsOf({ kind: "latency" }, armCounts({ requests, failed, latency: [...latency] }));
  expect(count).toBe(2);
  expect(sum / count).toBeCloseTo(-Math.log(told(100)));
});
