import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../../gateway/shared/clock.ts";
import { CounterBlock, blockBytes } from "../../../../gateway/shared/memory/counters.ts";
import { fixed } from "../../../../gateway/shared/metrics/fixed.ts";
import { MemoryTokens } from "../../../../gateway/edge/store/memory-tokens.ts";
import { RedisStore, type RedisAnswer } from "../../../../gateway/edge/store/redis.ts";
import { RedisTokens, mostSeenTokens, tokenFreshMs } from "../../../../gateway/edge/store/redis-tokens.ts";
import {
  mostTokensOfClient,
  tokenDigest,
  tokenSeconds,
  type FoundToken,
  type TokenStore,
} from "../../../../gateway/edge/store/token-store.ts";
import { bucketTokens, tokenMemory, tokenWords } from "../../../../gateway/shared/memory/token-memory.ts";
import { RedisServer, hasRedis, redisAt } from "../../../redis-server.ts";
import { until } from "../../until.ts";

const ends: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

const [one, two] = ["1", "2"].map((digit) => digit.repeat(64)) as [string, string];
/** Its first digit names the namespace of a client; those of 0 are gone. */
const namespaceOf = (client: string): string | null => (client.startsWith("0") ? null : client.slice(0, 1));
const digestOf = (text: string): Buffer => tokenDigest(Buffer.from(text));

/** Stores of `count` workers, or replicas, of one memory. Time stands until a test moves it. */
interface Stores {
  readonly all: readonly TokenStore[];
  readonly counted: (outcome: keyof typeof fixed.oauthTokens) => number;
  nowMs: number;
}

function block(): CounterBlock {
  return new CounterBlock(new SharedArrayBuffer(blockBytes()));
}

interface MemoryStores extends Stores {
  readonly memory: readonly SharedArrayBuffer[];
}

function inMemory(count: number, tokens = 16_384): MemoryStores {
  const memory = tokenMemory(tokens, count);
  const counters = block();
  const stores: MemoryStores = {
    nowMs: 1_700_000_000_000,
    memory,
    all: memory.map((_, worker) => new MemoryTokens(memory, worker, counters, () => stores.nowMs, namespaceOf)),
    counted: (outcome) => counters.cells[fixed.oauthTokens[outcome]]!,
  };
  return stores;
}

interface RedisStores extends Stores {
  readonly server: RedisServer;
  readonly replicas: readonly RedisStore[];
}

async function inRedis(count: number): Promise<RedisStores> {
  const server = await RedisServer.start();
  ends.push(() => server.close());
  const faulted = (error: unknown): void => {
    throw error;
  };
  const replicas = Array.from(
    { length: count },
    () =>
      new RedisStore(redisAt(server.port), { clock: systemClock, counters: block(), say: () => undefined, faulted }),
  );
  for (const replica of replicas) ends.push(() => replica.close());
  await Promise.all(replicas.map((replica) => replica.opened));
  const stores: RedisStores = {
    nowMs: 1_700_000_000_000,
    server,
    replicas,
    all: replicas.map((replica) => new RedisTokens(replica, () => stores.nowMs, namespaceOf)),
    counted: () => 0,
  };
  return stores;
}

const kinds: readonly (readonly [name: string, open: () => Stores | Promise<Stores>])[] = [
  ["memory", () => inMemory(2)],
  ...(hasRedis ? [["Redis", () => inRedis(2)] as const] : []),
];

const of = (client: string): FoundToken => ({ kind: "token", client });
const none: FoundToken = { kind: "none" };

