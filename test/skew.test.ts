// What replicas of two versions share during an upgrade: Redis, the snapshot of a volume, and answers that commands join. Each shared form of each
// version is stored in a folder of test/fixtures. This code reads all of them, and what it writes is what the newest of them has.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv, type AnySchemaObject } from "ajv";
import { Value } from "typebox/value";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { endpoints } from "../gateway/admin/endpoints.ts";
import { SnapshotFile } from "../gateway/control/snapshot-file.ts";
import { compileLimit } from "../gateway/edge/limits/compiled-limit.ts";
import { LeaseBook } from "../gateway/edge/limits/lease-book.ts";
import { OAuthClients } from "../gateway/edge/oauth/oauth-clients.ts";
import { OAuthTokens } from "../gateway/edge/oauth/oauth-tokens.ts";
import { Revocations, type RevocationsOptions } from "../gateway/edge/store/revocations.ts";
import type { OAuthClient } from "../gateway/callers/oauth-client.ts";
import { factsOf, tokenBytes, tokenMs, TokenSigner } from "../gateway/callers/oauth-token.ts";
import { systemClock } from "../gateway/shared/clock.ts";
import { limitMemory } from "../gateway/shared/memory/limit-memory.ts";
import type { StoredForm } from "../k8s/source/objects/last-good.ts";
import { parseLimits } from "../routing/model/rate-limit.ts";
import { GatewayProcess, Manifests, ModelServer } from "./gateway/gateway-process.ts";
import { root } from "./gateway/packed-form.ts";
import { hasRedis, RedisServer } from "./redis-server.ts";

const fixtures = join(root, "test/fixtures");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { readonly version: string };
const isUpdate = process.env["UPDATE_FIXTURES"] === "1";
if (isUpdate) mkdirSync(join(fixtures, version), { recursive: true });
const versions = readdirSync(fixtures).sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
const newest = versions.at(-1)!;

const advice =
  `what replicas share differs from what ${newest} has: go on reading the old form, raise the version in package.json, and add its fixture by ` +
  `UPDATE_FIXTURES=1 npm test -- test/skew.test.ts (as long as ${newest} is not released, that command alone)`;

function stored(of: string, file: string): string {
  return readFileSync(join(fixtures, of, file), "utf8");
}

/** What this code writes is what the newest version has, or becomes it. */
function same(file: string, text: string): void {
  if (isUpdate) writeFileSync(join(fixtures, version, file), text);
  expect(text, advice).toBe(existsSync(join(fixtures, newest, file)) ? stored(newest, file) : "");
}

test("the version has a fixture", () => {
  expect(versions, `test/fixtures has none of ${version}: ${advice}`).toContain(version);
});

describe("the snapshot", () => {
  const forms: readonly StoredForm[] = ["a", 'b "c" ü'].map((name) => ({
    ref: { kind: "Service", namespace: "prod", name },
    apiVersion: "v1",
    uid: `uid-${name}`,
    text: JSON.stringify({ metadata: { name }, spec: { ports: [{ name: "http", port: 8000 }] } }),
  }));
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "sluice-skew-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  afterEach(() => vi.restoreAllMocks());

  const snapshot = (file: string): SnapshotFile =>
    new SnapshotFile({
      file,
      scope: "here",
      times: { settleMs: 60_000, betweenMs: 60_000 },
      log: { write: () => undefined, flush: () => undefined },
    });

  test("is written as it was", async () => {
    vi.spyOn(Date, "now").mockReturnValue(1_700_000_000_000);
    const one = snapshot(join(folder, "written"));
    one.changed(() => forms);
    await one.close();
    same("snapshot.txt", readFileSync(join(folder, "written"), "utf8"));
  });

  test.each(versions)("of %s is read", async (of) => {
    cpSync(join(fixtures, of, "snapshot.txt"), join(folder, of));
    expect((await snapshot(join(folder, of)).read())?.objects, advice).toEqual(forms);
  });
});

interface StoredToken {
  readonly key: string;
  readonly client: OAuthClient;
  readonly token: string;
  /** Of this token. */
  readonly revocation: { readonly text: string; readonly keys: readonly string[]; readonly args: readonly unknown[] };
}

