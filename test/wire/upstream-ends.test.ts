// An upstream that ends its side of the connection, plain by FIN or with TLS by close_notify, at each stage: alike on both, and whoever still
// has something to say to it says it.
import { createServer, type AddressInfo, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fixed } from "../../gateway/shared/metrics/fixed.ts";
import type { ForwardTarget } from "../../routing/model/mapping.ts";
import type { Upstream } from "../../routing/model/upstream.ts";
import { eventually } from "../turns.ts";
import { answersIn, type RawClient } from "./client.ts";
import { Gateway, post, transports } from "./gateway.ts";
import { Http2Client } from "./http2-client.ts";
import { Http2Origin } from "./http2-origin.ts";
import { certPem, keyPem } from "./identity.ts";
import { Origin, requestsIn } from "./origin.ts";

const ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const tls: Upstream["tls"] = { context: "test", sni: null, caPem: null, certificate: null };
const ask =
  "GET /seldon/prod/iris/chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const agreed =
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

describe.each(transports)("an upstream by HTTP/1.1, %s", (_name, secure) => {
  let gateway: Gateway;
  let origin: Origin;
  let client: RawClient;

  beforeEach(async () => {
    origin = await new Origin(undefined, secure).listen();
  });
  afterEach(async () => {
    client.destroy();
    const { cells } = gateway.counters;
    await eventually(
      () => cells[fixed.inFlight] === 0 && cells[fixed.clientConnectionsHttp1] === 0,
      "nothing in flight",
    );
    gateway.close();
    await origin.close();
  });

  async function start(target: Partial<ForwardTarget> = {}): Promise<void> {
    gateway = await new Gateway({ time: "real", accessLog: "all" }).listen();
    gateway.serveIris([origin.port], target, { tls: secure ? tls : null });
    client = await gateway.open(false);
  }

  /** Answers the first request so, and ends its side with it. */
  function ending(answer: string): void {
    origin.behaviour = ({ text, socket }) => {
      if (requestsIn(text).length === 1) socket.end(answer);
    };
  }

  test.each([
    ["before its answer", "", 503],
    ["within its head", "HTTP/1.1 200 OK\r\ncontent-", 503],
  ])("%s: the client is told", async (_when, answer, status) => {
    ending(answer);
    await start();
    client.write(post("x"));
    expect((await client.answers(1))[0]!.status).toBe(status);
    expect(gateway.flagged("UC")).toBe(1);
    await eventually(() => origin.connections[0]!.closed, "the connection is let go");
  });

  test.each([
    ["behind its head", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"],
    ["within its body", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe"],
    ["before the last chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n"],
  ])("%s: the client sees a cut", async (_when, answer) => {
    ending(answer);
    await start();
    client.write(post("x"));
    await client.end();
    expect(answersIn(client.text)).toEqual([]);
    expect(gateway.flagged("UC")).toBe(1);
  });

  test("behind its answer: it is passed on, and the next request goes by a new connection", async () => {
    let answered = 0;
    origin.behaviour = ({ text, socket }) => {
      if (requestsIn(text).length !== 1) return;
      socket.write(ok);
      if (answered++ === 0) socket.end();
    };
    await start();
    client.write(post("x"));
    await client.answers(1);
    await eventually(() => gateway.counted("upstreamConnectionsHttp1") === 0, "the ended one is gone");
    client.write(post("y"));
    expect((await client.answers(2)).map(({ status }) => status)).toEqual([200, 200]);
    expect(origin.connections).toHaveLength(2);
    expect(gateway.flagged("UC")).toBe(0);
  });

  test("as the end of a long body: every byte arrives", async () => {
    const body = "b".repeat(3_000_000);
    ending(`HTTP/1.1 200 OK\r\n\r\n${body}`);
    await start();
    client.write(post("x"));
    await client.until(({ text }) => text.endsWith("0\r\n\r\n"), "the last chunk");
    expect(answersIn(client.text)[0]!.body).toBe(body);
  });

  test("behind an early answer: the rest of the request is dropped, the answer whole", async () => {
    origin.behaviour = ({ text, socket }) => {
      if (text.endsWith("first")) socket.end(ok);
    };
    await start();
    client.write(`POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nfirst`);
    expect((await client.answers(1))[0]).toMatchObject({ status: 200, body: "ok" });
    client.write("y".repeat(99_995));
    client.write(post("next"));
    await client.until(({ ended, closed, text }) => ended || closed || answersIn(text).length === 2, "an end");
    expect(gateway.faults).toBe(0);
  });

  test("in a tunnel: the client is still heard out", async () => {
    origin.behaviour = (connection) => {
      if (connection.answered++ === 0) connection.socket.write(agreed);
    };
    await start({ upgrades: ["websocket"] });
    client.write(ask);
    await client.until(({ text }) => text.includes("\r\n\r\n"), "the 101");
    const [upstream] = origin.connections;
    upstream!.socket.end("last words");
    await client.end();
    expect(client.text.endsWith("\r\n\r\nlast words")).toBe(true);
    const farewell = "f".repeat(500_000);
    client.socket.end(farewell);
    await eventually(() => upstream!.text.endsWith(farewell), "the farewell");
    await eventually(() => gateway.counted("inFlight") === 0, "the end of the tunnel");
    expect(gateway.entries).toMatchObject([{ code: 101, flag: "", requestBytes: farewell.length }]);
  });

  test("in a tunnel that the client ended first: the upstream is heard out", async () => {
    origin.behaviour = (connection) => {
      if (connection.answered++ === 0) connection.socket.write(agreed);
    };
    await start({ upgrades: ["websocket"] });
    client.write(ask);
    await client.until(({ text }) => text.includes("\r\n\r\n"), "the 101");
    const { socket } = origin.connections[0]!;
    socket.removeAllListeners("end");
    let isEnded = false;
    socket.on("end", () => (isEnded = true));
    client.socket.end("question");
    await eventually(() => isEnded, "the end of the client");
    socket.end("the answer");
    await client.end();
    expect(client.text.endsWith("\r\n\r\nthe answer")).toBe(true);
  });
});

describe.each(transports)("an upstream by HTTP/2, %s", (_name, secure) => {
  test("with calls under way: they are cut, an answer that was whole is passed on, and the next call goes by a new session", async () => {
    const sockets: Socket[] = [];
    const origin = new Http2Origin(({ stream, body }) => {
      stream.respond({ ":status": 200 });
      if (body === "whole") stream.end("ok");
      else stream.write("part");
    });
    const take = (socket: Socket): void => {
      sockets.push(socket);
      socket.on("error", () => undefined);
      origin.take(socket);
    };
    const server = secure
      ? createTlsServer({ cert: certPem, key: keyPem, ALPNProtocols: ["h2"] }, take)
      : createServer({ allowHalfOpen: true }, take);
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    const gateway = await new Gateway({ time: "real" }).listen();
    gateway.serveIris([(server.address() as AddressInfo).port], {}, { protocol: "http2", tls: secure ? tls : null });
    const client = await Http2Client.open(gateway, false);
    const head = { ":method": "POST", ":path": "/seldon/prod/iris/x" };
    const parted = client.start(head);
    const cut = client.reply(parted);
    let part = "";
    parted.on("data", (bytes: Buffer) => (part += bytes.toString()));
    parted.end("x");
    const whole = await client.request(head, "whole");
    await eventually(() => part === "part", "the part of the other answer");
    // Around node:http2, which would say GOAWAY first.
    sockets[0]!.end();
    expect((await cut).code).toBe(2);
    expect(whole).toMatchObject({ status: 200, body: "ok", code: 0 });
    expect(gateway.flagged("UC")).toBe(1);
    expect(await client.request(head, "whole")).toMatchObject({ status: 200, body: "ok" });
    expect(sockets).toHaveLength(2);
    client.destroy();
    gateway.close();
    origin.close();
    server.close();
    for (const socket of sockets) socket.destroy();
  });
});
