// The PROXY protocol: whose connections begin with a header, what the client behind it is then, and what becomes of everybody else.
import { credentials, status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ProxySettings } from "../../gateway/options/settings.ts";
import { eventually, turns } from "../turns.ts";
import { Balancer, binaryHeader, ipv4Block, ipv6Block, lineHeader, type BalancerOptions } from "./balancer.ts";
import { RawClient, answersIn } from "./client.ts";
import { Gateway, post, transports, type GatewayOptions } from "./gateway.ts";
import { GrpcClient, GrpcOrigin, metadataOf, paths } from "./grpc-peer.ts";
import { Http2Client } from "./http2-client.ts";
import { certPem } from "./identity.ts";
import { deployment, modelService, serveDocuments } from "./manifests.ts";
import { Origin, answerEach, requestsIn } from "./origin.ts";

const both: ProxySettings = { on: "both", from: null };
const line = lineHeader("TCP4 192.0.2.7 192.0.2.1 56324 443");
const binary = binaryHeader(0x21, 0x11, ipv4Block([192, 0, 2, 7]));
const local = binaryHeader(0x20, 0, Buffer.alloc(0));
const versions = [
  ["version 1", line],
  ["version 2", binary],
] as const;

describe.each(transports)("%s", (name, secure) => {
  const port = secure ? "tls" : "plain";
  let gateway: Gateway;
  let origin: Origin;
  const closers: (() => unknown)[] = [];

  beforeEach(async () => {
    origin = await new Origin().listen();
  });
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
    await gateway.goOnUntil(
      () =>
        gateway.counted("inFlight") === 0 &&
        gateway.counted("clientConnectionsHttp1") === 0 &&
        gateway.counted("clientConnectionsHttp2") === 0,
      "gauges at 0",
    );
    gateway.close();
    await origin.close();
    expect(gateway.faults).toBe(0);
  });

  async function start(options: GatewayOptions = {}): Promise<void> {
    gateway = await new Gateway({ proxyProtocol: both, accessLog: "all", ...options }).listen();
    gateway.serveIris([origin.port], { upgrades: ["websocket"] });
  }

  async function balanced(options: BalancerOptions): Promise<Balancer> {
    const balancer = await new Balancer(secure ? gateway.tlsPort : gateway.port, options).listen();
    closers.push(() => balancer.close());
    return balancer;
  }

  /** A client behind a balancer; null where it was cut off before it was one. */
  async function behind(options: BalancerOptions): Promise<RawClient | null> {
    const client = await RawClient.open((await balanced(options)).port, secure).catch(() => null);
    if (client !== null) closers.push(() => client.destroy());
    return client;
  }

  async function direct(): Promise<RawClient> {
    const client = await RawClient.open(gateway.port, false);
    closers.push(() => client.destroy());
    return client;
  }

  /** A connection without TLS to the port under test, for what comes before it. */
  async function bare(): Promise<RawClient> {
    const client = await RawClient.open(secure ? gateway.tlsPort : gateway.port, false);
    closers.push(() => client.destroy());
    return client;
  }

  const toldAddresses = (): readonly string[] =>
    requestsIn(origin.text).map((request) => /x-forwarded-for: (.*)\r\n/.exec(request)![1]!);

  async function served(options: BalancerOptions): Promise<void> {
    const client = await behind(options);
    client!.write(post("x"));
    expect((await client!.answers(1))[0]!.status).toBe(200);
  }

  /** Closed without an answer, counted, and told once in the log. */
  async function refused(client: RawClient, flag: string, sentence: string): Promise<void> {
    await gateway.goOnUntil(() => client.closed || client.ended, "the end");
    expect(client.text).toBe("");
    expect(gateway.flagged(flag)).toBe(1);
    expect(gateway.entries).toMatchObject([{ flag, code: 0, peer: "127.0.0.1" }]);
    expect(gateway.entries[0]!.sentence).toContain(sentence);
    expect(origin.text).toBe("");
  }

  test.each(versions)(
    "%s: the client is who the header says, to the upstream and in the log",
    async (_version, header) => {
      await start();
      await served({ header });
      expect(toldAddresses()).toEqual(["192.0.2.7"]);
      await eventually(() => gateway.entries.length === 1, "its line");
      expect(gateway.entries).toMatchObject([{ peer: "192.0.2.7", code: 200 }]);
    },
  );

  test.each([
    ["IPv6", binaryHeader(0x21, 0x21, ipv6Block("20010db8000000000000000000000007")), "2001:db8::7"],
    ["IPv6 that maps IPv4", lineHeader("TCP6 ::ffff:192.0.2.7 ::1 1 2"), "192.0.2.7"],
    ["LOCAL: the balancer itself", local, "127.0.0.1"],
    ["UNKNOWN", lineHeader("UNKNOWN"), "unknown"],
    ["a UNIX socket", binaryHeader(0x21, 0x31, Buffer.alloc(216)), "unknown"],
  ])("%s", async (_what, header, address) => {
    await start();
    await served({ header });
    expect(toldAddresses()).toEqual([address]);
  });

  test.each(versions)(
    "%s, cut at each byte, before what follows and within it",
    { timeout: 60_000 },
    async (_version, header) => {
      await start({ accessLog: "off" });
      let count = 0;
      for (const glued of [false, true]) {
        for (let cut = 0; cut <= header.length + (glued ? 4 : 0); cut++) {
          await served({ header, glued: glued && !secure, cut });
          count++;
        }
      }
      expect(toldAddresses()).toEqual(Array.from({ length: count }, () => "192.0.2.7"));
    },
  );

  test("the header and the beginning of what follows come as one", async () => {
    await start();
    // A balancer that waits for its client's first bytes: of TLS they are the ClientHello.
    const balancer = await balanced({ header: binary, glued: true });
    const client = await RawClient.open(balancer.port, secure);
    closers.push(() => client.destroy());
    client.write(post("one") + post("two"));
    expect((await client.answers(2)).map(({ status: code }) => code)).toEqual([200, 200]);
    expect(toldAddresses()).toEqual(["192.0.2.7", "192.0.2.7"]);
  });

  test("HTTP/2", async () => {
    await start();
    const { port: balancerPort } = await balanced({ header: line, glued: true });
    const client = await Http2Client.open({ port: balancerPort, tlsPort: balancerPort } as Gateway, secure);
    closers.push(() => client.destroy());
    const replies = await Promise.all(
      [1, 2].map(() => client.request({ ":method": "POST", ":path": "/seldon/prod/iris/x" }, "x")),
    );
    expect(replies.map(({ status: code }) => code)).toEqual([200, 200]);
    expect(toldAddresses()).toEqual(["192.0.2.7", "192.0.2.7"]);
  });

  test("gRPC", async () => {
    const model = await new GrpcOrigin("m").listen();
    closers.push(() => model.close());
    await start();
    await serveDocuments(gateway, [
      deployment("prod", "m", undefined, {}),
      modelService("prod", "m-default", { grpc: model.port }),
    ]);
    const { port: balancerPort } = await balanced({ header: binary });
    const options = { "grpc.ssl_target_name_override": "localhost", "grpc.default_authority": "localhost" };
    const client = new GrpcClient(
      balancerPort,
      secure
        ? credentials.createSsl(Buffer.from(certPem), null, null, { checkServerIdentity: () => undefined })
        : credentials.createInsecure(),
      secure ? options : {},
    );
    closers.push(() => client.close());
    const { status: ended } = await client.unary(
      paths.predict,
      metadataOf({ seldon: "m", namespace: "prod" }),
      Buffer.from("x"),
    );
    expect(ended.code).toBe(status.OK);
    expect(model.calls[0]!.metadata.get("x-forwarded-for")).toEqual(["192.0.2.7"]);
  });

  test("WebSocket", async () => {
    origin.behaviour = (connection) => {
      if (connection.answered++ === 0)
        connection.socket.write(
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello",
        );
    };
    await start();
    const client = (await behind({ header: line }))!;
    client.write(
      "GET /seldon/prod/iris/chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    await client.until(({ text }) => text.endsWith("\r\n\r\nhello"), "what the upstream says");
    expect(origin.text).toContain("x-forwarded-for: 192.0.2.7\r\n");
    client.destroy();
  });

  test("a balancer's look at health, for itself and by a client", async () => {
    await start();
    for (const header of [local, line]) {
      const client = (await behind({ header }))!;
      client.write("GET /ambassador/v0/check_alive HTTP/1.1\r\nHost: a\r\n\r\n");
      expect((await client.answers(1))[0]!.status).toBe(200);
    }
  });

  test("what proxies of requests say counts beside it", async () => {
    await start({ trustedHops: 1 });
    const client = (await behind({ header: line }))!;
    client.write(post("x", "X-Forwarded-For: 198.51.100.9\r\n"));
    await client.answers(1);
    expect(toldAddresses()).toEqual(["198.51.100.9, 192.0.2.7"]);
  });

  test.each([
    [
      "a client without a header",
      () => (secure ? Buffer.from("1603010200010001fc0303", "hex") : Buffer.from(post("x"))),
      "it does not begin with one",
    ],
    ["a lie about the family", () => lineHeader("TCP4 2001:db8::7 192.0.2.1 1 2"), "an address is not of TCP4"],
    ["a length that is a lie", () => binaryHeader(0x21, 0x21, ipv4Block([192, 0, 2, 7])), "no room for the addresses"],
    ["a header that is too long", () => binaryHeader(0x21, 0x11, Buffer.alloc(0), 4081), "longer than 4096 bytes"],
  ])("%s is closed without an answer", async (_what, bytes, sentence) => {
    await start();
    const client = await bare();
    client.socket.write(bytes());
    await refused(client, "DPE", sentence);
  });

  test("a second header is the beginning of a request, which it is not", async () => {
    await start();
    const client = await bare();
    client.socket.write(Buffer.concat([line, line]));
    await gateway.goOnUntil(() => client.closed || client.ended, "the end");
    expect([origin.text, client.text]).toEqual(["", ""]);
    if (!secure) expect(gateway.entries).toMatchObject([{ flag: "DPE", peer: "192.0.2.7" }]);
  });

  test.each(versions)(
    "%s that ends within itself is closed at each byte, and one that has not begun is only closed",
    async (_version, header) => {
      await start();
      for (let end = 0; end < header.length; end++) {
        const client = await bare();
        if (end > 0) client.socket.write(header.subarray(0, end));
        await turns(2);
        client.socket.end();
        await eventually(() => client.closed || client.ended, "the end");
        expect(client.text).toBe("");
        expect(gateway.flagged("DPE")).toBe(end);
      }
      expect(gateway.entries.map(({ sentence }) => sentence.split(": ").at(-1))).toEqual(
        Array.from({ length: header.length - 1 }, () => "it ended within it"),
      );
    },
  );

  test.each([
    ["nothing", Buffer.alloc(0)],
    ["half of it", line.subarray(0, 20)],
  ])("%s in time: closed when a head would be", async (_what, bytes) => {
    await start({ limits: { headTimeoutMs: 1000 } });
    const client = await bare();
    if (bytes.length > 0) client.socket.write(bytes);
    await gateway.advance(500);
    // A byte now and then makes it no longer.
    if (bytes.length > 0) client.socket.write(line.subarray(20, 21));
    await gateway.advance(480);
    expect(client.closed || client.ended).toBe(false);
    await refused(client, "DT", "did not arrive in time");
  });

  test("lines about those who do not speak are bounded", async () => {
    await start({ accessLog: "errors", limits: { accessLinesPerSecond: 2 } });
    for (let count = 0; count < 5; count++) {
      const client = await bare();
      client.write("GET / HTTP/1.1\r\n\r\n");
      await eventually(() => client.closed || client.ended, "the end");
    }
    expect(gateway.flagged("DPE")).toBe(5);
    expect(gateway.entries).toHaveLength(2);
  });

  describe("who must speak", () => {
    test("only those to the port that it is asked of", async () => {
      await start({ proxyProtocol: { on: secure ? "plain" : "tls", from: null } });
      const client = await gateway.open(secure);
      closers.push(() => client.destroy());
      client.write(post("x"));
      expect((await client.answers(1))[0]!.status).toBe(200);
      expect(toldAddresses()).toEqual(["127.0.0.1"]);
    });

    test.each([
      ["where it is not asked for", { on: "off", from: null }],
      ["from an address that is not asked", { on: "both", from: ["10.0.0.0/8"] }],
    ] as const)("a header %s is no request", async (_where, proxyProtocol) => {
      await start({ proxyProtocol });
      const client = await bare();
      client.socket.write(Buffer.concat([line, Buffer.from(post("x"))]));
      await gateway.goOnUntil(() => client.closed || client.ended, "the end");
      // Its line has no version of HTTP; below TLS nobody can be answered.
      expect([origin.text, client.text]).toEqual(["", ""]);
      const other = await bare();
      other.socket.write(binary);
      await gateway.goOnUntil(() => other.closed || other.ended, "the end");
      expect(answersIn(other.text).map(({ status: code }) => code)).toEqual(secure ? [] : [400]);
      expect(gateway.entries).toMatchObject(
        secure
          ? []
          : [
              { flag: "DPE", peer: "127.0.0.1" },
              { flag: "DPE", peer: "127.0.0.1" },
            ],
      );
    });

    test("an address that is not asked is a client itself", async () => {
      await start({ proxyProtocol: { on: port, from: ["10.0.0.0/8"] } });
      const client = await gateway.open(secure);
      closers.push(() => client.destroy());
      client.write(post("x"));
      expect((await client.answers(1))[0]!.status).toBe(200);
      expect(toldAddresses()).toEqual(["127.0.0.1"]);
    });

    test("an address that is asked speaks", async () => {
      await start({ proxyProtocol: { on: port, from: ["10.0.0.0/8", "127.0.0.1/32"] } });
      await served({ header: line });
      expect(toldAddresses()).toEqual(["192.0.2.7"]);
      const client = await bare();
      client.write(post("x"));
      await eventually(() => client.closed || client.ended, "the end");
      expect(gateway.flagged("DPE")).toBe(1);
    });
  });

  describe("how many", () => {
    const of = (address: string): Buffer => lineHeader(`TCP4 ${address} 10.0.0.1 1 2`);

    async function admitted(header: Buffer): Promise<RawClient | null> {
      const client = await behind({ header });
      if (client === null) return null;
      client.write(post("x"));
      await client.until((one) => one.ended || one.closed || answersIn(one.text).length === 1);
      return client.text === "" ? null : client;
    }

    test("from one address: the clients', not the balancer's", async () => {
      await start({ limits: { connectionsPerAddress: 2 } });
      const first = await admitted(of("192.0.2.1"));
      expect(await admitted(of("192.0.2.1"))).not.toBeNull();
      expect(await admitted(of("192.0.2.1"))).toBeNull();
      expect(gateway.flagged("OM")).toBe(1);
      expect(await admitted(of("192.0.2.2"))).not.toBeNull();
      first!.destroy();
      await eventually(() => gateway.counted("clientConnectionsHttp1") === 2, "room");
      expect(await admitted(of("192.0.2.1"))).not.toBeNull();
      expect(await admitted(of("192.0.2.1"))).toBeNull();
    });

    test("in total: those too that have not spoken, and they make room again", async () => {
      await start({ limits: { connections: 2 } });
      const silent = [await bare(), await bare()];
      await turns(4);
      const third = await bare();
      await eventually(() => third.closed || third.ended, "the end of the third");
      expect(gateway.flagged("OM")).toBe(1);
      for (const client of silent) client.destroy();
      await turns(6);
      expect(await admitted(line)).not.toBeNull();
      expect(await admitted(line)).not.toBeNull();
      expect(await admitted(line)).toBeNull();
    });
  });

  test("a gateway that ends awaits no header", async () => {
    await start();
    const client = await bare();
    await turns(4);
    const drained = gateway.plane.drain(0, 60_000);
    await gateway.during(drained);
    await eventually(() => client.closed || client.ended, "the end");
  });

  if (name === "plain") {
    test("idle connections are as cheap as they were: a request that follows much later is served", async () => {
      origin.behaviour = answerEach((_request, index) => `HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n${index}`);
      await start({ limits: { headTimeoutMs: 1000 } });
      const client = (await behind({ header: line }))!;
      await gateway.advance(60_000);
      client.write(post("x"));
      expect((await client.answers(1))[0]!.status).toBe(200);
      expect(await direct()).toBeDefined();
    });
  }
});
