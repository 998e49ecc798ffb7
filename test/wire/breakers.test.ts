// Circuit breakers on the wire: what is admitted, what waits, what is refused, and that nothing is left in use afterwards.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CounterBlock, blockBytes, breakerCell, heavyUseBytes } from "../../gateway/shared/memory/counters.ts";
import { resource } from "../../gateway/edge/balancing/breaker.ts";
import { flag, frameType } from "../../gateway/edge/frames/constants.ts";
import type { Breaker } from "../../routing/model/upstream.ts";
import { mappingOf, upstreamOf } from "../gateway/fixtures.ts";
import { blockOf } from "../gateway/edge/http2/peers.ts";
import { frames, rawClient } from "../gateway/edge/http2/raw-peer.ts";
import { eventually } from "../turns.ts";
import { fieldOf, type RawClient } from "./client.ts";
import { Gateway, endpointsOn, irisTo, post } from "./gateway.ts";
import { Origin, requestsIn } from "./origin.ts";

const ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const wide: Breaker = {
  priority: "default",
  maxConnections: 1024,
  maxPendingRequests: 1024,
  maxRequests: 1024,
  maxRetries: 3,
};

let origin: Origin;
let gateways: Gateway[];
let clients: RawClient[];

beforeEach(async () => {
  // It answers when the test says so.
  origin = await new Origin(() => undefined).listen();
  gateways = [];
  clients = [];
});
afterEach(async () => {
  for (const client of clients) client.destroy();
  for (const gateway of gateways) {
    await gateway.goOnUntil(() => inUse(gateway).every((count) => count === 0), "nothing in use");
    gateway.close();
  }
  await origin.close();
});

async function start(options: ConstructorParameters<typeof Gateway>[0] = {}): Promise<Gateway> {
  const gateway = await new Gateway(options).listen();
  gateways.push(gateway);
  return gateway;
}

/** What a gateway itself has in use of its first Upstream: both rows. */
function inUse(gateway: Gateway): readonly number[] {
  return [...gateway.counters.cells.subarray(breakerCell(0, 0), breakerCell(1, 0))];
}

function uses(gateway: Gateway, one: number, priority = 0): number {
  return gateway.counters.cells[breakerCell(0, priority) + one]!;
}

async function ask(gateway: Gateway, body: string, path = "/seldon/prod/iris/y"): Promise<RawClient> {
  const client = await gateway.open(false);
  clients.push(client);
  client.write(post(body, "", path));
  return client;
}

/** Bodies of the requests that the origin has, in order of arrival on each connection. */
function arrived(): string[] {
  return origin.connections.flatMap(({ text }) =>
    requestsIn(text).map((request) => request.slice(request.indexOf("\r\n\r\n") + 4)),
  );
}

async function holds(count: number): Promise<void> {
  await eventually(() => arrived().length === count, `${count} requests at the origin`);
}

/** Answers the request with this body. */
function release(body: string): void {
  origin.connections.find(({ text }) => text.endsWith(body))!.socket.write(ok);
}

async function status(client: RawClient): Promise<number> {
  return (await client.answers(1))[0]!.status;
}

