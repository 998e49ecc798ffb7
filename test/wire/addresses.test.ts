// Who may call by address: lists of a Mapping's object, over every protocol, and what whoever is refused learns.
import { credentials, status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { noPolicy, noRules, type CallPolicy } from "../../gateway/callers/call-policy.ts";
import type { Guard } from "../../routing/model/guard.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { Balancer, binaryHeader, lineHeader } from "./balancer.ts";
import { RawClient, fieldOf, type WireAnswer } from "./client.ts";
import { Gateway, endpointsOn, irisTo, post, transports, type GatewayOptions } from "./gateway.ts";
import { GrpcClient, GrpcOrigin, metadataOf, paths } from "./grpc-peer.ts";
import { Http2Client } from "./http2-client.ts";
import { certPem } from "./identity.ts";
import { deployment, modelService, serveDocuments } from "./manifests.ts";
import { Origin, requestsIn } from "./origin.ts";

const outside = ["10.0.0.0/8"];
const here = ["127.0.0.1/32"];

describe.each(transports)("%s", (_name, secure) => {
  let gateway: Gateway;
  let origin: Origin;
  const closers: (() => unknown)[] = [];

  beforeEach(async () => {
    origin = await new Origin().listen();
  });
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
    await gateway.goOnUntil(() => gateway.counted("inFlight") === 0, "nothing in flight");
    gateway.close();
    await origin.close();
    expect(gateway.faults).toBe(0);
  });

  async function start(guard: Partial<Guard>, options: GatewayOptions = {}): Promise<void> {
    gateway = await new Gateway({ accessLog: "all", ...options }).listen();
    const iris = irisTo("iris", { upgrades: ["websocket"] });
    gateway.serve(
      [{ ...iris, guard: { ...iris.guard, ...guard } }],
      [upstreamOf("iris")],
      [endpointsOn("iris", [origin.port])],
    );
  }

  async function ask(text: string, port = secure ? gateway.tlsPort : gateway.port): Promise<WireAnswer> {
    const client = await RawClient.open(port, secure);
    client.write(text);
    const [answer] = await client.answers(1);
    client.destroy();
    return answer!;
  }

  const codeOf = async (fields = ""): Promise<number> => (await ask(post("x", fields))).status;

  test.each<readonly [string, Partial<Guard>, number]>([
    ["no list", {}, 200],
    ["allowed", { allow: here }, 200],
    ["allowed among others", { allow: [...outside, ...here, "192.0.2.0/24"] }, 200],
    ["not allowed", { allow: outside }, 403],
    ["denied", { deny: here }, 403],
    ["not denied", { deny: outside }, 200],
    ["allowed and denied: denied wins", { allow: here, deny: ["127.0.0.0/8"] }, 403],
    ["allowed and others denied", { allow: here, deny: outside }, 200],
    ["only the other family is allowed", { allow: ["::/0"] }, 403],
    ["only the other family is denied", { deny: ["::/0"] }, 200],
  ])("%s", async (_what, guard, code) => {
    await start(guard);
    expect(await codeOf()).toBe(code);
    expect(requestsIn(origin.text)).toHaveLength(code === 200 ? 1 : 0);
  });

  test("whoever is refused learns his address, and nothing of the list", async () => {
    await start({ allow: outside, deny: ["192.0.2.0/24"] });
    const answer = await ask(post("x", "Accept: application/json\r\n"));
    expect(JSON.parse(answer.body)).toEqual({
      status: {
        code: 403,
        info: "Your address is not allowed to call this deployment: 127.0.0.1",
        reason: "address-refused",
        status: "FAILURE",
      },
    });
    expect(answer.body + answer.head).not.toMatch(/10\.0|192\.0/);
    expect(gateway.flagged("UAEX")).toBe(1);
    expect(gateway.entries).toMatchObject([{ flag: "UAEX", code: 403, peer: "127.0.0.1" }]);
  });

  test("what a client says of itself counts for nothing", async () => {
    await start({ allow: outside });
    for (const fields of [
      "X-Forwarded-For: 10.0.0.1\r\n",
      "Forwarded: for=10.0.0.1\r\n",
      "X-Real-IP: 10.0.0.1\r\n",
      "X-Envoy-External-Address: 10.0.0.1\r\n",
    ])
      expect(await codeOf(fields)).toBe(403);
  });

  test.each<readonly [string, string, number]>([
    ["the address that the proxy saw", "10.0.0.1", 200],
    ["what stands before it", "10.0.0.1, 192.0.2.7", 403],
    ["several lines", "192.0.2.7\r\nX-Forwarded-For: 10.0.0.1", 200],
    ["several lines, of which the client wrote the first", "10.0.0.1\r\nX-Forwarded-For: 192.0.2.7", 403],
    ["no address", "unknown", 403],
    ["an address with a port", "10.0.0.1:80", 403],
  ])("behind a believed proxy: %s", async (_what, list, code) => {
    await start({ allow: outside }, { trustedHops: 1 });
    expect(await codeOf(`X-Forwarded-For: ${list}\r\n`)).toBe(code);
    // Whoever comes without it is himself.
    expect(await codeOf()).toBe(403);
  });

  test("whom nobody can name is kept out by any list, and by none where there is none", async () => {
    for (const [guard, code] of [
      [{ allow: ["0.0.0.0/0", "::/0"] }, 403],
      [{ deny: outside }, 403],
      [{}, 200],
    ] as const) {
      await start(guard, { trustedHops: 2 });
      for (const list of ["garbage", "10.0.0.1", ","]) expect(await codeOf(`X-Forwarded-For: ${list}\r\n`)).toBe(code);
      gateway.close();
    }
    await start({ deny: outside }, { trustedHops: 1 });
    expect((await ask(post("x", "X-Forwarded-For: x\r\n"))).body).toContain("a proxy in front did not say which it is");
  });

  test.each([
    ["the client that the balancer names", lineHeader("TCP4 10.0.0.1 10.0.0.2 1 2"), 200],
    ["another client", lineHeader("TCP4 192.0.2.7 10.0.0.2 1 2"), 403],
    ["a client that it does not know", lineHeader("UNKNOWN"), 403],
    ["the balancer itself", binaryHeader(0x20, 0, Buffer.alloc(0)), 403],
  ])("behind a balancer of connections: %s", async (_what, header, code) => {
    await start({ allow: outside }, { proxyProtocol: { on: "both", from: null } });
    const balancer = await new Balancer(secure ? gateway.tlsPort : gateway.port, { header }).listen();
    closers.push(() => balancer.close());
    expect((await ask(post("x"), balancer.port)).status).toBe(code);
  });

  test.each([
    [outside, 403],
    [here, 101],
  ] as const)("WebSocket where %j may call: %i", async (allow, code) => {
    origin.behaviour = (connection) => {
      if (connection.answered++ === 0)
        connection.socket.write(
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        );
    };
    await start({ allow });
    const client = await gateway.open(secure);
    closers.push(() => client.destroy());
    client.write(
      "GET /seldon/prod/iris/chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    await client.until(({ text }) => text.includes("\r\n\r\n"), "an answer");
    expect(client.text).toMatch(new RegExp(`^HTTP/1.1 ${code} `));
    if (code === 403) expect(origin.text).toBe("");
  });

  test("HTTP/2: each request for itself", async () => {
    await start({ allow: outside }, { trustedHops: 1 });
    const client = await Http2Client.open(gateway, secure);
    closers.push(() => client.destroy());
    const codes = await Promise.all(
      ["10.0.0.1", "192.0.2.7", "2001:db8::7", "x"].map(
        async (address) =>
          (await client.request({ ":method": "POST", ":path": "/seldon/prod/iris/x", "x-forwarded-for": address }, "x"))
            .status,
      ),
    );
    expect(codes).toEqual([200, 403, 403, 403]);
  });

  test("a redirect is told to nobody else; a preflight is answered before it is asked", async () => {
    gateway = await new Gateway().listen();
    const iris = irisTo("iris", {
      cors: {
        origins: ["https://a.example"],
        methods: "POST",
        headers: "",
        exposedHeaders: "",
        credentials: false,
        maxAge: "",
      },
    });
    const guard = { ...iris.guard, deny: here };
    const redirect = {
      ...iris,
      id: "moved",
      match: { ...iris.match, path: { kind: "prefix", prefix: "/moved/", caseSensitive: true } },
      target: { kind: "redirect", host: "secret.example", code: 301, path: { kind: "keep" } },
      space: null,
      guard,
    } as const;
    gateway.serve([{ ...iris, guard }, redirect], [upstreamOf("iris")], [endpointsOn("iris", [origin.port])]);
    const moved = await ask("GET /moved/x HTTP/1.1\r\nHost: a\r\n\r\n");
    expect([moved.status, fieldOf(moved, "location")]).toEqual([403, null]);
    const refused = await ask(post("x", "Origin: https://a.example\r\n"));
    expect([refused.status, fieldOf(refused, "access-control-allow-origin")]).toEqual([403, "https://a.example"]);
    const preflight = await ask(
      "OPTIONS /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nOrigin: https://a.example\r\nAccess-Control-Request-Method: POST\r\n\r\n",
    );
    expect(preflight.status).toBe(200);
  });

  test("the platform's lists hold beside the object's, from the next request on when they change", async () => {
    const rules = (allow: readonly string[] | null, deny: readonly string[] | null = null): CallPolicy => ({
      ...noPolicy,
      defaults: { ...noRules, allow, deny },
    });
    await start({ allow: here }, { policy: rules(null) });
    const client = await gateway.open(secure);
    closers.push(() => client.destroy());
    const codes: number[] = [];
    for (const policy of [
      rules(null),
      rules(outside),
      rules(["127.0.0.0/8"]),
      rules(null, here),
      rules(null, outside),
    ]) {
      gateway.plane.setPolicy(policy);
      client.write(post("x"));
      codes.push((await client.answers(codes.length + 1)).at(-1)!.status);
    }
    expect(codes).toEqual([200, 403, 200, 403, 200]);
    expect(requestsIn(origin.text)).toHaveLength(3);
  });

  test("what the platform allows opens nothing that the object closes", async () => {
    await start({ allow: outside }, { policy: { ...noPolicy, defaults: { ...noRules, allow: here } } });
    expect(await codeOf()).toBe(403);
  });

  test("a deployment says it by annotations, to gRPC as to REST", async () => {
    const model = await new GrpcOrigin("m").listen();
    closers.push(() => model.close());
    for (const [annotations, code] of [
      [{ "sluice.io/allow": "127.0.0.0/8" }, status.OK],
      [{ "sluice.io/allow": "10.0.0.0/8" }, status.PERMISSION_DENIED],
      [{ "sluice.io/deny": "127.0.0.1" }, status.PERMISSION_DENIED],
    ] as const) {
      gateway = await new Gateway().listen();
      await serveDocuments(gateway, [
        deployment("prod", "m", undefined, annotations),
        modelService("prod", "m-default", { http: origin.port, grpc: model.port }),
      ]);
      const port = secure ? gateway.tlsPort : gateway.port;
      const client = new GrpcClient(
        port,
        secure
          ? credentials.createSsl(Buffer.from(certPem), null, null, { checkServerIdentity: () => undefined })
          : credentials.createInsecure(),
        secure ? { "grpc.ssl_target_name_override": "localhost" } : {},
      );
      const { status: ended } = await client.unary(
        paths.predict,
        metadataOf({ seldon: "m", namespace: "prod" }),
        Buffer.from("x"),
      );
      client.close();
      expect(ended.code).toBe(code);
      if (code !== status.OK)
        expect(ended.details).toBe("Your address is not allowed to call this deployment: 127.0.0.1");
      expect((await ask(post("x", "", "/seldon/prod/m/x"))).status).toBe(code === status.OK ? 200 : 403);
      gateway.close();
    }
  });
});
