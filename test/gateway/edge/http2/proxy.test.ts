// Both sides of the engine together, between node:http2 peers: credit follows what was passed on.
import { once } from "node:events";
import * as http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { eventually, settled } from "../../../turns.ts";
import { startProxy } from "./proxy.ts";

async function upstream(
  listener: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void,
): Promise<number> {
  const server = http2.createServer();
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function client(port: number): http2.ClientHttp2Session {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  onTestFinished(() => session.destroy());
  return session;
}

async function call(
  session: http2.ClientHttp2Session,
  body: Buffer,
): Promise<{ body: Buffer; status: unknown; trailers: http2.IncomingHttpHeaders }> {
  const stream = session.request({
    ":method": "POST",
    ":path": "/seldon.protos.Seldon/Predict",
    "content-type": "application/grpc",
    te: "trailers",
    seldon: "m",
    namespace: "ns",
  });
  let status: unknown;
  let trailers: http2.IncomingHttpHeaders = {};
  stream.on("response", (headers) => (status = headers[":status"]));
  stream.on("trailers", (headers) => (trailers = headers));
  stream.end(body);
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return { status, trailers, body: Buffer.concat(parts) };
}

const grpcEcho = (stream: http2.ServerHttp2Stream): void => {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", "grpc-message": "" }));
  stream.on("error", () => {});
  stream.pipe(stream);
};

test("300 calls of 1 byte to 200 kB, 50 at a time", async () => {
  const proxy = await startProxy(await upstream(grpcEcho), {});
  const session = client(proxy.port);
  for (let round = 0; round < 6; round++) {
    await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const body = Buffer.alloc(1 + i * i * 80, `${i}.`);
        const reply = await call(session, body);
        expect(reply).toMatchObject({ status: 200, trailers: { "grpc-status": "0" } });
        expect(reply.body.equals(body)).toBe(true);
      }),
    );
  }
  expect(proxy.shared.faults).toEqual([]);
  expect(proxy.connections[0]!.streamCount).toBe(0);
  expect(proxy.upstream.connection.streamCount).toBe(0);
});

test("with few frames a turn connections take turns, and none reads what another one got", async () => {
  const proxy = await startProxy(await upstream(grpcEcho), { framesATurn: 2 });
  const order: number[] = [];
  await Promise.all(
    [0, 1, 2].map(async (number) => {
      const session = client(proxy.port);
      await call(session, Buffer.from("first"));
      await Promise.all(
        Array.from({ length: 90 }, async (_, i) => {
          const body = Buffer.alloc(1 + i, String(number));
          const reply = await call(session, body);
          order.push(number);
          expect(reply.body.equals(body)).toBe(true);
        }),
      );
    }),
  );
  expect(order.indexOf(2)).toBeLessThan(order.lastIndexOf(0));
  expect(order.indexOf(0)).toBeLessThan(order.lastIndexOf(2));
});

test("a reader that stops holds the sender, not the memory of the proxy", async () => {
  let sent = 0;
  const port = await upstream((stream) => {
    stream.respond({ ":status": 200 });
    stream.on("error", () => {});
    const chunk = Buffer.alloc(65_536);
    const more = (): void => {
      do sent += chunk.length;
      while (stream.write(chunk));
    };
    stream.on("drain", more);
    more();
  });
  const proxy = await startProxy(port, {});
  const stream = client(proxy.port).request({ ":path": "/" });
  await once(stream, "response");
  stream.pause();
  await settled(() => sent);
  // The windows of two hops and what Node's streams hold: far from what it would have sent.
  expect(sent).toBeLessThan(1_000_000);
  let got = 0;
  stream.on("data", (part: Buffer) => (got += part.length));
  stream.resume();
  await eventually(() => got > 5_000_000, "the rest");
  stream.close();
});

test("an upstream that stops reading holds the client", async () => {
  const held: http2.ServerHttp2Stream[] = [];
  const proxy = await startProxy(
    await upstream((stream) => (held.push(stream), stream.pause(), stream.respond({ ":status": 200 }))),
    {},
  );
  const stream = client(proxy.port).request({ ":path": "/", ":method": "POST" });
  let written = 0;
  const more = (): void => {
    do written += 65_536;
    while (stream.write(Buffer.alloc(65_536)));
  };
  stream.on("drain", more);
  more();
  await once(stream, "response");
  await settled(() => written);
  expect(written).toBeLessThan(1_000_000);
  held[0]!.resume();
  await eventually(() => written > 5_000_000, "the rest");
  stream.on("error", () => {});
  stream.close();
});

test("a cancelled call is cancelled upstream", async () => {
  const codes: (number | undefined)[] = [];
  const proxy = await startProxy(
    await upstream((stream) => {
      stream.on("error", () => {});
      stream.on("close", () => codes.push(stream.rstCode));
      stream.respond({ ":status": 200 });
    }),
    {},
  );
  const stream = client(proxy.port).request({ ":path": "/" });
  await once(stream, "response");
  stream.close(http2.constants.NGHTTP2_CANCEL);
  await eventually(() => codes.length > 0, "the end of the call");
  expect(codes).toEqual([http2.constants.NGHTTP2_CANCEL]);
});
