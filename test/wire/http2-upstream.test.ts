// HTTP/1.1 clients to upstreams that speak HTTP/2, on real sockets.
import { createServer, type AddressInfo } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import type { ForwardTarget } from "../../routing/model/mapping.ts";
import type { Upstream, UpstreamTls } from "../../routing/model/upstream.ts";
import { fieldOf, type RawClient } from "./client.ts";
import { endpointsOn, Gateway, post, type GatewayOptions } from "./gateway.ts";
import { mappingOf, upstreamOf } from "../gateway/fixtures.ts";
import { tickMs } from "../stopped-clock.ts";
import { eventually, settled } from "../turns.ts";
import { answerWithTrailers, Http2Origin, type Http2Behaviour } from "./http2-origin.ts";
import { certPem, keyPem } from "./identity.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

interface Setting {
  readonly behaviour?: Http2Behaviour;
  readonly origin?: ConstructorParameters<typeof Http2Origin>[1];
  readonly target?: Partial<ForwardTarget>;
  readonly upstream?: Partial<Upstream>;
  readonly gateway?: GatewayOptions;
}

async function start({
  behaviour,
  origin: originOptions,
  target,
  upstream,
  gateway: gatewayOptions,
}: Setting = {}): Promise<{ gateway: Gateway; origin: Http2Origin; client: RawClient }> {
  const origin = await new Http2Origin(behaviour, originOptions).listen();
  closers.push(() => origin.close());
  const gateway = await startGateway(gatewayOptions);
  gateway.serveIris([origin.port], target, { protocol: "http2", ...upstream });
  return { gateway, origin, client: await open(gateway) };
}

async function startGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const gateway = await new Gateway(options).listen();
  closers.push(() => gateway.close());
  return gateway;
}

async function open(gateway: Gateway): Promise<RawClient> {
  const client = await gateway.open(false);
  closers.push(() => client.destroy());
  return client;
}

const sessionsOpen = (gateway: Gateway): number => gateway.counted("upstreamConnectionsHttp2");
const tls: UpstreamTls = { context: "test", sni: null, caPem: null, certificate: null };

