// gRPC end to end with somebody else's client and server (@grpc/grpc-js), through a data plane that serves manifests.
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { credentials, status, type StatusObject } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { eventually } from "../turns.ts";
import { firstSlot, Gateway } from "./gateway.ts";
import { GrpcClient, GrpcOrigin, metadataOf, paths } from "./grpc-peer.ts";
import { certPem } from "./identity.ts";
import { deployment, modelService, serveDocuments } from "./manifests.ts";

/** `STREAM_MB=1024` streams a gigabyte. */
const streamMegabytes = Number(process.env["STREAM_MB"] ?? 128);

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function originOf(name: string): Promise<GrpcOrigin> {
  const origin = await new GrpcOrigin(name).listen();
  closers.push(() => origin.close());
  return origin;
}

async function startGateway(): Promise<Gateway> {
  const gateway = await new Gateway().listen();
  closers.push(() => gateway.close());
  return gateway;
}

function clientOf(gateway: Gateway): GrpcClient {
  const client = new GrpcClient(gateway.port);
  closers.push(() => client.close());
  return client;
}

/** One deployment, `prod/m`. */
async function startOne(
  annotations: Readonly<Record<string, string>> = {},
): Promise<{ gateway: Gateway; origin: GrpcOrigin; client: GrpcClient }> {
  const origin = await originOf("m");
  const gateway = await startGateway();
  await serveDocuments(gateway, [
    deployment("prod", "m", undefined, annotations),
    modelService("prod", "m-default", { grpc: origin.port }),
  ]);
  return { gateway, origin, client: clientOf(gateway) };
}

const m = metadataOf({ seldon: "m", namespace: "prod" });

