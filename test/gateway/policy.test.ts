// Who may call, in a whole process: the policy file and its keys, as they are read, changed, broken and taken over.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { GatewayProcess } from "./gateway-process.ts";
import { GatewayStage } from "./gateway-stage.ts";
import { freePort } from "../ports.ts";
import { until } from "./until.ts";

let stage: GatewayStage;
let gateway: GatewayProcess;
let at: { readonly traffic: string; readonly admin: string };

beforeEach(async () => {
  stage = await GatewayStage.open();
});
afterEach(() => stage.close());

const keysFile = (): string => join(stage.files.folder, "keys");
const policy = (defaults = "none"): string =>
  `defaults: { auth: ${defaults} }\nproviders:\n  keys: { kind: api-keys, file: ${JSON.stringify(keysFile())} }\n  secret: { kind: api-keys, secret: ops/keys, in: bearer }\n`;
const secret = (key: string): string =>
  `apiVersion: v1\nkind: Secret\nmetadata: { name: keys, namespace: ops }\nstringData: { app: ${key} }\n`;

async function statusOf(fields: Record<string, string> = {}, name = "iris"): Promise<number> {
  const answer = await fetch(`${at.traffic}/seldon/prod/${name}/api/v1.0/predictions`, {
    method: "POST",
    body: "{}",
    headers: fields,
  });
  await answer.text();
  return answer.status;
}

async function problems(): Promise<string> {
  return (await fetch(`${at.admin}/api/v1/problems`, { headers: { accept: "text/plain" } })).text();
}

function serve(): void {
  gateway = stage.serve(2, "--policy", join(stage.files.folder, "policy.yaml"));
}

async function ready(): Promise<void> {
  await stage.files.write("keys", "app first-key-of-app\n");
  await stage.files.write("policy.yaml", policy());
  await stage.manifests.deploy("iris", stage.model.port, "prod", { "sluice.io/auth": "keys, secret" });
  await stage.manifests.deploy("open", stage.model.port, "prod");
  await stage.manifests.write("secret.yaml", secret("first-secret-key"));
  serve();
  at = await gateway.listening();
}

test("files and Secrets that change, a policy that breaks, and a control worker that takes over", async () => {
  await ready();
  expect(await statusOf()).toBe(401);
  expect(await statusOf({}, "open")).toBe(200);
  expect(await statusOf({ "x-api-key": "first-key-of-app" })).toBe(200);
  expect(await statusOf({ authorization: "Bearer first-secret-key" })).toBe(200);

  // Other keys: those of before are nobody's.
  await stage.files.write("keys", "app second-key-of-app\n");
  await until(async () => (await statusOf({ "x-api-key": "second-key-of-app" })) === 200, "the new key admits");
  expect(await statusOf({ "x-api-key": "first-key-of-app" })).toBe(401);
  await stage.manifests.write("secret.yaml", secret("second-secret-key"));
  await until(
    async () => (await statusOf({ authorization: "Bearer second-secret-key" })) === 200,
    "the new Secret admits",
  );
  expect(await statusOf({ authorization: "Bearer first-secret-key" })).toBe(401);

  // What says nothing is closed by the policy from now on.
  await stage.files.write("policy.yaml", policy("keys"));
  await until(async () => (await statusOf({}, "open")) === 401, "the default holds");
  for (const sentence of [
    "providers.keys: changed, sent to the data workers",
    "providers.secret: changed, sent to the data workers",
    "defaults: changed, sent to the data workers",
  ])
    await gateway.seen("change", { kind: "Policy", name: "policy", outcome: "sent", sentence });

  // A slip of the pen changes nothing but what is said.
  await stage.files.write("policy.yaml", policy("kyes"));
  await until(async () => (await problems()).includes("bad-policy"), "the Problem");
  expect(await problems()).toMatch(/names the provider kyes.*Sluice keeps the last good policy/);
  expect(await statusOf({}, "open")).toBe(401);
  expect(await statusOf({ "x-api-key": "second-key-of-app" }, "open")).toBe(200);

  // Nor does the end of the thread that read it: the file is as broken as before.
  gateway.endThread("control");
  await gateway.seen("worker-ended", { thread: "control" });
  await until(async () => (await problems().catch(() => "")).includes("bad-policy"), "the Problem of the successor");
  expect(await statusOf({}, "open")).toBe(401);
  expect(await statusOf({ "x-api-key": "second-key-of-app" }, "open")).toBe(200);
  expect(await statusOf({ authorization: "Bearer second-secret-key" })).toBe(200);

  expect(gateway.errors + JSON.stringify(gateway.records)).not.toMatch(
    /second-key-of-app|second-secret-key|first-secret-key/,
  );
});

