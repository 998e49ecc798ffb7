// Requests without a host: HTTP/1.0 needs none (RFC 9112 §3.2), and health checks of balancers are such requests (HAProxy's `option httpchk`). They are for no host that
// anybody names, and everything else holds for them as for others.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { HostMatch } from "../../routing/model/match.ts";
import type { Mapping } from "../../routing/model/mapping.ts";
import { mappingOf, upstreamOf } from "../gateway/fixtures.ts";
import { certificateSet, hostDeclaration } from "./certificates.ts";
import { fieldOf, type WireAnswer } from "./client.ts";
import { endpointsOn, Gateway, irisTo, transports } from "./gateway.ts";
import { Http2Origin } from "./http2-origin.ts";
import { certPem, keyPem } from "./identity.ts";
import { Origin } from "./origin.ts";

const probes = ["/ambassador/v0/check_alive", "/ambassador/v0/check_ready", "/readyz"];
const hostConditions: readonly HostMatch[] = [
  { kind: "exact", host: "a.example" },
  { kind: "exact", host: "" },
  { kind: "suffix", suffix: ".example" },
  { kind: "suffix", suffix: "" },
  { kind: "prefix", prefix: "a." },
  { kind: "prefix", prefix: "" },
  { kind: "regex", pattern: ".*" },
  { kind: "regex", pattern: "^$" },
];
const upgrade =
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

function withHost(mapping: Mapping, host: HostMatch): Mapping {
  return { ...mapping, id: `${mapping.id}/${JSON.stringify(host)}`, match: { ...mapping.match, host } };
}

