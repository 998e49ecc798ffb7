// Faulty peers on real sockets: upstreams that hang, drip, die, answer early or close at the worst moment, clients that reset or stall. Each
// has one exact outcome, and afterwards nothing is left: no request in flight, no connection, no place in a breaker, no deadline.
import { afterEach, beforeEach, describe, expect, test, vi, type MockInstance } from "vitest";
import { breakerCell } from "../../gateway/shared/memory/counters.ts";
import { fixed } from "../../gateway/shared/metrics/fixed.ts";
import { DeadlineWheel } from "../../gateway/edge/io/deadline.ts";
import type { ForwardTarget } from "../../routing/model/mapping.ts";
import type { Breaker } from "../../routing/model/upstream.ts";
import { eventually } from "../turns.ts";
import { answersIn, fieldOf, type RawClient } from "./client.ts";
import { Gateway, post, transports, type GatewayOptions } from "./gateway.ts";
import { Origin, answerEach, requestsIn, type OriginConnection } from "./origin.ts";

const written = { ms: 200, setBy: "annotation seldon.io/rest-timeout" };
const wide: Breaker = {
  priority: "default",
  maxConnections: 1024,
  maxPendingRequests: 1024,
  maxRequests: 1024,
  maxRetries: 3,
};
const ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/** Writes byte by byte. */
async function drip(connection: OriginConnection, text: string): Promise<void> {
  for (const byte of text) {
    connection.socket.write(byte, "latin1");
    await new Promise(setImmediate);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

describe.each(transports)("%s", (_name, secure) => {
  let gateway: Gateway;
  let origin: Origin;
  let client: RawClient;
  /** Every deadline that is set, by the wheel where it stands. */
  let sets: MockInstance<DeadlineWheel["set"]>;

  beforeEach(async () => {
    sets = vi.spyOn(DeadlineWheel.prototype, "set");
    origin = await new Origin().listen();
  });
  afterEach(async () => {
    client.destroy();
    const { cells } = gateway.counters;
    await eventually(
      () => cells[fixed.inFlight] === 0 && cells[fixed.clientConnectionsHttp1] === 0,
      "no request in flight and no client",
    );
    gateway.serveIris([]);
    await eventually(() => cells[fixed.upstreamConnectionsHttp1] === 0, "no upstream connection");
    // What it has not read would keep its sockets open.
    origin.behaviour = () => undefined;
    for (const { socket } of origin.connections) socket.resume();
    await eventually(() => origin.connections.every(({ closed }) => closed), "no connection at the origin");
    expect([...cells.subarray(breakerCell(0, 0), breakerCell(1, 0))].every((count) => count === 0)).toBe(true);
    // Not only cleared: what stands in the wheel is held.
    expect((sets.mock.contexts[0] as DeadlineWheel).size).toBe(0);
    sets.mockRestore();
    expect(gateway.faults).toBe(0);
    gateway.close();
    await origin.close();
  });

  async function start(target: Partial<ForwardTarget> = {}, options: GatewayOptions = {}): Promise<void> {
    gateway = await new Gateway({ time: "real", ...options }).listen();
    gateway.serveIris([origin.port], target, { breakers: [wide] });
    client = await gateway.open(secure);
  }

  /** The client goes without a word; over TLS a reset is no more than that. */
  function leave(): void {
    if (secure) client.destroy();
    else client.socket.resetAndDestroy();
  }

  /** The origin does this with each connection that has a whole request, once. */
  function whenAsked(act: (connection: OriginConnection) => void): void {
    origin.behaviour = (connection) => {
      if (requestsIn(connection.text).length === 0 || connection.answered > 0) return;
      connection.answered = 1;
      act(connection);
    };
  }

  describe("an upstream that hangs", () => {
    test.each([
      ["before a byte", ""],
      ["in its status line", "HTTP/1.1 2"],
      ["in its fields", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: "],
      ["after a 1xx answer", "HTTP/1.1 103 Early\r\n\r\n"],
    ])("%s: 504, UT", async (_when, part) => {
      await start({ timeout: written });
      whenAsked((connection) => connection.socket.write(part));
      client.write(post("x"));
      await client.until((one) => answersIn(one.text).some(({ status }) => status >= 200));
      expect(answersIn(client.text).at(-1)).toMatchObject({
        status: 504,
        body: "upstream request timeout: timeout 200 ms set by annotation seldon.io/rest-timeout",
      });
      expect(gateway.flagged("UT")).toBe(1);
      // The client's connection goes on.
      origin.behaviour = answerEach(ok);
      client.write(post("y"));
      await client.until((one) => one.text.endsWith("\r\n\r\nok"));
    });

    test.each([
      ["after its head", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"],
      ["in its body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"],
      ["after the head of chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"],
      ["in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe"],
      ["before the last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"],
      ["in its trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: "],
    ])("%s: the answer is cut, UT", async (_when, part) => {
      await start({ timeout: written }, { time: "stopped" });
      whenAsked((connection) => connection.socket.write(part));
      client.write(post("x"));
      await client.until(({ text }) => text.includes("\r\n\r\n"));
      await gateway.during(client.end());
      expect(answersIn(client.text)).toEqual([]);
      expect(client.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(gateway.flagged("UT")).toBe(1);
    });

    test("and does not read a large body: 504, SI, by the idle limit", async () => {
      await start({
        timeout: { ms: 0, setBy: "x" },
        idleTimeout: { ms: 300, setBy: "Mapping prod/x idle_timeout_ms" },
      });
      origin.behaviour = (connection) => connection.socket.pause();
      client.write(
        `POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nContent-Length: 30000000\r\n\r\n${"a".repeat(30_000_000)}`,
      );
      expect((await client.answers(1))[0]).toMatchObject({ status: 504, body: "stream timeout: no byte for 300 ms" });
      await client.end();
      expect(gateway.flagged("SI")).toBe(1);
    });
  });

  describe("an upstream byte by byte", () => {
    test.each([
      ["with a length", `HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\nabcdefghijklmnopqrstuvwxyz`, ""],
      [
        "in chunks, with trailers",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nabcdefghijklmnop\r\na\r\nqrstuvwxyz\r\n0\r\nX-Sum: 7\r\n\r\n",
        "X-Sum: 7\r\n",
      ],
    ])("answers %s: whole, and its connection is used again", async (_how, text, trailers) => {
      await start();
      whenAsked((connection) => void drip(connection, text));
      client.write(post("x"));
      expect((await client.answers(1))[0]).toMatchObject({ status: 200, body: "abcdefghijklmnopqrstuvwxyz", trailers });
      origin.connections[0]!.answered = 1;
      origin.behaviour = answerEach(ok);
      client.write(post("y"));
      expect((await client.answers(2))[1]!.body).toBe("ok");
      expect(origin.connections).toHaveLength(1);
    });

    test("reads: the body arrives whole", async () => {
      await start({ timeout: { ms: 0, setBy: "x" } });
      const body = Array.from({ length: 400_000 }, (_, index) => String.fromCharCode(97 + (index % 26))).join("");
      // It takes a little at a time.
      const serve = answerEach(ok);
      origin.behaviour = (connection, all) => {
        connection.socket.pause();
        setTimeout(() => connection.socket.resume(), 1);
        serve(connection, all);
      };
      client.write(post(body));
      expect((await client.answers(1))[0]!.status).toBe(200);
      expect(requestsIn(origin.text)[0]!.endsWith(`\r\n\r\n${body}`)).toBe(true);
    });
  });

  describe("an upstream that dies", () => {
    test.each(["ends", "resets"])(
      "in a body, and %s: the client sees the cut, and what it had sent behind is not sent on",
      async (how) => {
        await start();
        whenAsked((connection) => {
          connection.socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", () => {
            if (how === "ends") connection.socket.end();
            else setTimeout(() => connection.socket.resetAndDestroy(), 20);
          });
        });
        client.write(post("first") + post("second"));
        await client.end();
        expect(client.text).toMatch(/half$/);
        expect(origin.text).not.toContain("second");
        expect(gateway.flagged("UC")).toBe(1);
      },
    );

    test.each(["ends", "resets"])("while it is sent a body, and %s: 503, UC, once", async (how) => {
      await start();
      origin.behaviour = (connection) => {
        if (how === "ends") connection.socket.end();
        else connection.socket.resetAndDestroy();
      };
      client.write("POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nbegun");
      const [answer] = await client.answers(1);
      expect(answer!.status).toBe(503);
      expect(answer!.body).toContain("connection termination");
      // Most of the body is still to come, and nobody will read it.
      expect(fieldOf(answer!, "connection")).toBe("close");
      await client.end();
      expect(gateway.flagged("UC")).toBe(1);
      expect(origin.connections).toHaveLength(1);
    });

    test("with its request complete, by a FIN alone: 503, UC", async () => {
      await start();
      whenAsked((connection) => connection.socket.end());
      client.write(post("x"));
      expect((await client.answers(1))[0]!.status).toBe(503);
      expect(gateway.flagged("UC")).toBe(1);
    });
  });

  describe("an upstream that answers early", () => {
    const early = "HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig";

    function begin(length: number): void {
      client.write(`POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\nbegun`);
    }

    test("and reads on: the body still goes there, and both connections serve on", async () => {
      await start();
      origin.behaviour = (connection) => {
        if (connection.answered === 0) connection.socket.write(early);
        else if (requestsIn(connection.text).length === 2) connection.socket.write(ok);
        connection.answered += 1;
      };
      begin(200_000);
      expect((await client.answers(1))[0]!.status).toBe(413);
      client.write("a".repeat(199_995));
      client.write(post("y"));
      expect((await client.answers(2))[1]!.body).toBe("ok");
      expect(origin.connections).toHaveLength(1);
    });

    test("and closes: the client gets the answer, then the end, because nobody takes the rest", async () => {
      await start();
      origin.behaviour = (connection) => {
        if (connection.answered++ === 0)
          connection.socket.end(early.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n"));
      };
      begin(10_000_000);
      expect((await client.answers(1))[0]).toMatchObject({ status: 413, body: "big" });
      // It goes on sending, as clients do: the gateway takes some of it, so that the answer is not destroyed by a reset.
      client.write("a".repeat(100_000));
      await pause(50);
      expect(answersIn(client.text)).toHaveLength(1);
      expect(origin.text).not.toContain("aaaa");
    });

    test("and resets: the client gets the answer", async () => {
      await start();
      origin.behaviour = (connection) => {
        if (connection.answered++ > 0) return;
        connection.socket.write(early);
        setTimeout(() => connection.socket.resetAndDestroy(), 50);
      };
      begin(1000);
      expect((await client.answers(1))[0]!.status).toBe(413);
      await eventually(() => origin.connections[0]!.closed, "the reset");
      client.write("a".repeat(995));
      origin.behaviour = answerEach(ok);
      client.write(post("y"));
      expect((await client.answers(2))[1]!.body).toBe("ok");
    });

    test("and reads no more: the client gets the answer, and the idle limit ends the rest", async () => {
      await start({
        timeout: { ms: 0, setBy: "x" },
        idleTimeout: { ms: 300, setBy: "Mapping prod/x idle_timeout_ms" },
      });
      origin.behaviour = (connection) => {
        connection.socket.write(early);
        connection.socket.pause();
      };
      begin(50_000_000);
      client.write("a".repeat(30_000_000));
      expect((await client.answers(1))[0]).toMatchObject({ status: 413, body: "big" });
      await client.until((one) => one.ended || one.closed);
      expect(answersIn(client.text)).toHaveLength(1);
    });
  });

  test("an upstream that closes idle connections at the worst moment: every request is answered once, none is there twice", async () => {
    await start();
    let sequence = 0;
    // Its answer and its end arrive together, a moment apart, or only when the next request is on its way.
    origin.behaviour = (connection) => {
      const requests = requestsIn(connection.text).length;
      if (requests <= connection.answered) return;
      connection.answered = requests;
      connection.socket.write(ok);
      const afterMs = sequence++ % 4;
      if (afterMs === 3) return;
      setTimeout(() => connection.socket.end(), afterMs);
    };
    const count = 200;
    for (let id = 1; id <= count; id++) {
      client.write(post(`id-${id}.`));
      await client.answers(id);
      if (id % 3 === 0) await pause(id % 5);
    }
    const answers = answersIn(client.text);
    expect(answers).toHaveLength(count);
    const lost = answers.filter(({ status }) => status === 503).length;
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(count - lost);
    expect(gateway.flagged("UC")).toBe(lost);
    for (let id = 1; id <= count; id++) expect(origin.text.split(`id-${id}.`).length - 1).toBeLessThanOrEqual(1);
  });

  test("both directions stalled: the client is cut, and the upstream with it", async () => {
    await start({ timeout: { ms: 0, setBy: "x" } }, { limits: { writeStallTimeoutMs: 400 } });
    const block = "y".repeat(30_000_000);
    origin.behaviour = (connection) => {
      if (connection.answered++ > 0) return;
      connection.socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${block.length}\r\n\r\n${block}`);
      connection.socket.pause();
    };
    client.socket.pause();
    client.write(
      `POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n${"a".repeat(30_000_000)}`,
    );
    await eventually(() => gateway.flagged("DC") === 1, "the cut");
  });

  test.each([
    ["half a body", "POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf"],
    ["half a chunk", "POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe"],
    ["no body yet", "POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"],
    ["half a head", "POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nX: "],
  ])("a client that ends its side with %s behind a request gets its answer and the end", async (_what, part) => {
    await start();
    whenAsked((connection) => void setTimeout(() => connection.socket.write(ok), 50));
    client.write(post("x") + part);
    client.socket.end();
    await client.end();
    expect(answersIn(client.text).filter(({ status }) => status >= 200)).toHaveLength(1);
  });

  describe("a client that resets", () => {
    test.each([
      ["in its head", "POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nX: ", 0],
      ["in its body", "POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf", 1],
      ["in a chunk", "POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe", 1],
      ["while it waits", post("x"), 1],
      ["while it waits, with another request behind", post("x") + post("y"), 1],
    ])("%s: what it asked for is cancelled at once", async (_when, text, begun) => {
      await start();
      origin.behaviour = () => undefined;
      client.write(text);
      if (begun > 0) await eventually(() => origin.text !== "", "the request at the origin");
      else await eventually(() => gateway.counted("clientConnectionsHttp1") === 1, "the connection");
      leave();
      await eventually(() => gateway.counted("clientConnectionsHttp1") === 0, "the end of the connection");
      expect(gateway.flagged("DC")).toBe(begun);
      if (begun > 0)
        await eventually(() => origin.connections[0]!.closed || origin.connections[0]!.ended, "the cancelled request");
    });

    test("in the middle of its answer: the answer is cancelled with the next byte of it", async () => {
      await start();
      whenAsked((connection) => {
        connection.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\nhalf");
        // Who only closes may be one that ended its side and waits: a byte that comes back as a reset tells.
        const more = setInterval(() => {
          if (connection.closed) clearInterval(more);
          else if (client.closed) connection.socket.write("more");
        }, 20);
      });
      client.write(post("x"));
      await client.until((one) => one.text.endsWith("half"));
      leave();
      await eventually(() => origin.connections[0]!.closed || origin.connections[0]!.ended, "the cancelled request");
      expect(gateway.flagged("DC")).toBe(1);
    });
  });
});
