// Fetching the keys of an issuer: what is taken, and that nothing that comes instead takes long, much memory, or leads elsewhere.
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer as createSecureServer } from "node:https";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { keyBounds } from "../../../../gateway/callers/providers/public-keys.ts";
import { fetchJwks, type Reach } from "../../../../gateway/control/callers/jwks-fetch.ts";
import { readAddress, refusalOf } from "../../../../k8s/translate/backends/reach.ts";
import { Authority } from "../../../authority.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function served(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((listening) => {
    server.listen(0, "127.0.0.1", listening);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys?a=b`;
}

const reach =
  (source: "folder" | "cluster"): Reach["refuse"] =>
  (ip, port) =>
    refusalOf({ source, forbiddenAddresses: ["10.0.0.1"] }, readAddress(ip), port);
const folder: Reach = {
  lookup: () => Promise.reject(new Error("nobody looks up names here")),
  refuse: reach("folder"),
};
const named = (...addresses: readonly string[]): Reach => ({
  lookup: () => Promise.resolve(addresses),
  refuse: reach("folder"),
});

test("the text is got, of the target that was asked for, and how long it holds", async () => {
  let seen = "";
  const url = await served((request, response) => {
    seen = `${request.method} ${request.url} ${request.headers.host}`;
    response.setHeader("cache-control", "public, max-age=60");
    response.end('{"keys":[]}');
  });
  expect(await fetchJwks(url, folder)).toEqual({ kind: "got", text: '{"keys":[]}', maxAgeMs: 60_000 });
  expect(seen).toBe(`GET /keys?a=b ${new URL(url).host}`);
});

test.each([
  ["max-age=0", 0],
  ["no-store", 0],
  ["private, no-cache, max-age=60", 0],
  ["s-maxage=60", null],
  ["max-age=soon", null],
  ['max-age="90"', 90_000],
])("cache-control: %s", async (value, maxAgeMs) => {
  const url = await served((_, response) => response.setHeader("cache-control", value).end("x"));
  expect(await fetchJwks(url, folder)).toMatchObject({ maxAgeMs });
});

describe("it fails", () => {
  test.each<readonly [what: string, listener: RequestListener, says: string]>([
    [
      "on a redirect to a link-local address",
      (_, response) => response.writeHead(302, { location: "http://169.254.169.254/latest/meta-data" }).end(),
      "it answers 302, and redirects are not followed",
    ],
    [
      "on a redirect to itself",
      (request, response) => response.writeHead(308, { location: request.url! }).end(),
      "it answers 308",
    ],
    ["on another status", (_, response) => response.writeHead(404).end('{"keys":[]}'), "it answers 404"],
    [
      "on compressed bytes",
      (_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("x".repeat(10_000))),
      "compressed",
    ],
    ["on a connection that ends", (request) => request.socket.destroy(), "ECONNRESET"],
    [
      "on an answer that is cut",
      (_, response) => {
        response.writeHead(200, { "content-length": "100" });
        response.write("half");
        setImmediate(() => response.destroy());
      },
      "ECONNRESET",
    ],
    [
      "on a head without end",
      (_, response) => response.writeHead(200, { "x-large": "x".repeat(100_000) }).end(),
      "HPE_HEADER_OVERFLOW",
    ],
  ])("%s", async (_what, listener, says) => {
    const answer = await fetchJwks(await served(listener), folder);
    expect(answer).toMatchObject({ kind: "failed", reason: expect.stringContaining(says) as string });
  });

  test("on 10 MB, of which not much more is read than may be", async () => {
    let written = 0;
    const url = await served((_, response) => {
      const more = (): void => {
        while (written < 10_000_000 && response.write(Buffer.alloc(65_536, 0x20))) written += 65_536;
        if (written < 10_000_000 && !response.destroyed) response.once("drain", more);
      };
      more();
    });
    expect(await fetchJwks(url, folder)).toEqual({ kind: "failed", reason: "its answer has more than 512 KiB" });
    expect(written).toBeLessThan(8_000_000);
  });

  test("on one byte more than may be, and not on as many", async () => {
    const of = async (bytes: number): Promise<string> =>
      (await fetchJwks(await served((_, response) => response.end(" ".repeat(bytes))), folder)).kind;
    expect(await of(keyBounds.bytes)).toBe("got");
    expect(await of(keyBounds.bytes + 1)).toBe("failed");
  });

  test("when nothing comes, or it comes too slowly", async () => {
    const silent = await served(() => undefined);
    expect(await fetchJwks(silent, folder, 50)).toEqual({
      kind: "failed",
      reason: "there was no whole answer in time",
    });
    const slow = await served((_, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write(" "), 10);
      response.on("close", () => clearInterval(drip));
    });
    expect(await fetchJwks(slow, folder, 100)).toEqual({ kind: "failed", reason: "there was no whole answer in time" });
    const unresolved: Reach = { lookup: () => new Promise(() => undefined), refuse: () => null };
    expect(await fetchJwks("https://login.example/keys", unresolved, 50)).toEqual({
      kind: "failed",
      reason: "there was no whole answer in time",
    });
  });

  test("where nobody listens, and where the name is none", async () => {
    const url = await served((_, response) => response.end());
    await new Promise((closed) => {
      servers.pop()!.close(closed);
    });
    expect(await fetchJwks(url, folder)).toMatchObject({ reason: "ECONNREFUSED" });
    const nowhere: Reach = {
      lookup: () => Promise.reject(Object.assign(new Error("no"), { code: "ENOTFOUND" })),
      refuse: () => null,
    };
    expect(await fetchJwks("https://login.example/keys", nowhere)).toMatchObject({ reason: "ENOTFOUND" });
    expect(await fetchJwks("https://login.example/keys", named())).toMatchObject({ reason: "its host has no address" });
    expect(await fetchJwks("nonsense", folder)).toMatchObject({ kind: "failed" });
  });
});

test("over TLS the certificate must be of a known authority, and of the name that is asked", async () => {
  const before = getCACertificates("default");
  const authority = await Authority.make();
  const { certPem, keyPem } = await authority.issue("login", "DNS:login.example");
  const server = createSecureServer({ cert: certPem, key: keyPem }, (_, response) => response.end('{"keys":[]}'));
  await new Promise<void>((listening) => {
    server.listen(0, "127.0.0.1", listening);
  });
  const ask = (name: string): Promise<unknown> =>
    fetchJwks(`https://${name}:${(server.address() as AddressInfo).port}/`, named("127.0.0.1"));
  try {
    expect(await ask("login.example")).toMatchObject({
      kind: "failed",
      reason: expect.stringMatching(/CERT|SIGNATURE/) as string,
    });
    setDefaultCACertificates([...before, authority.caPem]);
    expect(await ask("login.example")).toMatchObject({ kind: "got" });
    expect(await ask("other.example")).toMatchObject({ kind: "failed", reason: "ERR_TLS_CERT_ALTNAME_INVALID" });
  } finally {
    setDefaultCACertificates(before);
    server.close();
    authority.remove();
  }
});