describe("a request over HTTP/1.1 to an upstream that speaks HTTP/2", () => {
  test("is upgraded: Host to :authority, hop-by-hop fields dropped, the length kept", async () => {
    const { client, origin } = await start();
    client.write(
      post(
        "a body",
        "Connection: keep-alive, x-own\r\nx-own: 1\r\nKeep-Alive: 5\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\nX-Stays: yes\r\nCookie: a=1; b=2\r\n",
      ),
    );
    const [answer] = await client.answers(1);
    expect([answer!.status, answer!.body]).toEqual([200, "ok"]);
    const { headers, body } = origin.requests[0]!;
    expect(body).toBe("a body");
    expect(headers).toMatchObject({
      ":method": "POST",
      ":scheme": "http",
      ":path": "/api/v1.0/predictions",
      ":authority": "gateway",
      "content-length": "6",
      "x-stays": "yes",
      cookie: "a=1; b=2",
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-proto": "http",
      "x-forwarded-host": "gateway",
      "x-envoy-original-path": "/seldon/prod/iris/api/v1.0/predictions",
    });
    expect(headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/u);
    for (const gone of ["host", "connection", "x-own", "keep-alive", "upgrade", "http2-settings", "transfer-encoding"])
      expect(headers[gone]).toBeUndefined();
  });

  test("in chunks is sent as DATA without a length, its trailers behind it, and Expect is answered here", async () => {
    const { client, origin } = await start();
    client.write(
      "POST /seldon/prod/iris/x HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\nTrailer: x-sum\r\nExpect: 100-continue\r\n\r\n",
    );
    await client.until(({ text }) => text.startsWith("HTTP/1.1 100 Continue\r\n\r\n"), "the 100");
    client.write("3\r\nabc\r\n4\r\ndefg\r\n0\r\nx-sum: 7\r\nseldon: forged\r\n\r\n");
    await client.until(({ text }) => text.includes("\r\n0\r\n\r\n"), "the answer");
    const { headers, body, trailers } = origin.requests[0]!;
    expect(body).toBe("abcdefg");
    expect(headers["content-length"]).toBeUndefined();
    expect([headers["te"], headers["trailer"], headers["expect"]]).toEqual(["trailers", "x-sum", undefined]);
    expect(trailers).toMatchObject({ "x-sum": "7" });
    expect(trailers!["seldon"]).toBeUndefined();
  });

  test.each([
    [200, "HTTP/1.1 200 OK"],
    [404, "HTTP/1.1 404 Not Found"],
    [299, "HTTP/1.1 299 Unknown"],
  ])("answered %i gets a status line with a reason phrase, which HTTP/2 has not", async (status, line) => {
    const { client } = await start({
      behaviour: ({ stream }) => {
        stream.additionalHeaders({ ":status": 103, link: "</a>" });
        stream.respond({ ":status": status, "content-length": 0 }, { endStream: true });
      },
    });
    client.write(post("x"));
    const answers = await client.answers(2);
    expect(answers.map(({ head }) => head.split("\r\n")[0])).toEqual(["HTTP/1.1 103 Early Hints", line]);
  });

  test("gets the trailers of its answer behind chunks, byte for byte", async () => {
    const { client } = await start({
      behaviour: (request) => answerWithTrailers(request, "hello", { "grpc-status": "0", "sum-bin": "AAECAw" }),
    });
    client.write(post("x"));
    const [answer] = await client.answers(1);
    expect([answer!.body, answer!.trailers]).toEqual(["hello", "grpc-status: 0\r\nsum-bin: AAECAw\r\n"]);
    expect(fieldOf(answer!, "transfer-encoding")).toBe("chunked");
  });

  test.each([
    ["HEAD", 200, ""],
    ["GET", 204, ""],
    ["GET", 304, ""],
    ["GET", 404, "no"],
  ])("%s answered %i is framed for HTTP/1.1", async (method, status, body) => {
    const { client, origin } = await start({
      behaviour: ({ stream }) => {
        if (body === "")
          stream.respond(
            { ":status": status, ...(status === 200 ? { "content-length": 7 } : {}) },
            { endStream: true },
          );
        else {
          stream.respond({ ":status": status, "content-length": body.length });
          stream.end(body);
        }
      },
    });
    client.write(
      `${method} /seldon/prod/iris/x HTTP/1.1\r\nHost: gateway\r\n\r\nGET /seldon/prod/iris/y HTTP/1.1\r\nHost: gateway\r\n\r\n`,
    );
    await eventually(() => origin.requests.length === 2, "the second request");
    await client.until(({ text }) => (text.match(/HTTP\/1\.1 /gu) ?? []).length === 2, "two answers");
    expect(client.text.startsWith(`HTTP/1.1 ${status} `)).toBe(true);
    expect(origin.requests.map(({ headers }) => headers[":path"])).toEqual(["/x", "/y"]);
  });

  test("passes on 103 and large bodies both ways", async () => {
    const large = "x".repeat(3_000_000);
    const { client, origin } = await start({
      behaviour: ({ stream, body }) => {
        stream.additionalHeaders({ ":status": 103, link: "</a>" });
        stream.respond({ ":status": 200 });
        stream.end(body);
      },
    });
    client.write(post(large));
    await client.until(({ text }) => text.endsWith("\r\n0\r\n\r\n"), "the whole answer");
    expect(client.text.startsWith("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200")).toBe(true);
    expect(origin.requests[0]!.body.length).toBe(large.length);
    expect(client.text.length).toBeGreaterThan(large.length);
  });

  test("is cancelled when its client leaves", async () => {
    const { client, gateway, origin } = await start({ behaviour: () => undefined });
    client.write(post("x"));
    await eventually(() => origin.requests[0]?.body === "x", "the request");
    client.destroy();
    // A client that only ends its side may still read: it is asked after a while.
    await gateway.advance(1000);
    await eventually(() => origin.requests[0]!.resetCode === 8, "RST_STREAM with CANCEL");
  });

  test("is cancelled when its time is up, and the session serves on", async () => {
    const { gateway, client, origin } = await start({
      behaviour: ({ stream, headers }) => {
        if (headers[":path"] !== "/slow") stream.respond({ ":status": 200 }, { endStream: true });
      },
      target: { timeout: { ms: 50, setBy: "seldon.io/rest-timeout" } },
    });
    client.write("GET /seldon/prod/iris/slow HTTP/1.1\r\nHost: gateway\r\n\r\n");
    await eventually(() => origin.requests.length === 1, "the request");
    await gateway.advance(50 + tickMs);
    const [answer] = await client.answers(1);
    expect(answer!.status).toBe(504);
    await eventually(() => origin.requests[0]!.resetCode === 8, "RST_STREAM with CANCEL");
    client.write("GET /seldon/prod/iris/quick HTTP/1.1\r\nHost: gateway\r\n\r\n");
    await eventually(() => origin.requests.length === 2, "the second request");
    expect([origin.sessions.length, sessionsOpen(gateway)]).toEqual([1, 1]);
  });

  test.each([
    ["CANCEL", 8, 503],
    ["REFUSED_STREAM", 7, 503],
    ["INTERNAL_ERROR", 2, 503],
  ])("that is reset with %s is answered", async (_, code, status) => {
    const { gateway, client } = await start({ behaviour: ({ stream }) => stream.close(code) });
    client.write(post("x"));
    const [answer] = await client.answers(1);
    expect([answer!.status, gateway.flagged("UR")]).toEqual([status, 1]);
  });

  test("whose answer is cut by a reset sees it cut", async () => {
    const { client, origin } = await start({
      behaviour: ({ stream }) => {
        stream.respond({ ":status": 200 });
        stream.write("half");
      },
    });
    client.write(post("x"));
    await client.until(({ text }) => text.includes("half"), "half of it");
    origin.requests[0]!.stream.destroy(new Error("broken"));
    await client.end();
    expect(client.text.endsWith("0\r\n\r\n")).toBe(false);
  });
});

