// Envoy's own rate limit service (Go) on a real redis-server, asked by the data plane and, as its manifest says, by a whole gateway. Skipped where the tool is not
// cached, or there is no redis-server: build it with `test/tools/ratelimit.sh`.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { hasRateLimitService, RateLimitProcess } from "../rate-limit-service.ts";
import { RedisServer } from "../redis-server.ts";
import { eventually } from "../turns.ts";
import { fieldOf, type RawClient, type WireAnswer } from "./client.ts";
import { rateLimits, serveGuarded } from "./external-services.ts";
import { GatewayProcess, Manifests, ModelServer } from "../gateway/gateway-process.ts";
import { until } from "../gateway/until.ts";
import { Gateway, post } from "./gateway.ts";
import { Origin } from "./origin.ts";

describe.runIf(hasRateLimitService)("Envoy's rate limit service", () => {
  let redis: RedisServer;
  let service: RateLimitProcess;
  let gateway: Gateway;
  let origin: Origin;
  let client: RawClient;

  beforeAll(async () => {
    redis = await RedisServer.start();
    service = await RateLimitProcess.start(redis.port);
  }, 60_000);

  afterAll(async () => {
    await service.kill();
    await redis.close();
  });

  beforeEach(async () => {
    origin = await new Origin().listen();
    gateway = await new Gateway({ time: "real" }).listen();
    client = await gateway.open(false);
  });

  afterEach(async () => {
    client.destroy();
    await eventually(() => gateway.counted("inFlight") === 0, "nothing in flight");
    gateway.close();
    await origin.close();
  });

  function serve(failureModeDeny = false): void {
    const labels = [
      { domain: "models", labels: [{ kind: "header", key: "user", header: "x-user", optional: false } as const] },
    ];
    serveGuarded(gateway, origin.port, {
      rateLimit: { ...rateLimits, domain: "models", timeoutMs: 2000, failureModeDeny },
      limitsPort: service.port,
      target: { externalPolicy: { bypassAuth: false, authContextExtensions: {}, labels } },
    });
  }

  let asked = 0;
  async function ask(user: string): Promise<WireAnswer> {
    client.write(post("x", `X-User: ${user}\r\n`));
    return (await client.answers((asked += 1)))[asked - 1]!;
  }

  /** Connections of its pool come back to Redis by themselves, one after another. */
  async function statusAtLast(user: string): Promise<number> {
    const untilMs = Date.now() + 10_000;
    let status = 0;
    while (status !== 200 && Date.now() < untilMs) ({ status } = await ask(user));
    return status;
  }

  beforeEach(() => {
    asked = 0;
  });

  test("three an hour for each user, a thousand for one of them, and whoever says no name is not limited", async () => {
    serve();
    const answers: WireAnswer[] = [];
    for (const user of ["ann", "ann", "ann", "ann", "bob", "vip", "vip", "vip", "vip", ""])
      answers.push(await ask(user));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429, 200, 200, 200, 200, 200, 200]);
    expect(fieldOf(answers[3]!, "x-ratelimit-limit") ?? fieldOf(answers[3]!, "ratelimit-limit")).toMatch(/^3\b/);
    expect(gateway.flagged("RL")).toBe(1);
  });

  test("its Redis goes: it cannot say, and failure_mode_deny decides", async () => {
    serve();
    expect((await ask("carl")).status).toBe(200);
    await redis.kill();
    expect((await ask("carl")).status).toBe(200);
    serve(true);
    const denied = await ask("carl");
    expect([denied.status, gateway.flagged("RLSE")]).toEqual([500, 1]);
    await redis.restart();
    expect(await statusAtLast("dan")).toBe(200);
  });

  test("it goes itself: the same", async () => {
    serve(true);
    expect(await statusAtLast("eve")).toBe(200);
    await service.kill();
    expect((await ask("eve")).status).toBe(500);
    serve();
    expect((await ask("eve")).status).toBe(200);
  });
});

test.runIf(hasRateLimitService)("a gateway asks it as its manifests say", { timeout: 60_000 }, async () => {
  const redis = await RedisServer.start();
  const service = await RateLimitProcess.start(redis.port);
  const [manifests, model] = [await Manifests.create(), await ModelServer.start()];
  await manifests.write(
    "limits.yaml",
    `apiVersion: getambassador.io/v2
kind: RateLimitService
metadata: { name: limits, namespace: prod }
spec: { service: "127.0.0.1:${service.port}", domain: models, timeout_ms: 5000, failure_mode_deny: true }
---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: { name: iris, namespace: prod }
spec: { prefix: /iris/, service: "127.0.0.1:${model.port}", labels: { models: [{ by_user: [{ user: { header: x-user, omit_if_not_present: true } }] }] } }
`,
  );
  await manifests.write("grants.txt", 'grants: [{ namespace: prod, prefixes: [/iris/], upstreams: ["127.0.0.1"] }]');
  const gateway = new GatewayProcess([
    "serve",
    "--folder",
    manifests.folder,
    "--grants",
    `${manifests.folder}/grants.txt`,
    "--gateway-namespace",
    "prod",
    "--listen",
    "127.0.0.1:0",
    "--admin",
    "127.0.0.1:0",
    "--workers",
    "2",
  ]);
  try {
    const { traffic, admin } = await gateway.listening();
    const ask = async (user: string): Promise<number> =>
      (
        await fetch(`${traffic}/iris/x`, {
          method: "POST",
          body: "{}",
          headers: { "x-user": user, connection: "close" },
        })
      ).status;
    await until(async () => (await ask("vip")) === 200);
    expect([await ask("ann"), await ask("ann"), await ask("ann"), await ask("ann"), await ask("vip")]).toEqual([
      200, 200, 200, 429, 200,
    ]);
    expect(await (await fetch(`${admin}/metrics`)).text()).toMatch(
      /^sluice_external_calls_total\{service="rate-limit",outcome="denied"\} 1$/m,
    );
    await service.kill();
    expect(await ask("vip")).toBe(500);
    expect(gateway.errors).toBe("");
  } finally {
    await gateway.kill();
    await Promise.all([service.kill(), redis.close(), model.stop(), manifests.remove()]);
  }
});
