// Limits of rate over replicas: two gateways and a real Redis, which is there, goes away, hangs and comes back.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { noPolicy, type CallPolicy } from "../../gateway/callers/call-policy.ts";
import { limitMemory } from "../../gateway/shared/memory/limit-memory.ts";
import { plainGuard } from "../../routing/model/guard.ts";
import { parseLimits } from "../../routing/model/rate-limit.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { RedisServer, hasRedis, redisAt } from "../redis-server.ts";
import { eventually } from "../turns.ts";
import { Gateway, endpointsOn, irisTo, post } from "./gateway.ts";
import { Origin, answerEach } from "./origin.ts";

const path = "/seldon/prod/iris/x";

describe.skipIf(!hasRedis)("two replicas and one Redis", () => {
  let redis: RedisServer;
  let origin: Origin;
  let gateways: Gateway[] = [];

  beforeEach(async () => {
    redis = await RedisServer.start();
    origin = await new Origin().listen();
    origin.behaviour = answerEach("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  });
  afterEach(async () => {
    for (const gateway of gateways) {
      expect(gateway.faults).toBe(0);
      gateway.close();
    }
    gateways = [];
    await origin.close();
    await redis.close();
  });

  async function start(text: string, policy: Partial<CallPolicy> = {}): Promise<Gateway[]> {
    const read = parseLimits(text);
    if (read.kind === "wrong") throw new Error(read.reason);
    for (const secret of [1, 2]) {
      const gateway = await new Gateway({
        time: "real",
        redis: redisAt(redis.port),
        rateLimits: limitMemory(100, 0, [secret, 9]),
        policy: { ...noPolicy, ...policy },
      }).listen();
      gateway.serve(
        [{ ...irisTo("iris"), guard: { ...plainGuard, limits: read.limits } }],
        [upstreamOf("iris")],
        [endpointsOn("iris", [origin.port])],
      );
      gateways.push(gateway);
    }
    // Each knows of the other.
    await eventually(() => redis.cli("zcard", "sluice:replicas") === "2", "both replicas");
    return gateways;
  }

  /** Codes of so many requests on one connection, sent at once. */
  async function codes(gateway: Gateway, count: number, fields = ""): Promise<number[]> {
    const client = await gateway.open(false);
    for (let at = 0; at < count; at++) client.write(post("x", fields, path));
    const answers = await client.answers(count);
    client.destroy();
    return answers.map(({ status }) => status);
  }

  const admitted = (answers: readonly number[]): number => answers.filter((code) => code === 200).length;
  const calls = (gateway: Gateway): number => gateway.counted("redisCalls", "answered");

  test("together they admit no more than a burst, and no less than what the other holds of it", async () => {
    const [one, other] = await start("80/d");
    let both = 0;
    for (let round = 0; round < 12; round++) both += admitted(await codes(one!, 5)) + admitted(await codes(other!, 5));
    expect(both).toBeLessThanOrEqual(80);
    // Each holds at most a quarter of the burst: half of it, of two.
    expect(both).toBeGreaterThanOrEqual(60);
    const refused = await one!.open(false);
    refused.write(post("x", "", path));
    const [answer] = await refused.answers(1);
    expect(answer!.head).toMatch(
      /retry-after: (?:\d+)\r\n(?:.*\r\n)*ratelimit-policy: "80\/d";q=80;w=86400\r\nratelimit: "80\/d";r=0;t=\d+/,
    );
    refused.destroy();
  });

  test("a client is the same in both, another is another, and several limits are taken of together", async () => {
    const [one, other] = await start("1/h per header x-team; 3/h");
    expect([
      await codes(one!, 1, "x-team: a\r\n"),
      await codes(other!, 1, "x-team: a\r\n"),
      await codes(other!, 1, "x-team: b\r\n"),
    ]).toEqual([[200], [429], [200]]);
    expect(
      admitted(await codes(one!, 1, "x-team: c\r\n")) + admitted(await codes(other!, 1, "x-team: d\r\n")),
    ).toBeLessThanOrEqual(1);
  });

  test("at a steady rate Redis is asked at most once for 50 requests, and nobody waits for it", async () => {
    const [one, other] = await start("100000/s burst 4000");
    for (let round = 0; round < 10; round++) await Promise.all([codes(one!, 30), codes(other!, 30)]);
    const before = calls(one!) + calls(other!);
    let passed = 0;
    for (let round = 0; round < 20; round++)
      passed += admitted((await Promise.all([codes(one!, 50), codes(other!, 50)])).flat());
    expect(passed).toBe(2000);
    expect(calls(one!) + calls(other!) - before).toBeLessThanOrEqual(2000 / 50);
  });

  test("refusals ask Redis seldom", async () => {
    const [one] = await start("1/h");
    await codes(one!, 2);
    const before = calls(one!);
    expect(admitted(await codes(one!, 200))).toBe(0);
    expect(calls(one!) - before).toBeLessThanOrEqual(3);
  });

  test("Redis away: each counts its share by itself, and together again when it is back", async () => {
    const [one, other] = await start("40/d");
    expect(admitted(await codes(one!, 1)) + admitted(await codes(other!, 1))).toBe(2);
    // Until both have counted replicas again.
    const before = gateways.map(calls);
    await eventually(
      () => gateways.every((gateway, at) => calls(gateway) > before[at]!),
      "another look at who is there",
    );
    await redis.kill();
    await eventually(() => gateways.every((gateway) => gateway.counted("redisReady") === 0), "both know");
    for (const gateway of gateways) {
      // What it holds of Redis, 9 at most, and half of the limit.
      const passed = admitted(await codes(gateway, 60));
      expect(passed).toBeGreaterThanOrEqual(20);
      expect(passed).toBeLessThanOrEqual(20 + 9);
    }
    await redis.restart();
    await eventually(() => gateways.every((gateway) => gateway.counted("redisReady") === 1), "both are back");
    // Redis has forgotten what it counted, as whoever restarts it without a disk knows.
    expect(admitted(await codes(one!, 1))).toBe(1);
  });

  test("Redis away and the policy closes: 503 when nothing is held", async () => {
    const [one] = await start("2/d", { limitsWithoutRedis: "close" });
    await redis.kill();
    await eventually(() => gateways.every((gateway) => gateway.counted("redisReady") === 0), "both know");
    const client = await one!.open(false);
    client.write(post("x", "", path));
    const [answer] = await client.answers(1);
    expect([answer!.status, /retry-after: 1\r\n/.test(answer!.head)]).toEqual([503, true]);
    client.destroy();
  });

  test("Redis that hangs delays the first request by its time and no other", async () => {
    const [one] = await start("40/d per header x-team");
    await codes(one!, 1, "x-team: a\r\n");
    redis.freeze();
    const began = performance.now();
    expect(await codes(one!, 5, "x-team: b\r\n")).toEqual([200, 200, 200, 200, 200]);
    const tookMs = performance.now() - began;
    redis.thaw();
    expect(tookMs).toBeGreaterThanOrEqual(45);
    expect(one!.counted("redisCalls", "late")).toBe(1);
  });
});