describe.each(kinds)("tokens in %s", (_, open) => {
  test("what one gives all find, under its client, until its end", async () => {
    const stores = await open();
    const [a, b] = stores.all as [TokenStore, TokenStore];
    expect(await a.find(digestOf("t"))).toEqual(none);
    expect(await a.give(digestOf("t"), one)).toEqual({ kind: "given" });
    await b.give(digestOf("u"), two);
    for (const store of stores.all) {
      expect(await store.find(digestOf("t"))).toEqual(of(one));
      expect(await store.find(digestOf("u"))).toEqual(of(two));
      expect(await store.find(digestOf("v"))).toEqual(none);
    }
    stores.nowMs += tokenSeconds * 1000 - 1;
    for (const store of stores.all) expect(await store.find(digestOf("t"))).toEqual(of(one));
    stores.nowMs += 1;
    for (const store of stores.all) expect(await store.find(digestOf("t"))).toEqual(none);
  });

  test("a token, or all of a client, is ended for everybody", async () => {
    const stores = await open();
    const [a, b] = stores.all as [TokenStore, TokenStore];
    for (const text of ["t", "u"]) await a.give(digestOf(text), one);
    await b.give(digestOf("w"), one);
    await b.give(digestOf("x"), two);
    for (const store of stores.all) expect(await store.find(digestOf("t"))).toEqual(of(one));
    // Each worker is told, and of Redis one of them.
    const told = (tell: (store: TokenStore) => Promise<unknown>): Promise<unknown> => Promise.all(stores.all.map(tell));
    await told((store) => store.revoke(digestOf("t")));
    stores.nowMs += tokenFreshMs;
    for (const store of stores.all) expect(await store.find(digestOf("t"))).toEqual(none);
    for (const store of stores.all) expect(await store.find(digestOf("u"))).toEqual(of(one));
    await told((store) => store.revokeClient(one));
    stores.nowMs += tokenFreshMs;
    for (const store of stores.all) {
      for (const text of ["u", "w"]) expect(await store.find(digestOf(text))).toEqual(none);
      expect(await store.find(digestOf("x"))).toEqual(of(two));
    }
    expect(await a.revokeClient(one)).toEqual({ kind: "revoked", count: 0 });
    expect(await a.revoke(digestOf("t"))).toEqual({ kind: "revoked", count: 0 });
  });

  test(`a client has ${mostTokensOfClient} tokens; one more ends its oldest, and nobody else's`, async () => {
    const stores = await open();
    const [store] = stores.all as [TokenStore];
    await store.give(digestOf("other"), two);
    for (let at = 0; at < mostTokensOfClient; at++) {
      stores.nowMs += 1;
      await store.give(digestOf(`t${at}`), one);
    }
    expect(await store.find(digestOf("t0"))).toEqual(of(one));
    await store.give(digestOf("more"), one);
    stores.nowMs += tokenFreshMs;
    await until(async () => {
      stores.nowMs += tokenFreshMs;
      return (await store.find(digestOf("t0"))).kind === "none";
    });
    for (const [text, client] of [
      ["t1", one],
      ["more", one],
      ["other", two],
    ] as const)
      expect(await store.find(digestOf(text))).toEqual(of(client));
  }, 60_000);
});