describe("back-pressure", () => {
  const mostBytes = 24 * 1024 * 1024;

  test("a client that does not read stops the upstream, and nobody else on the session", async () => {
    let written = 0;
    const piece = Buffer.alloc(64 * 1024);
    const { gateway, client, origin } = await start({
      behaviour: ({ stream, headers }) => {
        stream.respond({ ":status": 200 });
        if (headers[":path"] !== "/endless") {
          stream.end("ok");
          return;
        }
        const more = (): void => {
          do written += piece.length;
          while (written < 4 * mostBytes && stream.write(piece));
        };
        stream.on("drain", more);
        more();
      },
    });
    client.socket.pause();
    client.write("GET /seldon/prod/iris/endless HTTP/1.1\r\nHost: gateway\r\n\r\n");
    await eventually(() => written > 0, "the answer");
    await settled(() => written);
    const other = await open(gateway);
    other.write(post("x"));
    const [answer] = await other.answers(1);
    expect([answer!.body, origin.sessions.length]).toEqual(["ok", 1]);
    expect(written).toBeLessThan(mostBytes);
  });

  test("an upstream that does not read stops its client", async () => {
    const { client, origin } = await start();
    origin.atHead = ({ stream }) => stream.pause();
    client.write(`POST /seldon/prod/iris/x HTTP/1.1\r\nHost: gateway\r\nContent-Length: ${4 * mostBytes}\r\n\r\n`);
    client.socket.write(Buffer.alloc(4 * mostBytes));
    await eventually(() => origin.requests.length === 1, "the request");
    await settled(() => client.socket.writableLength);
    expect(client.socket.writableLength).toBeGreaterThan(3 * mostBytes);
  });
});

