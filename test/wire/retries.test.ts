// Retries: what is sent again, how often, with what body, where, and what is never sent again.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ForwardTarget } from "../../routing/model/mapping.ts";
import type { Upstream } from "../../routing/model/upstream.ts";
import { eventually } from "../turns.ts";
import { freePort } from "../ports.ts";
import { fieldOf, type RawClient } from "./client.ts";
import { Gateway, post, transports, type GatewayOptions } from "./gateway.ts";
import { Origin, answerEach, requestsIn, type OriginBehaviour } from "./origin.ts";

const ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const unavailable = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbusy";

/** Closes at once the first `count` requests, and answers the others. */
function closing(count: number, then = ok): OriginBehaviour {
  let seen = 0;
  return (connection) => {
    if (requestsIn(connection.text).length === 0) return;
    seen += 1;
    if (seen <= count) connection.socket.destroy();
    else connection.socket.write(then);
  };
}

/** Gives these answers in turn, then 200. */
function inTurn(...answers: readonly string[]): OriginBehaviour {
  let index = 0;
  return answerEach(() => answers[index++] ?? ok);
}

function policy(words: string, numRetries = 1, perTryTimeoutMs: number | null = null): Partial<ForwardTarget> {
  return { retry: { retryOn: words.split(","), numRetries, perTryTimeoutMs } };
}

