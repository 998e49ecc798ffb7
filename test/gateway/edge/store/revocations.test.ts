// Revoked tokens as a data worker knows them: of its own process, and by Redis of all replicas.
import { afterEach, describe, expect, test } from "vitest";
import { clockMarginMs, tokenMs, type Revocation, type TokenFacts } from "../../../../gateway/callers/oauth-token.ts";
import { mostOfClient } from "../../../../gateway/callers/revoked-tokens.ts";
import { freshMs, mostSeenClients, Revocations } from "../../../../gateway/edge/store/revocations.ts";
import { RedisStore, type RedisAnswer } from "../../../../gateway/edge/store/redis.ts";
import { systemClock } from "../../../../gateway/shared/clock.ts";
import { CounterBlock, blockBytes } from "../../../../gateway/shared/memory/counters.ts";
import { RedisServer, hasRedis, redisAt } from "../../../redis-server.ts";
import { StoppedClock } from "../../../stopped-clock.ts";
import { until } from "../../until.ts";

const ends: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

const [iris, wine] = ["1", "2"].map((digit) => digit.repeat(32)) as [string, string];
const nowMs = 1_700_000_000_000;
const endMs = nowMs + tokenMs;
const idOf = (at: number): string => at.toString(16).padStart(32, "0");
const token = (at: number, client = iris): TokenFacts => ({ client, id: idOf(at), endMs });
const all = (client: string): Revocation => ({ client, id: null, endMs: endMs + clockMarginMs });

interface Replicas {
  readonly server: RedisServer;
  readonly stores: readonly RedisStore[];
  readonly all: readonly Revocations[];
  readonly clock: StoppedClock;
}

async function start(count = 2): Promise<Replicas> {
  const server = await RedisServer.start();
  ends.push(() => server.close());
  const faulted = (error: unknown): void => {
    throw error;
  };
  const counters = new CounterBlock(new SharedArrayBuffer(blockBytes()));
  const stores = Array.from(
    { length: count },
    () => new RedisStore(redisAt(server.port), { clock: systemClock, counters, say: () => undefined, faulted }),
  );
  for (const store of stores) ends.push(() => store.close());
  await Promise.all(stores.map((store) => store.opened));
  const clock = new StoppedClock();
  return {
    server,
    stores,
    clock,
    all: stores.map((redis) => new Revocations({ revoked: [], redis, clock, epochMs: () => nowMs })),
  };
}

async function look(revocations: Revocations, facts: TokenFacts): Promise<string> {
  return (await revocations.look(facts, "prod")).kind;
}

test("without Redis a process knows its own, those of before the worker began among them", async () => {
  const options = { redis: null, clock: new StoppedClock(), epochMs: () => nowMs };
  const revocations = new Revocations({ revoked: [token(1)], ...options });
  expect([token(1), token(2)].map((one) => revocations.look(one, "prod"))).toEqual([
    { kind: "revoked" },
    { kind: "valid" },
  ]);
  expect(await revocations.firstEndMs(iris, "prod")).toBe(1);
  expect(await revocations.revoke(all(iris))).toEqual({ kind: "revoked" });
  expect([await look(revocations, token(2)), await look(revocations, token(2, wine))]).toEqual(["revoked", "valid"]);
  // What is given from now on ends later.
  expect(await revocations.firstEndMs(iris, "prod")).toBe(endMs + clockMarginMs + 1);
  for (let at = 0; at < mostOfClient; at++) await revocations.revoke(token(at, wine));
  expect(await revocations.revoke(token(mostOfClient, wine))).toMatchObject({ kind: "away" });
});

