// HTTP/2 clients of the gateway, by prior knowledge and by ALPN, with HTTP/1.1 upstreams that record every byte.
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { upstreamOf } from "../gateway/fixtures.ts";
import { eventually } from "../turns.ts";
import { answersIn } from "./client.ts";
import { Gateway, endpointsOn, firstSlot, irisTo, transports } from "./gateway.ts";
import { Http2Client } from "./http2-client.ts";
import { Origin, answerEach, requestsIn } from "./origin.ts";

const predictions = "/seldon/prod/iris/api/v1.0/predictions";

describe.each(transports)("%s", (_name, secure) => {
  let gateway: Gateway;
  let origin: Origin;
  let client: Http2Client;

  async function start(limits: ConstructorParameters<typeof Gateway>[0] = {}): Promise<void> {
    gateway = await new Gateway(limits).listen();
    origin = await new Origin().listen();
    gateway.serveIris([origin.port]);
    client = await Http2Client.open(gateway, secure);
  }

  beforeEach(() => start());
  afterEach(async () => {
    client.destroy();
    gateway.close();
    await origin.close();
    expect(gateway.faults).toBe(0);
  });

  test("a POST reaches an HTTP/1.1 upstream as one", async () => {
    const reply = await client.request(
      {
        ":method": "POST",
        ":path": `${predictions}?a=b`,
        "content-type": "application/json",
        "content-length": "2",
        te: "trailers",
        "x-own": "kept",
      },
      "{}",
    );
    expect(reply).toMatchObject({ status: 200, body: "ok" });
    expect(reply.headers["content-length"]).toBe("2");
    expect(reply.headers["x-envoy-upstream-service-time"]).toMatch(/^\d+$/);
    expect(reply.headers["date"]).toMatch(/GMT$/);
    const text = origin.text
      .replace(/x-request-id: [0-9a-f-]{36}/, "x-request-id: ID")
      .replace(/host: .*|x-forwarded-host: .*/g, (line) => line.replace(/localhost:\d+|127\.0\.0\.1:\d+/, "HOST"));
    expect(text).toBe(
      "POST /api/v1.0/predictions?a=b HTTP/1.1\r\ncontent-type: application/json\r\nx-own: kept\r\nhost: HOST\r\nx-request-id: ID\r\n" +
        `x-forwarded-for: 127.0.0.1\r\nx-forwarded-proto: ${secure ? "https" : "http"}\r\nx-forwarded-host: HOST\r\nx-envoy-original-path: ${predictions}?a=b\r\n` +
        "te: trailers\r\ncontent-length: 2\r\n\r\n{}",
    );
    expect(gateway.answered("200")).toBe(1);
  });

  test("a body without a length is chunked, and trailers go both ways", async () => {
    origin.behaviour = answerEach(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\nConnection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n",
    );
    const stream = client.start({ ":method": "POST", ":path": predictions }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "x-check": "sum" }));
    stream.end("hello");
    const reply = await client.reply(stream);
    expect(origin.text).toMatch(/transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-check: sum\r\n\r\n$/);
    expect(reply).toMatchObject({ status: 200, body: "abc", trailers: { "x-sum": "7" } });
    expect(reply.headers["trailer"]).toBe("X-Sum");
    expect(Object.keys(reply.headers).filter((name) => /hop|keep|connection|transfer/.test(name))).toEqual([]);
  });

  test.each([
    ["HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 42\r\n\r\n", 200, "42"],
    ["GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, undefined],
    ["GET", "HTTP/1.1 304 Not Modified\r\ncontent-length: 42\r\n\r\n", 304, "42"],
    ["GET", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 200, "0"],
  ])("%s answered by %j has no body", async (method, answer, status, length) => {
    origin.behaviour = answerEach(answer);
    const reply = await client.request({ ":method": method, ":path": predictions });
    expect(reply).toMatchObject({ status, body: "" });
    expect(reply.headers["content-length"]).toBe(length);
    // The connection and the upstream's are as good as before.
    origin.behaviour = answerEach("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    expect(await client.request({ ":path": predictions })).toMatchObject({ status: 200, body: "ok" });
    expect(origin.connections.length).toBe(1);
  });

  test("informational responses go before the final one", async () => {
    origin.behaviour = answerEach(
      "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    );
    const reply = await client.request({ ":path": predictions });
    expect(reply).toMatchObject({ status: 200, body: "ok", informational: [{ ":status": 103, link: "</a>" }] });
  });

  test("Expect: 100-continue is answered by the gateway and goes no further", async () => {
    const stream = client.start({
      ":method": "POST",
      ":path": predictions,
      expect: "100-continue",
      "content-length": "2",
    });
    await once(stream, "continue");
    stream.end("{}");
    expect(await client.reply(stream)).toMatchObject({ status: 200 });
    expect(origin.text).not.toMatch(/expect/i);
  });

  test("200 requests at once on one connection, each with its own answer", async () => {
    origin.behaviour = answerEach((request) => {
      const body = /\r\n\r\n(.*)$/s.exec(request)![1]!;
      return `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    });
    await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const body = `${i}.`.repeat(1 + i * 20);
        expect(
          await client.request(
            { ":method": "POST", ":path": predictions, "content-length": String(body.length) },
            body,
          ),
        ).toMatchObject({ status: 200, body });
      }),
    );
    expect(gateway.answered("200")).toBe(200);
  });

  test("bodies larger than every window go both ways", async () => {
    const body = "abcdefgh".repeat(400_000);
    origin.behaviour = (connection) => {
      const [request] = requestsIn(connection.text);
      if (request === undefined || connection.answered > 0) return;
      connection.answered = 1;
      const got = request.slice(request.indexOf("\r\n\r\n") + 4);
      connection.socket.write(Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${got.length}\r\n\r\n${got}`, "latin1"));
    };
    const reply = await client.request(
      { ":method": "POST", ":path": predictions, "content-length": String(body.length) },
      body,
    );
    expect(reply.body.length).toBe(body.length);
    expect(reply.body === body).toBe(true);
  });

  test("an answer before the end of the request is not lost, and the rest is asked for no more", async () => {
    const stream = client.start({ ":method": "POST", ":path": "/nowhere" });
    stream.write("a part");
    const reply = await gateway.during(client.reply(stream));
    expect(reply).toMatchObject({ status: 404, code: 0 });
    expect(stream.rstCode).toBe(0);
    expect(await client.request({ ":path": predictions })).toMatchObject({ status: 200 });
  });

  test("a client that leaves cancels its request upstream, and nothing else", async () => {
    origin.behaviour = () => undefined;
    const stream = client.start({ ":path": predictions });
    stream.end();
    await eventually(() => origin.connections[0]?.text.endsWith("\r\n\r\n") === true, "the request at the origin");
    stream.close(8);
    await eventually(() => origin.connections[0]!.closed, "the end of the upstream connection");
    expect(gateway.flagged("DC")).toBe(1);
    origin.behaviour = answerEach("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    expect(await client.request({ ":path": predictions })).toMatchObject({ status: 200 });
  });

  test("a client that ends its side and is gone cancels what it asked for; one that reads on gets its answer", async () => {
    origin.behaviour = () => undefined;
    const reader = await gateway.open(secure);
    const leaver = await gateway.open(secure);
    const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0";
    const block = (path: string): string => `\x82\x86\x41\x01a\x04${String.fromCharCode(path.length)}${path}`;
    const headers = (path: string): string =>
      `\0\0${String.fromCharCode(block(path).length)}\x01\x05\0\0\0\x01${block(path)}`;
    reader.write(preface + headers("/seldon/prod/iris/late"));
    leaver.write(preface + headers("/seldon/prod/iris/never"));
    await eventually(
      () => origin.connections.length === 2 && origin.text.includes("/late") && origin.text.includes("/never"),
      "both requests",
    );
    reader.socket.end();
    leaver.socket.end();
    leaver.destroy();
    await gateway.goOnUntil(
      () => origin.connections.some(({ text, closed }) => text.includes("/never") && closed),
      "the cancelled request",
    );
    origin.connections
      .find(({ text }) => text.includes("/late"))!
      .socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    await reader.until(({ text }) => text.endsWith("ok") || text.includes("ok\0"), "its answer");
    reader.destroy();
    expect(gateway.flagged("DC")).toBe(1);
  });

  test("an upstream that is cut in the middle of its answer cuts the stream alone", async () => {
    origin.behaviour = (connection) => {
      connection.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc");
      connection.socket.end();
    };
    const reply = await client.request({ ":path": predictions });
    expect(reply).toMatchObject({ status: 200, body: "abc", code: 2 });
    origin.behaviour = answerEach("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    expect(await client.request({ ":path": predictions })).toMatchObject({ status: 200 });
  });

  test("a gRPC call that is cut in the middle of its answer ends with a status that says why", async () => {
    origin.behaviour = (connection) => {
      connection.socket.write(
        "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
      );
      connection.socket.end();
    };
    const reply = await client.request(
      { ":method": "POST", ":path": predictions, "content-type": "application/grpc", te: "trailers" },
      "abc",
    );
    expect(reply).toMatchObject({ status: 200, body: "abc", code: 0, trailers: { "grpc-status": "14" } });
    expect(reply.trailers!["grpc-message"]).toMatch(/^The upstream closed before its answer was complete/);
  });

  test.each([
    [502, "HTTP/1.1 banana\r\n\r\n", "UPE"],
    [503, "", "UC"],
  ])("%i: an upstream that answers %j", async (status, answer, flag) => {
    origin.behaviour = (connection) => void connection.socket.end(answer);
    const reply = await client.request({ ":path": predictions });
    expect(reply.status).toBe(status);
    expect(reply.body).toMatch(/^upstream connect error/);
    expect(gateway.flagged(flag)).toBe(1);
  });

  test("the request line is limited as in HTTP/1.1: at the limit, and above it 414", async () => {
    const path = `/seldon/prod/iris/${"x".repeat(8192 - "GET  HTTP/1.1".length - "/seldon/prod/iris/".length)}`;
    expect(await client.request({ ":path": path })).toMatchObject({ status: 200 });
    const reply = await client.request({ ":path": `${path}x` });
    expect(reply).toMatchObject({ status: 414 });
    expect(reply.body).toMatch(/--request-line-bytes/);
  });

  test("100 fields are taken, and one more is 431", async () => {
    const fields = (count: number): Record<string, string> =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-${i}`, "v"]));
    expect(await client.request({ ":path": predictions, ...fields(100) })).toMatchObject({ status: 200 });
    const reply = await client.request({ ":path": predictions, ...fields(101) });
    expect(reply).toMatchObject({ status: 431 });
    expect(reply.body).toMatch(/--head-fields/);
  });

  test("a gRPC call whose metadata is too large gets a gRPC status", async () => {
    const fields = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`x-${i}`, "v"]));
    const reply = await client.request({
      ":method": "POST",
      ":path": "/seldon.protos.Seldon/Predict",
      "content-type": "application/grpc",
      te: "trailers",
      ...fields,
    });
    expect(reply).toMatchObject({ status: 200, body: "" });
    expect(reply.headers["grpc-status"]).toBe("8");
  });

  test("a gRPC call without a route gets UNIMPLEMENTED in one frame", async () => {
    const reply = await client.request(
      {
        ":method": "POST",
        ":path": "/seldon.protos.Seldon/Predict",
        "content-type": "application/grpc",
        te: "trailers",
        seldon: "nobody",
        namespace: "prod",
      },
      "abc",
    );
    expect(reply).toMatchObject({ status: 200, body: "" });
    expect(reply.headers).toMatchObject({ "content-type": "application/grpc", "grpc-status": "12" });
  });

  test.each([
    ["no metadata", {}, 12, /send metadata seldon and namespace$/],
    ["no deployment", { namespace: "prod" }, 12, /send metadata seldon beside namespace$/],
    ["a bare name that nobody has", { seldon: "iris" }, 12, /^no route: no deployment of that name$/],
    [
      "metadata that match nothing",
      { seldon: "nobody", namespace: "prod" },
      12,
      /no deployment serves this call under the metadata seldon and namespace$/,
    ],
  ])("a gRPC call with %s is told so, and no name that it did not send", async (_what, metadata, status, message) => {
    const reply = await client.request(
      {
        ":method": "POST",
        ":path": "/seldon.protos.Seldon/Predict",
        "content-type": "application/grpc",
        te: "trailers",
        ...metadata,
      },
      "abc",
    );
    expect(reply.headers["grpc-status"]).toBe(String(status));
    expect(reply.headers["grpc-message"]).toMatch(message);
    if (!("seldon" in metadata)) expect(reply.headers["grpc-message"]).not.toContain("iris");
  });

  test("pieces of a cookie are one field upstream", async () => {
    await client.request({ ":path": predictions, cookie: ["a=1", "b=2", "c=3"] });
    expect(origin.text.match(/cookie: .*/g)).toEqual(["cookie: a=1; b=2; c=3"]);
  });

  test("a failed request is logged as it came", async () => {
    await client.request({ ":method": "POST", ":path": "/nowhere/./at?all=1" });
    expect(gateway.entries).toMatchObject([
      { method: "POST", path: "/nowhere/./at?all=1", code: 404, flag: "NR", peer: "127.0.0.1" },
    ]);
  });

  test("connections are counted by protocol until they are closed", async () => {
    expect(gateway.counted("clientConnectionsHttp2")).toBe(1);
    expect(gateway.counted("clientConnectionsHttp1")).toBe(0);
    client.destroy();
    await eventually(() => gateway.counted("clientConnectionsHttp2") === 0, "no HTTP/2 connection");
  });

  test("header edits, a host of the Mapping and an own date", async () => {
    origin.behaviour = answerEach(
      "HTTP/1.1 200 OK\r\nDate: yesterday\r\nServer: model\r\nX-Old: 1\r\ncontent-length: 2\r\n\r\nok",
    );
    const target = {
      requestHeaders: { remove: ["x-secret"], add: [{ name: "X-Added", value: "yes", append: false }] },
      responseHeaders: {
        remove: ["server"],
        add: [
          { name: "X-Old", value: "2", append: false },
          { name: "X-New", value: "a", append: true },
        ],
      },
      hostRewrite: { kind: "literal" as const, host: "model.example" },
    };
    gateway.serve([irisTo("iris", target)], [upstreamOf("iris")], [endpointsOn("iris", [origin.port])]);
    const reply = await client.request({ ":path": predictions, "x-secret": "s" });
    expect(reply.headers).toMatchObject({ date: "yesterday", "x-old": "2", "x-new": "a" });
    expect(reply.headers["server"]).toBeUndefined();
    expect(origin.text).toContain("host: model.example\r\n");
    expect(origin.text).toContain("X-Added: yes\r\n");
    expect(origin.text).not.toContain("x-secret");
  });
});

describe("the protocol of a port", () => {
  test("HTTP/1.1 and HTTP/2 clients share it, and a preface that comes byte by byte is one", async () => {
    const gateway = await new Gateway().listen();
    const origin = await new Origin().listen();
    gateway.serveIris([origin.port]);
    const one = await gateway.open(false);
    one.write(`GET ${predictions} HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect((await one.answers(1))[0]!.status).toBe(200);
    const two = await gateway.open(false);
    for (const byte of "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0") {
      two.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await two.until(({ text }) => text.includes("\0\0\0\x04\x01\0\0\0\0"), "an acknowledgement of its SETTINGS");
    expect(gateway.answered("200", firstSlot)).toBe(1);
    one.destroy();
    two.destroy();
    gateway.close();
    await origin.close();
  });

  test.each(["", "PRI * HT", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"])(
    "an unfinished preface, %j, is ended in time",
    async (start) => {
      const gateway = await new Gateway({ limits: { headTimeoutMs: 100, connectionIdleTimeoutMs: 100 } }).listen();
      const client = await gateway.open(false);
      client.write(start);
      await gateway.advance(99);
      expect(client.ended).toBe(false);
      // A connection of HTTP/2 is told, and has a moment to read it.
      await gateway.during(client.end());
      client.destroy();
      gateway.close();
    },
  );

  test.each([
    ["PRI * HTTP/2.1\r\n\r\n", "GOAWAY", "this is not the preface of HTTP/2"],
    ["PRIX / HTTP/1.1\r\n\r\n", "400", "The request is malformed: RFC 9112 does not allow it"],
    ["HELLO\r\n", "400", "The request is malformed: RFC 9112 does not allow it"],
    ["EHLO there you\r\n\r\n", "", "The client sent neither HTTP/1.1 nor HTTP/2"],
  ])("%j is served by neither: the client gets %j and the end", async (start, told, sentence) => {
    const gateway = await new Gateway().listen();
    const client = await gateway.open(false);
    client.write(start);
    await client.end();
    const answers = client.text.startsWith("HTTP/1.1 ") ? answersIn(client.text) : [];
    if (told === "400") expect(answers.map(({ status, body }) => [status, body])).toEqual([[400, sentence]]);
    // A frame of type 7 on stream 0: no stream was begun, PROTOCOL_ERROR.
    else if (told === "GOAWAY") expect(client.text).toContain(`\x07${"\0".repeat(12)}\x01`);
    else expect(client.text).toBe("");
    expect(gateway.entries.map((entry) => [entry.flag, entry.sentence.endsWith(sentence)])).toEqual([["DPE", true]]);
    client.destroy();
    gateway.close();
  });
});