describe("tokens of the OAuth gateway", () => {
  const givenMs = 1_700_000_000_000;
  const key = new Uint8Array(32).fill(7);
  const client: OAuthClient = {
    id: "ab".repeat(32),
    names: ["cd".repeat(32)],
    secret: "ef".repeat(32),
    namespace: "prod",
    deployment: "iris",
  };

  test("are signed and revoked as they were", async () => {
    const token = new TokenSigner([key]).sign(client, givenMs + tokenMs, Buffer.alloc(16, 9));
    let revocation: StoredToken["revocation"] | null = null;
    const redis: RevocationsOptions["redis"] = {
      call: async () => ({ kind: "reply", reply: [] }),
      run: async ({ text }, keys, args) => {
        revocation = { text, keys, args };
        return { kind: "reply", reply: 1 };
      },
    };
    const revocations = new Revocations({ revoked: [], redis, clock: systemClock, epochMs: () => givenMs });
    await revocations.revoke(factsOf(tokenBytes(token)!));
    const stored = { key: Buffer.from(key).toString("base64"), client, token, revocation };
    same("oauth-token.json", `${JSON.stringify(stored, null, 2)}\n`);
  });

  test.each(versions)("of %s are verified, and what it revoked is revoked", async (of) => {
    const { key: held, client: asked, token, revocation } = JSON.parse(stored(of, "oauth-token.json")) as StoredToken;
    const clients = new OAuthClients();
    clients.apply({ whole: true, set: [asked], removed: [] });
    const tokens = new OAuthTokens([Buffer.from(held, "base64")], clients, () => givenMs + 1000);
    const verified = tokens.verify(Buffer.from(token));
    expect(verified?.client, advice).toBe(asked);
    const [, member, endMs] = revocation.args;
    const redis: RevocationsOptions["redis"] = {
      call: async (_, [name]) => ({
        kind: "reply",
        reply: name === revocation.keys[0] ? [member, String(endMs)] : [],
      }),
      run: async () => ({ kind: "reply", reply: 1 }),
    };
    const revocations = new Revocations({ revoked: [], redis, clock: systemClock, epochMs: () => givenMs });
    expect(await revocations.look(verified!.facts, "prod"), advice).toEqual({ kind: "revoked" });
  });
});

interface StoredLimit {
  readonly scripts: readonly {
    readonly text: string;
    readonly keys: readonly string[];
    readonly args: readonly (string | number)[];
  }[];
}

/** A book of the limit 5 an hour, whose questions to Redis are answered by `answer`. */
function lease(answer: (question: StoredLimit["scripts"][number]) => unknown): { take(): Promise<string> } {
  const read = parseLimits("5/h");
  if (read.kind === "wrong") throw new Error(read.reason);
  const limit = compileLimit(
    read.limits[0]!,
    { namespace: "prod", object: "SeldonDeployment prod/iris" },
    limitMemory(10, 0, [1, 2]),
  );
  const book = new LeaseBook({
    store: {
      isReady: true,
      run: async ({ text }, keys, args) => ({ kind: "reply", reply: answer({ text, keys, args }) }),
    },
    clock: { now: () => 1000, after: () => ({ cancel: () => undefined }) },
    workers: 1,
    most: 100,
    replica: "one",
  });
  return {
    take: () =>
      new Promise((resolve) => {
        const taken = book.take(limit, 1, () => "client 1");
        if (taken === null) book.answered(1, ({ kind }) => resolve(kind));
        else resolve(taken.kind);
      }),
  };
}

