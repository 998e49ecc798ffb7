// Ambassador's Module on the wire: manifests in, bytes out; what it says of every request holds from the next one on, also on connections that are open.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { plainSettings, type FrontSettings } from "../../routing/model/table-change.ts";
import { fieldOf, type RawClient } from "./client.ts";
import { Gateway, endpointsOn, irisTo, plainFront, post, transports } from "./gateway.ts";
import { Http2Client } from "./http2-client.ts";
import { Http2Origin } from "./http2-origin.ts";
import { deployment, modelService, serveDocuments } from "./manifests.ts";
import { Origin, answerEach, requestsIn } from "./origin.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { is, named } from "../routing/build.ts";

const path = "/seldon/prod/iris/x";
const tickMs = 8;

function moduleOf(config: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({
    apiVersion: "getambassador.io/v2",
    kind: "Module",
    metadata: { name: "ambassador", namespace: "default" },
    spec: { config },
  });
}

describe.each(transports)("%s", (_name, secure) => {
  let gateway: Gateway;
  let origin: Origin;
  const closers: (() => unknown)[] = [];

  beforeEach(async () => {
    origin = await new Origin().listen();
  });
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
    gateway.close();
    await origin.close();
  });

  async function start(options: ConstructorParameters<typeof Gateway>[0] = {}): Promise<void> {
    gateway = await new Gateway(options).listen();
    gateway.serveIris([origin.port]);
  }

  function say(front: Partial<FrontSettings> | null): void {
    gateway.change({ settings: { ...plainSettings, front: front === null ? null : { ...plainFront, ...front } } });
  }

  async function open(): Promise<RawClient> {
    const client = await gateway.open(secure);
    closers.push(() => client.destroy());
    return client;
  }

  async function openHttp2(): Promise<Http2Client> {
    const client = await Http2Client.open(gateway, secure);
    closers.push(() => client.destroy());
    return client;
  }

  /** Status of the next answer on this connection, and what of the head reached the origin. */
  async function ask(
    client: RawClient,
    fields = "",
    target = path,
  ): Promise<{ readonly status: number; readonly head: string }> {
    const [answered, seen] = [(await client.answers(0)).length, requestsIn(origin.text).length];
    client.write(post("x", fields, target));
    const answers = await client.answers(answered + 1);
    return { status: answers[answered]!.status, head: requestsIn(origin.text)[seen] ?? "" };
  }

  const valuesOf = (head: string, name: string): readonly string[] =>
    [...head.matchAll(new RegExp(`^${name}: (.*)\\r$`, "gim"))].map(([, value]) => value!);

  test("defaults of Mappings, header edits and time limits, reach a deployment as its own would", async () => {
    gateway = await new Gateway().listen();
    const config = {
      server_name: "edge",
      suppress_envoy_headers: true,
      add_linkerd_headers: true,
      cluster_request_timeout_ms: 500,
      defaults: { httpmapping: { add_request_headers: { "x-edge": "%PROTOCOL%" } } },
    };
    await serveDocuments(gateway, [
      moduleOf(config),
      deployment("prod", "iris"),
      modelService("prod", "iris-default", { http: origin.port, grpc: 1 }),
    ]);
    origin.behaviour = answerEach(
      "HTTP/1.1 200 OK\r\nServer: model\r\nx-envoy-upstream-service-time: 7\r\ncontent-length: 2\r\n\r\nok",
    );
    const client = await open();
    const { head } = await ask(client, "l5d-dst-override: elsewhere:1\r\n");
    expect([
      valuesOf(head, "x-edge"),
      valuesOf(head, "l5d-dst-override"),
      valuesOf(head, "x-envoy-original-path"),
    ]).toEqual([["HTTP/1.1"], ["iris-default.prod:8000"], []]);
    const [answer] = await client.answers(1);
    expect(answer!.head.match(/^server: .*$/gim)).toEqual(["server: edge"]);
    expect(fieldOf(answer!, "x-envoy-upstream-service-time")).toBeNull();
    origin.behaviour = () => undefined;
    client.write(post("x", "", path));
    await gateway.during(client.answers(2));
    expect((await client.answers(2))[1]).toMatchObject({
      status: 504,
      body: expect.stringContaining("timeout 500 ms set by cluster_request_timeout_ms of Module default/ambassador"),
    });
  });

  test("trusted hops change under an open connection", async () => {
    await start();
    const client = await open();
    const told = async (): Promise<readonly string[]> =>
      valuesOf((await ask(client, "X-Forwarded-For: 6.6.6.6, 3.3.3.3\r\n")).head, "x-forwarded-for");
    expect(await told()).toEqual(["127.0.0.1"]);
    say({ trustedHops: 1 });
    expect(await told()).toEqual(["3.3.3.3, 127.0.0.1"]);
    say({ trustedHops: 2 });
    expect(await told()).toEqual(["6.6.6.6, 3.3.3.3, 127.0.0.1"]);
    say(null);
    expect(await told()).toEqual(["127.0.0.1"]);
  });

  test("and under a connection of HTTP/2", async () => {
    await start();
    const client = await openHttp2();
    const told = async (): Promise<readonly string[]> => {
      const seen = requestsIn(origin.text).length;
      await client.request({ ":method": "POST", ":path": path, "x-forwarded-for": "3.3.3.3" }, "x");
      return valuesOf(requestsIn(origin.text)[seen]!, "x-forwarded-for");
    };
    expect(await told()).toEqual(["127.0.0.1"]);
    say({ trustedHops: 1 });
    expect(await told()).toEqual(["3.3.3.3, 127.0.0.1"]);
  });

  test.each([0, 1])("--trusted-hops %i by hand wins", async (trustedHops) => {
    await start({ trustedHops });
    say({ trustedHops: 2 });
    const { head } = await ask(await open(), "X-Forwarded-For: 6.6.6.6, 3.3.3.3\r\n");
    expect(valuesOf(head, "x-forwarded-for")).toEqual([trustedHops === 0 ? "127.0.0.1" : "3.3.3.3, 127.0.0.1"]);
  });

  test("an id of the client is kept where it is said, and nothing else that it says of itself", async () => {
    await start({ accessLog: "all" });
    say({ keepsRequestId: true });
    const client = await open();
    const { head } = await ask(
      client,
      "X-Request-Id: mine\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: gopher\r\nX-Forwarded-Host: evil\r\n",
    );
    expect(
      ["x-request-id", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"].map((name) => valuesOf(head, name)),
    ).toEqual([["mine"], ["127.0.0.1"], [secure ? "https" : "http"], ["gateway"]]);
    expect(gateway.entries.map(({ requestId }) => requestId)).toEqual(["mine"]);
    // Two, or one too long, are none.
    for (const fields of ["X-Request-Id: a\r\nX-Request-Id: b\r\n", `X-Request-Id: ${"a".repeat(129)}\r\n`])
      expect(valuesOf((await ask(client, fields)).head, "x-request-id")).toHaveLength(1);
    expect(valuesOf((await ask(client, `X-Request-Id: ${"a".repeat(129)}\r\n`)).head, "x-request-id")[0]).toMatch(
      /^[0-9a-f-]{36}$/,
    );
    expect(valuesOf((await ask(client)).head, "x-request-id")[0]).toMatch(/^[0-9a-f-]{36}$/);
    say(null);
    expect(valuesOf((await ask(client, "X-Request-Id: mine\r\n")).head, "x-request-id")[0]).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("the id reaches an upstream of HTTP/2 too", async () => {
    await start();
    const peer = await new Http2Origin().listen();
    closers.push(() => peer.close());
    gateway.serveIris([peer.port], {}, { protocol: "http2" });
    say({ keepsRequestId: true });
    await ask(await open(), "X-Request-Id: mine\r\nX-Forwarded-For: 6.6.6.6\r\n");
    expect(peer.requests[0]!.headers).toMatchObject({ "x-request-id": "mine", "x-forwarded-for": "127.0.0.1" });
  });

  describe("names with _", () => {
    test("pass, are taken out, or have their request refused", async () => {
      await start();
      const client = await open();
      const fields = "x_a: 1\r\nx-b: 2\r\nx_c: 3\r\n";
      const seen = (head: string): readonly string[] =>
        ["x_a", "x-b", "x_c"].filter((name) => valuesOf(head, name).length > 0);
      expect(seen((await ask(client, fields)).head)).toEqual(["x_a", "x-b", "x_c"]);
      say({ underscores: "drop" });
      expect(seen((await ask(client, fields)).head)).toEqual(["x-b"]);
      say({ underscores: "refuse" });
      expect(await ask(client, "x-b: 2\r\n")).toMatchObject({ status: 200 });
      expect(await ask(client, fields)).toEqual({ status: 400, head: "" });
      // The framing of what is refused was read: the connection goes on.
      expect(await ask(client)).toMatchObject({ status: 200 });
    });

    test("what is taken out matches nothing", async () => {
      await start();
      const canary = await new Origin().listen();
      closers.push(() => canary.close());
      const plain = irisTo("iris");
      const byHeader = {
        ...plain,
        id: "canary",
        match: { ...plain.match, headers: [named("x_team", is("a"))] },
        target: irisTo("canary").target,
      };
      gateway.serve(
        [plain, byHeader],
        [upstreamOf("iris"), upstreamOf("canary")],
        [endpointsOn("iris", [origin.port]), endpointsOn("canary", [canary.port])],
      );
      const client = await open();
      await ask(client, "x_team: a\r\n");
      expect([requestsIn(origin.text).length, requestsIn(canary.text).length]).toEqual([0, 1]);
      say({ underscores: "drop" });
      await ask(client, "x_team: a\r\n");
      expect([requestsIn(origin.text).length, requestsIn(canary.text).length]).toEqual([1, 1]);
    });

    test("over HTTP/2, also where an upstream speaks it", async () => {
      await start();
      const peer = await new Http2Origin().listen();
      closers.push(() => peer.close());
      gateway.serveIris([peer.port], {}, { protocol: "http2" });
      const client = await openHttp2();
      const headers = { ":method": "POST", ":path": path, x_a: "1", "x-b": "2" };
      say({ underscores: "drop" });
      expect((await client.request(headers, "x")).status).toBe(200);
      expect(peer.requests[0]!.headers).toMatchObject({ "x-b": "2" });
      expect(peer.requests[0]!.headers).not.toHaveProperty("x_a");
      say({ underscores: "refuse" });
      expect((await client.request(headers, "x")).status).toBe(400);
      // A call is told as calls are.
      expect((await client.request({ ...headers, "content-type": "application/grpc" })).headers).toMatchObject({
        "grpc-status": "13",
        "grpc-message": expect.stringContaining("headers_with_underscores_action"),
      });
      expect(peer.requests).toHaveLength(1);
    });
  });

  test.each([
    ["/seldon/prod/iris/a%2Fb", 400],
    ["/seldon/prod/iris/a%2fb", 400],
    ["/seldon/prod/iris/a%5Cb", 400],
    ["/seldon/prod/iris/a%5c", 400],
    ["/seldon/prod/%2f/../iris/b", 400],
    ["http://gateway/seldon/prod/iris/%2f", 400],
    ["/seldon/prod/iris/a%2", 200],
    ["/seldon/prod/iris/a%2Gb%252f", 200],
    ["/seldon/prod/iris/a?q=%2F%5c", 200],
  ])("escaped slashes of the path: %s is answered %i where they are refused", async (target, status) => {
    await start();
    const client = await open();
    expect(await ask(client, "", target)).toMatchObject({ status: 200 });
    say({ refusesEscapedSlashes: true });
    expect(await ask(client, "", target)).toMatchObject({ status });
  });

  describe("addresses", () => {
    const from = async (fields = ""): Promise<number> => (await ask(await open(), fields)).status;
    const rule = (
      kind: "allow" | "deny",
      lists: Partial<{ readonly peer: readonly string[]; readonly remote: readonly string[] }>,
    ) => ({ kind, peer: [], remote: [], ...lists });

    test("of the peer, and of the client as believed proxies tell it", async () => {
      await start();
      const forwarded = "X-Forwarded-For: 10.1.2.3\r\n";
      for (const [rules, hops, plain, told] of [
        [[rule("allow", { peer: ["127.0.0.0/8"] })], 0, 200, 200],
        [[rule("allow", { peer: ["10.0.0.0/8"] })], 1, 403, 403],
        [[rule("allow", { remote: ["10.0.0.0/8"] })], 0, 403, 403],
        [[rule("allow", { remote: ["10.0.0.0/8"] })], 1, 403, 200],
        [[rule("allow", { remote: ["192.0.2.0/24"], peer: ["127.0.0.1/32"] })], 1, 200, 200],
        [[rule("deny", { peer: ["127.0.0.1/32"] })], 1, 403, 403],
        [[rule("deny", { remote: ["10.0.0.0/8"] })], 0, 200, 200],
        [[rule("deny", { remote: ["10.0.0.0/8"] })], 1, 200, 403],
        [[rule("allow", { peer: ["127.0.0.0/8"] }), rule("deny", { remote: ["10.0.0.0/8"] })], 1, 200, 403],
        [[rule("allow", {})], 0, 403, 403],
      ] as const) {
        say({ addresses: rules, trustedHops: hops });
        expect([await from(), await from(forwarded)], JSON.stringify([rules, hops])).toEqual([plain, told]);
      }
      say(null);
      expect(await from(forwarded)).toBe(200);
    });

    test("nobody knows an address where a proxy wrote none, or where it cannot be read how many to believe", async () => {
      await start();
      say({ addresses: [rule("deny", { remote: ["10.0.0.0/8"] })], trustedHops: 1 });
      expect([await from("X-Forwarded-For: unknown\r\n"), await from("X-Forwarded-For: 192.0.2.1\r\n")]).toEqual([
        403, 200,
      ]);
      say({ addresses: [rule("deny", { remote: ["10.0.0.0/8"] })], trustedHops: "unknown" });
      expect([await from(), await from("X-Forwarded-For: 192.0.2.1\r\n")]).toEqual([403, 403]);
      say({ trustedHops: "unknown" });
      expect(await from()).toBe(200);
    });

    test("the refusal names the address and nothing of the lists; probes are answered", async () => {
      await start();
      say({ addresses: [rule("deny", { peer: ["127.0.0.0/8"] })] });
      const client = await open();
      client.write(post("x", "", path));
      const [answer] = await client.answers(1);
      expect(answer).toMatchObject({
        status: 403,
        body: expect.stringMatching(/^Your address is not allowed to call this deployment: 127\.0\.0\.1$/),
      });
      client.write("GET /ambassador/v0/check_alive HTTP/1.1\r\nHost: a\r\n\r\n");
      expect((await client.answers(2))[1]!.status).toBe(200);
      expect(requestsIn(origin.text)).toEqual([]);
    });
  });

  test("an idle connection is ended when it is said, and later where the option is longer", async () => {
    await start();
    say({ connectionIdleMs: 200 });
    const silent = await open();
    await gateway.advance(199);
    expect(silent.ended).toBe(false);
    await gateway.advance(1 + tickMs);
    await silent.end();
    const client = await open();
    await ask(client);
    say({ connectionIdleMs: 400 });
    await ask(client);
    await gateway.advance(300);
    expect(client.ended).toBe(false);
    await gateway.advance(100 + tickMs);
    await client.end();
  });

  test("a connection of HTTP/2 too", async () => {
    await start();
    say({ connectionIdleMs: 200 });
    const client = await openHttp2();
    const closed = new Promise((resolve) => client.session.once("close", resolve));
    await client.request({ ":method": "POST", ":path": path }, "x");
    await gateway.advance(199);
    expect(client.goAways).toEqual([]);
    await gateway.during(closed);
  });
});
