// CORS on the wire: preflights are answered here, other answers carry our words instead of the upstream's.
import { beforeEach, describe, expect, test } from "vitest";
import { fieldOf, type WireAnswer } from "./client.ts";
import { Gateway, irisTo, transports } from "./gateway.ts";
import { Origin, answerEach, requestsIn } from "./origin.ts";
import { servedIris } from "./served-iris.ts";
import { upstreamOf } from "../gateway/fixtures.ts";

const cors = {
  origins: ["https://a.example"],
  methods: "GET, POST",
  headers: "content-type",
  exposedHeaders: "x-model",
  credentials: false,
  maxAge: "600",
};

describe.each(transports)("%s", (_name, secure) => {
  let gateway: Gateway;
  let origin: Origin;

  beforeEach(async () => {
    const served = await servedIris({}, { cors });
    ({ gateway, origin } = served);
    return served.close;
  });

  function ask(method: string, fields: string): Promise<WireAnswer> {
    return gateway.ask(
      secure,
      `${method} /seldon/prod/iris/p HTTP/1.1\r\nHost: gateway\r\n${fields}Content-Length: 0\r\n\r\n`,
    );
  }

  test("a preflight of an allowed origin is answered here", async () => {
    const answer = await ask("OPTIONS", "Origin: https://a.example\r\nAccess-Control-Request-Method: POST\r\n");
    expect(answer.status).toBe(200);
    expect(answer.body).toBe("");
    expect(fieldOf(answer, "access-control-allow-origin")).toBe("https://a.example");
    expect(fieldOf(answer, "access-control-allow-methods")).toBe("GET, POST");
    expect(fieldOf(answer, "access-control-max-age")).toBe("600");
    expect(requestsIn(origin.text)).toHaveLength(0);
    expect(gateway.answered("200")).toBe(1);
  });

  test("another origin and its preflight go to the upstream, and get no word of ours", async () => {
    const answer = await ask("OPTIONS", "Origin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n");
    expect(fieldOf(answer, "access-control-allow-origin")).toBeNull();
    expect(requestsIn(origin.text)).toHaveLength(1);
  });

  test("an answer to an allowed origin has our fields instead of the upstream's", async () => {
    origin.behaviour = answerEach(
      "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nVary: Accept\r\ncontent-length: 2\r\n\r\nok",
    );
    const answer = await ask("POST", "Origin: https://a.example\r\n");
    expect(answer.head).toContain("access-control-allow-origin: https://a.example\r\n");
    expect(answer.head).not.toContain("Access-Control-Allow-Origin: *");
    expect(answer.head).toMatch(/Vary: Accept\r\n[^]*vary: Origin\r\n/);
    expect(fieldOf(answer, "access-control-expose-headers")).toBe("x-model");
  });

  test("a failure of the gateway can be read by an allowed origin", async () => {
    gateway.serve([irisTo("iris", { cors })], [upstreamOf("iris")], [{ key: "iris", ready: true, endpoints: [] }]);
    const answer = await ask("POST", "Origin: https://a.example\r\n");
    expect(answer.status).toBe(503);
    expect(fieldOf(answer, "access-control-allow-origin")).toBe("https://a.example");
  });

  test("so can one that comes before its steps: nobody is ready, and its preflight is answered", async () => {
    gateway.serve([irisTo("iris", { cors })], [upstreamOf("iris")], [{ key: "iris", ready: false, endpoints: [] }]);
    const answer = await ask("POST", "Origin: https://a.example\r\n");
    expect(answer).toMatchObject({ status: 503, body: "no healthy upstream" });
    expect(fieldOf(answer, "access-control-allow-origin")).toBe("https://a.example");
    expect(fieldOf(answer, "access-control-expose-headers")).toBe("x-model");
    const preflight = await ask("OPTIONS", "Origin: https://a.example\r\nAccess-Control-Request-Method: POST\r\n");
    expect([preflight.status, fieldOf(preflight, "access-control-allow-methods")]).toEqual([200, "GET, POST"]);
    expect(fieldOf(await ask("POST", "Origin: https://evil.example\r\n"), "access-control-allow-origin")).toBeNull();
    expect([gateway.answered("503"), gateway.answered("200")]).toEqual([2, 1]);
  });

  test("the next request on the connection is not taken for the same origin", async () => {
    const client = await gateway.open(secure);
    client.write("GET /seldon/prod/iris/p HTTP/1.1\r\nHost: gateway\r\nOrigin: https://a.example\r\n\r\n");
    await client.answers(1);
    client.write(
      "GET /seldon/prod/iris/p HTTP/1.1\r\nHost: gateway\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: gateway\r\n\r\n",
    );
    const answers = await client.answers(3);
    expect(answers.map((answer) => fieldOf(answer, "access-control-allow-origin"))).toEqual([
      "https://a.example",
      null,
      null,
    ]);
    client.destroy();
  });
});
