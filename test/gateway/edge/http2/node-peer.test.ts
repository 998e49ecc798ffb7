// node:http2 as the peer, on both sides.
import { createHash } from "node:crypto";
import { once } from "node:events";
import * as http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { eventually } from "../../../turns.ts";
import { answer, answerAtEnd, blockOf, echo, startClient, startServer, textFields } from "./peers.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function nodeClient(port: number, options: http2.ClientSessionOptions = {}): http2.ClientHttp2Session {
  const session = http2.connect(`http://127.0.0.1:${port}`, options);
  session.on("error", () => {});
  closers.push(() => session.destroy());
  return session;
}

interface NodeReply {
  readonly status: number;
  readonly headers: http2.IncomingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: http2.IncomingHttpHeaders | null;
}

async function nodeCall(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body: Buffer | null,
  trailers?: http2.OutgoingHttpHeaders,
): Promise<NodeReply> {
  const stream = session.request(headers, { endStream: body === null, waitForTrailers: trailers !== undefined });
  if (trailers !== undefined) stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  if (body !== null) stream.end(body);
  let reply: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader = {};
  let got: http2.IncomingHttpHeaders | null = null;
  stream.on("response", (headers) => (reply = headers));
  stream.on("trailers", (headers) => (got = headers));
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return { status: reply[":status"] ?? 0, headers: reply, body: Buffer.concat(parts), trailers: got };
}

async function nodeServer(
  listener: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void,
  settings: http2.Settings = {},
): Promise<{ port: number; server: http2.Http2Server; sessions: http2.ServerHttp2Session[] }> {
  const server = http2.createServer({ settings });
  const sessions: http2.ServerHttp2Session[] = [];
  server.on("session", (session) => sessions.push(session));
  server.on("stream", listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, server, sessions };
}

