// Probes of health checks, against servers of every kind.
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import {
  createSecureServer,
  createServer as createHttp2Server,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { createServer as createTcpServer, type AddressInfo, type Server } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { probeEndpoint } from "../../../../gateway/control/upstreams/health-probe.ts";
import type { GrpcProbe, HealthCheck, HttpProbe, Upstream, UpstreamTls } from "../../../../routing/model/upstream.ts";
import { certPem, keyPem } from "../../../wire/identity.ts";

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function portOf(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

async function probe(
  port: number,
  of: Partial<HttpProbe> | Partial<GrpcProbe> = {},
  upstream: Partial<Upstream> = {},
): Promise<boolean> {
  const full =
    of.kind === "grpc"
      ? { service: "", authority: null, ...of }
      : { kind: "http", path: "/ready", host: null, headers: [], statuses: [[200, 200]], ...of };
  const check = {
    intervalMs: 1000,
    timeoutMs: 300,
    unhealthyThreshold: 1,
    healthyThreshold: 1,
    probe: full,
  } as HealthCheck;
  return probeEndpoint({ protocol: "http1", tls: null, ...upstream }, check, { ip: "127.0.0.1", port, state: "ready" });
}

const tls = (caPem: string | null = null): UpstreamTls => ({
  context: "c",
  sni: "model.example",
  caPem,
  certificate: null,
});

describe("an http probe", () => {
  const answers = (answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<number> =>
    portOf(createServer(answer));

  test("asks for the path with the host and the headers that were written", async () => {
    const asked: IncomingMessage[] = [];
    const port = await answers((request, response) => {
      asked.push(request);
      response.end();
    });
    expect(
      await probe(port, {
        path: "/v1/ready?full=1",
        host: "model.example",
        headers: [
          ["x-a", "b"],
          ["user-agent", "mine"],
        ],
      }),
    ).toBe(true);
    expect(await probe(port)).toBe(true);
    expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual(["GET /v1/ready?full=1", "GET /ready"]);
    expect(asked[0]!.headers).toMatchObject({ host: "model.example", "x-a": "b", "user-agent": "mine" });
    expect(asked[1]!.headers).toMatchObject({ host: `127.0.0.1:${port}`, "user-agent": "sluice-health-check" });
  });

  test.each([
    [199, false],
    [200, true],
    [204, true],
    [205, false],
    [301, true],
    [503, false],
  ])("takes the statuses of its ranges, ends included: %d", async (status, isWell) => {
    const port = await portOf(
      createTcpServer((socket) =>
        socket.once("data", () => socket.end(`HTTP/1.1 ${status} X\r\ncontent-length: 0\r\n\r\n`)),
      ),
    );
    expect(
      await probe(port, {
        statuses: [
          [200, 204],
          [301, 301],
        ],
      }),
    ).toBe(isWell);
  });

  test.each([
    ["nobody listens", null],
    ["no answer in time", ""],
    ["a close", "close"],
    ["no HTTP", "what?\r\n\r\n"],
    ["101 Switching Protocols", "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"],
    ["nothing but interim answers", "HTTP/1.1 100 Continue\r\n\r\n".repeat(10)],
  ])("%s: not well", async (_what, text) => {
    const server = createTcpServer((socket) => {
      socket.on("error", () => undefined);
      if (text === "close") socket.destroy();
      else if (text !== null && text !== "") socket.end(text);
      setTimeout(() => socket.destroy(), 1000).unref();
    });
    const port = await portOf(server);
    if (text === null) {
      server.close();
      await once(server, "close");
    }
    expect(await probe(port)).toBe(false);
  });

  test("over HTTP/2 where the Upstream speaks it, plain and TLS", async () => {
    const serve = (server: Http2Server): void =>
      void server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
        stream.respond({ ":status": headers[":path"] === "/ready" ? 200 : 404 });
        stream.end("body");
      });
    const plain = createHttp2Server();
    const secure = createSecureServer({ cert: certPem, key: keyPem });
    serve(plain);
    serve(secure);
    const [plainPort, securePort] = [await portOf(plain), await portOf(secure)];
    expect(await probe(plainPort, {}, { protocol: "http2" })).toBe(true);
    expect(await probe(plainPort, { path: "/other" }, { protocol: "http2" })).toBe(false);
    expect(await probe(securePort, {}, { protocol: "http2", tls: tls() })).toBe(true);
    expect(await probe(securePort, {}, { protocol: "http2", tls: tls(certPem) })).toBe(true);
    expect(await probe(securePort, {}, { protocol: "http2", tls: tls("") })).toBe(false);
    expect(
      await probe(
        securePort,
        {},
        { protocol: "http2", tls: { ...tls(), certificate: { certPem: "no", keyPem: "no" } } },
      ),
    ).toBe(false);
  });
});

describe("a grpc probe", () => {
  const serving = Buffer.from([0, 0, 0, 0, 2, 8, 1]);

  async function health(
    answer: (stream: ServerHttp2Stream, request: Buffer, headers: IncomingHttpHeaders) => void,
  ): Promise<number> {
    const server = createHttp2Server();
    server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      const pieces: Buffer[] = [];
      stream.on("error", () => undefined);
      stream.on("data", (piece: Buffer) => pieces.push(piece));
      stream.on("end", () => answer(stream, Buffer.concat(pieces), headers));
    });
    return portOf(server);
  }

  function reply(stream: ServerHttp2Stream, message: Buffer, status: string): void {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": status }));
    stream.end(message);
  }

  test("asks grpc.health.v1 for the service, with the authority", async () => {
    const asked: string[] = [];
    const port = await health((stream, request, headers) => {
      asked.push(`${headers[":path"]} ${headers[":authority"]} ${String(headers["te"])} ${request.toString("hex")}`);
      reply(stream, serving, "0");
    });
    expect(await probe(port, { kind: "grpc" }, { protocol: "http2" })).toBe(true);
    expect(await probe(port, { kind: "grpc", service: "a.B", authority: "model" }, { protocol: "http2" })).toBe(true);
    expect(await probe(port, { kind: "grpc", service: "x".repeat(200) }, { protocol: "http2" })).toBe(true);
    expect(asked[0]).toBe(`/grpc.health.v1.Health/Check 127.0.0.1:${port} trailers 0000000000`);
    expect(asked[1]).toBe("/grpc.health.v1.Health/Check model trailers 00000000050a03612e42");
    expect(asked[2]).toContain(`00000000cb0ac801${"78".repeat(200)}`);
  });

  test.each([
    ["NOT_SERVING", (stream: ServerHttp2Stream) => reply(stream, Buffer.from([0, 0, 0, 0, 2, 8, 2]), "0")],
    ["an error after SERVING", (stream: ServerHttp2Stream) => reply(stream, serving, "13")],
    [
      "UNIMPLEMENTED, trailers only",
      (stream: ServerHttp2Stream) =>
        stream.respond(
          { ":status": 200, "content-type": "application/grpc", "grpc-status": "12" },
          { endStream: true },
        ),
    ],
    ["no gRPC", (stream: ServerHttp2Stream) => stream.respond({ ":status": 404 }, { endStream: true })],
    [
      "an answer without end",
      (stream: ServerHttp2Stream) => {
        stream.respond({ ":status": 200 });
        stream.write(Buffer.alloc(4096));
      },
    ],
    ["a reset", (stream: ServerHttp2Stream) => stream.close(8)],
    ["nothing", () => undefined],
  ])("%s: not well", async (_what, answer) => {
    expect(await probe(await health(answer), { kind: "grpc" }, { protocol: "http2" })).toBe(false);
  });
});
