// Shadows: copies leave after the primary's request, and nothing they do reaches the primary.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Mapping } from "../../routing/model/mapping.ts";
import { shadowOutcomes } from "../../gateway/shared/metrics/series.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { eventually } from "../turns.ts";
import type { RawClient } from "./client.ts";
import { Gateway, endpointsOn, firstSlot, irisTo, post, transports } from "./gateway.ts";
import { Origin, requestsIn, type OriginConnection } from "./origin.ts";

const slot = firstSlot + 1;

function shadowTo(upstream: string, percent = 100, id = "shadow"): Mapping {
  return {
    ...irisTo(upstream),
    id,
    role: { kind: "shadow", percent },
    series: { ...irisTo(upstream).series, role: "shadow" },
  };
}

describe.each(transports)("%s", (_name, secure) => {
  let gateway: Gateway;
  let origin: Origin;
  let shadow: Origin;
  let client: RawClient;

  beforeEach(async () => {
    origin = await new Origin().listen();
    shadow = await new Origin().listen();
  });
  afterEach(async () => {
    client.destroy();
    gateway.close();
    await origin.close();
    await shadow.close();
  });

  async function start(options: ConstructorParameters<typeof Gateway>[0] = {}, percent = 100): Promise<void> {
    gateway = await new Gateway({ time: "real", ...options }).listen();
    serve(shadow.port, percent);
    client = await gateway.open(secure);
  }

  function serve(shadowPort: number | null, percent = 100): void {
    gateway.serve(
      [irisTo("iris"), shadowTo("copy", percent)],
      [upstreamOf("iris"), upstreamOf("copy")],
      [endpointsOn("iris", [origin.port]), endpointsOn("copy", shadowPort === null ? [] : [shadowPort])],
    );
  }

  function counted(): number {
    return shadowOutcomes.reduce((sum, outcome) => sum + gateway.shadowed(outcome, slot), 0);
  }

  test("the copy is the request that went upstream: same id, same body, Host with its suffix", async () => {
    await start();
    client.write(
      `POST /seldon/prod/iris/x?q=1 HTTP/1.1\r\nHost: a.example:8003\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n`,
    );
    await client.answers(1);
    await eventually(() => gateway.shadowed("sent", slot) === 1, "the copy sent");
    const copy = requestsIn(shadow.text)[0]!;
    const primary = requestsIn(origin.text)[0]!;
    expect(copy).toMatch(/^POST \/x\?q=1 HTTP\/1\.1\r\n/);
    expect(copy).toMatch(/\r\nhost: a\.example-shadow:8003\r\n/);
    expect(copy).toMatch(/\r\ncontent-length: 6\r\n\r\nhello!$/);
    expect(copy).toContain("X-A: 1");
    const idOf = (request: string): string => /x-request-id: (\S+)/.exec(request)![1]!;
    expect(idOf(copy)).toBe(idOf(primary));
  });

  test("it leaves only after the primary request is complete, and not when that never completes", async () => {
    await start();
    client.write("POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
    await eventually(() => origin.text.includes("half"), "the half at the primary");
    expect(shadow.connections).toHaveLength(0);
    client.destroy();
    await eventually(() => gateway.shadowed("dropped_incomplete", slot) === 1, "the copy dropped");
    expect(shadow.connections).toHaveLength(0);
    expect(gateway.counted("shadowBytes")).toBe(0);
  });

  test("the share of copies follows the percent, drawn for each request", async () => {
    await start({}, 25);
    const count = 400;
    client.write(Array.from({ length: count }, () => post("x")).join(""));
    await client.answers(count);
    await eventually(
      () => gateway.counted("shadowInFlight") === 0 && gateway.counted("shadowQueued") === 0,
      "no copy under way",
    );
    const copies = gateway.shadowed("sent", slot);
    expect(copies).toBeGreaterThan(count * 0.25 - 45);
    expect(copies).toBeLessThan(count * 0.25 + 45);
  });

  test.each([
    ["answers", null, "sent"],
    ["resets", (one: Origin) => (one.behaviour = (connection) => connection.socket.destroy()), "failed"],
    ["never answers", (one: Origin) => (one.behaviour = () => undefined), "failed"],
    ["does not read", (one: Origin) => (one.behaviour = (connection) => connection.socket.pause()), "failed"],
    [
      "answers rubbish",
      (one: Origin) => (one.behaviour = (connection) => connection.socket.write("rubbish\r\n\r\n")),
      "failed",
    ],
    [
      "answers 20 MB",
      (one: Origin) =>
        (one.behaviour = (connection) => {
          connection.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 20000000\r\n\r\n");
          connection.socket.write(Buffer.alloc(20_000_000));
        }),
      "sent",
    ],
  ] as const)(
    "a shadow that %s changes nothing for the primary; its outcomes add up",
    async (_what, behave, outcome) => {
      await start({
        limits: { shadowTimeoutMs: outcome === "sent" ? 5000 : 200, shadowConcurrency: 4, shadowQueue: 8 },
      });
      behave?.(shadow);
      const body = "b".repeat(100_000);
      const count = 30;
      for (let i = 1; i <= count; i++) {
        client.write(post(body));
        await client.answers(i);
      }
      expect((await client.answers(count)).every(({ status }) => status === 200)).toBe(true);
      expect(gateway.answered("200")).toBe(count);
      await eventually(() => counted() === count, "every copy counted");
      expect(gateway.shadowed(outcome, slot)).toBeGreaterThan(0);
      // One that loses its connections is left alone for a while.
      const dropped = gateway.shadowed("dropped_queue", slot) + gateway.shadowed("dropped_unready", slot);
      expect(gateway.shadowed(outcome, slot) + dropped).toBe(count);
      await eventually(() => gateway.counted("shadowBytes") === 0, "no byte held");
      expect(gateway.entries).toEqual([]);
    },
  );

  test.each([
    ["tells more than 1 MiB", "content-length: 1048577", 0, 2],
    ["tells 1 MiB", "content-length: 1048576", 1_048_576, 1],
    ["ends at 1 MiB that it does not tell", "transfer-encoding: chunked", 1_048_576, 1],
    ["goes on after 1 MiB that it does not tell", "transfer-encoding: chunked", 1_048_577, 2],
  ])("an answer of a shadow that %s: %s", async (_what, framing, bytes, connections) => {
    await start();
    shadow.behaviour = (connection) => {
      const body =
        bytes === 0
          ? ""
          : framing.startsWith("content")
            ? "a".repeat(bytes)
            : `${bytes.toString(16)}\r\n${"a".repeat(bytes)}\r\n0\r\n\r\n`;
      connection.socket.write(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n${body}`);
    };
    for (let i = 1; i <= 2; i++) {
      client.write(post("x"));
      await eventually(() => gateway.shadowed("sent", slot) === i, "the copy sent");
    }
    // A connection whose answer was not read to its end serves nobody else.
    expect(shadow.connections).toHaveLength(connections);
  });

  test("a shadow that refuses connections, and one without endpoints", async () => {
    await start();
    await shadow.close();
    client.write(post("x"));
    await client.answers(1);
    await eventually(() => gateway.shadowed("failed", slot) === 1, "the copy failed");
    serve(null);
    client.write(post("x"));
    await client.answers(2);
    await eventually(() => gateway.shadowed("dropped_unready", slot) === 1, "the copy dropped");
    shadow = await new Origin().listen();
  });

  test("a shadow that resets five times in a row gets no copy for a while, then one, then all if that is answered", async () => {
    await start();
    const healthy = shadow.behaviour;
    const resetting = (connection: OriginConnection): void => void connection.socket.resetAndDestroy();
    let asked = 0;
    const ask = async (outcome: (typeof shadowOutcomes)[number]): Promise<void> => {
      const before = gateway.shadowed(outcome, slot);
      client.write(post("x"));
      await client.answers(++asked);
      await eventually(() => gateway.shadowed(outcome, slot) > before, `a copy: ${outcome}`);
    };
    // Four are not enough, and an answer ends the row.
    for (const [behaviour, outcome, times] of [
      [resetting, "failed", 4],
      [healthy, "sent", 1],
      [resetting, "failed", 5],
    ] as const) {
      shadow.behaviour = behaviour;
      for (let i = 0; i < times; i++) await ask(outcome);
    }
    const dialled = shadow.connections.length;
    const askUntil = (holds: () => boolean, what: string): Promise<void> =>
      eventually(() => {
        client.write(post("x"));
        asked += 1;
        return holds();
      }, what);
    await askUntil(() => gateway.shadowed("dropped_unready", slot) > 0, "a copy dropped");
    await client.answers(asked);
    await eventually(() => counted() === asked, "every copy counted");
    expect(gateway.counted("shadowBytes")).toBe(0);
    shadow.behaviour = healthy;
    await askUntil(() => gateway.shadowed("sent", slot) > 1, "an answered trial");
    await client.answers(asked);
    expect(shadow.connections.length).toBeGreaterThan(dialled);
    const dropped = gateway.shadowed("dropped_unready", slot);
    await ask("sent");
    expect(gateway.shadowed("dropped_unready", slot)).toBe(dropped);
    await eventually(() => counted() === asked, "every copy counted");
    expect(gateway.answered("200")).toBe(asked);
  });

  test("what waits for a shadow when it begins to back off is dropped at once", async () => {
    await start({ limits: { shadowConcurrency: 1 } });
    shadow.behaviour = () => undefined;
    client.write(post("x").repeat(10));
    await client.answers(10);
    await eventually(() => shadow.connections.length === 1 && gateway.counted("shadowQueued") === 9, "nine waiting");
    shadow.behaviour = (connection) => void connection.socket.resetAndDestroy();
    shadow.behaviour(shadow.connections[0]!, shadow);
    await eventually(() => counted() === 10, "every copy counted");
    expect(gateway.shadowed("failed", slot)).toBe(5);
    expect(gateway.shadowed("dropped_unready", slot)).toBe(5);
    expect(gateway.counted("shadowBytes")).toBe(0);
    expect(gateway.counted("shadowQueued")).toBe(0);
  });

  test("while one shadow never answers, another gets all its copies", async () => {
    gateway = await new Gateway({
      time: "real",
      limits: { shadowConcurrency: 4, shadowQueue: 8, shadowTimeoutMs: 60_000 },
    }).listen();
    const stuck = await new Origin(() => undefined).listen();
    gateway.serve(
      [irisTo("iris"), shadowTo("stuck", 100, "s1"), shadowTo("copy", 100, "s2")],
      [upstreamOf("iris"), upstreamOf("stuck"), upstreamOf("copy")],
      [endpointsOn("iris", [origin.port]), endpointsOn("stuck", [stuck.port]), endpointsOn("copy", [shadow.port])],
    );
    client = await gateway.open(secure);
    const count = 20;
    for (let i = 1; i <= count; i++) {
      client.write(post("x"));
      await client.answers(i);
      await eventually(() => gateway.shadowed("sent", firstSlot + 2) === i, "the copy of the healthy one");
    }
    // Half of both while it is alone, a third rounded up beside another.
    await eventually(() => stuck.connections.length === 2, "its copies in flight");
    expect(gateway.counted("shadowInFlight")).toBe(2);
    expect(gateway.counted("shadowQueued")).toBeGreaterThanOrEqual(3);
    expect(gateway.counted("shadowQueued")).toBeLessThanOrEqual(4);
    expect(gateway.shadowed("dropped_queue", firstSlot + 1)).toBe(count - 2 - gateway.counted("shadowQueued"));
    await stuck.close();
  });

  test("a body over the cap is not copied, and one over the budget neither; the primary gets both", async () => {
    await start({
      limits: { shadowBodyBytes: 1000, shadowTotalBytes: 2000, shadowConcurrency: 8, shadowTimeoutMs: 300 },
    });
    shadow.behaviour = () => undefined;
    client.write(post("s".repeat(1001)));
    await client.answers(1);
    expect(gateway.shadowed("dropped_size", slot)).toBe(1);
    for (let i = 2; i <= 6; i++) {
      client.write(post("m".repeat(900)));
      await client.answers(i);
    }
    expect(gateway.shadowed("dropped_memory", slot)).toBeGreaterThan(0);
    expect(gateway.counted("shadowBytes")).toBeLessThanOrEqual(4000);
    expect(requestsIn(origin.text)).toHaveLength(6);
    await eventually(() => counted() === 6, "every copy counted");
  });

  test("shadows have connections of their own, and several get a copy each", async () => {
    gateway = await new Gateway({ time: "real" }).listen();
    gateway.serve(
      [irisTo("iris"), shadowTo("iris", 100, "s1"), shadowTo("copy", 100, "s2")],
      [upstreamOf("iris"), upstreamOf("copy")],
      [endpointsOn("iris", [origin.port]), endpointsOn("copy", [shadow.port])],
    );
    client = await gateway.open(secure);
    client.write(post("x"));
    await client.answers(1);
    await eventually(
      () => gateway.shadowed("sent", firstSlot + 1) === 1 && gateway.shadowed("sent", firstSlot + 2) === 1,
      "both copies",
    );
    expect(origin.connections).toHaveLength(2);
    expect(requestsIn(shadow.text)).toHaveLength(1);
    // A shadow that has been there finds its Upstream when only Mappings change.
    gateway.change({ mappings: [{ mapping: shadowTo("copy", 100, "s3"), slot: 9 }], removedMappings: ["s1", "s2"] });
    client.write(post("y"));
    await client.answers(2);
    await eventually(() => gateway.shadowed("sent", 9) === 1, "the new shadow");
  });
});
