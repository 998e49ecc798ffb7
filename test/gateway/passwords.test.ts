// Users with passwords, in a whole process: bcrypt beside the threads that serve, and a file that changes.
import { hashSync } from "bcryptjs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { GatewayStage } from "./gateway-stage.ts";
import { until } from "./until.ts";

let stage: GatewayStage;

beforeEach(async () => {
  stage = await GatewayStage.open();
});
afterEach(() => stage.close());

test("a right password admits, a wrong one does not, and a user who is taken out of the file is nobody", async () => {
  const { manifests, files, model } = stage;
  const users = (...names: readonly string[]): Promise<void> =>
    files.write("users", names.map((name) => `${name}:${hashSync(`${name}-secret`, 6)}\n`).join(""));
  await users("alice", "bob");
  await files.write(
    "policy.yaml",
    JSON.stringify({ providers: { people: { kind: "basic", file: `${files.folder}/users` } } }),
  );
  await manifests.deploy("iris", model.port, "prod", { "sluice.io/auth": "people" });
  const gateway = stage.serve(2, "--policy", `${files.folder}/policy.yaml`);
  const { traffic } = await gateway.listening();
  const ask = async (user: string, password: string): Promise<number> => {
    const answer = await fetch(`${traffic}/seldon/prod/iris/api/v1.0/predictions`, {
      method: "POST",
      body: "{}",
      headers: { authorization: `Basic ${btoa(`${user}:${password}`)}` },
    });
    await answer.text();
    return answer.status;
  };
  expect(
    await Promise.all([
      ask("alice", "alice-secret"),
      ask("alice", "bob-secret"),
      ask("bob", "bob-secret"),
      ask("carol", "alice-secret"),
    ]),
  ).toEqual([200, 401, 200, 401]);
  expect(await ask("alice", "alice-secret")).toBe(200);
  await users("bob");
  await until(async () => (await ask("alice", "alice-secret")) === 401, "alice is nobody");
  expect(await ask("bob", "bob-secret")).toBe(200);
  expect(gateway.errors + JSON.stringify(gateway.records)).not.toContain("-secret");
});