test("keys that go admit nobody any more", async () => {
  await ready();
  await stage.manifests.write("secret.yaml", "# nothing\n");
  await until(async () => (await statusOf({ authorization: "Bearer first-secret-key" })) === 401, "the Secret is gone");
  expect(await problems()).toMatch(/providers\.secret.*its keys are not there \(secret ops\/keys\)/);
  expect(await statusOf({ "x-api-key": "first-key-of-app" })).toBe(200);
});

test("what names nobody that is known is a Problem, and closed", async () => {
  await ready();
  await stage.manifests.deploy("iris", stage.model.port, "prod", { "sluice.io/auth": "corp" });
  await until(async () => (await problems()).includes("nobody-admitted"), "the Problem");
  expect(await problems()).toMatch(
    /nobody-admitted SeldonDeployment prod\/iris metadata\.annotations\["sluice\.io\/auth"\]: the policy has no provider corp.*keys, secret/,
  );
  await until(async () => (await statusOf({ "x-api-key": "first-key-of-app" })) === 403, "it is closed");
});

test.each([
  "{}",
  "defaults: {}",
  "limitsWithoutRedis: share",
  "clientHeader: false\nproviders: {}",
  "defaults: { auth: none }",
])("a policy that closes nothing (%s) closes nothing", async (text) => {
  await stage.files.write("policy.yaml", text);
  await stage.manifests.deploy("iris", stage.model.port, "prod");
  serve();
  at = await gateway.listening();
  expect(await statusOf()).toBe(200);
});

test.each([
  ["a file that is not there", null],
  ["a file of which no line can be read", "app\nother\n"],
])(
  "without keys of any provider (%s) nobody is admitted: the gateway is not ready, says what it waits for, and is once there are some",
  async (_what, before) => {
    if (before === null) await rm(keysFile(), { force: true });
    else await stage.files.write("keys", before);
    await stage.files.write(
      "policy.yaml",
      `defaults: { auth: keys }\nproviders:\n  keys: { kind: api-keys, file: ${JSON.stringify(keysFile())} }\n`,
    );
    await stage.manifests.deploy("iris", stage.model.port, "prod");
    const [port, adminPort] = [await freePort(), await freePort()];
    gateway = stage.serve(
      2,
      "--policy",
      join(stage.files.folder, "policy.yaml"),
      "--listen",
      `127.0.0.1:${port}`,
      "--admin",
      `127.0.0.1:${adminPort}`,
    );
    const logged = await gateway.seen("not-ready");
    expect(logged).toMatchObject({
      level: "warn",
      sentence: expect.stringMatching(
        /^it waits for the keys of keys, as without them the policy admits nobody/,
      ) as string,
    });
    const answers = await Promise.all(
      [
        `${port}/readyz`,
        `${port}/ambassador/v0/check_ready`,
        `${adminPort}/readyz`,
        `${adminPort}/ambassador/v0/check_ready`,
      ].map(async (place) => {
        const answer = await fetch(`http://127.0.0.1:${place}`);
        return [answer.status, await answer.text()];
      }),
    );
    expect(answers).toEqual([
      [503, "not ready: it waits for the policy (--policy)\n"],
      [503, "not ready: it waits for the policy (--policy)\n"],
      [503, expect.stringMatching(/^sluice is not ready: it waits for the keys of keys, /)],
      [503, expect.stringMatching(/^sluice is not ready: it waits for the keys of keys, /)],
    ]);
    await stage.files.write("keys", "app first-key-of-app\n");
    at = await gateway.listening();
    expect(await statusOf({ "x-api-key": "first-key-of-app" })).toBe(200);
    // Keys that go later leave it ready: its answers say more than none.
    await rm(keysFile());
    await until(async () => (await statusOf({ "x-api-key": "first-key-of-app" })) === 401, "the keys are gone");
    for (const place of [at.traffic, at.admin]) expect((await fetch(`${place}/readyz`)).status).toBe(200);
  },
);

test("a policy that is wrong at the start is the end of it", async () => {
  await stage.files.write("policy.yaml", policy("kyes"));
  serve();
  expect(await gateway.exited).toBe(1);
  expect(gateway.errors).toMatch(/policy\.yaml: defaults\.auth names the provider kyes/);
});