describe("circuit breakers", () => {
  test("max_requests: one over the limit is 503 with x-envoy-overloaded and flag UO, and one after another is done is served", async () => {
    const gateway = await start();
    gateway.serveIris([origin.port], {}, { breakers: [{ ...wide, maxRequests: 2 }] });
    const a = await ask(gateway, "a");
    const b = await ask(gateway, "b");
    await holds(2);
    const over = await ask(gateway, "c");
    const [answer] = await over.answers(1);
    expect(answer!.status).toBe(503);
    expect(fieldOf(answer!, "x-envoy-overloaded")).toBe("true");
    expect(answer!.body).toContain("reset reason: overflow: raise max_requests");
    expect(gateway.flagged("UO")).toBe(1);
    release("a");
    expect(await status(a)).toBe(200);
    const d = await ask(gateway, "d");
    await holds(3);
    release("b");
    release("d");
    expect([await status(b), await status(d)]).toEqual([200, 200]);
  });

  test("max_connections: requests wait for a connection in order of arrival; over max_pending_requests they are refused", async () => {
    const gateway = await start();
    gateway.serveIris([origin.port], {}, { breakers: [{ ...wide, maxConnections: 1, maxPendingRequests: 2 }] });
    const first = await ask(gateway, "first");
    await holds(1);
    const waiting: RawClient[] = [];
    for (const body of ["second", "third"]) {
      waiting.push(await ask(gateway, body));
      await eventually(() => uses(gateway, resource.pending) === waiting.length, "a request waits");
    }
    const over = await ask(gateway, "fourth");
    const [answer] = await over.answers(1);
    expect([answer!.status, fieldOf(answer!, "x-envoy-overloaded")]).toEqual([503, "true"]);
    expect(answer!.body).toContain("raise max_pending_requests");
    expect(uses(gateway, resource.requests)).toBe(1);
    release("first");
    await holds(2);
    release("second");
    await holds(3);
    release("third");
    expect(arrived()).toEqual(["first", "second", "third"]);
    expect(await Promise.all([first, ...waiting].map(status))).toEqual([200, 200, 200]);
    expect(origin.connections).toHaveLength(1);
  });

  test("nobody overtakes: the next request of the client whose answer made room goes to the end of the queue", async () => {
    const gateway = await start();
    gateway.serveIris([origin.port], {}, { breakers: [{ ...wide, maxConnections: 1 }] });
    const first = await ask(gateway, "first");
    first.write(post("again"));
    await holds(1);
    const second = await ask(gateway, "second");
    await eventually(() => uses(gateway, resource.pending) === 1, "it waits");
    release("first");
    await holds(2);
    release("second");
    await holds(3);
    release("again");
    await Promise.all([first.answers(2), second.answers(1)]);
    expect(arrived()).toEqual(["first", "second", "again"]);
  });

  test.each([
    ["one below full", 1, 200],
    ["full", 2, 200],
    ["full, and nothing has become free", 3, 503],
  ])("a request in the moment in which a place becomes free, the queue %s", async (_what, waiting, expected) => {
    const gateway = await start();
    gateway.serveIris([origin.port], {}, { breakers: [{ ...wide, maxConnections: 1, maxPendingRequests: 2 }] });
    const first = await ask(gateway, "first");
    await holds(1);
    const others: RawClient[] = [];
    for (const body of ["second", "third"].slice(0, waiting)) {
      others.push(await ask(gateway, body));
      await eventually(() => uses(gateway, resource.pending) === others.length, "a request waits");
    }
    // The first client's next request is there already: it begins when the answer to the one before is written, in the same callback.
    const again = waiting === 3 ? await ask(gateway, "again") : first;
    if (waiting < 3) first.write(post("again"));
    else expect((await again.answers(1))[0]!.status).toBe(503);
    const order = ["first", "second", "third"].slice(0, others.length + 1);
    if (expected === 200) order.push("again");
    for (const [index, body] of order.entries()) {
      await holds(index + 1);
      release(body);
    }
    await Promise.all([first.answers(waiting < 3 ? 2 : 1), ...others.map((one) => one.answers(1))]);
    expect(arrived()).toEqual(order);
    expect(gateway.flagged("UO")).toBe(expected === 200 ? 0 : 1);
  });

  test("a stream that gives up its connection and one that wants it, in one read, the queue full", async () => {
    const gateway = await start();
    gateway.serveIris([origin.port], {}, { breakers: [{ ...wide, maxConnections: 1, maxPendingRequests: 1 }] });
    const client = await rawClient(gateway.port);
    const request = (id: number): Buffer =>
      frames.headers(
        id,
        blockOf([
          [":method", "GET"],
          [":scheme", "http"],
          [":path", `/seldon/prod/iris/${id}`],
          [":authority", "a"],
        ]),
        flag.endHeaders | flag.endStream,
      );
    const seen = (): string[] =>
      origin.connections.flatMap(({ text }) => requestsIn(text).map((one) => one.split(" ", 2)[1]!));
    client.send(request(1));
    await eventually(() => seen().length === 1, "the first at the origin");
    client.send(request(3));
    await eventually(() => uses(gateway, resource.pending) === 1, "it waits");
    // Also one that leaves after its turn has come and before it was told.
    client.send(frames.reset(1, 8), request(5), frames.reset(3, 8), request(7));
    await eventually(() => seen().length === 2, "the next at the origin");
    origin.behaviour = ({ socket }) => socket.write(ok);
    origin.connections.at(-1)!.socket.write(ok);
    await client.wait(frameType.data, 2);
    expect(seen()).toEqual(["/1", "/5", "/7"]);
    expect(gateway.flagged("UO")).toBe(0);
    client.socket.destroy();
  });

  test("a client that leaves gives up its place, and one whose time is over is answered", async () => {
    const gateway = await start();
    const short = {
      ...irisTo("iris", { timeout: { ms: 150, setBy: "a test" } }),
      id: "short",
      match: mappingOf("short", "").match,
    };
    gateway.serve(
      [irisTo("iris"), short],
      [{ ...upstreamOf("iris"), breakers: [{ ...wide, maxConnections: 1, maxPendingRequests: 1 }] }],
      [endpointsOn("iris", [origin.port])],
    );
    const held = await ask(gateway, "held");
    await holds(1);
    const leaves = await ask(gateway, "leaves");
    await eventually(() => uses(gateway, resource.pending) === 1, "it waits");
    leaves.destroy();
    // Whoever ends his side may still read: he is asked.
    await gateway.goOnUntil(() => uses(gateway, resource.pending) === 0, "its place is free");
    const late = await ask(gateway, "late", "/seldon/prod/short/y");
    await eventually(() => uses(gateway, resource.pending) === 1, "the late one waits");
    await gateway.goOnUntil(() => uses(gateway, resource.pending) === 0, "the end of its time");
    expect(await status(late)).toBe(504);
    expect(uses(gateway, resource.pending)).toBe(0);
    release("held");
    expect(await status(held)).toBe(200);
    expect(arrived()).toEqual(["held"]);
  });

  test("priority high has limits of its own", async () => {
    const gateway = await start();
    const high = mappingOf("high", "iris");
    const mappings = [irisTo("iris"), { ...irisTo("iris", { priority: "high" }), id: high.id, match: high.match }];
    const breakers: readonly Breaker[] = [
      { ...wide, maxRequests: 1 },
      { ...wide, priority: "high", maxRequests: 2 },
    ];
    gateway.serve(mappings, [{ ...upstreamOf("iris"), breakers }], [endpointsOn("iris", [origin.port])]);
    await ask(gateway, "low");
    await holds(1);
    expect(await status(await ask(gateway, "low over"))).toBe(503);
    const path = "/seldon/prod/high/y";
    await ask(gateway, "high", path);
    await ask(gateway, "high too", path);
    await holds(3);
    expect(await status(await ask(gateway, "high over", path))).toBe(503);
    expect([uses(gateway, resource.requests, 0), uses(gateway, resource.requests, 1)]).toEqual([1, 2]);
  });

  test("whatever becomes of a request, it leaves nothing in use", async () => {
    const gateway = await start();
    const dead = await new Origin().listen();
    await dead.close();
    for (const answer of [
      "",
      "HTTP/1.1 200 OK\r\n",
      "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
      "no HTTP\r\n\r\n",
      "HTTP/1.1 200 OK\r\n\r\nto the end",
    ]) {
      gateway.serveIris([origin.port]);
      const client = await ask(gateway, answer);
      await eventually(() => origin.connections.at(-1)?.text.endsWith(answer) === true, "the request");
      origin.connections.at(-1)!.socket.end(answer);
      await eventually(
        () => uses(gateway, resource.requests) === 0 && uses(gateway, resource.connections) === 0,
        `nothing in use after ${answer}`,
      );
      client.destroy();
    }
    gateway.serveIris([dead.port]);
    expect(await status(await ask(gateway, "refused"))).toBe(503);
    gateway.serveIris([]);
    expect(await status(await ask(gateway, "nobody"))).toBe(503);
  });

  test("a raised limit lets begin what waits, and what waits as its Upstream goes begins there in its turn", async () => {
    const gateway = await start();
    const breakers = [{ ...wide, maxConnections: 1 }];
    gateway.serveIris([origin.port], {}, { breakers });
    await ask(gateway, "one");
    await holds(1);
    const two = await ask(gateway, "two");
    await eventually(() => uses(gateway, resource.pending) === 1, "it waits");
    gateway.serveIris([origin.port], {}, { breakers: [{ ...wide, maxConnections: 2 }] });
    await holds(2);
    const three = await ask(gateway, "three");
    await eventually(() => uses(gateway, resource.pending) === 1, "it waits");
    gateway.serve([mappingOf("other", "other")], [upstreamOf("other")], [endpointsOn("other", [origin.port])], {
      upstreams: [{ upstream: upstreamOf("other"), breakerSlot: 1 }],
    });
    release("two");
    expect(await status(two)).toBe(200);
    await holds(3);
    release("three");
    expect(await status(three)).toBe(200);
    expect(uses(gateway, resource.pending)).toBe(0);
  });
});