describe("tokens in memory", () => {
  test("a full bucket ends its oldest, and says so", async () => {
    const stores = inMemory(1, bucketTokens);
    const [store] = stores.all as [TokenStore];
    for (let at = 0; at < bucketTokens; at++) {
      stores.nowMs += 1000;
      await store.give(digestOf(`t${at}`), one);
    }
    expect(await store.find(digestOf("t0"))).toEqual(of(one));
    expect(stores.counted("evicted")).toBe(0);
    stores.nowMs += 1000;
    await store.give(digestOf("more"), two);
    expect([
      await store.find(digestOf("t0")),
      await store.find(digestOf("t1")),
      await store.find(digestOf("more")),
    ]).toEqual([none, of(one), of(two)]);
    expect(stores.counted("evicted")).toBe(1);
    // What has ended makes room first.
    stores.nowMs += tokenSeconds * 1000;
    await store.give(digestOf("later"), two);
    expect(stores.counted("evicted")).toBe(1);
  });

  test("a client that fills a bucket ends its own tokens there, not another's", async () => {
    const stores = inMemory(1, bucketTokens);
    const [store] = stores.all as [TokenStore];
    await store.give(digestOf("other"), two);
    for (let at = 0; at < 3 * bucketTokens; at++) {
      stores.nowMs += 1000;
      await store.give(digestOf(`t${at}`), one);
    }
    expect([await store.find(digestOf("other")), await store.find(digestOf(`t${3 * bucketTokens - 1}`))]).toEqual([
      of(two),
      of(one),
    ]);
    expect(stores.counted("evicted")).toBe(2 * bucketTokens + 1);
  });

  test("many deployments of one namespace end tokens of theirs, and none of another namespace that has fewer", async () => {
    const stores = inMemory(1, 1024);
    const [store] = stores.all as [TokenStore];
    const quiet = Array.from({ length: 20 }, (_, at) => digestOf(`quiet${at}`));
    for (const digest of quiet) await store.give(digest, two);
    for (let at = 0; at < 12_000; at++) {
      if (at % 100 === 0) stores.nowMs += 1000;
      await store.give(digestOf(`t${at}`), `1${String(at % 30).padStart(63, "0")}`);
    }
    expect(stores.counted("evicted")).toBeGreaterThan(10_000);
    expect(
      (await Promise.all(quiet.map(async (digest) => store.find(digest)))).filter(({ kind }) => kind === "token"),
    ).toHaveLength(20);
    expect(await store.find(digestOf("t11999"))).toMatchObject({ kind: "token" });
  });

  test("in a full bucket the namespace that has most gives, of it the client that has most, and before all a client that is gone", async () => {
    const stores = inMemory(1, bucketTokens);
    const [store] = stores.all as [TokenStore];
    const give = async (text: string, client: string): Promise<void> => {
      stores.nowMs += 1000;
      await store.give(digestOf(text), client.padEnd(64, "0"));
    };
    const held = async (...texts: readonly string[]): Promise<readonly boolean[]> =>
      Promise.all(texts.map(async (text) => (await store.find(digestOf(text))).kind === "token"));
    await give("gone", "0");
    for (let at = 0; at < 7; at++) await give(`a${at}`, "1a");
    for (let at = 0; at < 3; at++) await give(`b${at}`, "1b");
    for (let at = 0; at < 5; at++) await give(`c${at}`, "2");
    await give("c5", "2");
    expect(await held("gone", "a0", "b0", "c0")).toEqual([false, true, true, true]);
    // 10 of namespace 1 beside 6 of 2: of 1, and there of its client with 7.
    await give("c6", "2");
    expect(await held("a0", "a1", "b0", "c0")).toEqual([false, true, true, true]);
    await give("c7", "2");
    await give("c8", "2");
    // Now 8 and 8: who comes gives.
    expect(await held("a1", "a2", "b0", "c0", "c1")).toEqual([false, true, true, false, true]);
    await give("d", "3");
    expect(stores.counted("evicted")).toBe(5);
  });

  test("they outlive their worker, and a token that was half written is nobody's", async () => {
    const stores = inMemory(2, 64);
    const [a] = stores.all as [TokenStore];
    await a.give(digestOf("t"), one);
    await a.give(digestOf("u"), one);
    const words = new Int32Array(stores.memory[0]!);
    const place = Array.from({ length: words.length / tokenWords }, (_, at) => at * tokenWords).find(
      (at) => words[at + 4] === digestOf("u").readInt32LE(0),
    )!;
    words[place]! += 1;
    expect(await stores.all[1]!.find(digestOf("u"))).toEqual(none);
    const next = new MemoryTokens(stores.memory, 0, block(), () => stores.nowMs, namespaceOf);
    expect([next.find(digestOf("t")), next.find(digestOf("u"))]).toEqual([of(one), none]);
    expect(await next.revokeClient(one)).toEqual({ kind: "revoked", count: 1 });
  });

  test("nothing of a token stands in it", async () => {
    const stores = inMemory(1, 64);
    await stores.all[0]!.give(digestOf("a-token-of-somebody"), one);
    expect(Buffer.from(stores.memory[0]!).includes("a-token-of")).toBe(false);
  });
});

