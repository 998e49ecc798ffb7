import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { writeFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../../gateway/shared/clock.ts";
import { CounterBlock, blockBytes } from "../../../../gateway/shared/memory/counters.ts";
import { fixed } from "../../../../gateway/shared/metrics/fixed.ts";
import { redisScript } from "../../../../gateway/edge/store/redis-script.ts";
import { mostRetryMs, retryStrategy } from "../../../../gateway/edge/store/ioredis-client.ts";
import { RedisStore, type RedisAnswer } from "../../../../gateway/edge/store/redis.ts";
import type { RedisSettings } from "../../../../gateway/options/redis-settings.ts";
import { freePort } from "../../../ports.ts";
import { RedisServer, hasRedis, redisAt } from "../../../redis-server.ts";
import { redisGreeting } from "../../../wire/endless-peers.ts";
import { certPem, keyPem } from "../../../wire/identity.ts";
import { until } from "../../until.ts";

const counters = (): CounterBlock => new CounterBlock(new SharedArrayBuffer(blockBytes()));
const ends: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

interface Opened {
  readonly store: RedisStore;
  readonly said: string[];
  readonly counted: (outcome: keyof typeof fixed.redisCalls) => number;
  readonly connections: () => number;
}

function open(settings: RedisSettings): Opened {
  const said: string[] = [];
  const block = counters();
  const store = new RedisStore(settings, {
    clock: systemClock,
    counters: block,
    say: (event) => said.push(event),
    faulted: (error) => {
      throw error;
    },
  });
  ends.push(() => store.close());
  return {
    store,
    said,
    counted: (outcome) => block.cells[fixed.redisCalls[outcome]]!,
    connections: () => block.cells[fixed.redisReady]!,
  };
}

async function redis(...args: string[]): Promise<RedisServer> {
  return closedAtEnd(await RedisServer.start(...args));
}

function closedAtEnd(server: RedisServer): RedisServer {
  ends.push(() => server.close());
  return server;
}

/** What is at the other end answers each piece that comes by this; null: by nothing. */
async function peer(answer: (piece: string) => string | null): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", (piece) => {
      const text = answer(String(piece));
      if (text !== null) socket.write(text);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A server that greets as Redis does, and answers everything else by `answer`. */
function greeting(answer: string | null): (piece: string) => string | null {
  return (piece) => redisGreeting(piece) ?? answer;
}

/** No call waits for Redis to come back; far more than its 50 ms, for a busy machine. */
const inTimeMs = 5000;

async function timed(call: () => Promise<RedisAnswer>): Promise<readonly [RedisAnswer, number]> {
  const startMs = performance.now();
  const answer = await call();
  return [answer, performance.now() - startMs];
}

describe.skipIf(!hasRedis)("a real Redis", () => {
  test("answers commands and scripts", async () => {
    const server = await redis();
    const { store, said, counted, connections } = open(redisAt(server.port));
    await store.opened;
    expect(await store.call("set", ["a", "b"])).toEqual({ kind: "reply", reply: "OK" });
    expect(await store.call("get", ["a"])).toEqual({ kind: "reply", reply: "b" });
    const script = redisScript("return {KEYS[1], ARGV[1]}");
    // First by its text, then by its digest.
    for (let time = 0; time < 2; time++)
      expect(await store.run(script, ["k"], [7])).toEqual({ kind: "reply", reply: ["k", "7"] });
    expect(server.cli("info", "commandstats")).toMatch(/cmdstat_eval:calls=1/);
    expect([said, connections(), counted("answered"), counted("refused")]).toEqual([["redis-ready"], 1, 4, 1]);
  });

  test("what it refuses is an answer", async () => {
    const server = await redis();
    const { store } = open(redisAt(server.port));
    await store.opened;
    await store.call("set", ["a", "b"]);
    expect(await store.call("incr", ["a"])).toMatchObject({ kind: "away", why: "refused" });
    expect(await store.call("nonsense", [])).toMatchObject({ kind: "away", why: "refused" });
    expect(await store.call("get", ["a"])).toEqual({ kind: "reply", reply: "b" });
  });

  test("killed and started again: every call is answered meanwhile, and it comes back by itself", async () => {
    const server = await redis();
    const { store, said, connections } = open(redisAt(server.port));
    await store.opened;
    const pending = Array.from({ length: 50 }, () => timed(() => store.call("get", ["a"])));
    await server.kill();
    for (const [answer, ms] of await Promise.all(pending)) {
      expect(["reply", "away"]).toContain(answer.kind);
      expect(ms).toBeLessThan(inTimeMs);
    }
    await until(() => connections() === 0);
    expect(await store.call("get", ["a"])).toMatchObject({ kind: "away", why: "unreachable" });
    await server.restart();
    await until(() => connections() === 1);
    expect(await store.call("get", ["a"])).toEqual({ kind: "reply", reply: null });
    // Going and coming back within ten seconds is one line.
    expect(said).toEqual(["redis-ready"]);
  });

  test("after a long while away it is found again at once", async () => {
    const server = await redis();
    const { store, connections } = open(redisAt(server.port));
    await store.opened;
    await server.kill();
    await until(() => connections() === 0);
    // So many tries that pauses are as long as they get.
    let tries = 0;
    const refusing = createServer((socket) => {
      tries += 1;
      socket.destroy();
    });
    refusing.listen(server.port, "127.0.0.1");
    await once(refusing, "listening");
    await until(() => tries >= 10);
    refusing.close();
    await once(refusing, "close");
    await server.restart();
    const backMs = performance.now();
    await until(() => connections() === 1);
    // 150 ms and what a connection takes. It was up to 2 s.
    expect(performance.now() - backMs).toBeLessThan(700);
    expect(await store.call("set", ["a", "b"])).toEqual({ kind: "reply", reply: "OK" });
  });

  test("one that stands still is late, then given up; what waited for it is let go", async () => {
    const server = await redis();
    const { store, counted, connections } = open(redisAt(server.port));
    await store.opened;
    server.freeze();
    const [answer, ms] = await timed(() => store.call("get", ["a"]));
    expect(answer).toMatchObject({ kind: "away", why: "late" });
    expect(ms).toBeGreaterThanOrEqual(49);
    expect(ms).toBeLessThan(inTimeMs);
    // No answer for a second: the connection is given up.
    await until(() => connections() === 0);
    server.thaw();
    await until(() => connections() === 1);
    expect(await store.call("get", ["a"])).toEqual({ kind: "reply", reply: null });
    expect(counted("late")).toBe(1);
  });

  test("1024 calls wait at once, and no more", async () => {
    const server = await redis();
    const { store, counted } = open(redisAt(server.port, { timeoutMs: 2000 }));
    await store.opened;
    const calls = Array.from({ length: 1025 }, () => store.call("get", ["a"]));
    const answers = await Promise.all(calls);
    expect(answers.filter(({ kind }) => kind === "reply")).toHaveLength(1024);
    expect(answers.at(-1)).toMatchObject({ kind: "away", why: "busy" });
    expect(counted("busy")).toBe(1);
  });

  test("a password comes from its file, and is read again for the next connection", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sluice-redis-"));
    ends.push(() => rmSync(folder, { recursive: true }));
    const passwordFile = join(folder, "password");
    writeFileSync(passwordFile, "first\n");
    const server = await redis("--requirepass", "first");
    const { store, connections } = open(redisAt(server.port, { passwordFile }));
    await store.opened;
    expect(await store.call("set", ["a", "1"])).toMatchObject({ kind: "reply" });
    writeFileSync(passwordFile, "second");
    server.cli("-a", "first", "config", "set", "requirepass", "second");
    server.cli("-a", "second", "client", "kill", "type", "normal");
    await until(() => connections() === 0);
    await until(async () => (await store.call("get", ["a"])).kind === "reply");
  });

  test("a wrong password: nothing is answered but that", async () => {
    const server = await redis("--requirepass", "secret");
    const { store, said } = open(redisAt(server.port));
    await until(() => said.includes("redis-away"));
    expect(await store.call("get", ["a"])).toMatchObject({ kind: "away", why: "unreachable" });
  });

  test("TLS, with its own authority", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sluice-redis-"));
    ends.push(() => rmSync(folder, { recursive: true }));
    const [cert, key] = [join(folder, "tls.crt"), join(folder, "tls.key")];
    writeFileSync(cert, certPem);
    writeFileSync(key, keyPem);
    const tlsPort = await freePort();
    await redis(
      "--tls-port",
      String(tlsPort),
      "--tls-cert-file",
      cert,
      "--tls-key-file",
      key,
      "--tls-ca-cert-file",
      cert,
      "--tls-auth-clients",
      "no",
    );
    const known = open(redisAt(tlsPort, { tls: true, caFile: cert, nodes: [{ host: "localhost", port: tlsPort }] }));
    await known.store.opened;
    expect(await known.store.call("ping", [])).toEqual({ kind: "reply", reply: "PONG" });
    // Who is not known is not asked.
    const unknown = open(redisAt(tlsPort, { tls: true, nodes: [{ host: "localhost", port: tlsPort }] }));
    await until(() => unknown.said.includes("redis-away"));
    expect(unknown.connections()).toBe(0);
  });

  test("a replica that takes no writes is left; a Sentinel leads to the server that does", async () => {
    const [old, next] = [await redis(), await redis()];
    const sentinelPort = await freePort();
    const folder = mkdtempSync(join(tmpdir(), "sluice-sentinel-"));
    const config = join(folder, "sentinel.conf");
    writeFileSync(
      config,
      `port ${sentinelPort}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 ${old.port} 1\nsentinel down-after-milliseconds main 60000\n`,
    );
    const sentinel = await RedisServer.sentinel(config, sentinelPort);
    ends.push(async () => {
      await sentinel.close();
      rmSync(folder, { recursive: true });
    });
    next.cli("replicaof", "127.0.0.1", String(old.port));
    const { store } = open(redisAt(sentinelPort, { kind: "sentinel", master: "main" }));
    await store.opened;
    expect(await store.call("set", ["a", "1"])).toEqual({ kind: "reply", reply: "OK" });
    // What a failover does, by hand: the roles change, and the Sentinel says so.
    await until(() => next.cli("get", "a") === "1");
    next.cli("replicaof", "no", "one");
    old.cli("replicaof", "127.0.0.1", String(next.port));
    sentinel.cli("sentinel", "remove", "main");
    sentinel.cli("sentinel", "monitor", "main", "127.0.0.1", String(next.port), "1");
    await until(async () => (await store.call("set", ["b", "2"])).kind === "reply");
    expect(next.cli("get", "b")).toBe("2");
  });

  test("a Cluster of three", async () => {
    const servers = await Promise.all(
      Array.from({ length: 3 }, async () => closedAtEnd(await RedisServer.clusterNode())),
    );
    const [first] = servers as [RedisServer];
    expect(
      first.cli("--cluster", "create", ...servers.map(({ port }) => `127.0.0.1:${port}`), "--cluster-yes"),
    ).toContain("[OK] All 16384 slots covered");
    const { store, connections } = open(redisAt(first.port, { kind: "cluster", timeoutMs: 10_000 }));
    await store.opened;
    for (let at = 0; at < 30; at++)
      expect(await store.call("set", [`key-${at}`, at])).toEqual({ kind: "reply", reply: "OK" });
    const script = redisScript("return redis.call('get', KEYS[1])");
    for (let at = 0; at < 30; at++)
      expect(await store.run(script, [`key-${at}`], [])).toEqual({ kind: "reply", reply: String(at) });
    expect(servers.every((server) => Number(server.cli("dbsize")) > 0)).toBe(true);
    expect(connections()).toBe(1);
    // One of them away: its keys are not answered, in time; the others' are.
    await servers[2]!.kill();
    for (let at = 0; at < 30; at++)
      expect((await timed(() => store.call("get", [`key-${at}`])))[1]).toBeLessThan(inTimeMs);
  });
});

