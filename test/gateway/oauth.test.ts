// Seldon's OAuth gateway in real processes: a token is good at all workers and replicas and after a restart, and it is revoked.
import { execFile, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RedisServer, hasRedis } from "../redis-server.ts";
import { entry } from "./entry.ts";
import { type GatewayProcess, Manifests, ModelServer, serving } from "./gateway-process.ts";
import { until } from "./until.ts";

const key = "iris-key";
const secret = "hunter2-hunter2";

let manifests: Manifests;
/** Beside the manifests. */
let keyFile: string;
let model: ModelServer;
const ends: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  manifests = await Manifests.create();
  model = await ModelServer.start();
  keyFile = join(manifests.folder, "keys");
  await writeFile(keyFile, keyOf());
  await deploy(secret);
});
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
  await model.stop();
  await manifests.remove();
});

function keyOf(): string {
  return `${randomBytes(48).toString("base64")}\n`;
}

async function deploy(oauthSecret: string): Promise<void> {
  await manifests.deploy("iris", model.port);
  const text = await readFile(`${manifests.folder}/prod-iris.yaml`, "utf8");
  await manifests.write(
    "prod-iris.yaml",
    text.replace("spec:\n  predictors", `spec:\n  oauth_key: ${key}\n  oauth_secret: ${oauthSecret}\n  predictors`),
  );
}

interface Served {
  readonly gateway: GatewayProcess;
  readonly traffic: string;
  readonly admin: string;
}

async function serve(...argv: readonly string[]): Promise<Served> {
  const gateway = serving(manifests.folder, 2, "--drain-wait-ms", "0", "--oauth", "--access-log", "all", ...argv);
  ends.push(() => gateway.kill());
  return { gateway, ...(await gateway.listening()) };
}

/** Each on a connection of its own, so that all workers are asked. */
async function predict({ traffic }: Served, token: string): Promise<number> {
  const response = await fetch(`${traffic}/api/v0.1/predictions`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", connection: "close" },
    body: '{"data":{}}',
  });
  await response.arrayBuffer();
  return response.status;
}

async function many(served: Served, token: string): Promise<ReadonlySet<number>> {
  return new Set(await Promise.all(Array.from({ length: 20 }, () => predict(served, token))));
}

async function ask({ traffic }: Served, oauthSecret = secret): Promise<Response> {
  return fetch(`${traffic}/oauth/token`, {
    method: "POST",
    headers: { authorization: `Basic ${Buffer.from(`${key}:${oauthSecret}`).toString("base64")}` },
    body: new URLSearchParams({ grant_type: "client_credentials" }),
  });
}

async function token(served: Served): Promise<string> {
  const response = await ask(served);
  const { access_token: given } = (await response.json()) as { access_token: string };
  expect(response.status).toBe(200);
  return given;
}

async function metric({ admin }: Served, line: string): Promise<number> {
  const text = await (await fetch(`${admin}/metrics`)).text();
  return Number(
    text
      .split("\n")
      .find((one) => one.startsWith(`${line} `))
      ?.slice(line.length + 1) ?? Number.NaN,
  );
}

/** `input`: on standard input. */
function revoke(
  argv: readonly string[],
  input = "",
): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [entry, "oauth", "revoke", ...argv], (_, out, err) =>
      resolve({ code: child.exitCode, out, err }),
    );
    child.stdin!.end(input);
  });
}