describe.skipIf(!hasRedis)("tokens in Redis", () => {
  test("those that were seen go on while it is away, and new ones are not told; it comes back by itself", async () => {
    const stores = await inRedis(2);
    const [a, b] = stores.all as [TokenStore, TokenStore];
    await a.give(digestOf("t"), one);
    expect(await a.find(digestOf("t"))).toEqual(of(one));
    await stores.server.kill();
    await until(() => stores.replicas.every(({ isReady }) => !isReady));
    stores.nowMs += tokenFreshMs;
    expect(await a.find(digestOf("t"))).toEqual(of(one));
    expect(await b.find(digestOf("t"))).toMatchObject({ kind: "away" });
    expect(await a.give(digestOf("u"), one)).toMatchObject({ kind: "away" });
    expect(await a.revoke(digestOf("u"))).toMatchObject({ kind: "away" });
    // What is to end is forgotten all the same.
    expect(await a.revokeClient(one)).toMatchObject({ kind: "away" });
    expect(await a.find(digestOf("t"))).toMatchObject({ kind: "away" });
    await stores.server.restart();
    await until(() => stores.replicas.every(({ isReady }) => isReady));
    await a.give(digestOf("v"), one);
    expect(await b.find(digestOf("v"))).toEqual(of(one));
    await stores.server.kill();
    await until(() => stores.replicas.every(({ isReady }) => !isReady));
    stores.nowMs += tokenSeconds * 1000;
    expect(await b.find(digestOf("v"))).toEqual(none);
  });

  test("one that was seen is good for five seconds without asking, and then asked about once for all who wait", async () => {
    const stores = await inRedis(1);
    const [store] = stores.all as [TokenStore];
    await store.give(digestOf("t"), one);
    await store.find(digestOf("t"));
    const calls = (): number =>
      Number(/cmdstat_get:calls=(\d+)/.exec(stores.server.cli("info", "commandstats"))?.[1] ?? 0);
    const before = calls();
    stores.nowMs += tokenFreshMs - 1;
    expect(store.find(digestOf("t"))).toEqual(of(one));
    expect(calls()).toBe(before);
    stores.nowMs += 1;
    expect(await Promise.all(Array.from({ length: 10 }, async () => store.find(digestOf("t"))))).toEqual(
      Array.from({ length: 10 }, () => of(one)),
    );
    expect(calls()).toBe(before + 1);
    stores.server.cli("flushall");
    stores.nowMs += tokenFreshMs - 1;
    expect(store.find(digestOf("t"))).toEqual(of(one));
    stores.nowMs += 1;
    expect(await store.find(digestOf("t"))).toEqual(none);
  });

  test("all of a client are ended: each worker that is told forgets them at once, whoever of them was first", async () => {
    const stores = await inRedis(2);
    const [a, b] = stores.all as [TokenStore, TokenStore];
    await a.give(digestOf("t"), one);
    await a.give(digestOf("other"), two);
    for (const store of [a, b]) for (const text of ["t", "other"]) await store.find(digestOf(text));
    expect(await a.revokeClient(one)).toEqual({ kind: "revoked", count: 1 });
    expect(b.find(digestOf("t"))).toEqual(of(one));
    expect(await b.revokeClient(one)).toEqual({ kind: "revoked", count: 0 });
    for (const store of [a, b])
      expect([await store.find(digestOf("t")), await store.find(digestOf("other"))]).toEqual([none, of(two)]);
  });

  test.each(["", "x", one, `${one} `, `${one} 12345678901234567`, `${one.slice(1)} 2000000000000`])(
    "what is there and is no token cannot be told: %j",
    async (text) => {
      const stores = await inRedis(1);
      const key = `sluice:token:${digestOf("t").toString("base64url")}`;
      await stores.replicas[0]!.call("set", [key, text]);
      expect(await stores.all[0]!.find(digestOf("t"))).toMatchObject({ kind: "away" });
      await stores.replicas[0]!.call("set", [key, `${one} 1699999999999`]);
      expect(await stores.all[0]!.find(digestOf("t"))).toEqual(none);
      await stores.replicas[0]!.call("del", [key]);
      await stores.replicas[0]!.call("lpush", [key, text]);
      expect(await stores.all[0]!.find(digestOf("t"))).toMatchObject({ kind: "away" });
    },
  );

  test("only digests of tokens and clients are in it, and all of it ends by itself", async () => {
    const stores = await inRedis(1);
    await stores.all[0]!.give(digestOf("a-token-of-somebody"), one);
    const keys = stores.server.cli("keys", "*").split("\n").toSorted();
    expect(keys).toEqual([
      `sluice:token:${digestOf("a-token-of-somebody").toString("base64url")}`,
      `sluice:tokens-of:${one}`,
    ]);
    for (const key of keys) expect(Number(stores.server.cli("ttl", key))).toBeGreaterThan(tokenSeconds - 10);
    expect(stores.server.cli("get", keys[0]!)).not.toContain("somebody");
  });

  test(`a worker remembers ${mostSeenTokens} tokens`, async () => {
    const stores = await inRedis(1);
    const [store] = stores.all as [TokenStore];
    const script = "for i = 0, tonumber(ARGV[1]) do redis.call('set', ARGV[2] .. i, 'x') end return 1";
    expect((await stores.replicas[0]!.call("eval", [script, 0, 1, "warm"])).kind).toBe("reply");
    const text = (at: number): Buffer => digestOf(`t${at}`);
    for (let first = 0; first <= mostSeenTokens; first += 512) {
      const some = Array.from({ length: Math.min(512, mostSeenTokens + 1 - first) }, (_, at) => first + at);
      const pairs = some.flatMap((at) => [
        `sluice:token:${text(at).toString("base64url")}`,
        `${one} ${stores.nowMs + 1000}`,
      ]);
      await until(async () => (await stores.replicas[0]!.call("mset", pairs)).kind === "reply");
      for (const at of some) await until(async () => (await store.find(text(at))).kind === "token");
    }
    await stores.server.kill();
    await until(() => !stores.replicas[0]!.isReady);
    // The first one was let go for the last.
    expect(await store.find(text(0))).toMatchObject({ kind: "away" });
    expect(await store.find(text(1))).toEqual(of(one));
    expect(await store.find(text(mostSeenTokens))).toEqual(of(one));
  }, 60_000);

  test("a worker that remembers as many as it can lets go those of the namespace that has most", async () => {
    const stores = await inRedis(1);
    const [store] = stores.all as [TokenStore];
    const text = (at: number): Buffer => digestOf(`t${at}`);
    await store.give(digestOf("quiet"), two);
    await store.find(digestOf("quiet"));
    for (let first = 0; first <= mostSeenTokens; first += 512) {
      const some = Array.from({ length: 512 }, (_, at) => first + at);
      const pairs = some.flatMap((at) => [
        `sluice:token:${text(at).toString("base64url")}`,
        `${one} ${stores.nowMs + 1000}`,
      ]);
      await until(async () => (await stores.replicas[0]!.call("mset", pairs)).kind === "reply");
      for (const at of some) await until(async () => (await store.find(text(at))).kind === "token");
    }
    await stores.server.kill();
    await until(() => !stores.replicas[0]!.isReady);
    expect(await store.find(digestOf("quiet"))).toEqual(of(two));
    expect(await store.find(text(0))).toMatchObject({ kind: "away" });
  }, 60_000);
});

