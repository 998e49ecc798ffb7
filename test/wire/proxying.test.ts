// Requests through the data plane on real sockets: framing both ways, keep-alive, pipelining, bodiless answers.
import { beforeEach, describe, expect, test } from "vitest";
import { answersIn, fieldOf } from "./client.ts";
import { Gateway, endpointsOn, irisTo, post, transports } from "./gateway.ts";
import { Origin, answerEach, requestsIn } from "./origin.ts";
import { servedIris } from "./served-iris.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { eventually } from "../turns.ts";

describe.each(transports)("%s", (_name, secure) => {
  let gateway: Gateway;
  let origin: Origin;

  beforeEach(async () => {
    const served = await servedIris();
    ({ gateway, origin } = served);
    return served.close;
  });

  test("a POST goes through with its body, its path rewritten", async () => {
    const client = await gateway.open(secure);
    client.write(post('{"data":[1]}'));
    const [answer] = await client.answers(1);
    expect(answer).toMatchObject({ status: 200, body: "ok" });
    const request = requestsIn(origin.text)[0]!;
    expect(request).toMatch(/^POST \/api\/v1\.0\/predictions HTTP\/1\.1\r\n/);
    expect(request).toMatch(/\r\n\r\n\{"data":\[1\]\}$/);
    expect(request.match(/content-length/gi)).toHaveLength(1);
    expect(gateway.answered("200")).toBe(1);
    expect(fieldOf(answer!, "date")).not.toBeNull();
    expect(Number(fieldOf(answer!, "x-envoy-upstream-service-time"))).toBeGreaterThanOrEqual(0);
    client.destroy();
  });

  test("both connections are kept: many requests, one upstream connection", async () => {
    const client = await gateway.open(secure);
    for (let i = 1; i <= 5; i++) {
      client.write(post(`body ${i}`));
      await client.answers(i);
    }
    expect(origin.connections).toHaveLength(1);
    expect(requestsIn(origin.text)).toHaveLength(5);
    client.destroy();
  });

  test("a chunked body is framed anew, byte for byte the same content, whatever the pieces", async () => {
    const client = await gateway.open(secure);
    const head = "POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    const body = "5;ext=1\r\nhello\r\n00001\r\n \r\n5\r\nworld\r\n0\r\n\r\n";
    for (const byte of head + body) {
      client.write(byte);
      await new Promise(setImmediate);
    }
    await client.answers(1);
    const request = requestsIn(origin.text)[0]!;
    expect(request).not.toContain("ext=1");
    expect(request).toMatch(/\r\ntransfer-encoding: chunked\r\n/);
    expect(dechunkedBody(request)).toBe("hello world");
    client.destroy();
  });

  test("trailers of both directions are kept, but for those that frame or vouch", async () => {
    origin.behaviour = answerEach(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\nSet-Cookie: a=b\r\n\r\n",
    );
    const client = await gateway.open(secure);
    client.write(
      "POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Check: 1\r\nContent-Length: 5\r\nAuthorization: x\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n",
    );
    const [answer] = await client.answers(1);
    expect(answer!.trailers).toBe("X-Sum: 7\r\n");
    expect(fieldOf(answer!, "trailer")).toBe("x-sum");
    const request = requestsIn(origin.text)[0]!;
    expect(request).toMatch(/0\r\nX-Check: 1\r\n\r\n$/);
    expect(request).toMatch(/\r\nte: trailers\r\n/);
    client.destroy();
  });

  test("pipelined requests are answered in order, each whole", async () => {
    origin.behaviour = answerEach((request) => {
      const body = `answer to ${/ (\S+) /.exec(request)![1]}`;
      return `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    });
    const client = await gateway.open(secure);
    const paths = Array.from({ length: 40 }, (_, index) => `/n${index}`);
    client.write(
      paths
        .map((path) =>
          path.endsWith("3") ? `GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n` : post("x", "", `/seldon/prod/iris${path}`),
        )
        .join(""),
    );
    const answers = await client.answers(40);
    expect(answers.map(({ status, body }) => (status === 200 ? body : String(status)))).toEqual(
      paths.map((path) => (path.endsWith("3") ? "404" : `answer to ${path}`)),
    );
    client.destroy();
  });

  test("more than is read ahead waits its turn and is not lost", async () => {
    const client = await gateway.open(secure);
    const count = 400;
    client.write(Array.from({ length: count }, (_, index) => post(`${index}`.padStart(300, "."))).join(""));
    await client.answers(count);
    expect(requestsIn(origin.text).map((request) => request.slice(-3))).toEqual(
      Array.from({ length: count }, (_, index) => `${index}`.padStart(3, ".")),
    );
    client.destroy();
  });

  test.each([
    ["HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n", 200, "1234"],
    ["HEAD", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", 200, null],
    ["GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, null],
    ["GET", 'HTTP/1.1 304 Not Modified\r\ncontent-length: 99\r\nEtag: "a"\r\n\r\n', 304, "99"],
  ] as const)("%s answered %j has no body and the connections go on", async (method, answer, status, length) => {
    origin.behaviour = answerEach(answer);
    const client = await gateway.open(secure);
    const request = `${method} /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\n\r\n`;
    client.write(request);
    await client.until(() => answersIn(client.text, true).length === 1);
    client.write(request);
    await client.until(() => answersIn(client.text, true).length === 2);
    const [first] = answersIn(client.text, true);
    expect(first!.status).toBe(status);
    expect(fieldOf(first!, "content-length")).toBe(length);
    expect(fieldOf(first!, "transfer-encoding")).toBeNull();
    expect(origin.connections).toHaveLength(1);
    client.destroy();
  });

  test("an answer framed by the end of its connection is framed anew", async () => {
    origin.behaviour = (connection) => {
      if (requestsIn(connection.text).length === 0) return;
      connection.socket.end("HTTP/1.0 200 OK\r\nServer: old\r\n\r\nall of it");
    };
    const client = await gateway.open(secure);
    client.write(post("x") + post("y"));
    const answers = await client.answers(2);
    expect(answers.map(({ body }) => body)).toEqual(["all of it", "all of it"]);
    expect(origin.connections).toHaveLength(2);
    client.destroy();
  });

  test("a client of HTTP/1.0 gets an answer without chunks, and the end", async () => {
    origin.behaviour = answerEach("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    const client = await gateway.open(secure);
    client.write("GET /seldon/prod/iris/x HTTP/1.0\r\nHost: a\r\n\r\n");
    await client.end();
    expect(client.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(client.text).not.toContain("chunked");
    expect(client.text).toMatch(/\r\nconnection: close\r\n\r\nabc$/);
    client.destroy();
  });

  test("a client of HTTP/1.0 that asks for it is kept alive and told so, by answers of both kinds", async () => {
    const client = await gateway.open(secure);
    for (const [index, path] of ["/seldon/prod/iris/x", "/nowhere", "/seldon/prod/iris/y"].entries()) {
      client.write(`GET ${path} HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n`);
      const answers = await client.answers(index + 1);
      expect(fieldOf(answers[index]!, "connection")).toBe("keep-alive");
    }
    client.write("GET /seldon/prod/iris/z HTTP/1.0\r\nHost: a\r\n\r\n");
    await client.end();
    const answers = answersIn(client.text);
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 200, 200]);
    expect(fieldOf(answers[3]!, "connection")).toBe("close");
    expect(requestsIn(origin.text)[0]).not.toMatch(/keep-alive/i);
    client.destroy();
  });

  test.each([
    ["that says both", "keep-alive, close", "content-length: 3\r\n\r\nabc"],
    ["whose answer has no length", "keep-alive", "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"],
  ])("one %s is not", async (_which, said, rest) => {
    origin.behaviour = answerEach(`HTTP/1.1 200 OK\r\n${rest}`);
    const client = await gateway.open(secure);
    client.write(`GET /seldon/prod/iris/x HTTP/1.0\r\nHost: a\r\nConnection: ${said}\r\n\r\n`);
    await client.end();
    expect(client.text).toMatch(/\r\nconnection: close\r\n\r\nabc$/);
    client.destroy();
  });

  test.each(["HTTP/1.1 503", "HTTP/1.1 503 ", "HTTP/1.0 503 "])(
    "%j: the standard reason phrase is written",
    async (line) => {
      origin.behaviour = answerEach(`${line}\r\ncontent-length: 2\r\n\r\nno`);
      const client = await gateway.open(secure);
      client.write(post("x"));
      const [answer] = await client.answers(1);
      expect(answer!.head.split("\r\n")[0]).toBe("HTTP/1.1 503 Service Unavailable");
      client.destroy();
    },
  );

  test("1xx answers pass, a 100 of the upstream does not, and the final one follows", async () => {
    origin.behaviour = answerEach(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    );
    const client = await gateway.open(secure);
    client.write(post("x"));
    const answers = await client.answers(2);
    expect(answers.map(({ status }) => status)).toEqual([103, 200]);
    expect(fieldOf(answers[0]!, "link")).toBe("</a>");
    client.destroy();
  });

  test("Expect: 100-continue is answered here, once the route is decided, and not passed on", async () => {
    const client = await gateway.open(secure);
    client.write("POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    await client.answers(1);
    expect(client.text).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    client.write("body");
    const answers = await client.answers(2);
    expect(answers[1]!.status).toBe(200);
    expect(requestsIn(origin.text)[0]).not.toMatch(/expect/i);
    client.destroy();
  });

  test("a refused expectation gets its final answer without a 100, and the end", async () => {
    const client = await gateway.open(secure);
    client.write("POST /nowhere HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    await client.end();
    expect(client.text).toMatch(/^HTTP\/1\.1 404 /);
    expect(client.text).toContain("connection: close");
    client.destroy();
  });

  test("an early answer is passed on at once, the rest of the body still goes upstream, and the connections serve on", async () => {
    origin.behaviour = (connection) => {
      if (connection.answered === 0 && connection.text.includes("first")) {
        connection.answered = 1;
        connection.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nearly");
      } else if (connection.answered === 1 && requestsIn(connection.text).length === 2) {
        connection.answered = 2;
        connection.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnext");
      }
    };
    const client = await gateway.open(secure);
    client.write("POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nfirst");
    expect((await client.answers(1))[0]!.body).toBe("early");
    client.write(` half.${post("second")}`);
    const answers = await client.answers(2);
    expect(answers[1]!.body).toBe("next");
    expect(origin.connections).toHaveLength(1);
    expect(requestsIn(origin.text)[0]).toMatch(/first half\.$/);
    client.destroy();
  });

  test("an early answer that closes its connection: the rest of a small body is thrown away and the client serves on", async () => {
    origin.behaviour = (connection) => {
      if (connection.text.includes("part") && connection.answered === 0) {
        connection.answered = 1;
        connection.socket.end("HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 3\r\n\r\nbig");
      } else if (requestsIn(connection.text).length > connection.answered) {
        answerEach("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")(connection, origin);
      }
    };
    const client = await gateway.open(secure);
    client.write("POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\npart");
    expect((await client.answers(1))[0]!.status).toBe(413);
    client.write(` rest${post("again")}`);
    expect((await client.answers(2))[1]!.body).toBe("ok");
    expect(origin.text).not.toContain(" rest");
    client.destroy();
  });

  test("a client that ends its side after the request still gets its answer", async () => {
    origin.behaviour = () => undefined;
    const client = await gateway.open(secure);
    client.write(post("x"));
    client.socket.end();
    await eventually(() => requestsIn(origin.text).length === 1, "the request at the origin");
    await gateway.advance(400);
    origin.connections[0]!.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlate");
    await client.end();
    const final = answersIn(client.text).filter(({ status }) => status >= 200);
    expect(final).toHaveLength(1);
    expect(final[0]!.body).toBe("late");
    expect(gateway.answered("200")).toBe(1);
  });

  test("a client that leaves before its answer cancels the upstream request", async () => {
    origin.behaviour = () => undefined;
    const client = await gateway.open(secure);
    client.write(post("x"));
    await eventually(() => requestsIn(origin.text).length === 1, "the request at the origin");
    client.destroy();
    await gateway.goOnUntil(
      () => origin.connections[0]!.ended || origin.connections[0]!.closed,
      "the cancelled request at the origin",
    );
    expect(gateway.answered("0")).toBe(1);
    expect(gateway.flagged("DC")).toBe(1);
    expect(gateway.entries.map(({ flag, code }) => [flag, code])).toEqual([["DC", 0]]);
  });

  test("a client that leaves in the middle of its body cancels the upstream request", async () => {
    const client = await gateway.open(secure);
    client.write("POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\npart");
    await eventually(() => origin.text.includes("part"), "the part at the origin");
    client.destroy();
    await eventually(
      () => origin.connections[0]!.ended || origin.connections[0]!.closed,
      "the cancelled request at the origin",
    );
    expect(gateway.flagged("DC")).toBe(1);
  });

  test("Connection: close of the client closes after the answer; the upstream connection is kept", async () => {
    const client = await gateway.open(secure);
    client.write(post("x", "Connection: close\r\n"));
    await client.end();
    expect(fieldOf(answersIn(client.text)[0]!, "connection")).toBe("close");
    const next = await gateway.open(secure);
    next.write(post("y"));
    await next.answers(1);
    expect(origin.connections).toHaveLength(1);
    next.destroy();
    client.destroy();
  });

  test("an upstream connection with a close token or surplus bytes is not used again", async () => {
    origin.behaviour = answerEach(
      (_request, index) =>
        `HTTP/1.1 200 OK\r\n${index === 0 ? "connection: close\r\n" : ""}content-length: 2\r\n\r\nok`,
    );
    const client = await gateway.open(secure);
    client.write(post("a"));
    await client.answers(1);
    client.write(post("b"));
    await client.answers(2);
    expect(origin.connections).toHaveLength(2);
    origin.behaviour = answerEach(
      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged",
    );
    gateway.serve([irisTo("other")], [upstreamOf("other")], [endpointsOn("other", [origin.port])]);
    client.write(post("c"));
    await client.answers(3);
    client.write(post("d"));
    const answers = await client.answers(4);
    expect(answers.map(({ body }) => body)).toEqual(["ok", "ok", "ok", "ok"]);
    expect(origin.connections).toHaveLength(4);
    client.destroy();
  });

  test("health is answered on the traffic port unless a Route claims its path", async () => {
    const client = await gateway.open(secure);
    const get = (path: string): void => client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    get("/ambassador/v0/check_alive");
    get("/ambassador/v0/check_ready");
    get("/readyz");
    expect((await client.answers(3)).map(({ status }) => status)).toEqual([200, 200, 200]);
    gateway.notReady();
    get("/ambassador/v0/check_ready");
    get("/ambassador/v0/check_alive");
    expect((await client.answers(5)).slice(3).map(({ status }) => status)).toEqual([503, 200]);
    client.destroy();
  });

  test("a megabyte each way arrives byte for byte, by length and by chunks", async () => {
    const body = Array.from({ length: 1024 * 1024 }, (_, index) => String.fromCharCode(97 + ((index * 7) % 26))).join(
      "",
    );
    origin.behaviour = answerEach((request) => {
      const content = /transfer-encoding: chunked/i.test(request)
        ? dechunkedBody(request)
        : request.slice(request.indexOf("\r\n\r\n") + 4);
      return /transfer-encoding: chunked/i.test(request)
        ? `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${content.length.toString(16)}\r\n${content}\r\n0\r\n\r\n`
        : `HTTP/1.1 200 OK\r\ncontent-length: ${content.length}\r\n\r\n${content}`;
    });
    const client = await gateway.open(secure);
    client.write(post(body));
    expect((await client.answers(1))[0]!.body === body).toBe(true);
    client.write(
      `POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n80000\r\n${body.slice(0, 0x80000)}\r\n80000\r\n${body.slice(0x80000)}\r\n0\r\n\r\n`,
    );
    expect((await client.answers(2))[1]!.body === body).toBe(true);
    client.destroy();
  });
});

function dechunkedBody(request: string): string {
  let at = request.indexOf("\r\n\r\n") + 4;
  let body = "";
  for (;;) {
    const line = request.indexOf("\r\n", at);
    const size = Number.parseInt(request.slice(at, line), 16);
    if (size === 0) return body;
    body += request.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
}
