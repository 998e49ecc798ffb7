// Tunnels: a client that asks for WebSocket, where the Mapping allows it, gets a pipe to the upstream that agrees.
import { createHash, randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ForwardTarget } from "../../routing/model/mapping.ts";
import { tickMs } from "../stopped-clock.ts";
import { eventually, settled } from "../turns.ts";
import { answersIn, fieldOf, type RawClient } from "./client.ts";
import { Gateway, firstSlot, post, transports, type GatewayOptions } from "./gateway.ts";
import { Origin, answerEach, requestsIn, type OriginConnection } from "./origin.ts";

const ask =
  "GET /seldon/prod/iris/chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const agreed =
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/** One unmasked text frame (RFC 6455 §5.2), or a masked one, as a client sends it. */
function frame(text: string, masked: boolean): string {
  const payload = Buffer.from(text);
  const mask = Buffer.from([1, 2, 3, 4]);
  const body = masked ? Buffer.concat([mask, payload.map((byte, at) => byte ^ mask[at % 4]!)]) : payload;
  return Buffer.concat([Buffer.from([0x81, (masked ? 0x80 : 0) | payload.length]), body]).toString("latin1");
}

describe.each(transports)("%s", (_name, secure) => {
  let gateway: Gateway;
  let origin: Origin;
  let client: RawClient;

  /** What the upstream saw after its 101. */
  const heard = (connection: OriginConnection): string =>
    connection.text.slice(connection.text.indexOf("\r\n\r\n") + 4);
  const told = (): string => client.text.slice(client.text.indexOf("\r\n\r\n") + 4);

  beforeEach(async () => {
    origin = await new Origin((connection) => {
      if (connection.answered === 0 && requestsIn(connection.text).length > 0) {
        connection.answered = 1;
        connection.socket.write(agreed);
      }
    }).listen();
  });

  async function start(target: Partial<ForwardTarget> = {}, options: GatewayOptions = {}): Promise<void> {
    gateway = await new Gateway({ accessLog: "all", ...options }).listen();
    gateway.serveIris([origin.port], { upgrades: ["websocket"], ...target });
    client = await gateway.open(secure);
  }

  async function open(): Promise<OriginConnection> {
    client.write(ask);
    await client.until(({ text }) => text.includes("\r\n\r\n"), "the 101");
    return origin.connections[0]!;
  }

  afterEach(async () => {
    client.destroy();
    // Connections to the upstream that are no tunnels are idle for a second at most.
    await gateway.advance(2000);
    await eventually(() => gateway.counted("inFlight") === 0, "nothing in flight");
    await eventually(() => gateway.counted("clientConnectionsHttp1") === 0, "no client");
    await eventually(
      () => gateway.counted("upstreamConnectionsHttp1") === 0 || origin.connections.every(({ closed }) => !closed),
      "no tunnel left",
    );
    gateway.close();
    await origin.close();
  });

  test("frames pass both ways as they are, and the handshake is rebuilt", async () => {
    await start();
    const upstream = await open();
    expect(client.text.toLowerCase()).toContain("http/1.1 101 switching protocols\r\n");
    expect(client.text.toLowerCase()).toMatch(/\r\nconnection: upgrade\r\nupgrade: websocket\r\n/);
    expect(client.text).toContain("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    const request = upstream.text.toLowerCase();
    expect(request).toMatch(/\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n$/);
    expect(request.match(/upgrade: /g)).toHaveLength(1);
    expect(request).toContain("sec-websocket-key: dghlihnhbxbszsbub25jzq==");
    expect(request).toMatch(/^get \/chat http/);
    for (let i = 0; i < 3; i++) {
      client.write(frame(`question ${i}`, true));
      await eventually(() => heard(upstream).endsWith(frame(`question ${i}`, true)), "the question");
      upstream.socket.write(Buffer.from(frame(`answer ${i}`, false), "latin1"));
      await client.until(() => told().endsWith(frame(`answer ${i}`, false)), "the answer");
    }
    expect(gateway.counted("inFlight")).toBe(1);
    client.destroy();
    await eventually(() => upstream.closed, "the end of the upstream");
    expect(gateway.answered("101")).toBe(1);
    expect(gateway.entries).toMatchObject([
      {
        code: 101,
        requestBytes: 3 * frame("question 0", true).length,
        responseBytes: 3 * frame("answer 0", false).length,
      },
    ]);
  });

  test("what both sides say before the 101 has arrived is kept in order", async () => {
    origin.behaviour = (connection) => {
      if (connection.answered++ === 0) connection.socket.write(Buffer.from(`${agreed}early`, "latin1"));
    };
    await start();
    client.write(`${ask}hasty`);
    await client.until(() => told() === "early", "the early bytes");
    const upstream = origin.connections[0]!;
    await eventually(() => heard(upstream) === "hasty", "the hasty bytes");
    client.write(" more");
    await eventually(() => heard(upstream) === "hasty more", "what follows");
  });

  test("more than 16 kB sent before the 101 waits and passes", async () => {
    let agree: (() => void) | null = null;
    origin.behaviour = (connection) => {
      if (connection.answered++ === 0) agree = () => connection.socket.write(agreed);
    };
    await start();
    const hasty = "h".repeat(200_000);
    client.write(ask + hasty);
    await eventually(() => agree !== null, "the request");
    agree!();
    await eventually(() => heard(origin.connections[0]!) === hasty, "all of it");
  });

  test.each([
    ["not allowed", {}, ask],
    ["POST", { upgrades: ["websocket"] }, ask.replace("GET", "POST")],
    ["with a body", { upgrades: ["websocket"] }, ask.replace("Host: a", "Host: a\r\nContent-Length: 1") + "x"],
  ])("%s: 403, and the upstream hears nothing of it", async (_what, target, request) => {
    await start({ upgrades: [], ...target });
    client.write(request);
    expect((await client.answers(1))[0]!.status).toBe(403);
    expect(origin.text).toBe("");
  });

  test("an upstream that refuses: its answer is passed on, and both connections serve on", async () => {
    origin.behaviour = answerEach((_request, index) =>
      index === 0
        ? "HTTP/1.1 426 Upgrade Required\r\nUpgrade: foo\r\ncontent-length: 2\r\n\r\nno"
        : "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    );
    await start();
    client.write(ask);
    expect((await client.answers(1))[0]).toMatchObject({ status: 426, body: "no" });
    client.write(post("x"));
    expect((await client.answers(2))[1]).toMatchObject({ status: 200, body: "ok" });
    expect(origin.connections).toHaveLength(1);
  });

  test.each([
    ["another protocol", agreed.replace("WebSocket", "h2c")],
    ["two protocols", agreed.replace("WebSocket", "websocket, h2c")],
    ["no protocol", agreed.replace("Upgrade: WebSocket\r\n", "")],
    ["no Connection", agreed.replace("Connection: Upgrade\r\n", "")],
  ])("a 101 that names %s: 502", async (_what, answer) => {
    origin.behaviour = (connection) => connection.socket.write(answer);
    await start();
    client.write(ask);
    await client.until(({ text }) => answersIn(text).length > 0);
    expect(answersIn(client.text)[0]!.status).toBe(502);
    await eventually(() => origin.connections[0]!.closed || origin.connections[0]!.ended, "the end of the upstream");
    expect(gateway.flagged("UPE")).toBe(1);
  });

  test("a 101 to a request that did not ask for it: 502", async () => {
    origin.behaviour = (connection) => connection.socket.write(agreed);
    await start();
    client.write(post("x"));
    expect((await client.answers(1))[0]!.status).toBe(502);
  });

  test("never used again: neither connection serves another request", async () => {
    await start();
    const upstream = await open();
    client.write("GET /seldon/prod/iris/next HTTP/1.1\r\nHost: a\r\n\r\n");
    await eventually(() => heard(upstream).includes("GET /seldon/prod/iris/next"), "bytes as they are");
    client.socket.end();
    await eventually(() => upstream.ended, "the end");
    const other = await gateway.open(secure);
    origin.behaviour = answerEach("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    other.write(post("x"));
    expect((await other.answers(1))[0]!.status).toBe(200);
    expect(origin.connections).toHaveLength(2);
    other.destroy();
  });

  test("a client that ends its side still hears the upstream out, however long that takes", async () => {
    await start({ timeout: { ms: 50, setBy: "a test" } });
    const upstream = await open();
    origin.behaviour = () => undefined;
    // The origin ends its side only when the test says so.
    upstream.socket.removeAllListeners("end");
    let isEnded = false;
    upstream.socket.on("end", () => (isEnded = true));
    client.write("last words");
    client.socket.end();
    await eventually(() => isEnded && heard(upstream) === "last words", "the end of the client");
    await gateway.advance(150);
    upstream.socket.write("and an answer");
    await client.until(() => told() === "and an answer", "the answer");
    upstream.socket.end();
    await client.end();
    await eventually(() => gateway.counted("inFlight") === 0, "the end of the tunnel");
    expect(gateway.flagged("DC")).toBe(0);
  });

  test("an upstream that ends its side still hears the client out", async () => {
    await start();
    const upstream = await open();
    upstream.socket.end("last words");
    await client.end();
    expect(told()).toBe("last words");
    const farewell = "f".repeat(500_000);
    client.socket.end(farewell);
    await eventually(() => heard(upstream) === farewell, "the farewell");
    await eventually(() => gateway.counted("inFlight") === 0, "the end of the tunnel");
    expect(gateway.entries).toMatchObject([{ code: 101, flag: "", requestBytes: farewell.length }]);
  });

  test("a tunnel outlives the limits of requests; silence for the idle limit ends it", async () => {
    await start(
      { timeout: { ms: 100, setBy: "a test" }, idleTimeout: { ms: 300, setBy: "a test" } },
      { limits: { bodyIdleTimeoutMs: 100 } },
    );
    const upstream = await open();
    for (let i = 0; i < 4; i++) {
      await gateway.advance(299);
      if (i % 2 === 0) client.write("tick");
      else upstream.socket.write("tock");
    }
    await client.until(() => told() === "tocktock", "the tunnel alive");
    await gateway.advance(299);
    expect([client.closed, client.ended]).toEqual([false, false]);
    await gateway.advance(1 + tickMs);
    await eventually(() => client.closed || client.ended, "the end");
    await eventually(() => upstream.closed || upstream.ended, "the end of the upstream");
    expect(gateway.flagged("SI")).toBe(1);
  });

  test("a reset by the upstream ends the client too", async () => {
    await start();
    const upstream = await open();
    upstream.socket.resetAndDestroy();
    await eventually(() => client.closed || client.ended, "the end");
    expect(gateway.flagged("UC")).toBe(1);
  });

  test("both ways at once, 30 MB each with readers that rest: every byte arrives", async () => {
    await start();
    const upstream = await open();
    const total = 30_000_000;
    const block = randomBytes(1_000_000);
    const wanted = createHash("sha256");
    for (let sent = 0; sent < total; sent += block.length) wanted.update(block);
    const expected = wanted.digest("hex");
    // Away with the recorders: they would hold every byte.
    client.socket.removeAllListeners("data");
    upstream.socket.removeAllListeners("data");
    const read = (socket: typeof client.socket): Promise<string> =>
      new Promise((resolve) => {
        const hash = createHash("sha256");
        let got = 0;
        socket.on("data", (chunk: Buffer) => {
          hash.update(chunk);
          const before = got;
          got += chunk.length;
          if (got === total) resolve(hash.digest("hex"));
          else if (Math.floor(before / 5_000_000) !== Math.floor(got / 5_000_000)) {
            socket.pause();
            void settled(() => socket.bytesRead).then(() => socket.resume());
          }
        });
      });
    const write = async (socket: typeof client.socket): Promise<void> => {
      for (let sent = 0; sent < total; sent += block.length) {
        if (!socket.write(block)) {
          await new Promise((resolve) => {
            socket.once("drain", resolve);
          });
        }
      }
    };
    const [, , atClient, atUpstream] = await Promise.all([
      write(client.socket),
      write(upstream.socket),
      read(client.socket),
      read(upstream.socket),
    ]);
    expect([atClient, atUpstream]).toEqual([expected, expected]);
  });

  /** Writes until nothing leaves any more; gives the bytes. */
  async function fill(socket: Socket): Promise<number> {
    const block = Buffer.alloc(1_000_000);
    let written = 0;
    for (; written < 200_000_000 && socket.writableLength === 0; written += block.length) {
      socket.write(block);
      await settled(() => socket.writableLength);
    }
    return written;
  }

  test("a client that does not read stops the upstream, and is cut in the end", async () => {
    await start({}, { limits: { writeStallTimeoutMs: 600 } });
    const upstream = await open();
    client.socket.pause();
    expect(await fill(upstream.socket)).toBeLessThan(100_000_000);
    await gateway.advance(1200);
    await eventually(() => upstream.closed || upstream.ended, "the end of it");
    expect(gateway.flagged("DC")).toBe(1);
  });

  test("an upstream that does not read stops the client", async () => {
    await start();
    const upstream = await open();
    upstream.socket.pause();
    expect(await fill(client.socket)).toBeLessThan(100_000_000);
    expect(gateway.counted("inFlight")).toBe(1);
    upstream.socket.resume();
    await new Promise((resolve) => {
      client.socket.once("drain", resolve);
    });
  });

  test("a drain waits for it up to the grace, then closes it", async () => {
    await start();
    const upstream = await open();
    const drained = gateway.plane.drain(0, 300);
    client.write("still here");
    await eventually(() => heard(upstream) === "still here", "bytes during the drain");
    await gateway.advance(300);
    await drained;
    await eventually(() => client.closed || client.ended, "the end");
    await eventually(() => upstream.closed || upstream.ended, "the end of the upstream");
  });

  test("retries until it is open", async () => {
    let first = true;
    origin.behaviour = (connection) => {
      if (first) connection.socket.destroy();
      else if (connection.answered++ === 0) connection.socket.write(agreed);
      first = false;
    };
    await start({ retry: { retryOn: ["reset"], numRetries: 2, perTryTimeoutMs: 200 } });
    client.write(ask);
    await eventually(() => origin.connections[0]?.closed === true, "the end of the first try");
    await gateway.advance(100);
    await client.until(({ text }) => text.includes("\r\n\r\n"), "the 101");
    await gateway.advance(300);
    client.write("through");
    await eventually(() => heard(origin.connections[1]!) === "through", "the tunnel");
    expect(gateway.counted("heldBytes")).toBe(0);
  });

  test("an answer that closes is told as one, and nothing of the tunnel remains", async () => {
    await start();
    origin.behaviour = (connection) => connection.socket.end("HTTP/1.1 503 X\r\nConnection: close\r\n\r\ngone");
    client.write(ask);
    await client.until(({ text }) => text.includes("gone"));
    expect(
      fieldOf(answersIn(client.text)[0] ?? { status: 0, head: client.text, body: "", trailers: "" }, "upgrade"),
    ).toBeNull();
    expect(gateway.answered("503", firstSlot)).toBe(1);
  });
});