describe("an address is not dialled", () => {
  test.each([
    ["http://169.254.169.254/keys", "is a link-local address"],
    ["http://[fe80::1]/keys", "is a link-local address"],
    ["http://[fd00:ec2::254]/keys", "is the metadata address of a cloud"],
    ["http://[::ffff:169.254.169.254]/keys", "is a link-local address"],
    ["http://0x7f000001/keys", "is a loopback address"],
    ["http://127.0.0.1/keys", "is a loopback address"],
    ["http://10.0.0.1/keys", "belongs to the API server or to the gateway itself"],
  ])("%s in a cluster: it %s", async (url, says) => {
    const answer = await fetchJwks(url, { lookup: () => Promise.reject(new Error("no")), refuse: reach("cluster") });
    expect(answer).toMatchObject({ kind: "failed", reason: expect.stringContaining(says) as string });
  });

  test("that a name leads to, and the others of the name are", async () => {
    expect(await fetchJwks("http://login.example/keys", named("169.254.169.254"))).toMatchObject({
      reason: "its address 169.254.169.254 is a link-local address and is not dialled",
    });
    const url = new URL(await served((request, response) => response.end(request.headers.host)));
    expect(await fetchJwks(`http://login.example:${url.port}/`, named("169.254.169.254", "127.0.0.1"))).toMatchObject({
      text: `login.example:${url.port}`,
    });
  });
});
