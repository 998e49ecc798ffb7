// Limits of rate over the wire: who is refused, what he is told in each protocol, what counts and what does not.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { noPolicy } from "../../gateway/callers/call-policy.ts";
import { framed } from "../../gateway/edge/message/grpc-message.ts";
import { limitMemory } from "../../gateway/shared/memory/limit-memory.ts";
import { plainGuard, type Guard } from "../../routing/model/guard.ts";
import type { ForwardTarget, Mapping } from "../../routing/model/mapping.ts";
import { parseLimits } from "../../routing/model/rate-limit.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { guardOf, keysProvider } from "../policies.ts";
import { eventually } from "../turns.ts";
import { fieldOf, type WireAnswer } from "./client.ts";
import { Gateway, endpointsOn, firstSlot, irisTo, post, transports, type GatewayOptions } from "./gateway.ts";
import { Http2Client } from "./http2-client.ts";
import { Http2Origin } from "./http2-origin.ts";
import { Origin, answerEach, requestsIn } from "./origin.ts";

const path = "/seldon/prod/iris/x";
const grpc = {
  ":method": "POST",
  ":path": "/seldon.protos.Seldon/Predict",
  "content-type": "application/grpc",
  te: "trailers",
  seldon: "iris",
  namespace: "prod",
};

function limited(text: string, guard: Guard = plainGuard): Guard {
  const read = parseLimits(text);
  if (read.kind === "wrong") throw new Error(read.reason);
  return { ...guard, limits: read.limits };
}