describe("what is no Redis", () => {
  test("nobody listens", async () => {
    const { store, said, counted } = open(redisAt(await freePort()));
    await until(() => said.includes("redis-away"));
    expect(await store.call("get", ["a"])).toMatchObject({ kind: "away", why: "unreachable" });
    expect(counted("unreachable")).toBe(1);
  });

  test("an error of its own: each call is answered in time", async () => {
    const answer = greeting("-READONLY You can't write against a read only replica.\r\n");
    const { store, said } = open(redisAt(await peer(answer)));
    await until(() => said.length > 0);
    for (let time = 0; time < 3; time++) {
      const [given, ms] = await timed(() => store.call("set", ["a", "b"]));
      expect(given.kind).toBe("away");
      expect(ms).toBeLessThan(inTimeMs);
    }
  });

  test("an answer of another shape is the caller's to judge", async () => {
    const { store } = open(redisAt(await peer(greeting("*2\r\n:1\r\n*0\r\n"))));
    await store.opened;
    expect(await store.call("get", ["a"])).toEqual({ kind: "reply", reply: [1, []] });
  });

  test("closed: nothing is asked any more", async () => {
    const { store } = open(redisAt(await peer(greeting(null)), { timeoutMs: 10_000 }));
    await store.opened;
    const pending = store.call("get", ["a"]);
    store.close();
    expect(await pending).toMatchObject({ kind: "away", why: "unreachable" });
    expect(await store.call("get", ["a"])).toMatchObject({ kind: "away", why: "unreachable" });
  });
});

test("pauses between tries grow, are drawn, and never longer than their bound", () => {
  for (let times = 1; times <= 2000; times++) {
    const pauseMs = retryStrategy(times);
    expect(pauseMs).toBeGreaterThanOrEqual(25);
    expect(pauseMs).toBeLessThanOrEqual(mostRetryMs);
  }
  expect(mostRetryMs).toBeLessThanOrEqual(150);
});
