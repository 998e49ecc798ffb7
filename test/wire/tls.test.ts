// TLS as clients see it: which certificate they get, what they are asked for, where their sessions go on. Peers are openssl and Node.
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect as connectPlain } from "node:net";
import { join } from "node:path";
import { connect, getCiphers, type ConnectionOptions, type TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { plainTerms, type HostDeclaration, type TlsTerms } from "../../routing/model/host-tls.ts";
import { Authority, type Issued } from "../authority.ts";
import { certificateSet, hostDeclaration } from "./certificates.ts";
import { RawClient, answersIn, fieldOf } from "./client.ts";
import { Gateway, post } from "./gateway.ts";
import { Origin, requestsIn } from "./origin.ts";

const openssl = "openssl";

let authority: Authority;
let a: Issued;
let wild: Issued;
let fallback: Issued;
let batch: Issued;
let gateway: Gateway;
let origin: Origin;

beforeAll(async () => {
  authority = await Authority.make();
  a = await authority.issue("a", "DNS:a.example");
  wild = await authority.issue("wild", "DNS:*.example");
  fallback = await authority.issue("fallback", "DNS:fallback.test");
  batch = await authority.issue("batch", "DNS:batch.clients,URI:spiffe://clients/batch,email:batch@clients.test", {
    subject: "/O=Clients, Inc./CN=batch",
  });
});
afterAll(() => authority.remove());
beforeEach(async () => {
  origin = await new Origin().listen();
  gateway = await newGateway();
});
afterEach(async () => {
  gateway.close();
  await origin.close();
});

async function newGateway(ticketSeed = new Uint8Array(32)): Promise<Gateway> {
  const made = await new Gateway({ time: "real", ticketSeed }).listen();
  made.serveIris([origin.port]);
  return made;
}

function serve(...declarations: readonly HostDeclaration[]): void {
  gateway.plane.setCertificates(certificateSet(declarations));
}

const plain = (): readonly HostDeclaration[] => [
  hostDeclaration("a", ["a.example"], a),
  hostDeclaration("wild", ["*.example"], wild),
  hostDeclaration("fallback", ["*"], fallback),
];

/** Terms that ask clients for certificates of the authority. */
function asking(
  required: boolean,
  more: Partial<TlsTerms> = {},
  crlPem: string | null = null,
): Partial<HostDeclaration> {
  return {
    terms: { ...plainTerms, client: { caPem: authority.caPem, crlPem, required }, ...more },
    clientName: `ca ${required}`,
  };
}

function open(options: ConnectionOptions = {}, to = gateway): TLSSocket {
  const socket = connect({
    host: "127.0.0.1",
    port: to.tlsPort,
    ca: authority.caPem,
    checkServerIdentity: () => undefined,
    ...options,
  });
  socket.on("error", () => undefined);
  return socket;
}

/** Common name of the certificate that a client gets, or why it gets none. */
async function servedTo(options: ConnectionOptions): Promise<string> {
  const socket = open(options);
  return new Promise((resolve) => {
    socket.once("secureConnect", () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.once("close", () => resolve("closed"));
  });
}

/** The answer to a request over a connection with these options; null: there was none. */
async function ask(
  options: ConnectionOptions,
  host: string,
  fields = "",
): Promise<{ readonly status: number; readonly head: string } | null> {
  const socket = open(options);
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
  socket.write(post("x", fields).replace("Host: gateway", `Host: ${host}`));
  const closed = new Promise((resolve) => socket.once("close", resolve));
  const answered = new Promise<void>((resolve) => {
    socket.on("data", () => answersIn(text).length > 0 && resolve());
  });
  await Promise.race([closed, answered]);
  socket.destroy();
  return answersIn(text)[0] ?? null;
}

describe("a certificate is chosen by the name that a client asks for", () => {
  beforeEach(() => serve(...plain()));

  test.each([
    ["exactly", "a.example", "a"],
    ["in capitals", "A.Example", "a"],
    ["by its wildcard", "other.example", "wild"],
    ["by its wildcard, further down", "deep.other.example", "wild"],
    ["a wildcard is not the name behind it", "example", "fallback"],
    ["unknown", "nowhere.test", "fallback"],
  ])("%s", async (_how, servername, name) => {
    expect(await servedTo({ servername })).toBe(name);
  });

  test("none: the default", async () => {
    expect(await servedTo({})).toBe("fallback");
  });

  test("without a default a client of no known host has no handshake, and others have theirs", async () => {
    serve(hostDeclaration("a", ["a.example"], a));
    expect(await servedTo({ servername: "nowhere.test" })).toBe("closed");
    expect(await servedTo({})).toBe("closed");
    expect(await servedTo({ servername: "a.example" })).toBe("a");
  });

  test("a host whose certificate cannot be used has no handshake: it does not fall to another", async () => {
    serve(hostDeclaration("a", ["a.example"], { missing: "needs a Secret", level: "error" }), ...plain());
    expect(await servedTo({ servername: "a.example" })).toBe("closed");
  });

  test("another one for handshakes from now on; connections go on", async () => {
    const before = open({ servername: "a.example" });
    await once(before, "secureConnect");
    serve(hostDeclaration("a", ["a.example"], wild));
    expect(await servedTo({ servername: "a.example" })).toBe("wild");
    before.write(post("x").replace("gateway", "a.example"));
    const [chunk] = (await once(before, "data")) as [Buffer];
    expect(chunk.toString()).toMatch(/^HTTP\/1\.1 200/);
    before.destroy();
  });
});

describe("what is no handshake ends its connection and nobody else notices", () => {
  beforeEach(async () => {
    gateway.close();
    gateway = await new Gateway({ time: "real", limits: { headTimeoutMs: 200 } }).listen();
    serve(...plain());
  });

  const counted = (size: 1 | 2 | 3, ...parts: readonly Buffer[]): Buffer => {
    const body = Buffer.concat(parts);
    const length = Buffer.alloc(size);
    length.writeUIntBE(body.length, 0, size);
    return Buffer.concat([length, body]);
  };
  const bytesOf = (hex: string): Buffer => Buffer.from(hex, "hex");

  /** A ClientHello of TLS 1.2 with this name. */
  function helloWith(servername: Buffer): Buffer {
    const name = Buffer.concat([bytesOf("0000"), counted(2, counted(2, bytesOf("00"), counted(2, servername)))]);
    const groups = bytesOf("000a00060004001d0017");
    const algorithms = bytesOf("000d0006000404030804");
    const message = Buffer.concat([
      bytesOf("01"),
      counted(
        3,
        bytesOf("0303"),
        Buffer.alloc(32, 1),
        bytesOf("00"),
        counted(2, bytesOf("c02bc02f")),
        bytesOf("0100"),
        counted(2, name, groups, algorithms),
      ),
    ]);
    return Buffer.concat([bytesOf("160301"), counted(2, message)]);
  }

  test.each([
    ["HTTP", Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n")],
    ["zeros", Buffer.alloc(100)],
    ["a record of no length", Buffer.from([22, 3, 1, 0, 0])],
    ["another handshake message", Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0])],
    ["a hello that is too long", Buffer.from([22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff])],
    ["a hello whose lengths lie", Buffer.from([22, 3, 1, 0, 8, 1, 0, 0, 4, 3, 3, 1, 1])],
  ])("%s", async (_what, bytes) => {
    const raw = connectPlain({ host: "127.0.0.1", port: gateway.tlsPort });
    raw.on("error", () => undefined).resume();
    raw.write(bytes);
    await once(raw, "close");
    expect(await servedTo({ servername: "a.example" })).toBe("a");
  });

  test.each([
    ["NUL", "a.exampl\0"],
    ["bytes beyond ASCII", "a.exampl\xe9"],
    ["an address", "127.0.0.1"],
  ])("a name with %s is nobody's", async (_what, name) => {
    const raw = connectPlain({ host: "127.0.0.1", port: gateway.tlsPort });
    raw.on("error", () => undefined);
    let text = "";
    raw.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
    raw.write(helloWith(Buffer.from(name, "latin1")));
    // The default's answer or an alert; never the host's.
    await Promise.race([once(raw, "data"), once(raw, "close")]);
    expect(text).not.toContain("a.example");
    raw.destroy();
    expect(await servedTo({ servername: "a.example" })).toBe("a");
  });

  test("a name of 300 bytes", async () => {
    const raw = connectPlain({ host: "127.0.0.1", port: gateway.tlsPort });
    raw.on("error", () => undefined).resume();
    raw.write(helloWith(Buffer.from("y".repeat(300))));
    await once(raw, "close");
    expect(await servedTo({ servername: "a.example" })).toBe("a");
  });

  test("a hello that comes byte by byte is read", async () => {
    const raw = connectPlain({ host: "127.0.0.1", port: gateway.tlsPort, noDelay: true });
    const bytes = helloWith(Buffer.from("a.example"));
    for (const byte of bytes) raw.write(Buffer.from([byte]));
    const [chunk] = (await once(raw, "data")) as [Buffer];
    // A handshake record of the server.
    expect(chunk[0]).toBe(22);
    raw.destroy();
  });

  test("a client that never ends its hello is cut", async () => {
    const slow = await new Gateway({ limits: { headTimeoutMs: 50 } }).listen();
    const raw = connectPlain({ host: "127.0.0.1", port: slow.tlsPort });
    raw.on("error", () => undefined).resume();
    raw.write(Buffer.from([22, 3, 1]));
    await slow.during(once(raw, "close"));
    slow.close();
  });
});

describe("terms of a host", () => {
  test.each([
    ["TLSv1.2", "TLSv1.3", "TLSv1.3"],
    ["TLSv1.2", "TLSv1.2", "TLSv1.2"],
    ["TLSv1.3", "TLSv1.3", "TLSv1.3"],
  ] as const)("versions %s to %s: %s", async (minVersion, maxVersion, version) => {
    serve(hostDeclaration("a", ["a.example"], a, { terms: { ...plainTerms, minVersion, maxVersion } }));
    const socket = open({ servername: "a.example" });
    await once(socket, "secureConnect");
    expect(socket.getProtocol()).toBe(version);
    socket.destroy();
  });

  test("a client of an older version than the lowest has no handshake", async () => {
    serve(hostDeclaration("a", ["a.example"], a, { terms: { ...plainTerms, minVersion: "TLSv1.3" } }));
    expect(await servedTo({ servername: "a.example", maxVersion: "TLSv1.2" })).toBe("closed");
  });

  /** What is agreed with a client of these options, or `closed`. */
  async function agreed(options: ConnectionOptions): Promise<string> {
    const socket = open({ servername: "a.example", ...options });
    return new Promise((resolve) => {
      socket.once("secureConnect", () => {
        resolve(socket.getCipher().name);
        socket.destroy();
      });
      socket.once("close", () => resolve("closed"));
    });
  }

  test("suites and groups of TLS 1.2 are those of ECDHE with AEAD, on X25519, P-256 and P-384, where terms name none", async () => {
    serve(hostDeclaration("a", ["a.example"], a));
    const served: string[] = [];
    for (const name of getCiphers()
      .filter((one) => !one.startsWith("tls_"))
      .map((one) => one.toUpperCase())) {
      // Some are for nobody that has no certificate or a shared key, and no client can be made for them.
      const is = await agreed({ maxVersion: "TLSv1.2", ciphers: `${name}:@SECLEVEL=0` }).catch(() => "closed");
      if (is !== "closed") served.push(is);
    }
    // The certificate is of P-256; the same with RSA is the other half.
    expect(served.toSorted()).toEqual([
      "ECDHE-ECDSA-AES128-GCM-SHA256",
      "ECDHE-ECDSA-AES256-GCM-SHA384",
      "ECDHE-ECDSA-CHACHA20-POLY1305",
    ]);
    const groups: string[] = [];
    for (const ecdhCurve of ["X25519MLKEM768", "X25519", "P-256", "P-384", "P-521", "X448"])
      if ((await agreed({ ecdhCurve, minVersion: "TLSv1.3" })) !== "closed") groups.push(ecdhCurve);
    expect(groups).toEqual(["X25519MLKEM768", "X25519", "P-256", "P-384"]);
  });

  test("a gateway has other defaults, and a TLSContext other terms", async () => {
    gateway.close();
    gateway = await new Gateway({
      time: "real",
      tlsDefaults: { minVersion: "TLSv1.3", cipherSuites: ["TLS_AES_128_GCM_SHA256"] },
    }).listen();
    serve(
      hostDeclaration("a", ["a.example"], a),
      hostDeclaration("wild", ["*.example"], wild, {
        terms: { ...plainTerms, minVersion: "TLSv1.2", ciphers: ["ECDHE-ECDSA-AES256-SHA"], curves: ["P-521"] },
      }),
      hostDeclaration("fallback", ["*"], fallback, {
        terms: { ...plainTerms, maxVersion: "TLSv1.2", ciphers: ["ECDHE-ECDSA-AES128-GCM-SHA256"] },
      }),
    );
    expect([await agreed({}), await agreed({ maxVersion: "TLSv1.2" })]).toEqual(["TLS_AES_128_GCM_SHA256", "closed"]);
    expect(
      await agreed({
        servername: "b.example",
        maxVersion: "TLSv1.2",
        ecdhCurve: "P-521:P-256",
        ciphers: "ECDHE-ECDSA-AES256-SHA",
      }),
    ).toBe("ECDHE-ECDSA-AES256-SHA");
    expect(await agreed({ servername: "fallback.test" })).toBe("ECDHE-ECDSA-AES128-GCM-SHA256");
  });

  test("a TLSContext that asks for TLS 1.2 and names no suites has some where the gateway has suites of TLS 1.3 only", async () => {
    gateway.close();
    gateway = await new Gateway({
      time: "real",
      tlsDefaults: { minVersion: "TLSv1.3", cipherSuites: ["TLS_AES_128_GCM_SHA256"] },
    }).listen();
    serve(
      hostDeclaration("a", ["a.example"], a, { terms: { ...plainTerms, minVersion: "TLSv1.2" } }),
      hostDeclaration("wild", ["*.example"], wild, { terms: { ...plainTerms, maxVersion: "TLSv1.2" } }),
      hostDeclaration("fallback", ["*"], fallback),
    );
    expect([await agreed({}), await agreed({ maxVersion: "TLSv1.2" })]).toEqual([
      "TLS_AES_128_GCM_SHA256",
      "ECDHE-ECDSA-AES128-GCM-SHA256",
    ]);
    expect(await agreed({ servername: "b.example" })).toBe("ECDHE-ECDSA-AES128-GCM-SHA256");
    expect(await agreed({ servername: "fallback.test", maxVersion: "TLSv1.2" })).toBe("closed");
  });

  test("ciphers and groups", async () => {
    serve(
      hostDeclaration("a", ["a.example"], a, {
        terms: { ...plainTerms, maxVersion: "TLSv1.2", ciphers: ["ECDHE-ECDSA-AES256-GCM-SHA384"], curves: ["P-384"] },
      }),
    );
    const socket = open({ servername: "a.example" });
    await once(socket, "secureConnect");
    expect(socket.getCipher().name).toBe("ECDHE-ECDSA-AES256-GCM-SHA384");
    expect(socket.getEphemeralKeyInfo()).toMatchObject({ name: "secp384r1" });
    socket.destroy();
    expect(
      await servedTo({ servername: "a.example", ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256", maxVersion: "TLSv1.2" }),
    ).toBe("closed");
  });

  test("protocols that are offered", async () => {
    serve(
      hostDeclaration("a", ["a.example"], a, { terms: { ...plainTerms, alpn: ["http/1.1"] } }),
      hostDeclaration("wild", ["*.example"], wild),
    );
    for (const [servername, alpn] of [
      ["a.example", "http/1.1"],
      ["b.example", "h2"],
    ] as const) {
      const socket = open({ servername, ALPNProtocols: ["h2", "http/1.1"] });
      await once(socket, "secureConnect");
      expect(socket.alpnProtocol).toBe(alpn);
      socket.destroy();
    }
  });

  test.each([
    ["no protocol that is served", ["http/1.0"], false],
    ["several that are not served", ["http/1.0", "h2c", "spdy/3", "acme-tls/1"], false],
    ["one that is served and others", ["spdy/3", "http/1.1"], "http/1.1"],
    ["h2 where that is not offered", ["h2"], false],
  ] as const)("a client that offers %s is served as HTTP/1.1, and not as HTTP/2", async (_what, offered, agreed) => {
    serve(
      hostDeclaration("a", ["a.example"], a, {
        terms: { ...plainTerms, alpn: agreed === false && offered[0] === "h2" ? ["http/1.1"] : ["h2", "http/1.1"] },
      }),
    );
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      expect(
        await ask({ servername: "a.example", ALPNProtocols: [...offered], maxVersion }, "a.example"),
      ).toMatchObject({ status: 200 });
      const socket = open({ servername: "a.example", ALPNProtocols: [...offered], maxVersion });
      await once(socket, "secureConnect");
      expect(socket.alpnProtocol).toBe(agreed);
      let text = "";
      socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
      socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
      await once(socket, "close");
      expect(text).not.toContain("\0\0");
      socket.destroy();
    }
    expect(gateway.counted("clientConnectionsHttp2")).toBe(0);
  });
});

describe("certificates of clients", () => {
  const mine = (): ConnectionOptions => ({ cert: batch.certPem, key: batch.keyPem });

  test("one that is required and good: served, and the upstream is told whose it is", async () => {
    serve(hostDeclaration("a", ["a.example"], a, asking(true)));
    expect(
      await ask({ servername: "a.example", ...mine() }, "a.example", "x-forwarded-client-cert: By=evil\r\n"),
    ).toMatchObject({ status: 200 });
    const told = /x-forwarded-client-cert: ([^\r]*)/.exec(origin.text)![1];
    expect(told).toMatch(
      /^Hash=[0-9a-f]{64};Subject="CN=batch,O=Clients\\, Inc\.";URI=spiffe:\/\/clients\/batch;DNS=batch\.clients$/,
    );
    expect(origin.text.match(/x-forwarded-client-cert/gi)).toHaveLength(1);
  });

  test.each([
    [true, null],
    [false, 200],
  ])("required %s and none shown: %s", async (required, status) => {
    serve(hostDeclaration("a", ["a.example"], a, asking(required)));
    expect((await ask({ servername: "a.example" }, "a.example"))?.status ?? null).toBe(status);
    expect(origin.text).not.toContain("client-cert");
  });

  test.each([[true], [false]])("required %s and one of another authority shown: no connection", async (required) => {
    const other = await Authority.make("Another");
    const stranger = await other.issue("stranger", "DNS:stranger.clients");
    serve(hostDeclaration("a", ["a.example"], a, asking(required)));
    expect(
      await ask({ servername: "a.example", cert: stranger.certPem, key: stranger.keyPem }, "a.example"),
    ).toBeNull();
    expect(origin.text).toBe("");
    other.remove();
  });

  test("one that has ended, and one that was revoked: no connection", async () => {
    const late = await authority.issue("late", "DNS:late.clients", { to: "20260601000000Z" });
    const lost = await authority.issue("lost", "DNS:lost.clients");
    const crl = await authority.revoke(lost);
    serve(hostDeclaration("a", ["a.example"], a, asking(true, {}, crl)));
    expect(await ask({ servername: "a.example", cert: late.certPem, key: late.keyPem }, "a.example")).toBeNull();
    expect(await ask({ servername: "a.example", cert: lost.certPem, key: lost.keyPem }, "a.example")).toBeNull();
    expect(await ask({ servername: "a.example", ...mine() }, "a.example")).toMatchObject({ status: 200 });
  });

  test("a host that asks is not reached by the connection of one that does not: 421", async () => {
    serve(hostDeclaration("a", ["a.example"], a, asking(true)), hostDeclaration("wild", ["*.example"], wild));
    expect(await ask({ servername: "b.example" }, "a.example")).toMatchObject({ status: 421 });
    expect(await ask({ servername: "b.example" }, "A.EXAMPLE:443")).toMatchObject({ status: 421 });
    expect(await ask({ servername: "b.example" }, "c.example")).toMatchObject({ status: 200 });
    expect(requestsIn(origin.text)).toHaveLength(1);
  });

  test.each([
    "b.example",
    "deep.b.example",
    "x!y.example",
    "a.b.c.d.EXAMPLE",
    "b.example.",
    `${"x.".repeat(3000)}example`,
  ])("what a wildcard asks holds for %s, which a Mapping for that wildcard takes", async (host) => {
    serve(hostDeclaration("wild", ["*.example"], wild, asking(true)), hostDeclaration("all", ["*"], a));
    expect(await ask({ servername: "other.test" }, host)).toMatchObject({ status: 421 });
    expect(origin.text).toBe("");
  });

  test("a host that asks and has no certificate that can be used is reached by nobody's connection", async () => {
    serve(
      hostDeclaration("a", ["a.example"], { missing: "needs a Secret", level: "error" }, asking(true)),
      hostDeclaration("wild", ["*.example"], wild, asking(true)),
    );
    expect(await ask({ servername: "b.example", ...mine() }, "a.example")).toMatchObject({ status: 421 });
  });
});

describe("sessions", () => {
  /** A session of openssl, and whether it went on: by these workers, one after the other. */
  async function resumes(
    first: Gateway,
    second: Gateway,
    version: "-tls1_2" | "-tls1_3",
    names: readonly [string, string] = ["a.example", "a.example"],
  ): Promise<boolean> {
    const file = join(authority.folder, "session.pem");
    const by = (to: Gateway, name: string, ...more: readonly string[]): Promise<string> =>
      new Promise((resolve) => {
        const args = [
          "s_client",
          "-connect",
          `127.0.0.1:${to.tlsPort}`,
          "-servername",
          name,
          version,
          "-CAfile",
          authority.caFile,
          "-ign_eof",
          ...more,
        ];
        const child = execFile(openssl, args, (_error, out) => resolve(out));
        // Whoever answers has sent its tickets before.
        child.stdin!.write(`GET /nowhere HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`);
      });
    expect(await by(first, names[0], "-sess_out", file)).toMatch(/New, [^]*HTTP\/1\.1 404/);
    expect(readFileSync(file, "utf8")).toContain("SESSION");
    const again = await by(second, names[1], "-sess_in", file);
    expect(again).toContain("HTTP/1.1 404");
    return again.includes("Reused, ");
  }

  test.each(["-tls1_2", "-tls1_3"] as const)(
    "%s: go on at another worker of the process, and at no other process",
    async (version) => {
      const seed = new Uint8Array(32).fill(7);
      const one = await newGateway(seed);
      const two = await newGateway(seed);
      const stranger = await newGateway(new Uint8Array(32).fill(8));
      for (const each of [one, two, stranger]) each.plane.setCertificates(certificateSet(plain()));
      expect(await resumes(one, two, version)).toBe(true);
      expect(await resumes(one, stranger, version)).toBe(false);
      for (const each of [one, two, stranger]) each.close();
    },
  );

  test("go on at another replica that has the same keys, also when these were changed and the old ones are kept", async () => {
    const [old, fresh] = [new Uint8Array(48).fill(1), new Uint8Array(48).fill(2)];
    const replica = await newGateway(new Uint8Array(32).fill(9));
    gateway.plane.setCertificates(certificateSet(plain(), [old]));
    replica.plane.setCertificates(certificateSet(plain(), [fresh, old]));
    expect(await resumes(gateway, replica, "-tls1_3")).toBe(true);
    replica.plane.setCertificates(certificateSet(plain(), [fresh]));
    expect(await resumes(gateway, replica, "-tls1_3")).toBe(false);
    replica.close();
  });

  test.each(["-tls1_2", "-tls1_3"] as const)(
    "%s: one that was made where nobody asks does not go on where a certificate is asked for",
    async (version) => {
      serve(hostDeclaration("a", ["a.example"], a, asking(false)), hostDeclaration("wild", ["*.example"], wild));
      expect(await resumes(gateway, gateway, version, ["b.example", "b.example"])).toBe(true);
      expect(await resumes(gateway, gateway, version, ["b.example", "a.example"])).toBe(false);
      // The same host asks from now on.
      const file = ["a.example", "a.example"] as const;
      expect(await resumes(gateway, gateway, version, file)).toBe(true);
      serve(hostDeclaration("a", ["a.example"], a, asking(true)));
      expect(await servedTo({ servername: "a.example" })).toBe("a");
    },
  );

  test.each(["TLSv1.2", "TLSv1.3"] as const)(
    "%s: one that goes on has the certificate of its client",
    async (maxVersion) => {
      serve(hostDeclaration("a", ["a.example"], a, asking(true)));
      const mine = { servername: "a.example", cert: batch.certPem, key: batch.keyPem, maxVersion };
      const socket = open(mine);
      const sessions: Buffer[] = [];
      socket.on("session", (session) => sessions.push(session));
      socket.write(post("x").replace("gateway", "a.example"));
      await once(socket, "data");
      socket.destroy();
      const again = open({ ...mine, session: sessions.at(-1)! });
      again.write(post("x").replace("gateway", "a.example"));
      await once(again, "data");
      expect(again.isSessionReused()).toBe(true);
      again.destroy();
      expect(Array.from(origin.text.matchAll(/Subject="([^"]*)"/g), ([, subject]) => subject)).toEqual([
        "CN=batch,O=Clients\\, Inc.",
        "CN=batch,O=Clients\\, Inc.",
      ]);
      // Another list of what was revoked: it must be looked at.
      serve(hostDeclaration("a", ["a.example"], a, asking(true, {}, await authority.revoke())));
      const third = open({ ...mine, session: sessions.at(-1)! });
      await once(third, "secureConnect");
      expect(third.isSessionReused()).toBe(false);
      third.destroy();
    },
  );
});

describe("cleartext", () => {
  async function plainly(request: string): Promise<{ readonly status: number; readonly location: string | null }> {
    const client = await RawClient.open(gateway.port, false);
    client.write(request);
    const [answer] = await client.answers(1);
    client.destroy();
    return { status: answer!.status, location: fieldOf(answer!, "location") };
  }

  beforeEach(() =>
    serve(
      hostDeclaration("a", ["a.example"], a, { cleartext: "redirect" }),
      hostDeclaration("b", ["b.example"], wild, { cleartext: "reject" }),
      hostDeclaration("c", ["*.example"], wild, { cleartext: "route" }),
    ),
  );

  test("is redirected, with a method that stays", async () => {
    expect(await plainly("GET /seldon/prod/iris/x?q=1 HTTP/1.1\r\nHost: a.example\r\n\r\n")).toEqual({
      status: 301,
      location: "https://a.example/seldon/prod/iris/x?q=1",
    });
    expect(await plainly(post("x").replace("gateway", "A.example:80"))).toEqual({
      status: 308,
      location: "https://A.example/seldon/prod/iris/api/v1.0/predictions",
    });
    expect(origin.text).toBe("");
  });

  test("to the gateway's own port goes to its own port for TLS", async () => {
    expect(await plainly(`GET /x HTTP/1.1\r\nHost: a.example:${gateway.port}\r\n\r\n`)).toEqual({
      status: 301,
      location: `https://a.example:${gateway.tlsPort}/x`,
    });
  });

  test("is rejected, or routed", async () => {
    expect(await plainly(post("x").replace("gateway", "b.example"))).toMatchObject({ status: 404 });
    expect(await plainly(post("x").replace("gateway", "c.example"))).toMatchObject({ status: 200 });
    expect(await plainly(post("x"))).toMatchObject({ status: 200 });
  });

  test("proofs for an authority and probes are always taken", async () => {
    expect(await plainly("GET /.well-known/acme-challenge/x HTTP/1.1\r\nHost: a.example\r\n\r\n")).toMatchObject({
      status: 404,
    });
    expect(await plainly("GET /.well-known/acme-challenge HTTP/1.1\r\nHost: a.example\r\n\r\n")).toMatchObject({
      status: 301,
    });
    expect(await plainly("GET /ambassador/v0/check_alive HTTP/1.1\r\nHost: a.example\r\n\r\n")).toMatchObject({
      status: 200,
    });
    expect(await plainly("GET /ambassador/v0/check_alive/x HTTP/1.1\r\nHost: a.example\r\n\r\n")).toMatchObject({
      status: 301,
    });
  });

  test("that a proxy in front had by TLS is secure where the proxy is believed, and nowhere else", async () => {
    const request = post("x", "x-forwarded-proto: https\r\n").replace("gateway", "a.example");
    expect(await plainly(request)).toMatchObject({ status: 308 });
    gateway.close();
    gateway = await new Gateway({ time: "real", trustedHops: 1 }).listen();
    gateway.serveIris([origin.port]);
    serve(hostDeclaration("a", ["a.example"], a, { cleartext: "redirect" }));
    expect(await plainly(request)).toMatchObject({ status: 200 });
    expect(await plainly(request.replace("https", "http"))).toMatchObject({ status: 308 });
  });
});