describe("one process", () => {
  test("a token is known to all workers, and to the one that takes the place of a worker that ended; nothing tells the secret", async () => {
    const served = await serve();
    const { gateway, admin } = served;
    expect(gateway.records.find(({ event }) => event === "store")!["sentence"]).toMatch(
      /in the memory of this process[^]*Tokens of the OAuth gateway end with this process, and other replicas refuse them/,
    );
    const tokens = [await token(served), await token(served)];
    for (const one of tokens) expect(await many(served, one)).toEqual(new Set([200]));
    for (const worker of ["data-0", "data-1"]) {
      const listened = gateway.records.filter(({ event }) => event === "worker-ended").length;
      gateway.endThread(worker);
      await until(() => gateway.records.filter(({ event }) => event === "worker-ended").length > listened);
      await until(async () => (await many(served, tokens[0]!).catch(() => new Set())).size === 1);
      for (const one of tokens) expect(await many(served, one)).toEqual(new Set([200]));
    }
    const said = [JSON.stringify(gateway.records), gateway.errors];
    for (const path of [
      "/api/v1/routes",
      "/api/v1/problems",
      "/api/v1/who",
      "/api/v1/explain?path=/seldon/prod/iris/p",
      "/metrics",
    ])
      said.push(await (await fetch(admin + path)).text());
    for (const text of said) for (const hidden of [secret, key, ...tokens]) expect(text).not.toContain(hidden);
    expect(await metric(served, 'sluice_oauth_tokens_total{outcome="issued"}')).toBe(2);
  });

  test("another secret ends what was given by the one before, at once, also in a control worker that is new", async () => {
    const served = await serve();
    const before = await token(served);
    await deploy("another-secret");
    // One after the other, the workers learn of it.
    const isEverywhere = async (status: number): Promise<boolean> => {
      const statuses = await many(served, before);
      return statuses.size === 1 && statuses.has(status);
    };
    await until(() => isEverywhere(401));
    expect([(await ask(served)).status, (await ask(served, "another-secret")).status]).toEqual([401, 200]);
    served.gateway.endThread("control");
    await served.gateway.seen("worker-ended", { thread: "control" });
    await deploy(secret);
    // The very same client as at the start: its token lives on.
    await until(() => isEverywhere(200));
    expect((await ask(served)).status).toBe(200);
  });

  test("sluice oauth revoke ends a token, or all of a client, in all workers", async () => {
    const served = await serve();
    const [one, two, three] = [await token(served), await token(served), await token(served)] as const;
    const here =
      "revoked at this replica, until it restarts; with --redis it holds at every replica until the token ends\n";
    expect(await revoke(["-", "--url", served.admin], `${one}\n`)).toEqual({ code: 0, out: here, err: "" });
    expect(await revoke([one, "--url", served.admin, "-o", "json"])).toEqual({
      code: 0,
      out: '{\n  "everywhere": false\n}\n',
      err: "",
    });
    expect(await revoke(["x".repeat(96), "--url", served.admin])).toMatchObject({
      code: 1,
      err: expect.stringContaining("with a token of this gateway") as string,
    });
    expect([await many(served, one), await many(served, two)]).toEqual([new Set([401]), new Set([200])]);
    expect((await revoke(["--deployment", "prod/iris", "--url", served.admin])).out).toBe(here);
    expect([await many(served, two), await many(served, three)]).toEqual([new Set([401]), new Set([401])]);
    const later = await token(served);
    // A worker that takes the place of another knows it, too.
    served.gateway.endThread("data-1");
    await served.gateway.seen("worker-ended", { thread: "data-1" });
    await until(async () => (await many(served, later).catch(() => new Set())).size === 1);
    expect([await many(served, two), await many(served, later)]).toEqual([new Set([401]), new Set([200])]);
    expect(await revoke(["--deployment", "prod/rose", "--url", served.admin])).toMatchObject({
      code: 1,
      err: expect.stringContaining("no SeldonDeployment of this name has a client") as string,
    });
    expect(await metric(served, 'sluice_oauth_tokens_total{outcome="revoked"}')).toBe(3);
  });
});

test("sluice oauth revoke, wrongly used", () => {
  const use = (...argv: string[]): readonly [code: number | null, err: string] => {
    const { status, stderr } = spawnSync(process.execPath, [entry, "oauth", ...argv], { encoding: "utf8", input: "" });
    return [status, stderr];
  };
  expect(use("revoke", "x")).toEqual([2, expect.stringContaining("write --url")]);
  expect(use("revoke", "--url", "x")).toEqual([2, expect.stringContaining("write either a token")]);
  expect(use("revoke", "x", "--deployment", "a/b", "--url", "x")).toEqual([
    2,
    expect.stringContaining("write either a token"),
  ]);
  expect(use("grant", "--url", "x")).toEqual([2, expect.stringContaining("write sluice oauth revoke")]);
});

describe("with --oauth-key", () => {
  test("a token is good at another replica and after a restart; SIGHUP changes the keys, and a file without keys changes nothing", async () => {
    const argv = ["--oauth-key", keyFile];
    const [a, b] = [await serve(...argv), await serve(...argv)];
    expect(a.gateway.records.find(({ event }) => event === "store")!["sentence"]).not.toContain("OAuth");
    const given = await token(a);
    expect([await many(a, given), await many(b, given)]).toEqual([new Set([200]), new Set([200])]);
    await a.gateway.kill();
    const again = await serve(...argv);
    expect(await many(again, given)).toEqual(new Set([200]));
    const before = await readFile(keyFile, "utf8");
    const reread = async (text: string, event: string): Promise<void> => {
      await writeFile(keyFile, text);
      const seen = b.gateway.records.filter((record) => record.event === event).length;
      b.gateway.signal("SIGHUP");
      await until(() => b.gateway.records.filter((record) => record.event === event).length > seen);
    };
    await reread(keyOf() + before, "reading-again");
    await until(async () => !(await many(again, await token(b))).has(200));
    expect(await many(b, given)).toEqual(new Set([200]));
    await reread("short\n", "oauth-key-refused");
    expect(await many(b, given)).toEqual(new Set([200]));
    await reread(keyOf(), "reading-again");
    await until(async () => !(await many(b, given)).has(200));
  });

  test("what is no key file ends the start with what to write", async () => {
    await writeFile(keyFile, randomBytes(31).toString("base64"));
    const start = (...argv: string[]): readonly [code: number | null, err: string] => {
      const { status, stderr } = spawnSync(process.execPath, [entry, "serve", "--folder", manifests.folder, ...argv], {
        encoding: "utf8",
      });
      return [status, stderr];
    };
    expect(start("--oauth", "--oauth-key", keyFile)).toEqual([
      1,
      expect.stringContaining(
        `--oauth-key ${keyFile} has no keys: write 1 to 4 lines, each as \`openssl rand`,
      ) as string,
    ]);
    expect(start("--oauth", "--oauth-key", `${keyFile}-none`)).toEqual([
      1,
      expect.stringContaining("cannot be read (ENOENT)") as string,
    ]);
    expect(start("--oauth-key", keyFile)).toEqual([2, expect.stringContaining("--oauth-key needs the OAuth gateway")]);
  });
});