describe.skipIf(!hasRedis)("with Redis", () => {
  test("what one replica revokes ends at the other after 5 s, which asks once for all who wait; a replica that starts later knows it", async () => {
    const { all: replicas, clock, server, stores } = await start();
    const [a, b] = replicas as [Revocations, Revocations];
    const calls = (): number => Number(/cmdstat_zrange:calls=(\d+)/.exec(server.cli("info", "commandstats"))?.[1] ?? 0);
    expect([await look(a, token(1)), await look(b, token(1))]).toEqual(["valid", "valid"]);
    expect(await a.revoke(token(1))).toEqual({ kind: "revoked" });
    expect(await look(a, token(1))).toBe("revoked");
    const before = calls();
    clock.pass(freshMs - 1);
    expect(b.look(token(1), "prod")).toEqual({ kind: "valid" });
    expect(calls()).toBe(before);
    clock.pass(1);
    const states = await Promise.all(Array.from({ length: 10 }, (_, at) => look(b, token(at))));
    expect(states.filter((state) => state === "revoked")).toHaveLength(1);
    expect(calls()).toBe(before + 1);
    expect(await a.revoke(all(iris))).toEqual({ kind: "revoked" });
    const later = new Revocations({ revoked: [], redis: stores[0]!, clock, epochMs: () => nowMs });
    for (const at of [1, 2]) expect(await look(later, token(at))).toBe("revoked");
    expect([await look(later, token(1, wine)), await later.firstEndMs(iris, "prod")]).toEqual([
      "valid",
      endMs + clockMarginMs + 1,
    ]);
  });

  test("while it is away a client that is known goes on as before, another cannot be told, and no revocation is said to hold", async () => {
    const { all: replicas, clock, server, stores } = await start();
    const [a, b] = replicas as [Revocations, Revocations];
    await a.revoke(token(1));
    await look(b, token(1));
    await server.kill();
    await until(() => stores.every(({ isReady }) => !isReady));
    clock.pass(freshMs);
    expect([await look(b, token(1)), await look(b, token(2)), await look(b, token(1, wine))]).toEqual([
      "revoked",
      "valid",
      "away",
    ]);
    expect(await b.revoke(token(2))).toMatchObject({ kind: "away", sentence: "Redis cannot be reached" });
    // The replica that was asked holds it all the same.
    expect(await look(b, token(2))).toBe("revoked");
    // It comes back empty, and nobody takes anything back.
    await server.restart();
    await until(() => stores.every(({ isReady }) => isReady));
    clock.pass(freshMs);
    for (const at of [1, 2]) expect(await look(b, token(at))).toBe("revoked");
    expect(await look(b, token(1, wine))).toBe("valid");
  });

  test(`a client has ${mostOfClient} there, of all replicas together; one more is refused, and none is forgotten`, async () => {
    const { all: replicas, server, stores, clock } = await start();
    const [a, b] = replicas as [Revocations, Revocations];
    for (let at = 0; at <= mostOfClient; at += 2) {
      expect(await a.revoke(token(at))).toEqual({ kind: "revoked" });
      if (at < mostOfClient) expect(await b.revoke(token(at + 1))).toEqual({ kind: "revoked" });
    }
    expect(await b.revoke(token(mostOfClient + 2))).toMatchObject({
      kind: "away",
      sentence: expect.stringContaining("by its deployment") as string,
    });
    expect(await a.revoke({ ...token(1), client: wine })).toEqual({ kind: "revoked" });
    const later = new Revocations({ revoked: [], redis: stores[0]!, clock, epochMs: () => nowMs });
    for (const at of [0, mostOfClient]) expect(await look(later, token(at))).toBe("revoked");
    // Each key ends by itself.
    for (const client of [iris, wine])
      expect(Number(server.cli("pttl", `sluice:revoked:${client}`))).toBeGreaterThan(tokenMs);
    // What has ended makes room.
    const tomorrow = new Revocations({
      revoked: [],
      redis: stores[0]!,
      clock,
      epochMs: () => endMs + clockMarginMs + 1,
    });
    expect(await tomorrow.revoke({ ...token(7), endMs: endMs + tokenMs })).toEqual({ kind: "revoked" });
    expect(server.cli("zcard", `sluice:revoked:${iris}`).trim()).toBe("1");
  });

  test(`a worker remembers ${mostSeenClients} clients, and a namespace with many costs no other its own`, async () => {
    const revocations = new Revocations({
      revoked: [],
      redis: { call: async () => ({ kind: "reply", reply: [] }), run: async () => ({ kind: "reply", reply: 1 }) },
      clock: new StoppedClock(),
      epochMs: () => nowMs,
    });
    await revocations.look(token(1, wine), "quiet");
    for (let at = 0; at <= mostSeenClients; at++) await revocations.look(token(1, idOf(at)), "loud");
    expect(revocations.look(token(1, wine), "quiet")).toEqual({ kind: "valid" });
    expect(revocations.look(token(1, idOf(0)), "loud")).toBeInstanceOf(Promise);
  });
});

describe("an answer of Redis that is none of its command", () => {
  function scripted(reply: unknown): Revocations {
    const answer = async (): Promise<RedisAnswer> => ({ kind: "reply", reply });
    const redis = { call: answer, run: answer };
    return new Revocations({ revoked: [], redis, clock: new StoppedClock(), epochMs: () => nowMs });
  }

  test.each([
    null,
    "",
    "QUEUED",
    7,
    {},
    [idOf(1)],
    [idOf(1), 7],
    [idOf(1), "x"],
    [idOf(1), "-1"],
    ["other", "1700000000000"],
    [7, "1700000000000"],
    Array.from({ length: 2 * (mostOfClient + 3) }, (_, at) => (at % 2 === 0 ? idOf(at) : "1700000000000")),
  ])("admits no token: ZRANGE says %j", async (reply) => {
    expect(await look(scripted(reply), token(1))).toBe("away");
  });

  test.each([null, "1", "OK", 2, -1, [1], {}])(
    "says of no revocation that it holds: the script says %j",
    async (reply) => {
      expect(await scripted(reply).revoke(token(1))).toMatchObject({ kind: "away" });
    },
  );
});