describe("an answer of Redis that is none of its command", () => {
  /** Redis, as it would answer these commands; `nil` is what it says of what is not there. */
  function scripted(answers: Readonly<Record<string, unknown>>): {
    readonly tokens: RedisTokens;
    readonly asked: string[];
  } {
    const usual: Readonly<Record<string, unknown>> = {
      zadd: 1,
      zcard: 1,
      expire: 1,
      set: "OK",
      get: null,
      del: 1,
      zrange: [],
      zrem: 1,
    };
    const asked: string[] = [];
    const call = (command: string): Promise<RedisAnswer> => {
      asked.push(command);
      const said = Object.hasOwn(answers, command) ? answers[command] : usual[command];
      return Promise.resolve({ kind: "reply", reply: said });
    };
    return { tokens: new RedisTokens({ call }, () => 1_700_000_000_000, namespaceOf), asked };
  }
  const away = { kind: "away", sentence: expect.stringContaining("none of this command") as string };
  const wrong: readonly unknown[] = [
    undefined,
    null,
    "",
    "QUEUED",
    "ok",
    -1,
    0.5,
    2 ** 60,
    true,
    [],
    ["OK"],
    { reply: "OK" },
  ];

  test.each(wrong.concat([0, 1]))("gives no token: SET says %j", async (said) => {
    expect(await scripted({ set: said }).tokens.give(digestOf("t"), one)).toEqual(away);
  });

  test.each(["zadd", "zcard", "expire"].flatMap((command) => [...wrong, "OK"].map((said) => [command, said] as const)))(
    "gives no token: %s says %j",
    async (command, said) => {
      const { tokens, asked } = scripted({ [command]: said });
      expect(await tokens.give(digestOf("t"), one)).toEqual(away);
      expect(asked).not.toContain("set");
    },
  );

  test("is told from the one that gives", async () => {
    const { tokens, asked } = scripted({});
    expect(await tokens.give(digestOf("t"), one)).toEqual({ kind: "given" });
    expect(asked).toEqual(["zadd", "zcard", "expire", "set"]);
  });

  test.each([undefined, 1, true, [], [`${one} 1800000000000`], { client: one }, "", "QUEUED", one, `${one} never`])(
    "finds no token, nor says that there is none: GET says %j",
    async (said) => {
      expect(await scripted({ get: said }).tokens.find(digestOf("t"))).toEqual(away);
      expect(await scripted({ get: null }).tokens.find(digestOf("t"))).toEqual(none);
    },
  );

  test("ends no token that a worker has seen: GET says nonsense", async () => {
    const answers: Record<string, unknown> = { get: `${one} 1700000060000` };
    let nowMs = 1_700_000_000_000;
    const call = (command: string): Promise<RedisAnswer> => Promise.resolve({ kind: "reply", reply: answers[command] });
    const tokens = new RedisTokens({ call }, () => nowMs, namespaceOf);
    expect(await tokens.find(digestOf("t"))).toEqual(of(one));
    answers["get"] = "QUEUED";
    nowMs += tokenFreshMs;
    expect(await tokens.find(digestOf("t"))).toEqual(of(one));
  });

  test.each(wrong.concat(["OK"]))("ends no token: DEL says %j", async (said) => {
    expect(await scripted({ del: said }).tokens.revoke(digestOf("t"))).toEqual(away);
    expect(await scripted({ zrange: ["a"], del: said }).tokens.revokeClient(one)).toEqual(away);
  });

  test.each([undefined, null, "a", 1, { 0: "a" }, ["a", 1], [null]])(
    "ends not all of a client: ZRANGE says %j",
    async (said) => {
      expect(await scripted({ zrange: said }).tokens.revokeClient(one)).toEqual(away);
      expect(await scripted({ zrange: [] }).tokens.revokeClient(one)).toEqual({ kind: "revoked", count: 0 });
    },
  );

  test("nor is it asked without end: ZREM says that it took some, and ZRANGE goes on", async () => {
    const { tokens, asked } = scripted({ zrange: ["a"] });
    expect(await tokens.revokeClient(one)).toEqual(away);
    expect(asked.length).toBeLessThan(200);
    expect(await scripted({ zrange: ["a"], zrem: "OK" }).tokens.revokeClient(one)).toEqual(away);
  });
});
