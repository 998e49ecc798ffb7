// Each failure caused for real: what the client is told, how it is flagged, and that nobody else is touched.
import { beforeEach, describe, expect, test, vi } from "vitest";
import { freePort } from "../ports.ts";
import { answersIn, fieldOf } from "./client.ts";
import { Gateway, endpointsOn, firstSlot, irisTo, post, transports } from "./gateway.ts";
import { Origin, answerEach, requestsIn } from "./origin.ts";
import { servedIris } from "./served-iris.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { eventually } from "../turns.ts";

describe.each(transports)("%s", (_name, secure) => {
  let gateway: Gateway;
  let origin: Origin;

  beforeEach(async () => {
    const served = await servedIris({ limits: { connectTimeoutMs: 200 } });
    ({ gateway, origin } = served);
    return served.close;
  });

  test.each([
    ["bare LF", "GET /x HTTP/1.1\nHost: a\r\n\r\n", 400],
    ["no Host", "GET /x HTTP/1.1\r\n\r\n", 400],
    ["two Hosts", "GET /x HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400],
    ["a list of Hosts", "GET /x HTTP/1.1\r\nHost: a, b\r\n\r\n", 400],
    ["space before the colon", "GET /x HTTP/1.1\r\nHost : a\r\n\r\n", 400],
    ["obs-fold", "GET /x HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400],
    ["NUL in a value", "GET /x HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400],
    ["both framings", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400],
    ["two lengths", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400],
    ["a signed length", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx", 400],
    ["a list of lengths", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\nx", 400],
    ["another coding", "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 400],
    ["chunked twice", "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", 400],
    ["chunked with 1.0", "POST /x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400],
    ["a hidden coding", "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n", 400],
    ["a climbing path", "GET /../x HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["a backslash", "GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["no version", "GET /x\r\nHost: a\r\n\r\n", 400],
    ["HTTP/2.0 in a line", "GET /x HTTP/2.0\r\nHost: a\r\n\r\n", 400],
    ["two names of the authority", "GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["Connection that names Host", "GET /x HTTP/1.1\r\nHost: a\r\nConnection: host\r\n\r\n", 400],
    [
      "Connection that names the length",
      "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close, content-length\r\n\r\n",
      400,
    ],
    ["Connection that names metadata", "GET /x HTTP/1.1\r\nHost: a\r\nConnection: seldon\r\n\r\n", 400],
    ["CONNECT", "CONNECT /x HTTP/1.1\r\nHost: a\r\n\r\n", 405],
    ["TRACE", "TRACE /x HTTP/1.1\r\nHost: a\r\n\r\n", 405],
    ["another expectation", "POST /x HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", 417],
  ])("%s: refused and closed", async (_what, request, status) => {
    const client = await gateway.open(secure);
    client.write(request + post("after"));
    await client.end();
    const answers = answersIn(client.text);
    expect(answers.map((answer) => answer.status)).toEqual([status]);
    expect(fieldOf(answers[0]!, "connection")).toBe("close");
    expect(answers[0]!.body).not.toBe("");
    expect(origin.text).toBe("");
    client.destroy();
  });

  test.each([
    ["a size that is no number", "x\r\n"],
    ["a signed size", "+1\r\na\r\n"],
    ["a size in 0x", "0x1\r\na\r\n"],
    ["a bare LF after a size", "1\na\r\n"],
    ["bytes after a chunk", "1\r\nab\r\n"],
    ["an endless size", "11111111111111\r\n"],
    ["an endless extension", `1;${"e".repeat(300)}\r\na\r\n`],
    ["a broken trailer", "1\r\na\r\n0\r\nX : 1\r\n\r\n"],
  ])("a chunked body with %s: 400, closed, and the upstream request is cut", async (_what, body) => {
    const client = await gateway.open(secure);
    client.write(`POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}`);
    await client.end();
    expect(answersIn(client.text).map(({ status }) => status)).toEqual([400]);
    expect(requestsIn(origin.text)).toHaveLength(0);
    client.destroy();
  });

  test("no route: 404 in text, or as Seldon clients read it in JSON, and the connection goes on", async () => {
    const client = await gateway.open(secure);
    client.write(post("x", "", "/nowhere"));
    client.write(post("x", "Content-Type: application/json\r\n", "/nowhere"));
    const [text, json] = await client.answers(2);
    expect(text).toMatchObject({ status: 404, body: "no route for this host and path" });
    expect(JSON.parse(json!.body)).toEqual({
      status: { code: 404, info: text!.body, reason: "no-route", status: "FAILURE" },
    });
    expect(gateway.flagged("NR")).toBe(2);
    expect(gateway.answered("404", -1)).toBe(2);
    client.destroy();
  });

  test("a gRPC caller gets a status that its library reads", async () => {
    const client = await gateway.open(secure);
    client.write(post("x", "Content-Type: application/grpc\r\n", "/seldon.protos.Seldon/Predict"));
    const [answer] = await client.answers(1);
    expect(answer!.status).toBe(200);
    expect(fieldOf(answer!, "grpc-status")).toBe("12");
    expect(fieldOf(answer!, "grpc-message")).toContain("metadata seldon");
    client.destroy();
  });

  test("no ready endpoint: 503 no healthy upstream, UH", async () => {
    gateway.serveIris([]);
    const client = await gateway.open(secure);
    client.write(post("x"));
    expect((await client.answers(1))[0]).toMatchObject({ status: 503, body: "no healthy upstream" });
    expect(gateway.flagged("UH")).toBe(1);
    expect(gateway.answered("503")).toBe(1);
    client.destroy();
  });

  test("a refused connection: 503, UF, with the address in the log", async () => {
    const port = await freePort();
    gateway.serveIris([port]);
    const client = await gateway.open(secure);
    client.write(post("x"));
    const [answer] = await client.answers(1);
    expect(answer!.status).toBe(503);
    expect(answer!.body).toContain("upstream connect error");
    expect(gateway.flagged("UF")).toBe(1);
    expect(gateway.entries[0]).toMatchObject({
      flag: "UF",
      code: 503,
      address: `127.0.0.1:${port}`,
      method: "POST",
      path: "/seldon/prod/iris/api/v1.0/predictions",
    });
    client.destroy();
  });

  test("a refused connection goes to another endpoint, always", async () => {
    const port = await freePort();
    gateway.serveIris([port, origin.port]);
    const client = await gateway.open(secure);
    for (let i = 1; i <= 20; i++) {
      client.write(post(`${i}`, "Connection: keep-alive\r\n"));
      await client.answers(i);
    }
    expect((await client.answers(20)).every(({ status }) => status === 200)).toBe(true);
    expect(requestsIn(origin.text)).toHaveLength(20);
    client.destroy();
  });

  test("a connection that does not come about in time: 503, UF", async () => {
    // It accepts and then says nothing: the TLS handshake is part of connecting. (A full backlog is no reliable silence: some kernels
    // let a connection through now and then.)
    origin.behaviour = () => undefined;
    gateway.serveIris([origin.port], {}, { tls: { context: "test", sni: null, caPem: null, certificate: null } });
    const client = await gateway.open(secure);
    client.write(post("x"));
    await gateway.goOnUntil(() => gateway.flagged("UF") === 1, "the end of its time");
    const [answer] = await client.answers(1);
    expect(answer!.status).toBe(503);
    expect(answer!.body).toContain("connection timeout");
    expect(gateway.flagged("UF")).toBe(1);
    client.destroy();
  });

  test.each([
    ["before a byte", "", 503, "UC"],
    ["in its head", "HTTP/1.1 200 OK\r\nContent-", 503, "UC"],
  ])("an upstream that ends %s: answered, and flagged as its fault", async (_when, part, status, flag) => {
    origin.behaviour = (connection) => {
      if (requestsIn(connection.text).length > 0) connection.socket.end(part);
    };
    const client = await gateway.open(secure);
    client.write(post("x"));
    expect((await client.answers(1))[0]!.status).toBe(status);
    expect(gateway.flagged(flag)).toBe(1);
    expect(origin.connections).toHaveLength(1);
    client.destroy();
  });

  test("an upstream that ends in its body: the client sees the cut", async () => {
    origin.behaviour = (connection) => {
      if (requestsIn(connection.text).length > 0)
        connection.socket.end("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
    };
    const client = await gateway.open(secure);
    client.write(post("x"));
    await client.end();
    expect(client.text).toMatch(/half$/);
    expect(gateway.flagged("UC")).toBe(1);
    client.destroy();
  });

  test.each([
    ["no status line", "hello\r\n\r\n"],
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx"],
    ["bare LF", "HTTP/1.1 200 OK\nContent-Length: 1\n\nx"],
    ["a CR in a value", "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n"],
    ["101 that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"],
    ["a flood of 1xx", "HTTP/1.1 103 Early\r\n\r\n".repeat(30)],
    ["an unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"],
    ["an oversized head", `HTTP/1.1 200 OK\r\nX: ${"a".repeat(70_000)}\r\n\r\n`],
  ])("an upstream answer with %s: 502, UPE", async (_what, answer) => {
    origin.behaviour = (connection) => {
      if (requestsIn(connection.text).length > 0) connection.socket.write(Buffer.from(answer, "latin1"));
    };
    const client = await gateway.open(secure);
    client.write(post("x"));
    await client.until(() => answersIn(client.text).some(({ status }) => status >= 200));
    expect(answersIn(client.text).at(-1)!.status).toBe(502);
    expect(gateway.flagged("UPE")).toBe(1);
    await eventually(() => origin.connections[0]!.closed || origin.connections[0]!.ended, "the end of the connection");
    client.destroy();
  });

  test("a path that would climb once it is rewritten is 400 and goes nowhere", async () => {
    const iris = irisTo("iris");
    gateway.serve(
      [
        {
          ...iris,
          match: { ...iris.match, path: { kind: "prefix", prefix: "/seldon/prod/iris", caseSensitive: true } },
        },
      ],
      [upstreamOf("iris")],
      [endpointsOn("iris", [origin.port])],
    );
    const client = await gateway.open(secure);
    for (const path of ["/seldon/prod/iris../secret", "/seldon/prod/iris%2e%2E", "/seldon/prod/iris/fine"])
      client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    const answers = await client.answers(3);
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 200]);
    expect(requestsIn(origin.text)).toHaveLength(1);
    client.destroy();
  });

  test("an upgrade to WebSocket is refused; h2c is ignored and served as HTTP/1.1", async () => {
    const client = await gateway.open(secure);
    client.write("GET /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    client.write(
      "GET /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
    );
    const answers = await client.answers(2);
    expect(answers.map(({ status }) => status)).toEqual([403, 200]);
    expect(requestsIn(origin.text)).toHaveLength(1);
    expect(origin.text).not.toMatch(/upgrade|http2/i);
    client.destroy();
  });

  test("an Upstream that is a name waits for its addresses, and goes on when they come", async () => {
    gateway.serve(
      [irisTo("named")],
      [upstreamOf("named", "iris.example")],
      [{ key: "named", ready: true, endpoints: [] }],
    );
    const client = await gateway.open(secure);
    client.write(post("x"));
    await eventually(() => gateway.used.includes("named"), "the question for addresses");
    gateway.change({ endpoints: [endpointsOn("named", [origin.port])] });
    expect((await client.answers(1))[0]!.status).toBe(200);
    client.destroy();
  });

  test("an Upstream that is a name and has no address in time: 503, UH", async () => {
    gateway.serve(
      [irisTo("named")],
      [{ ...upstreamOf("named", "iris.example") }],
      [{ key: "named", ready: true, endpoints: [] }],
    );
    const client = await gateway.open(secure);
    client.write(post("x"));
    await gateway.goOnUntil(() => gateway.flagged("UH") === 1, "the end of its time");
    expect((await client.answers(1))[0]).toMatchObject({
      status: 503,
      body: "no healthy upstream: its name has no address yet",
    });
    client.destroy();
  });

  test("a fault in one exchange ends that exchange: the other goes on, the fault is counted and logged", async () => {
    const first = await gateway.open(secure);
    const second = await gateway.open(secure);
    origin.behaviour = () => undefined;
    first.write(post("x"));
    await eventually(() => requestsIn(origin.text).length === 1, "the first request");
    // A counter that cannot be written: a bug that no Mapping can cause.
    const planted = vi.spyOn(gateway.counters, "enter").mockImplementation(() => {
      throw new Error("planted");
    });
    second.write(post("y"));
    await second.end();
    planted.mockRestore();
    expect([gateway.faults, gateway.flagged("UX")]).toEqual([1, 1]);
    expect(gateway.entries.map(({ flag }) => flag)).toEqual(["UX"]);
    origin.connections[0]!.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    expect((await first.answers(1))[0]!.status).toBe(200);
    expect(gateway.answered("200", firstSlot)).toBe(1);
    first.destroy();
    second.destroy();
  });

  test("counters in flight return to 0", async () => {
    origin.behaviour = answerEach("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    const client = await gateway.open(secure);
    client.write(post("x") + post("x", "", "/nowhere"));
    await client.answers(2);
    client.destroy();
    await eventually(
      () => gateway.counted("inFlight") === 0 && gateway.counted("clientConnectionsHttp1") === 0,
      "gauges at 0",
    );
    gateway.plane.close();
    expect(gateway.counted("upstreamConnectionsHttp1")).toBe(0);
  });
});
