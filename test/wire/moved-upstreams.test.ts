// Requests that wait while the Upstream that they were decided for goes, or moves: none fails because of it.
import { afterEach, describe, expect, test } from "vitest";
import { goOn, waits, type Resume, type Step } from "../../gateway/edge/steps/step.ts";
import type { Upstream } from "../../routing/model/upstream.ts";
import { afterlifeMs } from "../../gateway/edge/upstream/pool.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { eventually } from "../turns.ts";
import type { RawClient } from "./client.ts";
import { endpointsOn, Gateway, irisTo } from "./gateway.ts";
import { Http2Origin } from "./http2-origin.ts";
import { answerEach, Origin } from "./origin.ts";

const get = "GET /seldon/prod/iris/x HTTP/1.1\r\nHost: gateway\r\n\r\n";
/** One request at a time: the next waits. */
const one: Pick<Upstream, "breakers"> = {
  breakers: [{ priority: "default", maxConnections: 1, maxPendingRequests: 8, maxRequests: 1024, maxRetries: 3 }],
};

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function opened(gateway: Gateway): Promise<RawClient> {
  const client = await gateway.open(false);
  closers.push(() => client.destroy());
  return client;
}

async function startGateway(steps: readonly Step[] = []): Promise<Gateway> {
  const gateway = await new Gateway({ steps }).listen();
  closers.push(() => gateway.close());
  return gateway;
}

/** Takes one stream a session at once. */
async function http2Origin(behaviour?: ConstructorParameters<typeof Http2Origin>[0]): Promise<Http2Origin> {
  const origin = await new Http2Origin(behaviour, { settings: { maxConcurrentStreams: 1 } }).listen();
  closers.push(() => origin.close());
  return origin;
}

const gone = (gateway: Gateway): void => gateway.serve([], [], []);

describe("over HTTP/2 a request that waits for room", () => {
  /** The first request is not answered; another waits for its place. */
  async function start(): Promise<{ gateway: Gateway; origin: Http2Origin; waiting: RawClient }> {
    const origin = await http2Origin(({ stream }) => {
      if (origin.requests.length > 1) stream.respond({ ":status": 204 }, { endStream: true });
    });
    const gateway = await startGateway();
    gateway.serveIris([origin.port], {}, { protocol: "http2", ...one });
    (await opened(gateway)).write(get);
    await eventually(() => origin.requests.length === 1, "the first request");
    const waiting = await opened(gateway);
    waiting.write(get);
    await eventually(() => gateway.counted("inFlight") === 2, "the second one");
    return { gateway, origin, waiting };
  }

  test("is answered where its Upstream was, which has gone, and nothing stays open", async () => {
    const { gateway, origin, waiting } = await start();
    gone(gateway);
    expect((await waiting.answers(1))[0]!.status).toBe(204);
    origin.requests[0]!.stream.respond({ ":status": 204 }, { endStream: true });
    await gateway.advance(100);
    await eventually(() => gateway.counted("upstreamConnectionsHttp2") === 0, "the sessions close");
  });

  test("is answered also where all of many Endpoints go with the Upstream", async () => {
    const origins = await Promise.all(
      Array.from({ length: 7 }, () =>
        http2Origin(({ stream }) => {
          if (asked() > 1) stream.respond({ ":status": 204 }, { endStream: true });
        }),
      ),
    );
    const asked = (): number => origins.reduce((sum, { requests }) => sum + requests.length, 0);
    const gateway = await startGateway();
    const [busy] = origins;
    gateway.serve(
      [irisTo("iris")],
      [{ ...upstreamOf("iris"), protocol: "http2", ...one }],
      [endpointsOn("iris", [busy!.port])],
    );
    (await opened(gateway)).write(get);
    await eventually(() => asked() === 1, "the first request");
    const waiting = await opened(gateway);
    waiting.write(get);
    await eventually(() => gateway.counted("inFlight") === 2, "the second one");
    gateway.change({
      endpoints: [
        endpointsOn(
          "iris",
          origins.map(({ port }) => port),
        ),
      ],
    });
    gone(gateway);
    expect((await waiting.answers(1))[0]!.status).toBe(204);
    expect(gateway.retries).toBe(1);
  });

  test("is answered by the Endpoint that came as its own left", async () => {
    const { gateway, waiting } = await start();
    const other = await http2Origin();
    gateway.change({ endpoints: [endpointsOn("iris", [other.port])] });
    expect((await waiting.answers(1))[0]!.status).toBe(200);
    expect(other.requests).toHaveLength(1);
  });

  test("is answered by the same Endpoint, which is reached by connections of its own from now on", async () => {
    const { gateway, waiting } = await start();
    gateway.change({
      upstreams: [
        { upstream: { ...upstreamOf("iris"), protocol: "http2", ...one, idleTimeoutMs: 60_000 }, breakerSlot: 0 },
      ],
    });
    expect((await waiting.answers(1))[0]!.status).toBe(204);
  });
});

