// Retries to upstreams that speak HTTP/2: what they have not worked on goes elsewhere without a policy, gRPC statuses as the policy says; and
// the time that a caller gives a call.
import { afterEach, describe, expect, test } from "vitest";
import type { ForwardTarget } from "../../routing/model/mapping.ts";
import { framed, prefixBytes } from "../../gateway/edge/message/grpc-message.ts";
import type { EdgeLimits } from "../../gateway/options/limits.ts";
import { tickMs } from "../stopped-clock.ts";
import { eventually } from "../turns.ts";
import { Gateway, transports } from "./gateway.ts";
import { Http2Client, type Http2Reply } from "./http2-client.ts";
import { Http2Origin, answerWithTrailers, type Http2Behaviour, type Http2Request } from "./http2-origin.ts";

const refused = 7;
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const good: Http2Behaviour = (request) => answerWithTrailers(request, "answer", { "grpc-status": "0" });

function trailersOnly({ stream }: Http2Request, fields: Readonly<Record<string, string>>): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc", ...fields }, { endStream: true });
}

/** Does these in turn, then answers well. */
function inTurn(...behaviours: readonly Http2Behaviour[]): Http2Behaviour {
  let index = 0;
  return (request) => (behaviours[index++] ?? good)(request);
}

describe.each(transports)("%s", (_name, secure) => {
  let gateway: Gateway;
  let client: Http2Client;

  async function origin(behaviour: Http2Behaviour): Promise<Http2Origin> {
    const one = await new Http2Origin(behaviour).listen();
    closers.push(() => one.close());
    return one;
  }

  async function start(
    origins: readonly Http2Origin[],
    target: Partial<ForwardTarget> = {},
    limits: Partial<EdgeLimits> = {},
  ): Promise<void> {
    gateway = await new Gateway({ limits }).listen();
    gateway.serveIris(
      origins.map(({ port }) => port),
      target,
      { protocol: "http2" },
    );
    client = await Http2Client.open(gateway, secure);
    closers.push(async () => {
      client.destroy();
      await eventually(() => gateway.counted("inFlight") === 0, "nothing in flight");
      expect(gateway.counted("heldBytes")).toBe(0);
      expect(gateway.faults).toBe(0);
      gateway.close();
    });
  }

  const head = {
    ":method": "POST",
    ":path": "/seldon/prod/iris/x",
    "content-type": "application/grpc",
    te: "trailers",
  };
  const call = (body = "message", more: Readonly<Record<string, string>> = {}): Promise<Http2Reply> =>
    gateway.during(client.request({ ...head, ...more }, body));

  test("a refused stream goes to another endpoint, or if there is none to the same, with head and body, and without a policy", async () => {
    const one = await origin(
      inTurn(
        ({ stream }) => stream.close(refused),
        ({ stream }) => stream.close(refused),
      ),
    );
    await start([one]);
    expect(await call()).toMatchObject({ status: 200, body: "answer", trailers: { "grpc-status": "0" } });
    expect(one.requests.map(({ body }) => body)).toEqual(["message", "message", "message"]);
    expect(one.requests[2]!.headers).toEqual(one.requests[0]!.headers);
    expect(gateway.retries).toBe(2);
  });

  test("a refused stream prefers another endpoint", async () => {
    const refuses = await origin(({ stream }) => stream.close(refused));
    const serves = await origin(good);
    await start([refuses, serves]);
    for (let i = 0; i < 10; i++) expect((await call()).body).toBe("answer");
    expect(serves.requests).toHaveLength(10);
  });

  test("five tries at most", async () => {
    const one = await origin(({ stream }) => stream.close(refused));
    await start([one]);
    const reply = await call();
    expect(reply.headers).toMatchObject({ "grpc-status": "14" });
    expect(one.requests).toHaveLength(5);
  });

  test("another reset is not sent again without a policy, and is with one", async () => {
    const one = await origin(inTurn(({ stream }) => stream.close(2)));
    await start([one]);
    expect((await call()).headers).toMatchObject({ "grpc-status": "13" });
    expect(one.requests).toHaveLength(1);
    const two = await origin(inTurn(({ stream }) => stream.close(2)));
    await start([two], { retry: { retryOn: ["reset"], numRetries: 1, perTryTimeoutMs: null } });
    expect((await call()).body).toBe("answer");
    expect(two.requests).toHaveLength(2);
  });

  test("a session that ends in good order loses no request", async () => {
    const one = await origin(good);
    await start([one]);
    await call();
    for (let i = 0; i < 20; i++) {
      const replies = [call(), call()];
      one.sessions.at(-1)!.close();
      for (const reply of await Promise.all(replies)) expect(reply.body).toBe("answer");
    }
  });

  test.each([
    ["unavailable", "14", 2],
    ["unavailable", "13", 1],
    ["resource-exhausted", "8", 2],
    ["cancelled", "1", 2],
    ["deadline-exceeded", "4", 2],
    ["internal", "13", 2],
    ["gateway-error", "14", 1],
  ])("%s and a trailers-only answer %s: %d tries", async (word, status, tries) => {
    const one = await origin(inTurn((request) => trailersOnly(request, { "grpc-status": status })));
    await start([one], { retry: { retryOn: [word], numRetries: 1, perTryTimeoutMs: null } });
    await call();
    expect(one.requests).toHaveLength(tries);
  });

  test.each([
    [1, 2, undefined],
    [2, 3, undefined],
    [3, 3, "14"],
  ])("UNAVAILABLE %d times where two retries are allowed: %d tries", async (failures, tries, said) => {
    const unavailable: Http2Behaviour = (request) => trailersOnly(request, { "grpc-status": "14" });
    const one = await origin(inTurn(...Array.from({ length: failures }, () => unavailable)));
    await start([one], { retry: { retryOn: ["unavailable"], numRetries: 2, perTryTimeoutMs: null } });
    const reply = await call();
    expect([one.requests.length, reply.headers["grpc-status"], reply.body]).toEqual([
      tries,
      said,
      said === undefined ? "answer" : "",
    ]);
    expect(gateway.flagged("URX")).toBe(said === undefined ? 0 : 1);
  });

  test("a status behind messages is never tried again", async () => {
    const one = await origin((request) => answerWithTrailers(request, "part", { "grpc-status": "14" }));
    await start([one], { retry: { retryOn: ["unavailable"], numRetries: 3, perTryTimeoutMs: null } });
    expect(await call()).toMatchObject({ body: "part", trailers: { "grpc-status": "14" } });
    expect(one.requests).toHaveLength(1);
  });

  test("grpc-retry-pushback-ms below 0 asks for no other try", async () => {
    const one = await origin(
      inTurn((request) => trailersOnly(request, { "grpc-status": "14", "grpc-retry-pushback-ms": "-1" })),
    );
    await start([one], { retry: { retryOn: ["unavailable"], numRetries: 3, perTryTimeoutMs: null } });
    expect((await call()).headers).toMatchObject({ "grpc-status": "14" });
    expect(one.requests).toHaveLength(1);
  });

  test.each([
    [1000, 2],
    [1001, 1],
  ])("a message of %d bytes with a cap of 1000 that is refused makes %d tries", async (length, tries) => {
    const one = await origin(inTurn(({ stream }) => stream.close(refused)));
    await start([one], {}, { retryBodyBytes: 1000 });
    const reply = await call("m".repeat(length));
    expect(one.requests).toHaveLength(tries);
    if (tries === 1)
      expect(decodeURIComponent(String(reply.headers["grpc-message"]))).toContain(
        "not sent again: its body is longer than 1000 bytes",
      );
  });

  test.each([
    [1000, 2],
    [1001, 1],
  ])(
    "a message that says it has %d bytes with a cap of 1000, refused after its first piece, makes %d tries",
    async (length, tries) => {
      const one = await origin(good);
      await start([one], {}, { retryBodyBytes: 1000 });
      await call();
      one.atHead = ({ stream }) => {
        one.atHead = () => undefined;
        stream.once("data", () => stream.close(refused));
      };
      const message = framed(0, Buffer.alloc(length - prefixBytes, "m"));
      const stream = client.start(head);
      const reply = client.reply(stream);
      stream.write(message.subarray(0, 100));
      await eventually(() => one.requests[1]?.resetCode === refused || one.requests.length > 2, "the refusal");
      stream.end(message.subarray(100));
      if (tries === 2) expect((await reply).body).toBe("answer");
      else
        expect(decodeURIComponent(String((await reply).headers["grpc-message"]))).toContain(
          "not sent again: its body is longer than 1000 bytes",
        );
      expect(one.requests.slice(1)).toHaveLength(tries);
      if (tries === 2) expect(one.requests[2]!.body).toBe(message.toString("latin1"));
    },
  );

  describe("the time that a caller gives a call", () => {
    test("is the limit where it is the smaller one: DEADLINE_EXCEEDED, and who set it", async () => {
      const one = await origin(() => undefined);
      await start([one], { timeout: { ms: 5000, setBy: "a test" } });
      let isOver = false;
      const calling = client.request({ ...head, "grpc-timeout": "150m" }, "message").finally(() => (isOver = true));
      await eventually(() => one.requests.length === 1, "the call");
      await gateway.advance(149);
      expect(isOver).toBe(false);
      await gateway.advance(1 + tickMs);
      const reply = await calling;
      expect(reply.headers).toMatchObject({ ":status": 200, "grpc-status": "4" });
      expect(decodeURIComponent(String(reply.headers["grpc-message"]))).toBe(
        "upstream request timeout: timeout 150 ms set by the caller's grpc-timeout",
      );
      await eventually(() => one.requests[0]!.resetCode === 8, "the cancelled call");
      expect(one.requests[0]!.headers["grpc-timeout"]).toBe("150m");
      expect(gateway.flagged("UT")).toBe(1);
    });

    test("is not where the Mapping allows less", async () => {
      const one = await origin(() => undefined);
      await start([one], { timeout: { ms: 100, setBy: "a test" } });
      const reply = await call("message", { "grpc-timeout": "1H" });
      expect(reply.headers).toMatchObject({ "grpc-status": "4" });
      expect(decodeURIComponent(String(reply.headers["grpc-message"]))).toContain("timeout 100 ms set by a test");
    });

    test("runs from the head, also while the caller sends, and cuts a stream that has begun", async () => {
      const one = await origin(good);
      one.atHead = ({ stream }) => {
        stream.respond({ ":status": 200, "content-type": "application/grpc" });
        stream.write("first");
      };
      await start([one]);
      const stream = client.start({ ...head, "grpc-timeout": "200m" });
      let isOver = false;
      const replying = client.reply(stream).finally(() => (isOver = true));
      await eventually(() => one.requests.length === 1, "the call");
      for (let sentMs = 0; sentMs < 150; sentMs += 50) {
        stream.write("more");
        await gateway.advance(50);
      }
      await gateway.advance(49);
      expect(isOver).toBe(false);
      await gateway.advance(1 + tickMs);
      const reply = await gateway.during(replying);
      expect(reply.body).toBe("first");
    });

    test("means nothing to a request that is no gRPC call", async () => {
      const one = await origin(() => undefined);
      await start([one]);
      const reply = client.request({ ...head, "content-type": "application/json", "grpc-timeout": "10m" }, "{}");
      await eventually(() => one.requests[0]?.body === "{}", "the request");
      await gateway.advance(100);
      const { stream } = one.requests[0]!;
      stream.respond({ ":status": 200 });
      stream.end("late");
      expect(await reply).toMatchObject({ body: "late" });
    });
  });

  test("a stream may be silent one way for longer than a request body may", async () => {
    const one = await origin(good);
    one.atHead = ({ stream }) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    };
    one.behaviour = ({ stream }) => stream.end("done");
    await start([one], {}, { bodyIdleTimeoutMs: 50 });
    const stream = client.start(head);
    stream.write("one");
    await eventually(() => one.requests[0]?.body === "one", "the first part");
    await gateway.advance(200);
    stream.end("two");
    expect(await client.reply(stream)).toMatchObject({ body: "done", trailers: { "grpc-status": "0" } });
    expect(one.requests[0]!.body).toBe("onetwo");
  });

  test("a path that would climb once it is rewritten is refused for gRPC as well", async () => {
    const one = await origin(good);
    await start([one], { rewrite: { kind: "regex", pattern: "x", substitution: ".." } });
    const reply = await call();
    expect(reply.headers).toMatchObject({ "grpc-status": "13" });
    expect(one.requests).toHaveLength(0);
  });
});