describe("circuit breakers of several workers", () => {
  async function twoWorkers(breaker: Partial<Breaker>): Promise<readonly [Gateway, Gateway]> {
    const others = new CounterBlock(new SharedArrayBuffer(blockBytes()));
    const heavyUse = new Int32Array(heavyUseBytes() / 4);
    const a = await start({ others: [others.cells], heavyUse });
    const b = await start({ counters: others, others: [a.counters.cells], heavyUse });
    for (const gateway of [a, b])
      gateway.serveIris(
        [origin.port],
        { timeout: { ms: 0, setBy: "a test" } },
        { breakers: [{ ...wide, ...breaker }] },
      );
    return [a, b];
  }

  test("count together", async () => {
    const [a, b] = await twoWorkers({ maxRequests: 3 });
    await ask(a, "a1");
    await ask(a, "a2");
    await ask(b, "b1");
    await holds(3);
    expect(await status(await ask(a, "a3"))).toBe(503);
    expect(await status(await ask(b, "b2"))).toBe(503);
    release("a1");
    await eventually(() => uses(a, resource.requests) === 1, "a1 is done");
    await ask(b, "b3");
    await holds(4);
  });

  test("a worker without a connection gets one, and what waits in it sees the connections that another lets go", async () => {
    const [a, b] = await twoWorkers({ maxConnections: 2 });
    await ask(a, "a1");
    await ask(a, "a2");
    await holds(2);
    await ask(b, "b1");
    await holds(3);
    const waits = await ask(b, "b2");
    await eventually(() => uses(b, resource.pending) === 1, "b2 waits");
    release("a1");
    // One of three is let go: two are in use, as many as may be.
    await a.goOnUntil(() => uses(a, resource.connections) === 1, "a1 is done");
    release("a2");
    await b.goOnUntil(() => arrived().length === 4, "b2 at the origin");
    release("b2");
    expect(await status(waits)).toBe(200);
    expect(uses(b, resource.pending)).toBe(0);
  });
});