describe("a unary call", () => {
  test("reaches the deployment with its metadata and its message, and its answer comes back whole", async () => {
    const { client, origin } = await startOne();
    const metadata = m.clone();
    metadata.set("echo-bin", Buffer.from([0, 1, 254, 255]));
    metadata.set("X-Custom", "one");
    const { messages, head, status: ended } = await client.unary(paths.predict, metadata, Buffer.from("message"));
    expect(messages.map(String)).toEqual(["message"]);
    expect(ended.code).toBe(status.OK);
    expect([head!.get("server"), head!.get("echo-bin")]).toEqual([["m"], [Buffer.from([0, 1, 254, 255])]]);
    expect(ended.metadata.get("note-bin")).toEqual([Buffer.from([0, 255, 13, 10])]);
    const seen = origin.calls[0]!.metadata.getMap();
    expect(seen).toMatchObject({
      seldon: "m",
      namespace: "prod",
      "x-custom": "one",
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-proto": "http",
    });
    expect(seen["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/u);
    expect(seen["x-envoy-original-path"]).toBeUndefined();
  });

  test("that fails keeps the server's status, its words and its details", async () => {
    const { client } = await startOne();
    const metadata = m.clone();
    metadata.set("ask", "error");
    const { status: ended } = await client.unary(paths.predict, metadata);
    expect([ended.code, ended.details]).toEqual([status.FAILED_PRECONDITION, "löscht nicht, 100 %"]);
    expect(ended.metadata.get("note-bin")).toEqual([Buffer.from([0, 255, 13, 10])]);
  });

  test("to a method that the server does not have is its own UNIMPLEMENTED", async () => {
    const { client } = await startOne();
    const { status: ended } = await client.unary("/seldon.protos.Seldon/Nothing", m);
    expect(ended.code).toBe(status.UNIMPLEMENTED);
    expect(ended.details).toContain("/seldon.protos.Seldon/Nothing");
  });

  test("may be of 20 MB both ways", async () => {
    const { client, origin } = await startOne({ "seldon.io/grpc-timeout": "60000" });
    const body = Buffer.alloc(20 * 1024 * 1024, "sluice ");
    const { messages, status: ended } = await client.unary(paths.predict, m, body, 60_000);
    expect([ended.code, origin.calls[0]!.bytes, messages[0]!.equals(body)]).toEqual([status.OK, body.length, true]);
  }, 60_000);

  test("has the deadline that its client gave, which cuts it here and cancels it there", async () => {
    const { client, origin } = await startOne();
    const metadata = m.clone();
    metadata.set("ask", "wait");
    const askedAt = Date.now();
    const { status: ended } = await client.unary(paths.predict, metadata, Buffer.alloc(0), 300);
    expect(ended.code).toBe(status.DEADLINE_EXCEEDED);
    const { deadline } = origin.calls[0]!;
    expect(deadline).toBeGreaterThan(askedAt);
    expect(deadline).toBeLessThanOrEqual(askedAt + 1000);
    await eventually(() => origin.calls[0]!.cancelled, "the cancellation");
  });

  test("is cut by the limit of its deployment, which says what set it", async () => {
    const { client, gateway, origin } = await startOne({ "seldon.io/grpc-timeout": "100" });
    const metadata = m.clone();
    metadata.set("ask", "wait");
    const { status: ended } = await gateway.during(client.unary(paths.predict, metadata));
    expect(ended.details).toContain("timeout 100 ms set by annotation seldon.io/grpc-timeout");
    expect([status.DEADLINE_EXCEEDED, status.UNAVAILABLE]).toContain(ended.code);
    await eventually(() => origin.calls[0]!.cancelled, "the cancellation");
  });

  test("over TLS on the way in", async () => {
    const { gateway } = await startOne();
    const client = new GrpcClient(gateway.tlsPort, credentials.createSsl(Buffer.from(certPem)), {
      "grpc.ssl_target_name_override": "localhost",
    });
    closers.push(() => client.close());
    expect(await client.who(paths.predict, m)).toBe("m");
  });
});

describe("a stream", () => {
  test("from the server comes message by message", async () => {
    const { client } = await startOne();
    const call = client.many(m, "5 10");
    const sizes: number[] = [];
    for await (const message of call) sizes.push((message as Buffer).length);
    expect(sizes).toEqual([10, 10, 10, 10, 10]);
  });

  test("to the server is read to its end", async () => {
    const { client } = await startOne();
    const { call, reply } = client.sum(m);
    for (let sent = 0; sent < 100; sent++) call.write(Buffer.alloc(1000));
    call.end();
    expect(await reply).toBe("100000");
  });

  test("both ways answers each message before the next is sent", async () => {
    const { client } = await startOne();
    const call = client.chat(m);
    for (let asked = 0; asked < 20; asked++) {
      call.write(Buffer.from(`message ${asked}`));
      const [answer] = (await once(call, "data")) as [Buffer];
      expect(answer.toString()).toBe(`message ${asked}`);
    }
    const ended = once(call, "status") as Promise<[StatusObject]>;
    call.end();
    const [{ code }] = await ended;
    expect(code).toBe(status.OK);
  });

  test("that its client cancels is cancelled at the server", async () => {
    const { client, origin } = await startOne();
    const call = client.chat(m);
    call.on("error", () => undefined);
    call.write(Buffer.from("x"));
    await once(call, "data");
    call.cancel();
    await eventually(() => origin.calls[0]!.cancelled, "the cancellation");
  });

  test(
    `of ${streamMegabytes} MB both ways arrives whole`,
    async () => {
      const { client, origin } = await startOne({ "seldon.io/grpc-timeout": "0" });
      const pieces = streamMegabytes * 16;
      const call = client.chat(m);
      const [sent, received] = [createHash("sha256"), createHash("sha256")];
      let receivedBytes = 0;
      call.on("data", (message: Buffer) => {
        receivedBytes += message.length;
        received.update(message);
      });
      const ended = once(call, "status") as Promise<[StatusObject]>;
      const random = randomBytes(128 * 1024);
      for (let piece = 0; piece < pieces; piece++) {
        // Another part of the same random bytes each time: a lost, doubled or swapped piece changes the hash.
        const start = (piece * 7919) % (64 * 1024);
        const message = random.subarray(start, start + 64 * 1024);
        sent.update(message);
        if (!call.write(message)) await once(call, "drain");
      }
      call.end();
      const [{ code }] = await ended;
      const bytes = pieces * 64 * 1024;
      expect([code, receivedBytes, origin.calls[0]!.bytes]).toEqual([status.OK, bytes, bytes]);
      expect(received.digest("hex")).toBe(sent.digest("hex"));
    },
    60_000 + streamMegabytes * 1000,
  );

  test("500 at once of 100 kB each", async () => {
    const { client } = await startOne({ "seldon.io/grpc-timeout": "60000" });
    const body = Buffer.alloc(100_000, "x");
    const replies = await Promise.all(Array.from({ length: 500 }, () => client.unary(paths.predict, m, body, 60_000)));
    expect(
      replies.filter(({ status: ended, messages }) => ended.code === status.OK && messages[0]!.length === body.length)
        .length,
    ).toBe(500);
  }, 90_000);
});

describe("routing", () => {
  test.each(
    Object.entries(paths).filter(
      ([name]) => name !== "many" && name !== "sum" && name !== "streamInfer" && name !== "reflection",
    ),
  )("%s: %s is served", async (_, path) => {
    const { client } = await startOne();
    expect(await client.who(path, m)).toBe("m");
  });

  test("reflection goes to the deployment that the metadata names", async () => {
    const { client, origin } = await startOne();
    const call = client.chat(m, paths.reflection);
    call.on("error", () => undefined);
    call.write(Buffer.from("list"));
    await once(call, "data");
    call.end();
    expect(origin.calls[0]!.path).toBe(paths.reflection);
  });

  test("namespaces never mix, a bare name belongs to the namespace that had it first", async () => {
    const [a, b, other] = [await originOf("a/m"), await originOf("b/m"), await originOf("a/other")];
    const gateway = await startGateway();
    await serveDocuments(gateway, [
      deployment("a", "m"),
      modelService("a", "m-default", { grpc: a.port }),
      deployment("b", "m"),
      modelService("b", "m-default", { grpc: b.port }),
      deployment("a", "other"),
      modelService("a", "other-default", { grpc: other.port }),
    ]);
    const client = clientOf(gateway);
    const who = (fields: Record<string, string>): Promise<string> => client.who(paths.predict, metadataOf(fields));
    expect(await who({ seldon: "m", namespace: "a" })).toBe("a/m");
    expect(await who({ seldon: "m", namespace: "b" })).toBe("b/m");
    expect(await who({ seldon: "other" })).toBe("a/other");
    expect(await who({ seldon: "other", namespace: "b" })).toMatch(/^UNIMPLEMENTED: /u);
    expect(await who({ seldon: "m" })).toBe("a/m");
    expect(await who({ seldon: "nobody" })).toBe("UNIMPLEMENTED: no route: no deployment of that name");
    expect(await who({ namespace: "a" })).toMatch(/^UNIMPLEMENTED: /u);
  });

  test("a header route takes calls with its metadata", async () => {
    const [plain, london] = [await originOf("plain"), await originOf("london")];
    const gateway = await startGateway();
    await serveDocuments(gateway, [
      deployment("prod", "m"),
      modelService("prod", "m-default", { grpc: plain.port }),
      deployment("prod", "m-london", undefined, {
        "seldon.io/ambassador-service-name": "m",
        "seldon.io/ambassador-header": "location:london",
      }),
      modelService("prod", "m-london-default", { grpc: london.port }),
    ]);
    const client = clientOf(gateway);
    expect(await client.who(paths.predict, m)).toBe("plain");
    expect(await client.who(paths.predict, metadataOf({ seldon: "m", namespace: "prod", location: "london" }))).toBe(
      "london",
    );
    expect(await client.who(paths.predict, metadataOf({ seldon: "m", namespace: "prod", location: "paris" }))).toBe(
      "plain",
    );
  });

  test("a canary takes its share of calls", async () => {
    const [main, canary] = [await originOf("main"), await originOf("canary")];
    const gateway = await startGateway();
    await serveDocuments(gateway, [
      deployment("prod", "m", [
        "{ name: main, traffic: 75, graph: { name: m, type: MODEL } }",
        "{ name: canary, traffic: 25, graph: { name: m, type: MODEL } }",
      ]),
      modelService("prod", "m-main", { grpc: main.port }),
      modelService("prod", "m-canary", { grpc: canary.port }),
    ]);
    const client = clientOf(gateway);
    const calls = 1000;
    const names = await Promise.all(Array.from({ length: calls }, () => client.who(paths.predict, m)));
    const share = names.filter((name) => name === "canary").length;
    expect(names.every((name) => name === "main" || name === "canary")).toBe(true);
    // Six standard deviations.
    expect(Math.abs(share - calls / 4)).toBeLessThanOrEqual(Math.ceil(6 * Math.sqrt(calls * 0.25 * 0.75)));
  });

  test("a shadow gets a copy of unary and of client-streaming calls, and its answer goes nowhere", async () => {
    const [main, shadow] = [await originOf("main"), await originOf("shadow")];
    const gateway = await startGateway();
    await serveDocuments(gateway, [
      deployment("prod", "m", [
        "{ name: main, graph: { name: m, type: MODEL } }",
        "{ name: copy, shadow: true, graph: { name: m, type: MODEL } }",
      ]),
      modelService("prod", "m-main", { grpc: main.port }),
      modelService("prod", "m-copy", { grpc: shadow.port }),
    ]);
    const client = clientOf(gateway);
    const copies = (): number =>
      Array.from({ length: 8 }, (_, mapping) => gateway.shadowed("sent", firstSlot + mapping)).reduce(
        (sum, count) => sum + count,
      );
    expect(await client.who(paths.predict, m)).toBe("main");
    const { call, reply } = client.sum(m);
    for (let sent = 0; sent < 10; sent++) call.write(Buffer.alloc(1000));
    call.end();
    expect(await reply).toBe("10000");
    await eventually(() => shadow.calls.length === 2 && shadow.calls[1]!.bytes === 10_000, "both copies");
    expect(shadow.calls.map(({ path }) => path)).toEqual([paths.predict, paths.sum]);
    expect(shadow.calls[0]!.metadata.get("x-request-id")).toEqual(main.calls[0]!.metadata.get("x-request-id"));
    // A large answer is read to its end, not reset.
    let received = 0;
    for await (const message of client.many(m, "40 100000")) received += (message as Buffer).length;
    expect(received).toBe(4_000_000);
    await eventually(() => copies() === 3, "the third copy");
  });

  test("calls are balanced one by one over the Endpoints of a Service", async () => {
    const [one, two] = [await originOf("one"), await originOf("two")];
    const gateway = await startGateway();
    const slice = modelService("prod", "m-default", { grpc: one.port });
    await serveDocuments(gateway, [
      deployment("prod", "m"),
      slice,
      slice
        .slice(slice.indexOf("---") + 4)
        .replace("m-default-1", "m-default-2")
        .replace(`port: ${one.port}`, `port: ${two.port}`),
    ]);
    const client = clientOf(gateway);
    for (let asked = 0; asked < 60; asked++) await client.who(paths.predict, m);
    expect(one.calls.length + two.calls.length).toBe(60);
    expect(Math.min(one.calls.length, two.calls.length)).toBeGreaterThan(10);
  });
});
