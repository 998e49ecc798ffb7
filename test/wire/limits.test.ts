// Limits at their edges, and deadlines: what nobody may exceed, and when slow peers are cut.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { tickMs } from "../stopped-clock.ts";
import { eventually, settled } from "../turns.ts";
import { answersIn, fieldOf } from "./client.ts";
import { Gateway, post, transports } from "./gateway.ts";
import { Origin, answerEach, requestsIn } from "./origin.ts";

describe.each(transports)("%s", (_name, secure) => {
  let gateway: Gateway;
  let origin: Origin;

  beforeEach(async () => {
    origin = await new Origin().listen();
  });
  afterEach(async () => {
    gateway.close();
    await origin.close();
  });

  async function start(limits: ConstructorParameters<typeof Gateway>[0] = {}): Promise<void> {
    gateway = await new Gateway(limits).listen();
    gateway.serveIris([origin.port]);
  }

  async function statusOf(request: string): Promise<number> {
    const client = await gateway.open(secure);
    client.write(request);
    const [answer] = await client.answers(1);
    client.destroy();
    return answer!.status;
  }

  test("request line: 8192 bytes pass, one more is 414", async () => {
    await start();
    const line = (bytes: number): string => {
      const start = "GET /seldon/prod/iris/";
      return `${start}${"a".repeat(bytes - start.length - " HTTP/1.1".length)} HTTP/1.1\r\nHost: a\r\n\r\n`;
    };
    expect(await statusOf(line(8191))).toBe(200);
    expect(await statusOf(line(8192))).toBe(200);
    expect(await statusOf(line(8193))).toBe(414);
    expect(await statusOf(`GET /${"a".repeat(20_000)}`)).toBe(414);
  });

  test("head: 60 KiB pass, one byte more is 431", async () => {
    await start();
    const head = (bytes: number): string => {
      const start = "GET /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nX: ";
      return `${start}${"a".repeat(bytes - start.length - 4)}\r\n\r\n`;
    };
    expect(await statusOf(head(60 * 1024 - 1))).toBe(200);
    expect(await statusOf(head(60 * 1024))).toBe(200);
    expect(await statusOf(head(60 * 1024 + 1))).toBe(431);
    expect(await statusOf(head(100_000).slice(0, -4))).toBe(431);
  });

  test("fields: 100 pass, one more is 431", async () => {
    await start();
    const head = (fields: number): string =>
      `GET /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\n${Array.from({ length: fields - 1 }, (_, index) => `X-${index}: 1\r\n`).join("")}\r\n`;
    expect(await statusOf(head(99))).toBe(200);
    expect(await statusOf(head(100))).toBe(200);
    expect(await statusOf(head(101))).toBe(431);
  });

  test("body: the limit passes by either framing, one byte more is 413", async () => {
    await start({ limits: { bodyBytes: 10 } });
    const chunked = (body: string): string =>
      `POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n${body.slice(0, 5)}\r\n${(body.length - 5).toString(16)}\r\n${body.slice(5)}\r\n0\r\n\r\n`;
    for (const [body, status] of [
      ["123456789", 200],
      ["1234567890", 200],
      ["12345678901", 413],
    ] as const) {
      expect(await statusOf(post(body))).toBe(status);
      expect(await statusOf(chunked(body))).toBe(status);
    }
  });

  test("trailers: 8 KiB pass, one byte more is 400, however they are split", async () => {
    await start();
    const trailers = (bytes: number): string => `X: ${"a".repeat(bytes - "X: \r\n\r\n".length)}\r\n\r\n`;
    const head = "POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n";
    for (const [bytes, status] of [
      [8191, 200],
      [8192, 200],
      [8193, 400],
    ] as const) {
      expect(await statusOf(head + trailers(bytes))).toBe(status);
      const client = await gateway.open(secure);
      client.write(head + trailers(bytes).slice(0, 5000));
      await eventually(() => origin.text.endsWith("2\r\nhi\r\n"), "the body at the origin");
      client.write(trailers(bytes).slice(5000));
      expect((await client.answers(1))[0]!.status).toBe(status);
      client.destroy();
    }
  });

  test.each([
    ["a head", { headTimeoutMs: 200 }, "GET /x"],
    [
      "a body",
      { bodyIdleTimeoutMs: 200 },
      "POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf",
    ],
    [
      "a chunked body",
      { bodyIdleTimeoutMs: 200 },
      "POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe",
    ],
    ["an idle connection", { connectionIdleTimeoutMs: 200 }, ""],
  ] as const)("the deadline of %s is exact: never early, and late by one tick at most", async (_what, limits, text) => {
    await start({ limits });
    const client = await gateway.open(secure);
    if (text !== "") client.write(text);
    await gateway.advance(199);
    expect(client.ended).toBe(false);
    await gateway.advance(1 + tickMs);
    await client.end();
    client.destroy();
  });

  test("connections: over the limit they are closed", async () => {
    await start({ limits: { connections: 2 } });
    const first = await gateway.open(secure);
    const second = await gateway.open(secure);
    first.write(post("x"));
    second.write(post("x"));
    await first.answers(1);
    await second.answers(1);
    const third = await gateway.open(secure).catch(() => null);
    if (third !== null) {
      third.write(post("x"));
      await third.end();
      expect(third.text).toBe("");
    }
    first.destroy();
    second.destroy();
  });

  test("a head that is not complete in time: 408, however steadily it comes", async () => {
    await start({ limits: { headTimeoutMs: 100 } });
    const client = await gateway.open(secure);
    client.write("GET /x");
    for (let ms = 0; ms < 90; ms += 15) {
      client.write("x");
      await gateway.advance(15);
    }
    expect(client.ended).toBe(false);
    await gateway.advance(10 + tickMs);
    await client.end();
    expect(answersIn(client.text).map(({ status }) => status)).toEqual([408]);
    client.destroy();
  });

  test("a body that stalls: 408, and the upstream request is cut", async () => {
    await start({ limits: { bodyIdleTimeoutMs: 100 } });
    const client = await gateway.open(secure);
    client.write("POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
    await eventually(() => origin.text.endsWith("half"), "the half at the origin");
    await gateway.advance(100 + tickMs);
    await client.end();
    expect(answersIn(client.text).map(({ status }) => status)).toEqual([408]);
    await eventually(() => origin.connections[0]!.closed, "the cut at the origin");
    expect(gateway.flagged("DT")).toBe(1);
    client.destroy();
  });

  test("an idle connection is closed, without an answer", async () => {
    await start({ limits: { connectionIdleTimeoutMs: 100 } });
    const fresh = await gateway.open(secure);
    const used = await gateway.open(secure);
    used.write(post("x"));
    await used.answers(1);
    await gateway.advance(100 + tickMs);
    await Promise.all([fresh.end(), used.end()]);
    expect(fresh.text).toBe("");
    expect(answersIn(used.text)).toHaveLength(1);
    fresh.destroy();
    used.destroy();
  });

  test("an aged connection closes after its next answer", async () => {
    await start({ limits: { connectionMaxAgeMs: 50 } });
    const client = await gateway.open(secure);
    client.write(post("x"));
    const [first] = await client.answers(1);
    expect(fieldOf(first!, "connection")).toBeNull();
    await gateway.advance(60);
    client.write(post("y"));
    await client.end();
    expect(answersIn(client.text).map((answer) => fieldOf(answer, "connection"))).toEqual([null, "close"]);
    client.destroy();
  });

  test("the default limit ends with the head of the answer: 504 says so, a slow body passes", async () => {
    await start();
    gateway.serveIris([origin.port], { timeout: { ms: 100, setBy: null } });
    origin.behaviour = () => undefined;
    const client = await gateway.open(secure);
    client.write(post("x"));
    await eventually(() => requestsIn(origin.text).length === 1, "the request at the origin");
    await gateway.advance(100 + tickMs);
    const [late] = await client.answers(1);
    expect(late).toMatchObject({
      status: 504,
      body: "upstream request timeout: timeout 100 ms set by default; annotate seldon.io/rest-timeout",
    });
    expect(gateway.flagged("UT")).toBe(1);
    await eventually(() => origin.connections[0]!.closed, "the cut at the origin");
    origin.behaviour = (connection) => {
      if (requestsIn(connection.text).length === 0) return;
      connection.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nslow");
    };
    client.write(post("y"));
    await client.until(({ text }) => text.endsWith("slow"), "half of the body");
    await gateway.advance(300);
    origin.connections[1]!.socket.write("body");
    expect((await client.answers(2))[1]!.body).toBe("slowbody");
    client.destroy();
  });

  test("a written limit ends with the last byte of the answer", async () => {
    await start();
    gateway.serveIris([origin.port], { timeout: { ms: 150, setBy: "annotation seldon.io/rest-timeout" } });
    origin.behaviour = (connection) => {
      if (requestsIn(connection.text).length > 0)
        connection.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nslow");
    };
    const client = await gateway.open(secure);
    client.write(post("x"));
    await client.until(({ text }) => text.endsWith("slow"), "half of the body");
    await gateway.advance(149);
    expect(client.ended).toBe(false);
    await gateway.advance(1 + tickMs);
    await client.end();
    expect(client.text).toMatch(/slow$/);
    expect(gateway.flagged("UT")).toBe(1);
    client.destroy();
  });

  test("a limit runs from the last byte of the request, and 0 is none", async () => {
    await start();
    gateway.serveIris([origin.port], { timeout: { ms: 150, setBy: "annotation seldon.io/rest-timeout" } });
    const client = await gateway.open(secure);
    client.write("POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na");
    await eventually(() => origin.text.endsWith("a"), "half of the request");
    await gateway.advance(300);
    client.write("b");
    expect((await client.answers(1))[0]!.status).toBe(200);
    gateway.serveIris([origin.port], { timeout: { ms: 0, setBy: "annotation seldon.io/rest-timeout" } });
    origin.behaviour = () => undefined;
    client.write(post("y"));
    await eventually(() => requestsIn(origin.text).length === 2, "the second request");
    await gateway.advance(10_000);
    origin.connections[0]!.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    expect((await client.answers(2))[1]!.status).toBe(200);
    client.destroy();
  });

  test("no byte either way: 504 before the answer, a cut in it", async () => {
    await start();
    gateway.serveIris([origin.port], {
      timeout: { ms: 0, setBy: "x" },
      idleTimeout: { ms: 100, setBy: "Mapping prod/x idle_timeout_ms" },
    });
    origin.behaviour = () => undefined;
    const client = await gateway.open(secure);
    client.write(post("x"));
    await eventually(() => requestsIn(origin.text).length === 1, "the request at the origin");
    await gateway.advance(100 + tickMs);
    expect((await client.answers(1))[0]).toMatchObject({ status: 504, body: "stream timeout: no byte for 100 ms" });
    origin.behaviour = (connection) => connection.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf");
    client.write(post("y"));
    await client.until(({ text }) => text.endsWith("half"), "half of the answer");
    await gateway.advance(100 + tickMs);
    await client.end();
    expect(gateway.flagged("SI")).toBe(2);
    client.destroy();
  });

  test("a client that does not read is cut, and holds back the upstream until then", async () => {
    await start({ limits: { writeStallTimeoutMs: 300 } });
    let sent = 0;
    const block = Buffer.alloc(256 * 1024, "a");
    origin.behaviour = (connection) => {
      connection.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n");
      const pump = (): void => {
        while (!connection.socket.destroyed && sent < 1_000_000_000) {
          sent += block.length;
          if (!connection.socket.write(block)) break;
        }
      };
      connection.socket.on("drain", pump);
      pump();
    };
    const client = await gateway.open(secure);
    client.socket.pause();
    const before = process.memoryUsage().arrayBuffers;
    client.write(post("x"));
    await eventually(() => sent > 0, "the answer");
    expect(await settled(() => sent)).toBeLessThan(64 * 1024 * 1024);
    await gateway.advance(250);
    expect(gateway.flagged("DC")).toBe(0);
    await gateway.advance(500);
    expect(gateway.flagged("DC")).toBe(1);
    // Kernel buffers on loopback take some MB; what the gateway holds is bounded.
    expect(sent).toBeLessThan(64 * 1024 * 1024);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
    await eventually(() => origin.connections[0]!.closed, "the end at the origin");
    client.destroy();
  });

  test.skipIf(secure)(
    "a plain connection whose client is cut because it does not read is reset, so that the kernel frees what it holds",
    async () => {
      await start({ limits: { writeStallTimeoutMs: 300 } });
      origin.behaviour = (connection) => {
        connection.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 20000000\r\n\r\n");
        connection.socket.write(Buffer.alloc(20_000_000));
      };
      const client = await gateway.open(false);
      const ends: string[] = [];
      client.socket.on("error", (error: NodeJS.ErrnoException) => ends.push(error.code ?? ""));
      client.socket.pause();
      client.write(post("x"));
      await eventually(() => origin.connections.length > 0, "the request at the origin");
      await settled(() => origin.connections[0]!.socket.writableLength);
      await gateway.advance(400);
      await eventually(() => gateway.flagged("DC") === 1, "the cut");
      client.socket.resume();
      await eventually(() => client.closed, "the end at the client");
      expect(ends).toEqual(["ECONNRESET"]);
    },
  );

  test("a slow upstream holds back its client", async () => {
    await start();
    origin.behaviour = (connection) => connection.socket.pause();
    const client = await gateway.open(secure);
    client.write("POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nContent-Length: 500000000\r\n\r\n");
    await eventually(() => origin.connections.length === 1, "the request at the origin");
    const block = Buffer.alloc(256 * 1024, "b");
    let written = 0;
    for (; written < 256 * 1024 * 1024 && client.socket.writableLength === 0; written += block.length) {
      client.socket.write(block);
      await settled(() => client.socket.writableLength);
    }
    expect(written).toBeLessThan(64 * 1024 * 1024);
    // It reads on: everything goes on.
    origin.behaviour = () => undefined;
    origin.connections[0]!.socket.resume();
    await new Promise<void>((resolve) => {
      client.socket.once("drain", resolve);
    });
    client.destroy();
  });

  test("the last answer of a connection reaches a slow reader whole", async () => {
    await start();
    const body = "y".repeat(12_000_000);
    origin.behaviour = answerEach(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    const client = await gateway.open(secure);
    client.write(post("x", "Connection: close\r\n"));
    await client.until(() => client.text.length > 0);
    client.socket.pause();
    await settled(() => origin.connections[0]!.socket.writableLength);
    await gateway.advance(1500);
    client.socket.resume();
    const [answer] = await client.answers(1);
    expect(answer!.body.length).toBe(body.length);
    client.destroy();
  });

  test("answers to many small requests of a client that reads late are all there", async () => {
    await start();
    origin.behaviour = answerEach(() => `HTTP/1.1 200 OK\r\ncontent-length: 20000\r\n\r\n${"z".repeat(20_000)}`);
    const client = await gateway.open(secure);
    client.socket.pause();
    client.write(Array.from({ length: 300 }, () => post("x")).join(""));
    await settled(() => origin.connections[0]?.answered ?? 0);
    await gateway.advance(200);
    client.socket.resume();
    const answers = await client.answers(300);
    expect(answers.every(({ body }) => body === "z".repeat(20_000))).toBe(true);
    client.destroy();
  });
});