describe("our server, node:http2 as client", () => {
  test("a request without a body", async () => {
    const seen: [string, string][] = [];
    const server = await startServer((stream, head, ended) => {
      seen.push(...textFields(head));
      expect(ended).toBe(true);
      answer(stream, 200, [["x-answer", "yes"]], "hello");
      return echoNothing;
    }, {});
    const reply = await nodeCall(
      nodeClient(server.port),
      { ":path": "/p?q=1", "x-a": "b", cookie: ["a=1", "b=2"] },
      null,
    );
    expect(reply).toMatchObject({ status: 200, body: Buffer.from("hello") });
    expect(reply.headers["x-answer"]).toBe("yes");
    expect(seen).toContainEqual(["x-a", "b"]);
    expect(seen).toContainEqual(["host", `127.0.0.1:${server.port}`]);
    expect(server.shared.faults).toEqual([]);
  });

  test.each([0, 1, 100, 16_384, 16_385, 300_000])("%i bytes there and back, with trailers", async (length) => {
    const server = await startServer(echo, {});
    const body = Buffer.alloc(length, "abcdefgh");
    const reply = await nodeCall(nodeClient(server.port), { ":path": "/", ":method": "POST" }, body, {
      "grpc-status": "0",
      "x-bin": "AAE",
    });
    expect(reply.body.equals(body)).toBe(true);
    expect(reply.trailers).toMatchObject({ "grpc-status": "0", "x-bin": "AAE" });
  });

  test("500 streams of 100 kB at once", async () => {
    const server = await startServer(echo, { concurrentStreams: 100 });
    const session = nodeClient(server.port, { maxSessionMemory: 200 });
    const bodies = Array.from({ length: 500 }, (_, i) => Buffer.alloc(100_000, `${i}-`));
    const replies = await Promise.all(
      bodies.map((body) => nodeCall(session, { ":path": "/", ":method": "POST" }, body)),
    );
    expect(replies.every((reply, i) => reply.body.equals(bodies[i]!))).toBe(true);
    expect(server.connections[0]!.streamCount).toBe(0);
  });

  test("200 MB both ways with the same hash", async () => {
    const server = await startServer(echo, {});
    const stream = nodeClient(server.port).request({ ":path": "/", ":method": "POST" });
    const sent = createHash("sha256");
    const got = createHash("sha256");
    stream.on("data", (part: Buffer) => got.update(part));
    for (let i = 0; i < 200; i++) {
      const part = Buffer.alloc(1_000_000, `part ${i} `);
      sent.update(part);
      if (!stream.write(part)) await once(stream, "drain");
    }
    stream.end();
    await once(stream, "end");
    expect(got.digest("hex")).toBe(sent.digest("hex"));
  });

  test("a header list larger than a frame, in any bytes that Huffman has", async () => {
    const server = await startServer((stream, head) => {
      answer(
        stream,
        200,
        textFields(head).filter(([name]) => name.startsWith("x-")),
        "",
      );
      return echoNothing;
    }, {});
    const value = Array.from({ length: 95 }, (_, i) => String.fromCharCode(33 + (i % 94))).join("");
    const headers = Object.fromEntries(Array.from({ length: 90 }, (_, i) => [`x-${i}`, value.repeat(5)]));
    const session = nodeClient(server.port);
    const reply = await nodeCall(session, { ":path": "/", ...headers }, null);
    expect(reply.headers).toMatchObject(headers);
  });

  test("a list that is too large is answered with 431, and the connection goes on", async () => {
    const server = await startServer(
      answerAtEnd((stream) => answer(stream, 200, [], "ok")),
      { list: { bytes: 2000, fields: 100 } },
    );
    const session = nodeClient(server.port);
    expect((await nodeCall(session, { ":path": "/", "x-large": "v".repeat(3000) }, null)).status).toBe(431);
    expect((await nodeCall(session, { ":path": "/" }, null)).status).toBe(200);
  });

  test("an early answer does not lose the rest of the request", async () => {
    let received = 0;
    const server = await startServer((stream) => {
      answer(stream, 403, [], "no");
      return {
        ...echoNothing,
        streamData: (_, __, start, end) => ((received += end - start), stream.credit(end - start)),
      };
    }, {});
    const reply = await nodeCall(nodeClient(server.port), { ":path": "/", ":method": "POST" }, Buffer.alloc(200_000));
    expect(reply).toMatchObject({ status: 403, body: Buffer.from("no") });
    await eventually(() => received === 200_000, "received is 200_000");
  });

  test("a graceful end serves what was sent before it was known, then closes", async () => {
    const held: (() => void)[] = [];
    const server = await startServer(
      answerAtEnd((stream) => held.push(() => answer(stream, 200, [], "late"))),
      {},
    );
    const session = nodeClient(server.port);
    const first = nodeCall(session, { ":path": "/1" }, null);
    await eventually(() => held.length === 1, "held.length is 1");
    server.connections[0]!.drain();
    const second = nodeCall(session, { ":path": "/2" }, null);
    await eventually(() => held.length === 2, "held.length is 2");
    const closed = once(session, "close");
    for (const reply of held) reply();
    expect(await Promise.all([first, second])).toMatchObject([{ status: 200 }, { status: 200 }]);
    await closed;
    expect(server.failures).toEqual([""]);
  });

  test("a cancelled request is told, and its window comes back", async () => {
    const lost: number[] = [];
    const server = await startServer(() => ({ ...echoNothing, streamLost: (_, loss) => lost.push(loss.code) }), {});
    const session = nodeClient(server.port);
    for (let i = 0; i < 40; i++) {
      const stream = session.request({ ":path": "/", ":method": "POST" });
      stream.on("error", () => {});
      stream.write(Buffer.alloc(60_000));
      await eventually(() => server.connections[0]?.streamCount === 1, "server.connections[0]?.streamCount is 1");
      stream.close(http2.constants.NGHTTP2_CANCEL);
      await eventually(() => lost.length === i + 1, "lost.length is i + 1");
    }
    expect(new Set(lost)).toEqual(new Set([8]));
  });

  test("a fault in one stream ends that stream alone", async () => {
    const server = await startServer((stream, head) => {
      if (head.pathEnd - head.pathStart > 1) throw new Error("planted");
      answer(stream, 200, [], "ok");
      return echoNothing;
    }, {});
    const session = nodeClient(server.port);
    await expect(nodeCall(session, { ":path": "/bug" }, null)).rejects.toThrow("NGHTTP2_INTERNAL_ERROR");
    expect((await nodeCall(session, { ":path": "/" }, null)).status).toBe(200);
    expect(server.shared.faults).toHaveLength(1);
  });
});

const echoNothing = { streamData() {}, streamEnd() {}, streamPassedOn() {}, streamLost() {} };