describe("limits in Redis", () => {
  test("are asked for as they were", async () => {
    const scripts: StoredLimit["scripts"][number][] = [];
    await lease((question) => {
      scripts.push(question);
      return [1, "0"];
    }).take();
    same("redis-limit.json", `${JSON.stringify({ scripts }, null, 2)}\n`);
  });

  test.skipIf(!hasRedis).each(versions)("of %s and of this code are one count", async (of) => {
    const redis = await RedisServer.start();
    try {
      const { scripts } = JSON.parse(stored(of, "redis-limit.json")) as StoredLimit;
      const [text, keys, args] = ((one) => [one.text, one.keys, one.args] as const)(
        scripts.find(({ keys: [key] }) => key!.startsWith("sluice:limit:"))!,
      );
      const run = (question: StoredLimit["scripts"][number]): readonly string[] =>
        redis
          .cli("EVAL", question.text, String(question.keys.length), ...question.keys, ...question.args.map(String))
          .split("\n");
      // Three by the version, of five: this code gets the other two.
      const [granted] = run({ text, keys, args: [...args.slice(0, 3), 3, 0] });
      expect(granted).toBe("3");
      const ours = lease((question) => {
        if (!question.keys[0]!.startsWith("sluice:limit:")) return 1;
        const [count, wait] = run(question);
        return [Number(count), wait];
      });
      const taken: string[] = [];
      for (let turn = 0; turn < 4; turn++) taken.push(await ours.take());
      expect(taken, advice).toEqual(["admitted", "admitted", "refused", "refused"]);
    } finally {
      await redis.close();
    }
  });
});

describe("answers of the admin port, which commands join", () => {
  /** Those that are about the whole gateway and hold no time of their own. */
  const asked = Object.entries(endpoints).filter(
    ([name, { path, method, answer }]) =>
      method === "GET" &&
      answer.json !== null &&
      path.startsWith("/api/v1/") &&
      !path.includes("{") &&
      !["openapi", "explain", "explainByQuery"].includes(name),
  );
  let answers: ReadonlyMap<string, unknown>;

  beforeAll(async () => {
    const [manifests, model] = [await Manifests.create(), await ModelServer.start()];
    await manifests.deploy("iris", model.port);
    await manifests.write("bad.yaml", "{{{");
    const gateway = new GatewayProcess([
      "serve",
      "--folder",
      manifests.folder,
      "--listen",
      "127.0.0.1:0",
      "--admin",
      "127.0.0.1:0",
      "--workers",
      "1",
      // A replica that is away.
      "--peers",
      "http://127.0.0.1:9",
    ]);
    try {
      const { admin, traffic } = await gateway.listening();
      await (await fetch(`${traffic}/seldon/prod/iris/api/v1.0/predictions`, { method: "POST", body: "{}" })).text();
      const got = await Promise.all(
        asked.map(
          async ([, { path }]) =>
            [path, await (await fetch(`${admin}${path}`, { headers: { accept: "application/json" } })).json()] as const,
        ),
      );
      answers = new Map(got);
    } finally {
      await gateway.kill();
      await model.stop();
      await manifests.remove();
    }
    if (isUpdate) {
      const schemas = Object.fromEntries(asked.map(([, { path, answer }]) => [path, answer.json]));
      writeFileSync(join(fixtures, version, "api-schemas.json"), `${JSON.stringify(schemas, null, 1)}\n`);
      writeFileSync(
        join(fixtures, version, "api-answers.json"),
        `${JSON.stringify(Object.fromEntries(answers), null, 1)}\n`,
      );
    }
  });

  test("there are some", () => expect(asked.length).toBeGreaterThan(4));

  test.each(versions)("of %s have the shapes of this code", (of) => {
    const before = JSON.parse(stored(of, "api-answers.json")) as Record<string, unknown>;
    for (const [path, value] of Object.entries(before)) {
      const shape = asked.find(([, one]) => one.path === path)?.[1].answer.json;
      expect(shape, `${path} is gone; ${advice}`).toBeDefined();
      expect(
        [...Value.Errors(shape!, value)].map(({ instancePath, message }) => `${path} ${instancePath} ${message}`),
        advice,
      ).toEqual([]);
    }
  });

  test.each(versions)("have the shapes of %s", (of) => {
    const schemas = JSON.parse(stored(of, "api-schemas.json")) as Record<string, AnySchemaObject>;
    const ajv = new Ajv({ strict: false, validateFormats: false });
    for (const [path, schema] of Object.entries(schemas)) {
      const isOne = ajv.validate(schema, answers.get(path));
      expect(isOne ? "" : `${path} ${ajv.errorsText()}`, advice).toBe("");
    }
  });
});