describe("sessions", () => {
  test("one serves many clients at once", async () => {
    const { gateway, origin } = await start();
    const clients = await Promise.all(Array.from({ length: 20 }, () => open(gateway)));
    for (const client of clients) client.write(post("x").repeat(5));
    await Promise.all(clients.map((client) => client.answers(5)));
    expect([origin.requests.length, origin.sessions.length, sessionsOpen(gateway)]).toEqual([100, 1, 1]);
  });

  test("others are dialled when the first is full, eight at most; the rest waits, and no request is lost", async () => {
    const held: (() => void)[] = [];
    const { gateway, origin } = await start({
      behaviour: ({ stream }) => {
        held.push(() => {
          stream.respond({ ":status": 200 }, { endStream: true });
        });
      },
      origin: { settings: { maxConcurrentStreams: 2 } },
    });
    const clients = await Promise.all(Array.from({ length: 20 }, () => open(gateway)));
    // One at a time, so that each session has said how much it takes before the next request.
    for (const [index, client] of clients.entries()) {
      client.write("GET /seldon/prod/iris/x HTTP/1.1\r\nHost: gateway\r\n\r\n");
      if (index < 16) await eventually(() => held.length === index + 1, `request ${index}`);
    }
    await eventually(() => origin.sessions.length === 8, "eight sessions");
    expect(held.length).toBe(16);
    for (let answered = 0; answered < 20; answered++) {
      await eventually(() => held.length > 0, `request ${answered} of the rest`);
      held.shift()!();
    }
    const answers = await Promise.all(
      clients.map((client) => client.until(({ text }) => text.startsWith("HTTP/1.1 200"))),
    );
    expect([answers.length, origin.sessions.length, sessionsOpen(gateway)]).toEqual([20, 8, 8]);
  });

  test("give way to younger ones at the end of their life, and no request is lost or waits", async () => {
    const { gateway, client, origin } = await start({ upstream: { maxLifetimeMs: 40 } });
    let asked = 0;
    while (origin.sessions.length < 8) {
      client.write(post("x").repeat(3));
      asked += 3;
      const answers = await client.answers(asked);
      expect(answers.at(-1)!.status).toBe(200);
      await gateway.advance(10);
    }
    await gateway.advance(100);
    await eventually(() => sessionsOpen(gateway) === 1, "the old ones close");
  });

  test("end when the Upstream goes, after what runs on them", async () => {
    const held: (() => void)[] = [];
    const { gateway, client } = await start({
      behaviour: ({ stream }) => {
        held.push(() => {
          stream.respond({ ":status": 200, "content-length": 4 });
          stream.end("late");
        });
      },
    });
    client.write(post("x"));
    await eventually(() => held.length === 1, "the request");
    gateway.serve([], [], []);
    held[0]!();
    const [answer] = await client.answers(1);
    expect(answer!.body).toBe("late");
    await eventually(() => sessionsOpen(gateway) === 0, "the session closes");
  });

  test("are shared by Upstreams at one address, outlive one of them, and are not shared with one that has limits of its own", async () => {
    const origin = await new Http2Origin().listen();
    closers.push(() => origin.close());
    const gateway = await startGateway();
    const [first, second, third] = ["iris", "rose", "lily"].map((name) => mappingOf(name, name));
    const upstreams = ["iris", "rose", "lily"].map((name): Upstream => ({
      ...upstreamOf(name),
      protocol: "http2",
      maxLifetimeMs: name === "lily" ? 60_000 : null,
    }));
    const endpoints = upstreams.map(({ key }) => endpointsOn(key, [origin.port]));
    gateway.serve([first!, second!, third!], upstreams, endpoints);
    const client = await open(gateway);
    const ask = async (name: string, answers: number): Promise<void> => {
      client.write(post("x", "", `/seldon/prod/${name}/p`));
      expect((await client.answers(answers)).at(-1)!.status).toBe(200);
    };
    await ask("iris", 1);
    await ask("rose", 2);
    expect(origin.sessions.length).toBe(1);
    await ask("lily", 3);
    expect(origin.sessions.length).toBe(2);
    gateway.serve([second!], upstreams.slice(1, 2), endpoints.slice(1, 2));
    await eventually(() => sessionsOpen(gateway) === 1, "the session of its own closes");
    await ask("rose", 4);
    expect(origin.sessions.length).toBe(2);
    gateway.serve([], [], []);
    await eventually(() => sessionsOpen(gateway) === 0, "the last user leaves");
  });

  test("that nothing uses close after their idle time", async () => {
    const { gateway, client } = await start({ upstream: { idleTimeoutMs: 30 } });
    client.write(post("x"));
    await client.answers(1);
    await gateway.advance(30 + tickMs);
    await eventually(() => sessionsOpen(gateway) === 0, "the session closes");
    client.write(post("x"));
    await client.answers(2);
  });

  test("a refused connection is answered 503 and says so", async () => {
    const closed = createServer();
    closed.listen(0, "127.0.0.1");
    await once(closed, "listening");
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    const gateway = await startGateway();
    gateway.serveIris([port], {}, { protocol: "http2" });
    const client = await open(gateway);
    client.write(post("x"));
    const [answer] = await client.answers(1);
    expect([answer!.status, gateway.flagged("UF")]).toEqual([503, 1]);
    expect(sessionsOpen(gateway)).toBe(0);
  });

  test("another Endpoint takes what the first did not connect for", async () => {
    const closed = createServer();
    closed.listen(0, "127.0.0.1");
    await once(closed, "listening");
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    const { gateway, client, origin } = await start();
    gateway.serveIris([port, origin.port], {}, { protocol: "http2" });
    client.write(post("x").repeat(6));
    const answers = await client.answers(6);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
  });

  test("calls are balanced one by one over Endpoints", async () => {
    const { gateway, client, origin } = await start();
    const second = await new Http2Origin().listen();
    closers.push(() => second.close());
    gateway.serveIris([origin.port, second.port], {}, { protocol: "http2" });
    for (let asked = 1; asked <= 60; asked++) {
      client.write(post("x"));
      await client.answers(asked);
    }
    expect(origin.requests.length + second.requests.length).toBe(60);
    expect(Math.min(origin.requests.length, second.requests.length)).toBeGreaterThan(10);
  });
});

