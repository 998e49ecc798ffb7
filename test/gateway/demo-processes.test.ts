import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Model } from "../../gateway/demo/models.ts";

const predictions = "/api/v1.0/predictions";
const payload = JSON.stringify({ data: { ndarray: [[5.1, 3.5, 1.4, 0.2]] } });

test("a model process answers over HTTP, keeps Seldon-Puid, counts its predictions, and ends with stop", async () => {
  const model = await Model.start("1");
  try {
    const response = await fetch(`http://127.0.0.1:${model.address.http}${predictions}?trace=1`, {
      method: "POST",
      body: payload,
      headers: { "seldon-puid": "mine" },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("seldon-puid")).toBe("mine");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(await response.json()).toMatchObject({
      meta: { puid: "mine", requestPath: { classifier: "iris:1" } },
    });
    const refused = await fetch(`http://127.0.0.1:${model.address.http}${predictions}`);
    expect(refused.status).toBe(405);
    expect(refused.headers.get("seldon-puid")).toMatch(/^[0-9a-f-]{36}$/u);
    expect(await model.predictions()).toBe(1);
  } finally {
    await model.stop();
  }
  expect(isAlive(model.pid)).toBe(false);
});

test("a model process ends when its parent is killed", async () => {
  const models = JSON.stringify(join(import.meta.dirname, "../../gateway/demo/models.ts"));
  const script = `const { Model } = await import(${models}); console.log((await Model.start('2')).pid);`;
  const parent = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(parent.stdout, "data");
  const pid = Number(String(line));
  expect(isAlive(pid)).toBe(true);
  parent.kill("SIGKILL");
  await once(parent, "exit");
  // An orphan cannot be awaited, so it is looked for.
  for (let tries = 0; tries < 500 && isAlive(pid); tries++) await sleep(10);
  expect(isAlive(pid)).toBe(false);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
