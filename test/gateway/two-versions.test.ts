// Two versions of the packed form beside each other, as during an upgrade: one Redis, one API server.
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pack } from "../../gateway/packing/pack.ts";
import { FakeApi } from "../k8s/source/cluster/fake-api.ts";
import { hasRedis, RedisServer } from "../redis-server.ts";
import { GatewayProcess } from "./gateway-process.ts";
import { packedForm, root } from "./packed-form.ts";
import { until } from "./until.ts";

const deployments = "/apis/machinelearning.seldon.io/v1/seldondeployments";
const [key, secret] = ["iris-key", "hunter2-hunter2"];

interface Replica {
  readonly gateway: GatewayProcess;
  readonly traffic: string;
  readonly admin: string;
}

describe.skipIf(!hasRedis)("a version beside the next one", () => {
  let folder: string;
  let fake: FakeApi;
  let redis: RedisServer;
  let replicas: readonly Replica[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sluice-versions-"));
    // Beside it, so that it reads a kubeconfig.
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
    const next = join(folder, "packed");
    await pack(root, next, { version: "0.99.0", commit: null });
    [fake, redis] = [await FakeApi.start(), await RedisServer.start()];
    fake.installed.add(deployments);
    fake.put(deployments, {
      metadata: { namespace: "prod", name: "iris", uid: "1" },
      spec: {
        oauth_key: key,
        oauth_secret: secret,
        predictors: [{ name: "main", graph: { name: "m" } }],
      },
    });
    fake.put("/api/v1/services", {
      metadata: { namespace: "prod", name: "iris-main", uid: "2" },
      spec: { ports: [{ name: "http", port: 8000 }] },
    });
    const kubeconfig = join(folder, "kubeconfig");
    await writeFile(
      kubeconfig,
      JSON.stringify({
        "current-context": "fake",
        clusters: [
          { name: "fake", cluster: { server: `http://127.0.0.1:${fake.port}`, "insecure-skip-tls-verify": true } },
        ],
        users: [{ name: "user", user: { token: "good" } }],
        contexts: [{ name: "fake", context: { cluster: "fake", user: "user" } }],
      }),
    );
    const keys = join(folder, "keys");
    await writeFile(keys, randomBytes(48).toString("base64"));
    const start = async (form: string): Promise<Replica> => {
      const argv = [
        "--kubeconfig",
        kubeconfig,
        "--gateway-namespace",
        "sluice",
        "--redis",
        `redis://127.0.0.1:${redis.port}`,
      ];
      const more = [
        "--redis-timeout-ms",
        "2000",
        "--oauth",
        "--oauth-key",
        keys,
        "--workers",
        "1",
        "--drain-wait-ms",
        "0",
      ];
      const ports = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
      const gateway = new GatewayProcess(["serve", ...argv, ...more, ...ports], {}, [join(form, "main.js")]);
      return { gateway, ...(await gateway.listening()) };
    };
    replicas = [await start(await packedForm()), await start(next)];
    for (const { admin } of replicas)
      await until(
        async () => /^sluice_redis_connections 1$/m.test(await (await fetch(`${admin}/metrics`)).text()),
        "Redis",
      );
  }, 120_000);

  afterAll(async () => {
    for (const { gateway } of replicas ?? []) await gateway.kill();
    await redis.close();
    await fake.stop();
    await rm(folder, { recursive: true });
  });

  const status = async ({
    admin,
  }: Replica): Promise<{ readonly version: string; readonly table: { readonly hash: string } }> =>
    (await (await fetch(`${admin}/api/v1/status`, { headers: { accept: "application/json" } })).json()) as never;

  test("they are of two versions and serve one table", async () => {
    const versions = [];
    for (const one of replicas) versions.push((await status(one)).version);
    expect(new Set(versions).size).toBe(2);
    await until(async () => {
      const [a, b] = [await status(replicas[0]!), await status(replicas[1]!)];
      return a.table.hash === b.table.hash && a.table.hash !== "";
    }, "one table");
  });

  test("each accepts the tokens of the other", async () => {
    const tokenOf = async ({ traffic }: Replica): Promise<string> => {
      const answer = await fetch(`${traffic}/oauth/token`, {
        method: "POST",
        headers: { authorization: `Basic ${Buffer.from(`${key}:${secret}`).toString("base64")}` },
        body: new URLSearchParams({ grant_type: "client_credentials" }),
      });
      expect(answer.status).toBe(200);
      return ((await answer.json()) as { readonly access_token: string }).access_token;
    };
    const predict = async ({ traffic }: Replica, token: string): Promise<number> => {
      const answer = await fetch(`${traffic}/api/v0.1/predictions`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: '{"data":{}}',
      });
      await answer.arrayBuffer();
      return answer.status;
    };
    const [now, next] = replicas as readonly [Replica, Replica];
    const [ofNow, ofNext] = [await tokenOf(now), await tokenOf(next)];
    // No Endpoint is there, and who is not known does not get as far as that.
    expect([await predict(next, ofNow), await predict(now, ofNext)]).toEqual([503, 503]);
    expect([await predict(next, "unknown"), await predict(now, "unknown")]).toEqual([401, 401]);
  });
});