describe.each(transports)("%s", (_name, secure) => {
  let gateway: Gateway;
  let one: Origin;
  let two: Origin;
  let client: RawClient;

  beforeEach(async () => {
    one = await new Origin().listen();
    two = await new Origin().listen();
  });

  async function start(
    target: Partial<ForwardTarget>,
    ports: readonly number[] = [one.port],
    options: GatewayOptions = {},
    upstream: Partial<Upstream> = {},
  ): Promise<void> {
    gateway = await new Gateway({ time: "real", ...options }).listen();
    gateway.serveIris(ports, target, upstream);
    client = await gateway.open(secure);
  }

  afterEach(async () => {
    client.destroy();
    await eventually(() => gateway.counted("inFlight") === 0, "nothing in flight");
    expect(gateway.counted("heldBytes")).toBe(0);
    gateway.close();
    await one.close();
    await two.close();
  });

  const retries = (): number => gateway.retries;
  const arrived = (): readonly string[] => requestsIn(one.text);

  test.each([
    ["5xx", 500, true],
    ["5xx", 503, true],
    ["5xx", 599, true],
    ["5xx", 404, false],
    ["gateway-error", 500, false],
    ["gateway-error", 502, true],
    ["gateway-error", 503, true],
    ["gateway-error", 504, true],
    ["gateway-error", 505, false],
    ["retriable-4xx", 409, true],
    ["retriable-4xx", 408, false],
    ["retriable-4xx", 503, false],
    ["reset", 503, false],
    ["connect-failure", 503, false],
    ["refused-stream", 503, false],
    ["retriable-status-codes", 503, false],
    ["connect-failure,retriable-4xx", 409, true],
  ])("%s and an answer %d: tried again %s", async (words, status, again) => {
    one.behaviour = inTurn(`HTTP/1.1 ${status} X\r\ncontent-length: 5\r\n\r\nfirst`);
    await start(policy(words));
    client.write(post("body", "X-Mine: 1\r\n"));
    const [answer] = await client.answers(1);
    expect(answer).toMatchObject(again ? { status: 200, body: "ok" } : { status, body: "first" });
    expect(arrived()).toHaveLength(again ? 2 : 1);
    if (again) expect(arrived()[1]).toBe(arrived()[0]);
    expect(arrived().at(-1)).toMatch(/x-mine: 1[^]*\r\n\r\nbody$/i);
    expect(retries()).toBe(again ? 1 : 0);
    // The model's own failure has a line, and no flag.
    expect(gateway.entries.map(({ flag, origin, code }) => [flag, origin, code])).toEqual(
      !again && status >= 500 ? [["", "model", status]] : [],
    );
  });

  test.each([
    ["5xx", true],
    ["gateway-error", true],
    ["reset", true],
    ["connect-failure", false],
    ["retriable-4xx", false],
    ["refused-stream", false],
  ])("%s and a connection that closes without an answer: tried again %s", async (words, again) => {
    one.behaviour = closing(1);
    await start(policy(words));
    client.write(post("body"));
    const [answer] = await client.answers(1);
    expect(answer!.status).toBe(again ? 200 : 503);
    expect(one.connections).toHaveLength(again ? 2 : 1);
    expect(gateway.flagged("UC")).toBe(again ? 0 : 1);
  });

  test("without a policy a request that was sent is never sent again", async () => {
    one.behaviour = closing(1);
    await start({}, [one.port, two.port]);
    two.behaviour = closing(1);
    client.write(post("body"));
    expect((await client.answers(1))[0]!.status).toBe(503);
    expect(requestsIn(one.text + two.text)).toHaveLength(1);
    expect(retries()).toBe(0);
  });

  test("as often as the policy says and no more; the last answer is passed on, flag URX", async () => {
    one.behaviour = answerEach(unavailable);
    await start(policy("5xx", 3));
    client.write(post("body"));
    expect((await client.answers(1))[0]).toMatchObject({ status: 503, body: "busy" });
    expect(arrived()).toHaveLength(4);
    expect(retries()).toBe(3);
    expect(gateway.flagged("URX")).toBe(1);
    expect(gateway.entries).toMatchObject([{ flag: "URX", code: 503 }]);
  });

  test("retries that all fail: the last failure, and that there were some", async () => {
    one.behaviour = closing(10);
    await start(policy("reset", 2));
    client.write(post("body"));
    const [answer] = await client.answers(1);
    expect(answer).toMatchObject({ status: 503 });
    expect(answer!.body).toContain("retried and the latest reset reason: connection termination");
    expect(answer!.body).toContain("not sent again: retries are used up");
    expect(one.connections).toHaveLength(3);
    expect(gateway.entries).toMatchObject([{ flag: "UC,URX" }]);
  });

  test("more retries than 25 are not made", async () => {
    one.behaviour = answerEach(unavailable);
    await start({ ...policy("5xx", 100), timeout: { ms: 0, setBy: null } });
    client.write(post("body"));
    await client.answers(1);
    expect(arrived()).toHaveLength(26);
  });

  test("the next try goes to another endpoint, as long as there is one", async () => {
    one.behaviour = answerEach(unavailable);
    two.behaviour = answerEach(ok);
    await start(policy("5xx"), [one.port, two.port]);
    for (let i = 1; i <= 20; i++) {
      client.write(post(`${i}`));
      expect((await client.answers(i))[i - 1]!.status).toBe(200);
    }
    expect(requestsIn(two.text)).toHaveLength(20);
  });

  test("where all were tried, the next try goes to any but the last", async () => {
    const order: string[] = [];
    const busy =
      (name: string): OriginBehaviour =>
      (connection) => {
        order.push(name);
        connection.socket.write(unavailable);
      };
    one.behaviour = busy("one");
    two.behaviour = busy("two");
    await start(policy("5xx", 5), [one.port, two.port]);
    client.write(post("x"));
    expect((await client.answers(1))[0]!.status).toBe(503);
    expect(order).toHaveLength(6);
    for (let i = 1; i < order.length; i++) expect(order[i]).not.toBe(order[i - 1]);
  });

  test("a connection that does not come about is tried at the same endpoint if the policy says so and there is no other", async () => {
    const port = await freePort();
    await start(policy("connect-failure", 20), [port]);
    client.write(post("body"));
    await eventually(() => retries() > 0, "a retry");
    const late = await new Origin().listen(port);
    expect((await client.answers(1))[0]!.status).toBe(200);
    await late.close();
  });

  test.each([
    ["a long body", "Content-Length: 60000\r\n", "b".repeat(60_000)],
    ["chunks", "Transfer-Encoding: chunked\r\n", "4\r\nbody\r\n4;x=1\r\nmore\r\n0\r\nX-Trailer: 1\r\n\r\n"],
    ["no body", "", ""],
    ["an empty body", "Content-Length: 0\r\n", ""],
  ])("%s is sent again as it was sent first", async (_what, framing, body) => {
    one.behaviour = inTurn(unavailable);
    await start(policy("5xx"));
    client.write(`POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\n${framing}\r\n${body}`);
    expect((await client.answers(1))[0]!.status).toBe(200);
    expect(arrived()).toHaveLength(2);
    const [first, second] = arrived().map((request) => request.replace("4\r\nbody\r\n4\r\nmore", "8\r\nbodymore"));
    expect(second).toBe(first);
    if (framing.startsWith("T")) expect(arrived()[1]).toMatch(/0\r\nX-Trailer: 1\r\n\r\n$/);
  });

  test("a body of which a part came is tried again with the part, and goes on with the rest", async () => {
    let answered = false;
    one.behaviour = (connection) => {
      if (!answered && connection.text.includes("part")) {
        answered = true;
        connection.socket.write(unavailable);
      } else if (connection.text.endsWith("part rest")) {
        connection.socket.write(ok);
      }
    };
    await start(policy("5xx"));
    client.write("POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\npart ");
    await eventually(
      () => one.connections.length === 2 && one.connections[1]!.text.endsWith("part "),
      "the part again",
    );
    client.write("rest");
    expect((await client.answers(1))[0]!.status).toBe(200);
  });

  describe("the cap of bodies that are kept", () => {
    test.each([
      [999, true],
      [1000, true],
      [1001, false],
    ])("a body of %d bytes with a cap of 1000: tried again %s", async (length, again) => {
      one.behaviour = closing(1);
      await start(policy("reset"), [one.port], { limits: { retryBodyBytes: 1000 } });
      client.write(post("b".repeat(length)));
      const [answer] = await client.answers(1);
      expect(answer!.status).toBe(again ? 200 : 503);
      if (!again)
        expect(answer!.body).toContain("not sent again: its body is longer than 1000 bytes (--retry-body-bytes)");
    });

    test.each([
      [1000, true],
      [1001, false],
    ])("a chunked body of %d bytes with a cap of 1000: tried again %s", async (length, again) => {
      one.behaviour = closing(1);
      await start(policy("reset"), [one.port], { limits: { retryBodyBytes: 1000 } });
      client.write(
        `POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${length.toString(16)}\r\n${"b".repeat(length)}\r\n0\r\n\r\n`,
      );
      const [answer] = await client.answers(1);
      expect(answer!.status).toBe(again ? 200 : 503);
      if (!again) expect(answer!.body).toContain("longer than 1000 bytes");
    });

    test("an answer to a body that was not kept is passed on", async () => {
      one.behaviour = answerEach(unavailable);
      await start(policy("5xx"), [one.port], { limits: { retryBodyBytes: 10 } });
      client.write(post("b".repeat(11)));
      expect((await client.answers(1))[0]).toMatchObject({ status: 503, body: "busy" });
      expect(arrived()).toHaveLength(1);
    });

    test("no more is held than the worker may hold", async () => {
      one.behaviour = closing(1);
      await start(policy("reset"), [one.port], { limits: { retryTotalBytes: 4095 } });
      client.write(post("body"));
      const [answer] = await client.answers(1);
      expect(answer!.body).toContain("not sent again: too much is held for other retries (--retry-total-bytes)");
    });
  });

  test("the limit of a try: it is cut and tried again; the limit of all ends them all", async () => {
    one.behaviour = () => undefined;
    await start({ ...policy("5xx", 20, 50), timeout: { ms: 400, setBy: "a test" } });
    const startedMs = performance.now();
    client.write(post("body"));
    const [answer] = await client.answers(1);
    const tookMs = performance.now() - startedMs;
    expect(answer!.status).toBe(504);
    expect(answer!.body).toMatch(
      /^upstream request timeout: (timeout 400 ms set by a test|per_try_timeout 50 ms; not sent again: no time is left for a retry)$/,
    );
    expect(tookMs).toBeGreaterThan(150);
    expect(one.connections.length).toBeGreaterThan(1);
    expect(gateway.flagged("UT")).toBe(1);
  });

  test("the limit of a try when no retry is left: 504, and what set it", async () => {
    one.behaviour = () => undefined;
    await start(policy("5xx", 1, 30));
    client.write(post("body"));
    expect((await client.answers(1))[0]).toMatchObject({
      status: 504,
      body: "upstream request timeout: per_try_timeout 30 ms; not sent again: retries are used up",
    });
    expect(gateway.entries).toMatchObject([{ flag: "UT,URX" }]);
  });

  test("the limit of a try does not cut an answer that has begun", async () => {
    one.behaviour = (connection) => connection.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n");
    await start(policy("5xx", 1, 400));
    client.write(post("body"));
    await client.until(({ text }) => text.includes("\r\n\r\n"));
    await new Promise((resolve) => {
      setTimeout(resolve, 500);
    });
    one.connections[0]!.socket.write("ok");
    expect((await client.answers(1))[0]).toMatchObject({ status: 200, body: "ok" });
    expect(arrived()).toHaveLength(1);
  });

  test("the limit of a try does not run while the client still sends", async () => {
    await start(policy("5xx", 1, 30));
    client.write("POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbo");
    await new Promise((resolve) => {
      setTimeout(resolve, 80);
    });
    client.write("dy");
    expect((await client.answers(1))[0]!.status).toBe(200);
    expect(retries()).toBe(0);
  });

  test("once an answer has begun nothing is tried again", async () => {
    one.behaviour = (connection) => connection.socket.end("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
    await start(policy("5xx,reset", 3));
    client.write(post("body"));
    await client.end();
    expect(client.text).toMatch(/half$/);
    expect(one.connections).toHaveLength(1);
  });

  test("once an interim answer was passed on nothing is tried again", async () => {
    one.behaviour = (connection) => connection.socket.end("HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n");
    await start(policy("reset", 3));
    client.write(post("body"));
    const answers = await client.answers(2);
    expect(answers.map(({ status }) => status)).toEqual([103, 503]);
    expect(one.connections).toHaveLength(1);
  });

  test("an upstream that says that it is overloaded is left alone", async () => {
    one.behaviour = answerEach("HTTP/1.1 503 X\r\nX-Envoy-Overloaded: true\r\ncontent-length: 0\r\n\r\n");
    await start(policy("5xx", 3));
    client.write(post("body"));
    expect((await client.answers(1))[0]!.status).toBe(503);
    expect(arrived()).toHaveLength(1);
  });

  test("a client that leaves during the wait ends it", async () => {
    one.behaviour = answerEach(unavailable);
    await start({ ...policy("5xx", 25), timeout: { ms: 0, setBy: null } });
    client.write(post("body"));
    await eventually(() => retries() >= 3, "a few retries");
    client.destroy();
    await eventually(() => gateway.counted("inFlight") === 0, "the end of it");
    const count = retries();
    await new Promise((resolve) => {
      setTimeout(resolve, 300);
    });
    expect(retries()).toBe(count);
    expect(gateway.flagged("DC")).toBe(1);
  });

  test("max_retries of the breaker and the budget: what is not admitted is answered as it is", async () => {
    // Every request is answered 503 at once, and its retry is never answered: it stays admitted.
    const seen = new Set<string>();
    one.behaviour = (connection) => {
      const request = requestsIn(connection.text).at(-1)!;
      const id = /id-\d+/.exec(request)![0];
      if (!seen.has(id)) connection.socket.write(unavailable);
      seen.add(id);
    };
    await start(
      policy("5xx"),
      [one.port],
      {},
      {
        breakers: [
          { priority: "default", maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 1024, maxRetries: 2 },
        ],
      },
    );
    const held = await Promise.all(
      [1, 2].map(async (id) => {
        const other = await gateway.open(secure);
        other.write(post(`id-${id}`));
        return other;
      }),
    );
    await eventually(() => retries() === 2, "two retries under way");
    client.write(post("id-3"));
    expect((await client.answers(1))[0]).toMatchObject({ status: 503, body: "busy" });
    expect(retries()).toBe(2);
    for (const other of held) other.destroy();
    await eventually(() => gateway.counted("inFlight") === 0, "the others gone");
    client.write(post("id-4"));
    await eventually(() => retries() === 3, "room again");
  });

  test("a retry budget: a fifth of the requests, three at least, however high max_retries is", async () => {
    const seen = new Set<string>();
    one.behaviour = (connection) => {
      const request = requestsIn(connection.text).at(-1)!;
      const id = /id-\d+/.exec(request)![0];
      if (!seen.has(id)) connection.socket.write(unavailable);
      seen.add(id);
    };
    await start(
      policy("5xx"),
      [one.port],
      {},
      {
        breakers: [
          { priority: "default", maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 1024, maxRetries: 1000 },
        ],
      },
    );
    const others: RawClient[] = [];
    for (let id = 1; id <= 3; id++) {
      const other = await gateway.open(secure);
      others.push(other);
      other.write(post(`id-${id}`));
      await eventually(() => retries() === id, "a retry under way");
    }
    client.write(post("id-4"));
    expect((await client.answers(1))[0]).toMatchObject({ status: 503, body: "busy" });
    expect(retries()).toBe(3);
    for (const other of others) other.destroy();
  });

  test("a gRPC status in the head of an answer is tried again where the policy names it", async () => {
    const grpc = (status: number, more = ""): string =>
      `HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: ${status}\r\n${more}content-length: 0\r\n\r\n`;
    one.behaviour = inTurn(grpc(14), grpc(8), grpc(5));
    await start(policy("unavailable,resource-exhausted", 5));
    client.write(post("body", "Content-Type: application/grpc\r\n"));
    expect(fieldOf((await client.answers(1))[0]!, "grpc-status")).toBe("5");
    expect(arrived()).toHaveLength(3);
  });

  test.each([
    ["-1", 1],
    ["soon", 1],
    ["20", 2],
    ["100000", 1],
  ])("grpc-retry-pushback-ms: %s makes %d tries", async (pushback, tries) => {
    one.behaviour = inTurn(
      `HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: 14\r\ngrpc-retry-pushback-ms: ${pushback}\r\ncontent-length: 0\r\n\r\n`,
    );
    await start(policy("unavailable", 5));
    client.write(post("body", "Content-Type: application/grpc\r\n"));
    await client.answers(1);
    expect(arrived()).toHaveLength(tries);
  });
});