describe.skipIf(!hasRedis)("two replicas with one Redis", () => {
  test("it is killed while they are asked: no request of a client that all have seen fails, and no revocation is said to hold", async () => {
    const redis = await RedisServer.start();
    ends.push(() => redis.close());
    const url = ["--oauth-key", keyFile, "--redis", `redis://127.0.0.1:${redis.port}`, "--redis-timeout-ms", "2000"];
    const [a, b] = [await serve(...url), await serve(...url)];
    expect(a.gateway.records.find(({ event }) => event === "store")!["sentence"]).toContain(
      `redis://127.0.0.1:${redis.port}. All replicas with this --redis share them.`,
    );
    const given = await token(a);
    // Every worker of both has seen it.
    for (const one of [a, b])
      await until(async () => (await many(one, given), (await metric(one, "sluice_redis_connections")) === 2));
    for (let time = 0; time < 5; time++)
      for (const one of [a, b]) expect(await many(one, given)).toEqual(new Set([200]));
    const seen: number[] = [];
    const load = new AbortController();
    const loops = Promise.all(
      [a, b].map(async (one) => {
        while (!load.signal.aborted) seen.push(await predict(one, given));
      }),
    );
    await redis.kill();
    for (const one of [a, b]) await until(async () => (await metric(one, "sluice_redis_connections")) === 0);
    // Longer than what Redis said is good for.
    const awayMs = performance.now();
    await until(() => performance.now() - awayMs > 6000);
    load.abort();
    await loops;
    expect(seen.length).toBeGreaterThan(20);
    expect(new Set(seen)).toEqual(new Set([200]));
    expect(await revoke([given, "--url", a.admin])).toMatchObject({
      code: 1,
      err: expect.stringContaining(
        "it is not certain that all have ended (Redis cannot be reached): ask again",
      ) as string,
    });
    await redis.restart();
    for (const one of [a, b]) await until(async () => (await metric(one, "sluice_redis_connections")) === 2);
    expect((await revoke([given, "--url", a.admin])).code).toBe(0);
    await until(async () => !(await many(b, given)).has(200));
  });

  test("a token that one replica revokes ends in the other within 5 s, and stays revoked after a restart of both", async () => {
    const redis = await RedisServer.start();
    ends.push(() => redis.close());
    const url = ["--oauth-key", keyFile, "--redis", `redis://127.0.0.1:${redis.port}`, "--redis-timeout-ms", "2000"];
    const [a, b] = [await serve(...url), await serve(...url)];
    for (const one of [a, b]) await until(async () => (await metric(one, "sluice_redis_connections")) === 2);
    const [given, other] = [await token(a), await token(a)];
    expect([await many(a, given), await many(b, given)]).toEqual([new Set([200]), new Set([200])]);
    expect((await revoke([given, "--url", a.admin])).out).toBe("revoked; the other replicas follow within 5 s\n");
    const revokedMs = performance.now();
    expect([await many(a, given), await many(a, other)]).toEqual([new Set([401]), new Set([200])]);
    await until(async () => !(await many(b, given)).has(200));
    expect(performance.now() - revokedMs).toBeLessThan(20_000);
    await Promise.all([a.gateway.kill(), b.gateway.kill()]);
    const c = await serve(...url);
    await until(async () => (await metric(c, "sluice_redis_connections")) === 2);
    expect([await many(c, given), await many(c, other)]).toEqual([new Set([401]), new Set([200])]);
    expect((await revoke(["--deployment", "prod/iris", "--url", c.admin])).code).toBe(0);
    expect(await many(c, other)).toEqual(new Set([401]));
    expect(await many(c, await token(c))).toEqual(new Set([200]));
  });
});