describe.each(transports)("HTTP/1.0 without Host on %s", (_name, secure) => {
  let gateway: Gateway;
  let origin: Origin;

  beforeEach(async () => {
    gateway = await new Gateway({ time: "real" }).listen();
    origin = await new Origin().listen();
    gateway.serveIris([origin.port]);
  });
  afterEach(async () => {
    gateway.close();
    await origin.close();
  });

  const ask = (path: string, fields = "", method = "GET"): Promise<WireAnswer> =>
    gateway.ask(secure, `${method} ${path} HTTP/1.0\r\n${fields}\r\n`);

  test.each(probes)("the probe %s is answered, and the connection ends", async (path) => {
    for (const method of ["GET", "HEAD", "OPTIONS"]) {
      const client = await gateway.open(secure);
      client.write(`${method} ${path} HTTP/1.0\r\n\r\n`);
      await client.end();
      expect(client.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      client.destroy();
    }
    gateway.notReady();
    expect((await ask(path)).status).toBe(path.endsWith("alive") ? 200 : 503);
    expect(gateway.answered("400", -1)).toBe(0);
  });

  test("a connection that is kept alive serves one after the other, probes and others", async () => {
    const client = await gateway.open(secure);
    const paths = [...probes, "/nowhere", "/seldon/prod/iris/p", ...probes];
    for (const [index, path] of paths.entries()) {
      client.write(`GET ${path} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`);
      const answer = (await client.answers(index + 1))[index]!;
      expect([path, answer.status, fieldOf(answer, "connection")]).toEqual([
        path,
        path === "/nowhere" ? 404 : 200,
        "keep-alive",
      ]);
    }
    client.destroy();
  });

  test("HTTP/1.1 needs one, on every path", async () => {
    for (const path of [...probes, "/seldon/prod/iris/p", "/nowhere"])
      expect((await gateway.ask(secure, `GET ${path} HTTP/1.1\r\n\r\n`)).status).toBe(400);
    expect(origin.text).toBe("");
  });

  test("the upstream gets its own name for Host, and no word of what the client's was", async () => {
    expect((await ask("/seldon/prod/iris/p")).status).toBe(200);
    expect(origin.text).toMatch(/^GET \/p HTTP\/1\.1\r\n/);
    expect(origin.text.match(/\r\nhost: .*/gi)).toEqual(["\r\nhost: iris.prod"]);
    expect(origin.text).not.toMatch(/x-forwarded-host/i);
    expect(origin.text).toMatch(/\r\nx-forwarded-for: 127\.0\.0\.1\r\n/);
  });

  test("a Host that the Mapping writes is written", async () => {
    gateway.serveIris([origin.port], { hostRewrite: { kind: "literal", host: "model.example" } });
    await ask("/seldon/prod/iris/p");
    expect(origin.text.match(/\r\nhost: .*/gi)).toEqual(["\r\nhost: model.example"]);
  });

  test("an upstream of HTTP/2 gets its own name for :authority", async () => {
    const http2 = await new Http2Origin().listen();
    gateway.serveIris([http2.port], {}, { protocol: "http2" });
    expect((await ask("/seldon/prod/iris/p")).status).toBe(200);
    expect(http2.requests[0]!.headers).toMatchObject({
      ":authority": "iris.prod",
      ":path": "/p",
      "x-forwarded-for": "127.0.0.1",
    });
    expect(http2.requests[0]!.headers["x-forwarded-host"]).toBeUndefined();
    http2.close();
  });

  test.each(hostConditions)("no Route with a condition on the host is its Route: %j", async (host) => {
    gateway.serve([withHost(irisTo("iris"), host)], [upstreamOf("iris")], [endpointsOn("iris", [origin.port])]);
    expect((await ask("/seldon/prod/iris/p")).status).toBe(404);
    expect(origin.text).toBe("");
    const plain = { ...mappingOf("iris", "plain"), precedence: -1 };
    const other = await new Origin().listen();
    gateway.serve(
      [withHost(irisTo("iris"), host), plain],
      [upstreamOf("iris"), upstreamOf("plain")],
      [endpointsOn("iris", [origin.port]), endpointsOn("plain", [other.port])],
    );
    expect((await ask("/seldon/prod/iris/p")).status).toBe(200);
    expect([origin.text, other.text === ""]).toEqual(["", false]);
    await other.close();
  });

  test("a redirect to the same host is one to a path", async () => {
    const path = { kind: "prefix", with: "/n/" } as const;
    const moved = (host: string): Mapping => ({
      ...mappingOf("moved", "iris"),
      target: { kind: "redirect", host, code: 308, path },
    });
    gateway.serve([moved("")], [], []);
    expect(fieldOf(await ask("/seldon/prod/moved/x?q=1"), "location")).toBe("/n/x?q=1");
    gateway.serve([moved("new.example")], [], []);
    expect(fieldOf(await ask("/seldon/prod/moved/x"), "location")).toBe(
      `${secure ? "https" : "http"}://new.example/n/x`,
    );
  });

  test.each(["//evil.example/", "/\\evil.example/", "https://evil.example/"])(
    "what a manifest makes of a path names no host then: %j",
    async (with_) => {
      gateway.serve(
        [
          {
            ...mappingOf("moved", "iris"),
            target: { kind: "redirect", host: "", code: 308, path: { kind: "prefix", with: with_ } },
          },
        ],
        [],
        [],
      );
      const location = fieldOf(await ask("/seldon/prod/moved/x"), "location")!;
      expect(new URL(location, "http://gateway").host).toBe("gateway");
    },
  );

  test("asks for no other protocol, whatever host it names", async () => {
    gateway.serveIris([origin.port], { upgrades: ["websocket"] });
    for (const host of ["", "Host: a\r\n"])
      expect((await ask("/seldon/prod/iris/chat", `${host}${upgrade}`)).status).toBe(200);
    expect(origin.text).not.toMatch(/upgrade/i);
  });
});

describe("HTTP/1.0 without Host in cleartext", () => {
  let gateway: Gateway;
  let origin: Origin;

  beforeEach(async () => {
    gateway = await new Gateway({ time: "real" }).listen();
    origin = await new Origin().listen();
    gateway.serveIris([origin.port]);
  });
  afterEach(async () => {
    gateway.close();
    await origin.close();
  });

  test.each([
    ["redirect", 403],
    ["reject", 404],
    ["route", 200],
  ] as const)("where all hosts %s: %d, and probes are answered", async (cleartext, status) => {
    gateway.plane.setCertificates(certificateSet([hostDeclaration("all", ["*"], { certPem, keyPem }, { cleartext })]));
    const answer = await gateway.ask(false, "GET /seldon/prod/iris/p HTTP/1.0\r\n\r\n");
    expect([answer.status, fieldOf(answer, "location")]).toEqual([status, null]);
    for (const path of probes) expect((await gateway.ask(false, `GET ${path} HTTP/1.0\r\n\r\n`)).status).toBe(200);
  });

  test("what one host says is not said of it", async () => {
    gateway.plane.setCertificates(
      certificateSet([hostDeclaration("a", ["a.example"], { certPem, keyPem }, { cleartext: "redirect" })]),
    );
    expect((await gateway.ask(false, "GET /seldon/prod/iris/p HTTP/1.0\r\n\r\n")).status).toBe(200);
  });
});