describe("our client, node:http2 as server", () => {
  test("a call with a body, trailers and an informational response", async () => {
    const { port } = await nodeServer((stream, headers) => {
      stream.additionalHeaders({ ":status": 103, link: "</x>" });
      stream.respond(
        { ":status": 200, "content-type": "application/grpc", "x-path": headers[":path"] },
        { waitForTrailers: true },
      );
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.pipe(stream);
    });
    const client = await startClient(port, {});
    const reply = await client.call("/a.B/C", Buffer.from("message")).reply;
    expect(reply).toMatchObject({
      status: 200,
      informational: [103],
      body: Buffer.from("message"),
      trailers: [["grpc-status", "0"]],
      loss: null,
    });
    expect(reply.fields).toContainEqual(["x-path", "/a.B/C"]);
  });

  test("streams beyond the limit of the server wait, and all are answered", async () => {
    let most = 0;
    let open = 0;
    const { port } = await nodeServer(
      (stream) => {
        most = Math.max(most, ++open);
        stream.on("data", () => {});
        stream.on("end", () => {
          open--;
          stream.respond({ ":status": 200 });
          stream.end("done");
        });
      },
      { maxConcurrentStreams: 10 },
    );
    const client = await startClient(port, {});
    await client.call("/first", null).reply;
    const calls = Array.from({ length: 500 }, () => client.call("/", Buffer.alloc(5000)).reply);
    expect(client.connection.pendingCount).toBe(490);
    const replies = await Promise.all(calls);
    expect(replies.every((reply) => reply.status === 200 && reply.body.toString() === "done")).toBe(true);
    expect(most).toBeLessThanOrEqual(10);
  });

  test("20 MB through a window of the default size", async () => {
    const { port } = await nodeServer((stream) => {
      stream.respond({ ":status": 200 });
      stream.pipe(stream);
    });
    const client = await startClient(port, {});
    const body = Buffer.alloc(20_000_000, "window ");
    const reply = await client.call("/", body).reply;
    expect(reply.body.equals(body)).toBe(true);
  });

  test("GOAWAY: what the server has not seen is told to be unprocessed, the rest goes on", async () => {
    const held: http2.ServerHttp2Stream[] = [];
    const { port, sessions } = await nodeServer((stream) => held.push(stream));
    const client = await startClient(port, {});
    const first = client.call("/1", null).reply;
    await eventually(() => held.length === 1, "held.length is 1");
    // The server says that it has worked on the first one only; the second is on its way.
    sessions[0]!.goaway(0, 1);
    const second = client.call("/2", null).reply;
    expect(await second).toMatchObject({ loss: { unprocessed: true } });
    expect(client.connection.usable).toBe(false);
    held[0]!.respond({ ":status": 200 });
    held[0]!.end();
    expect((await first).status).toBe(200);
    expect(client.retired).toBe(1);
  });

  test("REFUSED_STREAM is unprocessed, other resets are not", async () => {
    const { port } = await nodeServer((stream, headers) => {
      stream.on("error", () => {});
      stream.close(
        headers[":path"] === "/refused"
          ? http2.constants.NGHTTP2_REFUSED_STREAM
          : http2.constants.NGHTTP2_INTERNAL_ERROR,
      );
    });
    const client = await startClient(port, {});
    expect((await client.call("/refused", null).reply).loss).toMatchObject({ code: 7, unprocessed: true });
    expect((await client.call("/other", null).reply).loss).toMatchObject({ code: 2, unprocessed: false });
  });

  test("many cancelled calls make room for another connection before the server takes them for an attack", async () => {
    const { port } = await nodeServer((stream) => stream.on("error", () => {}));
    const client = await startClient(port, {});
    let cancelled = 0;
    // Not the one that was begun last, which has not left and would be taken back.
    let { stream } = client.call("/", null);
    while (client.connection.usable) {
      const next = client.call("/", null).stream;
      stream.reset(8);
      stream = next;
      cancelled++;
    }
    expect(cancelled).toBeLessThan(1000);
    expect(client.retired).toBe(1);
  });

  test("HEAD has a length and no body", async () => {
    const { port } = await nodeServer((stream) => {
      stream.respond({ ":status": 200, "content-length": "10" });
      stream.end();
    });
    const client = await startClient(port, {});
    const { reply } = client.start(
      [
        [":method", "HEAD"],
        [":scheme", "http"],
        [":path", "/"],
        [":authority", "a"],
      ],
      null,
    );
    expect(await reply).toMatchObject({ status: 200, loss: null, body: Buffer.alloc(0) });
  });

  test("a block of more than a frame is split", async () => {
    const { port } = await nodeServer((stream, headers) => {
      stream.respond({ ":status": 200, "x-length": String(Object.values(headers).join("").length) });
      stream.end();
    });
    const client = await startClient(port, {});
    const fields = Array.from({ length: 50 }, (_, i): [string, string] => [`x-${i}`, "v".repeat(1000)]);
    expect(blockOf(fields).length).toBeGreaterThan(3 * 16_384);
    const reply = await client.call("/", null, fields).reply;
    expect(Number(reply.fields.find(([name]) => name === "x-length")![1])).toBeGreaterThan(50_000);
  });
});