test("over HTTP/1.1 a request that waits for a connection is answered where its Upstream was", async () => {
  const answer = answerEach("HTTP/1.1 204 No Content\r\n\r\n");
  const origin = await new Origin(() => undefined).listen();
  closers.push(() => origin.close());
  const gateway = await startGateway();
  gateway.serveIris([origin.port], {}, one);
  const [first, second] = [await opened(gateway), await opened(gateway)];
  first.write(get);
  await eventually(() => origin.text.includes("GET"), "the first request");
  second.write(get);
  await eventually(() => gateway.counted("inFlight") === 2, "the second one");
  gone(gateway);
  origin.behaviour = answer;
  answer(origin.connections[0]!, origin);
  expect((await first.answers(1))[0]!.status).toBe(204);
  await gateway.advance(100);
  expect((await second.answers(1))[0]!.status).toBe(204);
});

test.each(["http1", "http2"] as const)(
  "a request that a step kept is answered where its Upstream was (%s)",
  async (protocol) => {
    const held: Resume[] = [];
    const waiting: Step = {
      name: "planted",
      take: (request) => {
        held.push(request.wait(() => undefined));
        return waits;
      },
      answered: null,
      ended: null,
    };
    const origin = protocol === "http2" ? await http2Origin() : await new Origin().listen();
    if (protocol === "http1") closers.push(() => origin.close());
    const gateway = await startGateway([waiting]);
    gateway.serveIris([origin.port], {}, { protocol });
    const client = await opened(gateway);
    client.write(get);
    await eventually(() => held.length === 1, "the wait");
    gone(gateway);
    held[0]!(goOn);
    expect((await client.answers(1))[0]!.status).toBe(200);
    await gateway.advance(100);
    await eventually(
      () => gateway.counted("upstreamConnectionsHttp2") + gateway.counted("upstreamConnectionsHttp1") === 0,
      "nothing stays open",
    );
  },
);

test.each([
  ["in the queue of a breaker", false],
  ["in a step", true],
] as const)(
  "a request that waits for too long %s, after its Upstream has gone, goes nowhere: its addresses may be those of others",
  async (_where, inStep) => {
    const held: Resume[] = [];
    const waiting: Step = {
      name: "planted",
      take: (request) => (inStep && held.push(request.wait(() => undefined)) > 0 ? waits : goOn),
      answered: null,
      ended: null,
    };
    const origin = await new Origin(() => undefined).listen();
    closers.push(() => origin.close());
    const gateway = await startGateway([waiting]);
    gateway.serveIris([origin.port], { timeout: { ms: 0, setBy: "a test" } }, one);
    const clients = [await opened(gateway), await opened(gateway)];
    for (const [at, client] of clients.entries()) {
      client.write(get);
      await eventually(() => gateway.counted("inFlight") === at + 1, "the request");
    }
    gone(gateway);
    await gateway.advance(afterlifeMs + 100);
    for (const resume of held) resume(goOn);
    expect((await clients[1]!.answers(1))[0]!.status).toBe(503);
    expect(origin.connections).toHaveLength(inStep ? 0 : 1);
  },
);

test("an Endpoint that is ejected is counted no more once its Upstream has gone", async () => {
  const [sick, well] = [
    await new Origin(answerEach("HTTP/1.1 503 Unavailable\r\ncontent-length: 0\r\n\r\n")).listen(),
    await new Origin().listen(),
  ];
  closers.push(
    () => sick.close(),
    () => well.close(),
  );
  const gateway = await startGateway();
  gateway.serveIris([sick.port, well.port]);
  const client = await opened(gateway);
  for (let asked = 1; gateway.counted("endpointsEjected") === 0; asked++) {
    client.write(get);
    await client.answers(asked);
  }
  gone(gateway);
  expect(gateway.counted("endpointsEjected")).toBe(0);
});
