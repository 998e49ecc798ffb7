// Answers of shadows that are compared: both are handed over as they were, and nothing that a shadow does changes what the client gets.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { maxAnswerBytes, type PostedAnswer, type PostedPair } from "../../gateway/shared/compared-pairs.ts";
import { pairsOfShadow } from "../../gateway/edge/shadow/pair-sample.ts";
import type { Mapping } from "../../routing/model/mapping.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { is, named, prefix } from "../routing/build.ts";
import { eventually } from "../turns.ts";
import type { RawClient } from "./client.ts";
import { Gateway, endpointsOn, irisTo, post, transports } from "./gateway.ts";
import { GrpcClient, GrpcOrigin, metadataOf, paths } from "./grpc-peer.ts";
import { Origin } from "./origin.ts";

function comparedShadow(live: Mapping, upstream: string): Mapping {
  const { target, series } = live;
  if (target.kind !== "forward") throw new Error("no forward");
  return {
    ...live,
    id: "shadow",
    role: { kind: "shadow", percent: 100 },
    target: { ...target, upstream, compare: "true" },
    series: { ...series, predictor: "next", role: "shadow" },
  };
}

function bodyOf({ body }: PostedAnswer): string {
  return Buffer.from(body).toString("latin1");
}

function answer(
  body: string,
  status = "200 OK",
): (connection: { readonly socket: { write(text: string): void } }) => void {
  return ({ socket }) => socket.write(`HTTP/1.1 ${status}\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
}

describe.each(transports)("%s", (_name, secure) => {
  let gateway: Gateway;
  let origin: Origin;
  let shadow: Origin;
  let client: RawClient;

  beforeEach(async () => {
    origin = await new Origin(answer("primary")).listen();
    shadow = await new Origin(answer("shadow")).listen();
    gateway = await new Gateway({ time: "real", limits: { shadowTimeoutMs: 300 } }).listen();
    gateway.serve(
      [irisTo("iris"), comparedShadow(irisTo("iris"), "copy")],
      [upstreamOf("iris"), upstreamOf("copy")],
      [endpointsOn("iris", [origin.port]), endpointsOn("copy", [shadow.port])],
    );
    client = await gateway.open(secure);
  });
  afterEach(async () => {
    client.destroy();
    gateway.close();
    await origin.close();
    await shadow.close();
  });

  /** One request, whose client gets the primary's answer. */
  async function ask(): Promise<void> {
    client.write(post("{}"));
    const answers = await client.answers(1);
    expect(answers.map(({ status, body }) => [status, body])).toEqual([[200, "primary"]]);
  }

  async function pair(): Promise<PostedPair> {
    await eventually(() => gateway.pairs.length === 1, "the pair handed over");
    expect(gateway.counted("comparedBytes")).toBe(0);
    return gateway.pairs[0]!;
  }

  test("both answers are handed over, with who gave them", async () => {
    await ask();
    const { primary, shadow: copy, ...rest } = await pair();
    expect([bodyOf(primary), bodyOf(copy!)]).toEqual(["primary", "shadow"]);
    expect(rest).toMatchObject({
      namespace: "prod",
      deployment: "iris",
      predictor: "next",
      rules: "true",
      isGrpc: false,
    });
  });

  test.each([
    ["resets", (one: Origin) => (one.behaviour = (connection) => connection.socket.destroy())],
    ["never answers", (one: Origin) => (one.behaviour = () => undefined)],
    ["answers garbage", (one: Origin) => (one.behaviour = (connection) => connection.socket.write("garbage\r\n\r\n"))],
    [
      "ends early",
      (one: Origin) =>
        (one.behaviour = (connection) => {
          connection.socket.end("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
        }),
    ],
  ])("a shadow that %s has given no answer", async (_what, behave) => {
    behave(shadow);
    await ask();
    expect((await pair()).shadow).toBeNull();
  });

  describe.each(["primary", "shadow"] as const)("of the %s's answer", (which) => {
    test.each([
      [maxAnswerBytes - 1, false],
      [maxAnswerBytes, false],
      [maxAnswerBytes + 1, true],
      [2_000_000, true],
    ])("%d bytes: too large %s", async (bytes, isTooLarge) => {
      (which === "primary" ? origin : shadow).behaviour = (connection) => {
        connection.socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        connection.socket.write(`${bytes.toString(16)}\r\n`);
        connection.socket.write(Buffer.alloc(bytes, "x"));
        connection.socket.write("\r\n0\r\n\r\n");
      };
      client.write(post("{}"));
      expect((await client.answers(1))[0]!.body).toHaveLength(which === "primary" ? bytes : "primary".length);
      if (isTooLarge) {
        await eventually(() => gateway.counted("comparisonDrops", "too_large") === 1, "the pair left out");
        expect([gateway.pairs, gateway.pairsLeftOut]).toEqual([[], [["next", "default", "too_large"]]]);
        expect(gateway.counted("comparedBytes")).toBe(0);
      } else expect((await pair())[which]!.body).toHaveLength(bytes);
    });
  });

  test("a client that gets no answer of the primary has none to compare, and no byte stays held", async () => {
    origin.behaviour = (connection) => connection.socket.destroy();
    client.write(post("{}"));
    expect((await client.answers(1))[0]!.status).toBe(503);
    await eventually(() => gateway.counted("comparisonDrops", "incomplete") === 1, "the pair dropped");
    expect(gateway.pairs).toEqual([]);
    expect(gateway.counted("comparedBytes")).toBe(0);
    // The next one is as any other.
    origin.behaviour = answer("primary");
    client.destroy();
    client = await gateway.open(secure);
    await ask();
    await pair();
  });

  test("while the control worker takes no pair the client gets its answer, the shadow its copy, and the pair is left out", async () => {
    gateway.comparesMore = false;
    await ask();
    await eventually(() => gateway.counted("comparisonDrops", "hand_over") === 1, "the pair left out");
    expect(gateway.pairs).toEqual([]);
    gateway.comparesMore = true;
    await ask();
    await pair();
    expect(gateway.counted("comparisonDrops", "hand_over")).toBe(1);
  });

  test("what a slow shadow leaves waiting holds back no answer", async () => {
    let late: (() => void) | null = null;
    shadow.behaviour = (connection) => (late = () => answer("late")(connection));
    await ask();
    expect(gateway.pairs).toEqual([]);
    await eventually(() => late !== null, "the copy at the shadow");
    late!();
    expect(bodyOf((await pair()).shadow!)).toBe("late");
  });
});

test.each([
  [pairsOfShadow - 1, 0],
  [pairsOfShadow, 0],
  [pairsOfShadow + 1, 1],
])("of %d requests of one second, by a clock that stands still, %d are left out", async (asked, leftOut) => {
  const [origin, shadow] = [await new Origin(answer("primary")).listen(), await new Origin(answer("shadow")).listen()];
  const gateway = await new Gateway().listen();
  gateway.serve(
    [irisTo("iris"), comparedShadow(irisTo("iris"), "copy")],
    [upstreamOf("iris"), upstreamOf("copy")],
    [endpointsOn("iris", [origin.port]), endpointsOn("copy", [shadow.port])],
  );
  const client = await gateway.open(false);
  try {
    for (let sent = 1; sent <= asked; sent++) {
      client.write(post("{}"));
      await client.answers(sent);
      await eventually(() => gateway.pairs.length + gateway.pairsLeftOut.length === sent, "its pair");
    }
    expect(gateway.pairsLeftOut.map(([, , why]) => why)).toEqual(Array<string>(leftOut).fill("rate"));
    expect(gateway.counted("comparisonDrops", "rate")).toBe(leftOut);
    await gateway.advance(1000);
    client.write(post("{}"));
    await client.answers(asked + 1);
    await eventually(() => gateway.pairs.length === asked - leftOut + 1, "the pair of the next second");
  } finally {
    client.destroy();
    gateway.close();
    await Promise.all([origin.close(), shadow.close()]);
  }
});

test("gRPC: messages with their frames, their method and both statuses", async () => {
  const [origin, shadow] = [await new GrpcOrigin("primary").listen(), await new GrpcOrigin("shadow").listen()];
  const gateway = await new Gateway({ time: "real" }).listen();
  const client = new GrpcClient(gateway.port);
  try {
    const mapping = irisTo("iris", { rewrite: { kind: "none" } });
    const live: Mapping = {
      ...mapping,
      match: {
        ...mapping.match,
        path: prefix("/"),
        headers: [named("seldon", is("iris")), named("namespace", is("prod"))],
      },
      series: { ...mapping.series, protocol: "grpc" },
    };
    const http2 = (key: string): ReturnType<typeof upstreamOf> => ({ ...upstreamOf(key), protocol: "http2" });
    gateway.serve(
      [live, comparedShadow(live, "copy")],
      [http2("iris"), http2("copy")],
      [endpointsOn("iris", [origin.port]), endpointsOn("copy", [shadow.port])],
    );
    const reply = await client.unary(paths.predict, metadataOf({ seldon: "iris", namespace: "prod" }));
    expect(String(reply.messages[0])).toBe("primary");
    await eventually(() => gateway.pairs.length === 1, "the pair handed over");
    const { primary, shadow: copy, isGrpc, path } = gateway.pairs[0]!;
    expect([isGrpc, path]).toEqual([true, paths.predict]);
    expect([primary.grpcStatus, copy!.grpcStatus]).toEqual([0, 0]);
    expect([bodyOf(primary), bodyOf(copy!)]).toEqual(["\0\0\0\0\x07primary", "\0\0\0\0\x06shadow"]);
  } finally {
    client.close();
    gateway.close();
    origin.close();
    shadow.close();
  }
});