describe("what the upstream has certainly not worked on", () => {
  test("after REFUSED_STREAM is sent again, whole", async () => {
    let refused = 0;
    const { gateway, client, origin } = await start({
      behaviour: ({ stream, body }) => {
        if (refused < 1) {
          refused += 1;
          stream.close(7);
          return;
        }
        stream.respond({ ":status": 200 });
        stream.end(body);
      },
    });
    client.write(post("the body"));
    const [answer] = await client.answers(1);
    expect([answer!.status, answer!.body, origin.requests.length, gateway.flagged("UR")]).toEqual([
      200,
      "the body",
      2,
      0,
    ]);
  });

  test("behind the last id of a GOAWAY is sent again on another session", async () => {
    const { gateway, client, origin } = await start({
      behaviour: ({ stream, body }) => {
        stream.respond({ ":status": 200 });
        stream.end(body);
      },
    });
    // The first connection says that it has worked on nothing; the others are the origin's.
    let connections = 0;
    const front = createServer((socket) => {
      socket.on("error", () => undefined);
      if (++connections > 1) {
        origin.take(socket);
        return;
      }
      const [settings, goAway] = [
        Buffer.from("000000040000000000", "hex"),
        Buffer.from("0000080700000000000000000000000000", "hex"),
      ];
      let received = 0;
      socket.on("data", (bytes: Buffer) => {
        const before = received;
        received += bytes.length;
        // The preface and SETTINGS are shorter than this, the request is longer.
        if (before < 150 && received >= 150) socket.write(Buffer.concat([settings, goAway]));
      });
    });
    front.listen(0, "127.0.0.1");
    await once(front, "listening");
    closers.push(() => front.close());
    gateway.serveIris([(front.address() as AddressInfo).port], {}, { protocol: "http2" });
    client.write(post("the body"));
    const [answer] = await client.answers(1);
    expect([answer!.status, answer!.body, connections]).toEqual([200, "the body", 2]);
  });

  test("by an upstream that ends its sessions again and again: no request is lost", async () => {
    const { gateway, origin } = await start();
    let served = 0;
    origin.behaviour = ({ stream, body }) => {
      served += 1;
      stream.respond({ ":status": 200, "content-length": body.length });
      stream.end(body);
      if (served % 25 === 0) stream.session?.close();
    };
    const clients = await Promise.all(Array.from({ length: 8 }, () => open(gateway)));
    await Promise.all(
      clients.map(async (client) => {
        for (let asked = 1; asked <= 60; asked++) {
          client.write(post("x"));
          const answers = await client.answers(asked);
          expect(answers.at(-1)!.status).toBe(200);
        }
      }),
    );
    expect(origin.sessions.length).toBeGreaterThan(8);
    expect(served).toBe(480);
  });
});