describe.each(transports)("%s", (_name, secure) => {
  let gateway: Gateway;
  let origin: Origin;
  const others: Gateway[] = [];

  beforeEach(async () => {
    origin = await new Origin().listen();
    origin.behaviour = answerEach("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  });
  afterEach(async () => {
    expect(gateway.faults).toBe(0);
    gateway.close();
    for (const other of others.splice(0)) other.close();
    await origin.close();
  });

  async function start(
    guard: Guard,
    options: GatewayOptions = {},
    target: Partial<ForwardTarget> = {},
    more: readonly Mapping[] = [],
  ): Promise<Gateway> {
    gateway = await new Gateway({ accessLog: "all", ...options }).listen();
    serve(gateway, guard, target, more);
    return gateway;
  }

  function serve(one: Gateway, guard: Guard, target: Partial<ForwardTarget> = {}, more: readonly Mapping[] = []): void {
    one.serve(
      [{ ...irisTo("iris", target), guard }, ...more],
      [upstreamOf("iris")],
      [endpointsOn("iris", [origin.port])],
    );
  }

  function ask(fields = "", target = path, one = gateway): Promise<WireAnswer> {
    return one.ask(secure, post("x", fields, target));
  }

  async function codes(count: number, fields = ""): Promise<number[]> {
    const answers: number[] = [];
    for (let at = 0; at < count; at++) answers.push((await ask(fields)).status);
    return answers;
  }

  test("a burst, then 429 with what holds and when to come again, then the rate", async () => {
    await start(limited("2/min burst 3"));
    expect(await codes(3)).toEqual([200, 200, 200]);
    const refused = await ask("Accept: application/json\r\n");
    expect(refused.status).toBe(429);
    expect(["retry-after", "ratelimit-policy", "ratelimit"].map((name) => fieldOf(refused, name))).toEqual([
      "30",
      '"2/min burst 3";q=2;w=60',
      '"2/min burst 3";r=0;t=30',
    ]);
    expect(JSON.parse(refused.body)).toEqual({
      status: {
        code: 429,
        info: "Too many requests: the limit is 2/min burst 3; try again in 30 s",
        reason: "rate-limited",
        status: "FAILURE",
      },
    });
    expect([gateway.answered("200"), gateway.answered("429"), gateway.flagged("RL")]).toEqual([3, 1, 1]);
    expect(gateway.entries.at(-1)).toMatchObject({
      code: 429,
      flag: "RL",
      sentence: "Too many requests: the limit is 2/min burst 3; try again in 30 s",
    });
    expect(requestsIn(origin.text)).toHaveLength(3);
    await gateway.advance(29_900);
    expect(fieldOf(await ask(), "retry-after")).toBe("1");
    await gateway.advance(200);
    expect(await codes(2)).toEqual([200, 429]);
  });

  test.each([
    [1, [200, 429]],
    [2, [200, 200, 429]],
  ])("a burst of %i", async (burst, expected) => {
    await start(limited(`1/h burst ${burst}`));
    expect(await codes(burst + 1)).toEqual(expected);
  });

  test("several hold at once, and what one refuses takes nothing of the others", async () => {
    await start(limited("3/h; 1/h per header x-team"));
    expect(await codes(4, "x-team: a\r\n")).toEqual([200, 429, 429, 429]);
    const refused = await ask("x-team: a\r\n");
    expect(fieldOf(refused, "ratelimit-policy")).toBe('"3/h";q=3;w=3600, "1/h per header x-team";q=1;w=3600');
    expect(fieldOf(refused, "ratelimit")).toBe('"3/h";r=2;t=1200, "1/h per header x-team";r=0;t=3600');
    expect([await codes(1, "x-team: b\r\n"), await codes(1, "X-Team: c\r\n"), await codes(1, "x-team: d\r\n")]).toEqual(
      [[200], [200], [429]],
    );
  });

  test("per header: each value by itself, all values of several lines, and together whoever sends none", async () => {
    await start(limited("1/h per header x-team"));
    const rounds = [
      "x-team: a\r\n",
      "x-team: b\r\n",
      "x-team: a\r\nx-team: b\r\n",
      "x-team: b\r\nx-team: a\r\n",
      "x-team:\r\n",
      "",
    ];
    for (const fields of rounds) expect([fields, await codes(2, fields)]).toEqual([fields, [200, 429]]);
  });

  test("per client: each by its name, through whatever key; per address whoever was not asked who it is", async () => {
    const policy = {
      ...noPolicy,
      providers: { keys: keysProvider({ "key-1": "app", "key-2": "app", "key-3": "other" }) },
    };
    await start(limited("2/h per client", guardOf("keys")), { policy });
    expect(await codes(1, "x-api-key: key-1\r\n")).toEqual([200]);
    expect(await codes(2, "x-api-key: key-2\r\n")).toEqual([200, 429]);
    expect(await codes(2, "x-api-key: key-3\r\n")).toEqual([200, 200]);
    // Who is not admitted uses up nobody's permits.
    expect(await codes(2, "x-api-key: wrong\r\n")).toEqual([401, 401]);
    gateway.close();
    await start(limited("2/h per client"), { trustedHops: 1 });
    expect([
      await codes(3, "x-forwarded-for: 192.0.2.1\r\n"),
      await codes(1, "x-forwarded-for: 192.0.2.2\r\n"),
    ]).toEqual([[200, 200, 429], [200]]);
  });

  test("per address: the one that a believed proxy saw, of IPv6 the network; nobody else can say one", async () => {
    await start(limited("1/h per address"), { trustedHops: 1 });
    const addresses = ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1"];
    for (const address of addresses)
      expect([address, await codes(2, `x-forwarded-for: 198.51.100.7, ${address}\r\n`)]).toEqual([address, [200, 429]]);
    expect(await codes(1, "x-forwarded-for: 2001:db8::ffff:1\r\n")).toEqual([429]);
    expect(await codes(1, "x-forwarded-for: ::ffff:192.0.2.1\r\n")).toEqual([429]);
    gateway.close();
    await start(limited("1/h per address"));
    expect([
      await codes(1, "x-forwarded-for: 192.0.2.1\r\n"),
      await codes(1, "x-forwarded-for: 192.0.2.2\r\n"),
    ]).toEqual([[200], [429]]);
  });

  test("gRPC: RESOURCE_EXHAUSTED, with RetryInfo in its details", async () => {
    const upstream = await new Http2Origin(({ stream }) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(framed(0, Buffer.from("x")));
    }).listen();
    gateway = await new Gateway({ accessLog: "all" }).listen();
    const mapping = { ...irisTo("iris"), guard: limited("4/min burst 1") };
    const call = {
      ...mapping,
      id: "grpc",
      match: { ...mapping.match, path: { kind: "prefix", prefix: "/seldon.protos.", caseSensitive: true } as const },
      target: { ...mapping.target, rewrite: { kind: "none" } } as ForwardTarget,
    };
    gateway.serve([call], [{ ...upstreamOf("iris"), protocol: "http2" }], [endpointsOn("iris", [upstream.port])]);
    const client = await Http2Client.open(gateway, secure);
    const predict = async (): Promise<Awaited<ReturnType<Http2Client["reply"]>>> => {
      const stream = client.start(grpc);
      stream.end(framed(0, Buffer.from("x")));
      return client.reply(stream);
    };
    expect((await predict()).trailers?.["grpc-status"]).toBe("0");
    await gateway.advance(4_750);
    const { headers } = await predict();
    expect(headers).toMatchObject({
      ":status": 200,
      "grpc-status": "8",
      "retry-after": "11",
      ratelimit: '"4/min burst 1";r=0;t=11',
    });
    expect(headers["grpc-message"]).toBe("Too many requests: the limit is 4/min burst 1; try again in 11 s");
    // code 8; message; a RetryInfo whose delay has 10 s and the rest in ns.
    const details = Buffer.from(headers["grpc-status-details-bin"] as unknown as string, "base64");
    expect(details.subarray(0, 2).toString("hex")).toBe("0808");
    expect(details.includes("type.googleapis.com/google.rpc.RetryInfo")).toBe(true);
    expect(details.toString("hex")).toMatch(/0a..080a10/);
    client.destroy();
    upstream.close();
  });

  test("workers of one process count together, and a worker that is new goes on where the others are", async () => {
    const rateLimits = limitMemory(100, 0, [7, 8]);
    await start(limited("3/h"), { rateLimits });
    const other = await new Gateway({ rateLimits }).listen();
    others.push(other);
    serve(other, limited("3/h"));
    expect([
      await codes(2),
      (await ask("", path, other)).status,
      (await ask("", path, other)).status,
      await codes(1),
    ]).toEqual([[200, 200], 200, 429, [429]]);
  });

  test("a table that is new forgets nothing, another limit begins anew", async () => {
    await start(limited("1/h"));
    expect(await codes(2)).toEqual([200, 429]);
    serve(gateway, limited("1/h"), { timeout: { ms: 77, setBy: "x" } });
    expect(await codes(1)).toEqual([429]);
    serve(gateway, limited("2/h"));
    expect(await codes(3)).toEqual([200, 200, 429]);
    serve(gateway, plainGuard);
    expect(await codes(3)).toEqual([200, 200, 200]);
  });

  test("the policy says it where the object says nothing, of its namespace first, and for each object by itself", async () => {
    const rules = (text: string): (typeof noPolicy)["defaults"] => ({
      ...noPolicy.defaults,
      limits: limited(text).limits,
    });
    const second = {
      ...irisTo("iris"),
      id: "second",
      source: { kind: "SeldonDeployment", namespace: "prod", name: "second" },
      match: {
        ...irisTo("iris").match,
        path: { kind: "prefix", prefix: "/seldon/prod/second/", caseSensitive: true } as const,
      },
      guard: plainGuard,
    };
    await start(plainGuard, { policy: { ...noPolicy, defaults: rules("1/h") } }, {}, [second]);
    expect([
      await codes(2),
      (await ask("", "/seldon/prod/second/x")).status,
      (await ask("", "/seldon/prod/second/x")).status,
    ]).toEqual([[200, 429], 200, 429]);
    gateway.plane.setPolicy({
      ...noPolicy,
      defaults: rules("1/h"),
      namespaces: { prod: { ...rules("2/h"), mayOpen: false } },
    });
    expect(await codes(3)).toEqual([200, 200, 429]);
    serve(gateway, limited("3/h"));
    expect(await codes(4)).toEqual([200, 200, 200, 429]);
  });

  test("preflights do not count, and what is tried again counts once", async () => {
    const cors = {
      origins: ["https://a.example"],
      methods: "POST",
      headers: "",
      exposedHeaders: "",
      credentials: false,
      maxAge: "",
    };
    let asked = 0;
    const seen = new Map<unknown, number>();
    origin.behaviour = (connection) => {
      const count = requestsIn(connection.text).length;
      for (let at = seen.get(connection) ?? 0; at < count; at++)
        connection.socket.write(
          asked++ % 2 === 0
            ? "HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n"
            : "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        );
      seen.set(connection, count);
    };
    await start(
      limited("2/h"),
      {},
      { cors, retry: { retryOn: ["gateway-error"], numRetries: 1, perTryTimeoutMs: null } },
    );
    const client = await gateway.open(secure);
    for (let at = 0; at < 3; at++)
      client.write(
        `OPTIONS ${path} HTTP/1.1\r\nHost: a\r\nOrigin: https://a.example\r\nAccess-Control-Request-Method: POST\r\n\r\n`,
      );
    expect((await client.answers(3)).map(({ status }) => status)).toEqual([200, 200, 200]);
    client.write(post("x", "Origin: https://a.example\r\n", path));
    client.write(post("x", "Origin: https://a.example\r\n", path));
    client.write(post("x", "Origin: https://a.example\r\n", path));
    const answers = (await gateway.during(client.answers(6))).slice(3);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    // A browser may read why.
    expect(fieldOf(answers[2]!, "access-control-allow-origin")).toBe("https://a.example");
    client.destroy();
  });

  test("who is refused pays for its body with nothing but its reading, and the connection goes on", async () => {
    await start(limited("1/h"));
    const client = await gateway.open(secure);
    for (let at = 0; at < 3; at++) client.write(post("x".repeat(5000), "", path));
    expect((await client.answers(3)).map(({ status }) => status)).toEqual([200, 429, 429]);
    await eventually(() => gateway.counted("inFlight") === 0, "nothing in flight");
    expect(gateway.answered("429", firstSlot)).toBe(2);
    client.destroy();
  });

  test("a WebSocket counts once, when it opens", async () => {
    await start(limited("1/h"), {}, { upgrades: ["websocket"] });
    origin.behaviour = ({ socket }) =>
      void socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
    const upgrade = `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n`;
    const client = await gateway.open(secure);
    client.write(upgrade);
    await eventually(() => client.text.includes(" 101 "), "a tunnel");
    for (let at = 0; at < 5; at++) client.write("frames");
    const second = await gateway.open(secure);
    second.write(upgrade);
    expect((await second.answers(1))[0]!.status).toBe(429);
    client.destroy();
    second.destroy();
  });
});
