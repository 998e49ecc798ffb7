// What the upstream and the client are told in headers.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fieldOf } from "./client.ts";
import { Gateway, endpointsOn, irisTo, post, transports } from "./gateway.ts";
import { Origin, answerEach, requestsIn } from "./origin.ts";
import { upstreamOf } from "../gateway/fixtures.ts";

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe.each(transports)("%s", (_name, secure) => {
  let gateway: Gateway;
  let origin: Origin;

  beforeEach(async () => {
    origin = await new Origin().listen();
  });
  afterEach(async () => {
    gateway.close();
    await origin.close();
  });

  async function start(options: ConstructorParameters<typeof Gateway>[0] = {}): Promise<void> {
    gateway = await new Gateway(options).listen();
    gateway.serveIris([origin.port]);
  }

  /** The fields of the request that reached the origin, in order, names in lower case. */
  async function forwarded(fields: string, path?: string): Promise<readonly (readonly [string, string])[]> {
    const client = await gateway.open(secure);
    const before = requestsIn(origin.text).length;
    client.write(post("x", fields, path));
    await client.answers(1);
    client.destroy();
    const request = requestsIn(origin.text)[before]!;
    const lines = request.slice(0, request.indexOf("\r\n\r\n")).split("\r\n").slice(1);
    return lines.map(
      (line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()] as const,
    );
  }

  function valuesOf(fields: readonly (readonly [string, string])[], name: string): readonly string[] {
    return fields.filter(([field]) => field === name).map(([, value]) => value);
  }

  test("kept fields keep their bytes and order; those of the hop go, and those that Connection names", async () => {
    await start();
    const fields = await forwarded(
      "X-B: 2\r\nConnection: keep-alive, X-Drop\r\nKeep-Alive: 5\r\nX-Drop: 1\r\nProxy-Connection: x\r\nProxy-Authorization: y\r\nTE: gzip\r\nX-A: a: b, c\r\nAuthorization: secret\r\nX_under: 1\r\n",
    );
    expect(fields.map(([name]) => name)).toEqual([
      "host",
      "x-b",
      "x-a",
      "authorization",
      "x_under",
      "x-request-id",
      "x-forwarded-for",
      "x-forwarded-proto",
      "x-forwarded-host",
      "x-envoy-original-path",
      "content-length",
    ]);
    expect(valuesOf(fields, "x-a")).toEqual(["a: b, c"]);
    expect(valuesOf(fields, "host")).toEqual(["gateway"]);
  });

  test("what a client says about itself is replaced while nobody in front is trusted", async () => {
    await start();
    const fields = await forwarded(
      "X-Request-Id: mine\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: gopher\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Port: 1\r\nForwarded: for=1\r\nX-Real-IP: 2.2.2.2\r\nX-Envoy-Internal: true\r\nX-Envoy-Original-Path: /evil\r\nX-Original-URL: /evil\r\n",
    );
    expect(valuesOf(fields, "x-request-id")[0]).toMatch(uuid);
    expect(valuesOf(fields, "x-forwarded-for")).toEqual(["127.0.0.1"]);
    expect(valuesOf(fields, "x-forwarded-proto")).toEqual([secure ? "https" : "http"]);
    expect(valuesOf(fields, "x-forwarded-host")).toEqual(["gateway"]);
    expect(valuesOf(fields, "x-envoy-original-path")).toEqual(["/seldon/prod/iris/api/v1.0/predictions"]);
    for (const name of ["x-forwarded-port", "forwarded", "x-real-ip", "x-envoy-internal", "x-original-url"])
      expect(valuesOf(fields, name)).toEqual([]);
  });

  test("each trusted proxy is believed for one address; its id, scheme and host are kept", async () => {
    await start({ trustedHops: 2 });
    const fields = await forwarded(
      "X-Request-Id: mine\r\nX-Forwarded-For: 6.6.6.6, 3.3.3.3\r\nX-Forwarded-For: 4.4.4.4\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: public\r\n",
    );
    expect(valuesOf(fields, "x-request-id")).toEqual(["mine"]);
    expect(valuesOf(fields, "x-forwarded-for")).toEqual(["3.3.3.3, 4.4.4.4, 127.0.0.1"]);
    expect(valuesOf(fields, "x-forwarded-proto")).toEqual(["https"]);
    expect(valuesOf(fields, "x-forwarded-host")).toEqual(["public"]);
    const without = await forwarded("");
    expect(valuesOf(without, "x-request-id")[0]).toMatch(uuid);
    expect(valuesOf(without, "x-forwarded-for")).toEqual(["127.0.0.1"]);
    expect(valuesOf(without, "x-forwarded-proto")).toEqual([secure ? "https" : "http"]);
  });

  test("the query is kept, and the original path has it", async () => {
    await start();
    const fields = await forwarded("", "/seldon/prod/iris/a/./b/../c?x=1&y=%2F..");
    expect(requestsIn(origin.text)[0]).toMatch(/^POST \/a\/c\?x=1&y=%2F\.\. HTTP/);
    expect(valuesOf(fields, "x-envoy-original-path")).toEqual(["/seldon/prod/iris/a/c?x=1&y=%2F.."]);
  });

  test.each([
    ["none", { kind: "none" }, "/seldon/prod/iris/a?q"],
    ["prefix", { kind: "prefix", with: "/v1/" }, "/v1/a?q"],
    ["regex", { kind: "regex", pattern: "/seldon/(.*)/iris/(.*)", substitution: "/\\2/\\1" }, "/a/prod?q"],
  ] as const)("rewrite %s", async (_what, rewrite, path) => {
    await start();
    gateway.serveIris([origin.port], { rewrite });
    await forwarded("", "/seldon/prod/iris/a?q");
    expect(requestsIn(origin.text)[0]!.split(" ")[1]).toBe(path);
  });

  test("host rewrite, and absolute-form is sent on as a path", async () => {
    await start();
    expect(valuesOf(await forwarded("", "http://GATEWAY/seldon/prod/iris/a"), "host")).toEqual(["gateway"]);
    expect(requestsIn(origin.text)[0]).toMatch(/^POST \/a HTTP/);
    gateway.serveIris([origin.port], { hostRewrite: { kind: "literal", host: "model.internal:80" } });
    const fields = await forwarded("");
    expect(valuesOf(fields, "host")).toEqual(["model.internal:80"]);
    expect(valuesOf(fields, "x-forwarded-host")).toEqual(["gateway"]);
    gateway.serveIris([origin.port], { hostRewrite: { kind: "upstream" } });
    expect(valuesOf(await forwarded(""), "host")).toEqual(["iris.prod"]);
  });

  test("header edits of both directions", async () => {
    await start();
    gateway.serveIris([origin.port], {
      requestHeaders: {
        remove: ["x-gone", "x-request-id"],
        add: [
          { name: "x-set", value: "ours", append: false },
          { name: "x-more", value: "two", append: true },
          { name: "x-bad", value: "a\r\nb: c", append: true },
          { name: "x-peer", value: "%DOWNSTREAM_REMOTE_ADDRESS%", append: false },
          { name: "content-length", value: "0", append: false },
        ],
      },
      responseHeaders: {
        remove: ["server", "x-envoy-upstream-service-time"],
        add: [{ name: "x-by", value: "main", append: true }],
      },
    });
    origin.behaviour = answerEach(
      "HTTP/1.1 200 OK\r\nServer: x\r\nX-By: model\r\nX-Envoy-Thing: 1\r\nKeep-Alive: timeout=5\r\ncontent-length: 2\r\n\r\nok",
    );
    const fields = await forwarded("X-Gone: 1\r\nX-Set: theirs\r\nx-more: one\r\n");
    expect(valuesOf(fields, "x-gone")).toEqual([]);
    expect(valuesOf(fields, "x-request-id")).toEqual([]);
    expect(valuesOf(fields, "x-set")).toEqual(["ours"]);
    expect(valuesOf(fields, "x-more")).toEqual(["one", "two"]);
    expect(valuesOf(fields, "x-bad")).toEqual([]);
    expect(valuesOf(fields, "x-peer")).toEqual([]);
    expect(valuesOf(fields, "content-length")).toEqual(["1"]);
    const client = await gateway.open(secure);
    client.write(post("x"));
    const [answer] = await client.answers(1);
    for (const name of ["server", "x-envoy-upstream-service-time", "x-envoy-thing", "keep-alive"])
      expect(fieldOf(answer!, name)).toBeNull();
    expect(answer!.head).toMatch(/X-By: model\r\n[^]*x-by: main\r\n/);
    client.destroy();
  });

  test.each([
    [0, "127.0.0.1"],
    [2, "3.3.3.3"],
  ])("variables are filled in, with %i proxies in front that are believed", async (trustedHops, address) => {
    await start({ trustedHops });
    gateway.serveIris([origin.port], {
      requestHeaders: {
        remove: [],
        add: [
          { name: "x-client", value: "ip=%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", append: false },
          { name: "x-static", value: "100%%", append: true },
        ],
      },
      responseHeaders: {
        remove: [],
        add: [{ name: "x-proto", value: "%PROTOCOL% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", append: true }],
      },
    });
    const fields = await forwarded(
      "X-Client: forged\r\nX-Forwarded-For: 6.6.6.6, 3.3.3.3\r\nX-Forwarded-For: 4.4.4.4\r\n",
    );
    expect(valuesOf(fields, "x-client")).toEqual([`ip=${address}`]);
    expect(valuesOf(fields, "x-static")).toEqual(["100%"]);
    const client = await gateway.open(secure);
    client.write("GET /seldon/prod/iris/p HTTP/1.0\r\nHost: gateway\r\nX-Forwarded-For: 3.3.3.3, 4.4.4.4\r\n\r\n");
    const [answer] = await client.answers(1);
    expect(fieldOf(answer!, "x-proto")).toBe(`HTTP/1.0 ${address}`);
    client.destroy();
  });

  test("an address that a proxy tells and that is none is not believed", async () => {
    await start({ trustedHops: 1 });
    gateway.serveIris([origin.port], {
      requestHeaders: {
        remove: [],
        add: [{ name: "x-client", value: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", append: false }],
      },
    });
    expect(valuesOf(await forwarded("X-Forwarded-For: 1.2.3.4, no address\r\n"), "x-client")).toEqual(["127.0.0.1"]);
  });

  test("redirects are answered here", async () => {
    await start();
    const redirect = {
      ...irisTo("iris"),
      target: { kind: "redirect", host: "new.example", code: 308, path: { kind: "prefix", with: "/n/" } } as const,
    };
    gateway.serve([redirect], [upstreamOf("iris")], [endpointsOn("iris", [origin.port])]);
    const client = await gateway.open(secure);
    client.write(post("x", "", "/seldon/prod/iris/a%0d?q=1"));
    const [answer] = await client.answers(1);
    expect(answer!.status).toBe(308);
    expect(fieldOf(answer!, "location")).toBe(`${secure ? "https" : "http"}://new.example/n/a%0d?q=1`);
    expect(gateway.answered("308") + gateway.answered("3xx")).toBe(1);
    client.destroy();
  });
});