describe("circuit breakers", () => {
  const breaker = {
    priority: "default" as const,
    maxConnections: 1024,
    maxPendingRequests: 1024,
    maxRequests: 1024,
    maxRetries: 3,
  };
  const get = "GET /seldon/prod/iris/x HTTP/1.1\r\nHost: gateway\r\n\r\n";

  test("a request over max_requests is refused, and the next is served once one has ended", async () => {
    const { gateway, client, origin } = await start({
      behaviour: () => undefined,
      upstream: { breakers: [{ ...breaker, maxRequests: 2 }] },
    });
    const second = await open(gateway);
    const third = await open(gateway);
    client.write(get);
    second.write(get);
    await eventually(() => origin.requests.length === 2, "two requests");
    third.write(get);
    const [refused] = await third.answers(1);
    expect([refused!.status, gateway.flagged("UO")]).toEqual([503, 1]);
    for (const { stream } of origin.requests) stream.respond({ ":status": 204 }, { endStream: true });
    await client.until(({ text }) => text.startsWith("HTTP/1.1 204"), "the answer");
    third.write(get);
    await eventually(() => origin.requests.length === 3, "the next request");
  });

  test("beyond max_pending_requests nobody waits for room, and max_connections bounds sessions", async () => {
    const { gateway, client, origin } = await start({
      behaviour: () => undefined,
      origin: { settings: { maxConcurrentStreams: 1 } },
      upstream: { breakers: [{ ...breaker, maxConnections: 1, maxPendingRequests: 1 }] },
    });
    client.write(get);
    await eventually(() => origin.requests.length === 1, "the first request");
    const waiting = await open(gateway);
    waiting.write(get);
    const refused = await open(gateway);
    refused.write(get);
    const [answer] = await refused.answers(1);
    expect([answer!.status, gateway.flagged("UO"), sessionsOpen(gateway)]).toEqual([503, 1, 1]);
    origin.requests[0]!.stream.respond({ ":status": 204 }, { endStream: true });
    await eventually(() => origin.requests.length === 2, "the request that waited");
    expect(origin.sessions.length).toBe(1);
  });
});

describe("over TLS", () => {
  test("h2 is agreed in the handshake and :scheme is https", async () => {
    const { client, origin } = await start({ origin: { secure: true }, upstream: { tls } });
    client.write(post("x"));
    const [answer] = await client.answers(1);
    expect([answer!.status, origin.requests[0]!.headers[":scheme"]]).toEqual([200, "https"]);
    expect(origin.sessions[0]!.alpnProtocol).toBe("h2");
  });

  test.each([
    ["knows no ALPN", {}],
    ["speaks HTTP/1.1 only", { ALPNProtocols: ["http/1.1"] }],
  ])("a peer that %s is a clear failure", async (_, options) => {
    const server = createTlsServer({ key: keyPem, cert: certPem, ...options }, (socket) =>
      socket.on("error", () => undefined),
    );
    server.on("tlsClientError", () => undefined);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    closers.push(() => server.close());
    const gateway = await startGateway();
    gateway.serveIris([(server.address() as AddressInfo).port], {}, { protocol: "http2", tls });
    const client = await open(gateway);
    client.write(post("x"));
    const [answer] = await client.answers(1);
    expect(answer!.status).toBe(503);
    expect(answer!.body).toContain("ALPN h2");
  });
});

describe("outlier ejection", () => {
  test.each([
    ["UNAVAILABLE", { ":status": 200, "content-type": "application/grpc", "grpc-status": "14" }, 1],
    ["NOT_FOUND", { ":status": 200, "content-type": "application/grpc", "grpc-status": "5" }, 0],
    ["502", { ":status": 502 }, 1],
  ])("five answers of %s in a row", async (_what, head, ejected) => {
    const { gateway, client, origin } = await start({
      behaviour: ({ stream }) => stream.respond(head, { endStream: true }),
    });
    const second = await new Http2Origin().listen();
    closers.push(() => second.close());
    gateway.serveIris([origin.port, second.port], { loadBalancer: { kind: "round-robin" } }, { protocol: "http2" });
    for (let i = 1; i <= 14; i++) {
      client.write(post("x"));
      await client.until(({ text }) => (text.match(/HTTP\/1\.1 /gu) ?? []).length === i, `answer ${i}`);
    }
    expect(gateway.counted("endpointsEjected")).toBe(ejected);
    expect(origin.requests).toHaveLength(ejected === 1 ? 5 : 7);
  });
});
