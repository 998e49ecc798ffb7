// Rollouts on a real gateway: from the annotation to moved traffic and back. Most of their time they wait for the next look of a leader, so they run side by side,
// each on a gateway of its own.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, expect, test, vi } from "vitest";
import { execFile } from "node:child_process";
import { Value } from "typebox/value";
import { rolloutShape, type Rollout } from "../../gateway/api/rollouts.ts";
import { entry } from "./entry.ts";
import type { Deployment } from "../../gateway/api/deployments.ts";
import { Manifests, ModelServer, serving } from "./gateway-process.ts";
import { releasedManifest } from "./release-fixtures.ts";
import { maxThatMeet } from "./rollout-bound.ts";
import { until } from "./until.ts";

// Beside each other on a busy machine they take several times what they take alone.
vi.setConfig({ testTimeout: 300_000 });

const closers: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function models(): Promise<{ main: ModelServer; canary: ModelServer; folder: Manifests }> {
  const [folder, main, canary] = [await Manifests.create(), await ModelServer.start(), await ModelServer.start()];
  closers.push(
    () => folder.remove(),
    () => main.stop(),
    () => canary.stop(),
  );
  return { folder, main, canary };
}

function run(file: string, argv: readonly string[]): Promise<{ readonly code: number; readonly out: string }> {
  return new Promise((resolve) => {
    execFile(file, argv, (error, out) => resolve({ code: Number(error?.code ?? 0), out }));
  });
}

async function percents(admin: string): Promise<Record<string, number>> {
  const found = (await (await fetch(`${admin}/api/v1/deployments/prod/iris`)).json()) as Deployment;
  return Object.fromEntries(found.predictors.map(({ name, declaredPercent }) => [name, declaredPercent]));
}

test.concurrent("a rollout begins at its first step, stays there over a restart, and begins anew with another model", async () => {
  const { folder, main, canary } = await models();
  const deploy = (rollout: string, image: string): Promise<void> =>
    folder.write(
      "iris.yaml",
      releasedManifest({
        name: "iris",
        annotations: rollout === "" ? {} : { "sluice.io/rollout": rollout },
        predictors: [
          ["main", main.port, "model:1"],
          ["canary", canary.port, image],
        ],
      }),
    );
  const record = join(
    await Manifests.create().then((other) => (closers.push(() => other.remove()), other.folder)),
    "releases",
  );
  await deploy("to canary; steps 20%, 100%", "model:2");
  let gateway = serving(folder.folder, 1, "--releases-record", record);
  closers.push(() => gateway.kill());
  let { admin } = await gateway.listening();
  await until(async () => (await percents(admin))["canary"] === 20);
  expect(await percents(admin)).toEqual({ main: 80, canary: 20 });
  expect(await readFile(record, "utf8")).toContain('"shares":{"canary":20},"state":"stepping","step":0');
  const told = await gateway.seen("change", { name: "iris", outcome: "live" });
  expect(told["sentence"]).toMatch(/rollout: none → canary 20%: it begins, live on 1 of 1 workers after \d+ ms/);

  await gateway.kill();
  gateway = serving(folder.folder, 1, "--releases-record", record);
  ({ admin } = await gateway.listening());
  expect(await percents(admin)).toEqual({ main: 80, canary: 20 });

  // Another plan goes on at the last of its steps that is no further.
  await deploy("to canary; steps 5%, 15%, 50%, 100%", "model:2");
  await until(async () => (await percents(admin))["canary"] === 15);
  // What cannot be read stays where it is.
  await deploy("to canary; steps many", "model:2");
  const problems = async (): Promise<string> => (await fetch(`${admin}/api/v1/problems`)).text();
  await until(async () => (await problems()).includes("bad-value"));
  expect(await percents(admin)).toEqual({ main: 85, canary: 15 });
  await deploy("to canary; steps 5%, 15%, 50%, 100%", "model:3");
  await until(async () => (await percents(admin))["canary"] === 5);
  // Without the annotation the spec decides, and the record forgets it.
  await deploy("", "model:3");
  await until(async () => (await percents(admin))["canary"] === 50);
  await until(async () => !(await readFile(record, "utf8")).includes("iris"));
});

test.concurrent("release, fault at 5 %, abort: each request is answered, no more met the fault than the method says, and the abort stays over a restart", async () => {
  const text = "to canary; steps 5%, 100%; every 1h; warm 0s, 0 requests; min 20 requests; errors ≤ 5%";
  const { folder, main, canary } = await models();
  let isFaulty = false;
  let [met, good] = [0, 0];
  canary.answer = (_, response) => {
    if (isFaulty) met += 1;
    else good += 1;
    response.writeHead(isFaulty ? 500 : 200).end("{}");
  };
  const deploy = (annotations: Record<string, string>, image = "model:2"): Promise<void> =>
    folder.write(
      "iris.yaml",
      releasedManifest({
        name: "iris",
        annotations: {
          "sluice.io/rollout": text,
          ...annotations,
        },
        predictors: [
          ["main", main.port, "model:1"],
          ["canary", canary.port, image],
        ],
      }),
    );
  await deploy({});
  const options = ["--releases-record", join(folder.folder, ".releases")];
  let gateway = serving(folder.folder, 2, ...options);
  closers.push(() => gateway.kill());
  let { traffic, admin } = await gateway.listening();
  await until(async () => (await percents(admin))["canary"] === 5);

  const statuses = new Map<number, number>();
  let sent = 0;
  const over = new AbortController();
  const client = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const { status } = await fetch(`${traffic}/seldon/prod/iris/api/v1.0/predictions`, {
        method: "POST",
        body: "{}",
      });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      sent += 1;
      await delay(pauseMs);
    }
  };
  const pauseMs = 20;
  const clients = Array.from({ length: 4 }, client);
  // Workers hand over evidence once a second, and the leader looks each ten.
  const shown = async (): Promise<Rollout> =>
    ((await (await fetch(`${admin}/api/v1/rollouts?deployment=iris`)).json()) as { items: Rollout[] }).items[0]!;
  await until(async () => ((await shown()).evidence?.main.p99Ms ?? 0) > 0);
  expect(await shown()).toMatchObject({
    state: "stepping",
    to: "canary",
    step: 1,
    steps: [5, 100],
    decides: true,
    waitsFor: expect.stringMatching(/more/),
    gates: [{ gate: "errors ≤ 5%" }],
  });
  expect(Value.Check(rolloutShape, await shown())).toBe(true);
  isFaulty = true;
  await until(async () => (await percents(admin))["canary"] === 0);
  const metBefore = met;
  // No client asks more often than each `pauseMs`.
  expect(metBefore).toBeLessThanOrEqual(maxThatMeet(text, good, (4 * (1000 / pauseMs) * 5) / 100));
  const sentBefore = sent;
  await until(() => sent > sentBefore + 500);
  over.abort();
  await Promise.all(clients);
  // A request that was on its way at that moment may still meet it.
  expect(met - metBefore).toBeLessThanOrEqual(4);
  expect([...statuses].filter(([status]) => status !== 200)).toEqual([[500, met]]);
  expect(sent).toBe([...statuses.values()].reduce((sum, count) => sum + count, 0));
  const { sentence } = await gateway
    .seen("change", { name: "iris", outcome: "live" })
    .then(() =>
      gateway.records.findLast((one) => one.event === "change" && String(one["sentence"]).includes("rollout:"))!,
    );
  expect(sentence).toMatch(/^rollout: canary 5% → canary 0%: .*canary.*, live on 2 of 2 workers after \d+ ms$/);
  const problems = async (): Promise<string> => (await fetch(`${admin}/api/v1/problems`)).text();
  await until(async () => (await problems()).includes("rollout-aborted"));
  const printed = await run(process.execPath, [entry, "rollout", "iris", "--url", admin]);
  expect(printed.code).toBe(1);
  expect(printed.out).toMatch(
    /^prod\/iris {2}rollout to canary {2}aborted\n {2}steps {5}5% 100%\n {2}shares {4}canary 0%\n {2}.*\n {2}waits for another model/,
  );

  await gateway.kill();
  gateway = serving(folder.folder, 2, ...options);
  ({ traffic, admin } = await gateway.listening());
  expect(await percents(admin)).toEqual({ main: 100, canary: 0 });
  // The model that is mended begins anew, and a person may promote it.
  isFaulty = false;
  await deploy({}, "model:3");
  await until(async () => (await percents(admin))["canary"] === 5);
  await deploy({ "sluice.io/rollout-promote": "true" }, "model:3");
  await until(async () => (await percents(admin))["canary"] === 100);
  // An order promotes one release, and no later one.
  await deploy({ "sluice.io/rollout-promote": "true" }, "model:4");
  await until(async () => (await percents(admin))["canary"] === 5);
  await deploy({ "sluice.io/rollout-abort": "true" }, "model:4");
  await until(async () => (await percents(admin))["canary"] === 0);
});

test.concurrent("a canary that refuses everything is rolled back while it warms up, by its own gate of refusals or before", async () => {
  const { folder, main, canary } = await models();
  canary.answer = (_, response) => {
    response.writeHead(404).end("{}");
  };
  await folder.write(
    "iris.yaml",
    releasedManifest({
      name: "iris",
      annotations: { "sluice.io/rollout": "to canary; steps 50%, 100%; every 1h", "sluice.io/sticky": "header x-user" },
      predictors: [
        ["main", main.port, "model:1"],
        ["canary", canary.port, "model:2"],
      ],
    }),
  );
  const gateway = serving(folder.folder, 1, "--releases-record", join(folder.folder, ".releases"));
  closers.push(() => gateway.kill());
  const { traffic, admin } = await gateway.listening();
  await until(async () => (await percents(admin))["canary"] === 50);
  let user = 0;
  await until(async () => {
    const headers = { "x-user": `user-${(user += 1) % 20}` };
    await fetch(`${traffic}/seldon/prod/iris/api/v1.0/predictions`, { method: "POST", body: "{}", headers });
    return (await percents(admin))["canary"] === 0;
  });
  const { items } = (await (await fetch(`${admin}/api/v1/rollouts`)).json()) as { items: Rollout[] };
  expect(items[0]).toMatchObject({ state: "aborted", sentence: expect.stringMatching(/refus/i) });
});

test.concurrent("a bandit moves the traffic to the model that answers, within a hundred rewards, and goes on over a restart", async () => {
  const { folder, main, canary } = await models();
  main.answer = (_, response) => {
    response.writeHead(500).end("{}");
  };
  await folder.write(
    "iris.yaml",
    releasedManifest({
      name: "iris",
      annotations: { "sluice.io/bandit": "thompson; floor 10%; every 10s; window 1h; reward success" },
      predictors: [
        ["main", main.port, "model:1"],
        ["canary", canary.port, "model:2"],
      ],
    }),
  );
  const record = join(folder.folder, ".releases");
  let gateway = serving(folder.folder, 1, "--releases-record", record);
  closers.push(() => gateway.kill());
  const { traffic, admin: first } = await gateway.listening();
  expect(await percents(first)).toEqual({ main: 50, canary: 50 });
  await until(async () => (await readFile(record, "utf8").catch(() => "")).includes("bandit"));
  for (let request = 0; request < 100; request += 1)
    await fetch(`${traffic}/seldon/prod/iris/api/v1.0/predictions`, { method: "POST", body: "{}" });
  await until(async () => (await percents(first))["canary"] === 90);
  const printed = await run(process.execPath, [entry, "rollout", "iris", "--url", first]);
  expect(printed.out).toMatch(
    /^prod\/iris {2}bandit {2}stepping\n {2}shares {4}main 10%, canary 90%\n {2}main 10% \(mean reward 0 of \d+\), canary 90% \(mean reward 1 of \d+\)\. Decided every 10s\.\n/,
  );

  await gateway.kill();
  gateway = serving(folder.folder, 1, "--releases-record", record);
  const { admin } = await gateway.listening();
  expect(await percents(admin)).toEqual({ main: 10, canary: 90 });
  // What it had learned counts on: the new leader says what it decides by.
  const shown = async (): Promise<Rollout> =>
    ((await (await fetch(`${admin}/api/v1/rollouts?deployment=iris`)).json()) as { items: Rollout[] }).items[0]!;
  await until(async () => (await shown()).decides);
  expect((await shown()).sentence).toMatch(/canary 90% \(mean reward 1 of \d+\)/);
});

test.concurrent("a canary that answers fast and wrong is rolled back by the gate of agreement, as a shadow with the model of main is compared with it", async () => {
  const { folder, main, canary } = await models();
  main.answer = (_, response) => response.end('{"data":{"ndarray":[[0.9,0.1]]}}');
  canary.answer = (_, response) => response.end('{"data":{"ndarray":[[0.1,0.9]]}}');
  await folder.write(
    "iris.yaml",
    releasedManifest({
      name: "iris",
      annotations: {
        "sluice.io/rollout":
          "to canary; steps 50%, 100%; every 10s; warm 0s, 0 requests; min 20 requests; agreement ≥ 90%",
        "sluice.io/compare": "true",
      },
      predictors: [
        ["main", main.port, "model:1"],
        ["canary", canary.port, "model:2"],
        ["twin", main.port, "model:1"],
      ],
      shadows: ["twin"],
    }),
  );
  const gateway = serving(folder.folder, 1, "--releases-record", join(folder.folder, ".releases"));
  closers.push(() => gateway.kill());
  const { traffic, admin } = await gateway.listening();
  await until(async () => (await percents(admin))["canary"] === 50);
  const problems = await (await fetch(`${admin}/api/v1/problems`)).text();
  expect(problems).not.toContain("nothing-to-compare");
  const isRolledBack = async (): Promise<boolean> => {
    const answer = await fetch(`${traffic}/seldon/prod/iris/api/v1.0/predictions`, { method: "POST", body: "{}" });
    expect(answer.status).toBe(200);
    await answer.arrayBuffer();
    return (await percents(admin))["canary"] === 0;
  };
  // Proof takes about a minute.
  await until(isRolledBack, "the canary is rolled back", 270_000);
  const { items } = (await (await fetch(`${admin}/api/v1/rollouts`)).json()) as { items: Rollout[] };
  expect(items[0]).toMatchObject({
    state: "aborted",
    sentence: expect.stringMatching(/Agreement of canary.*: 0 of \d+ /),
  });
});

test.concurrent("a control worker that begins while the record cannot be read serves the shares that were in force", async () => {
  const { folder, main, canary } = await models();
  await folder.write(
    "iris.yaml",
    releasedManifest({
      name: "iris",
      annotations: { "sluice.io/rollout": "to canary; steps 20%, 100%" },
      predictors: [
        ["main", main.port, "model:1"],
        ["canary", canary.port, "model:2"],
      ],
    }),
  );
  const record = join(folder.folder, ".releases");
  const gateway = serving(folder.folder, 1, "--releases-record", record);
  closers.push(() => gateway.kill());
  const { admin } = await gateway.listening();
  await until(async () => (await percents(admin))["canary"] === 20);
  await writeFile(record, "edited");
  gateway.endThread("control");
  await gateway.seen("worker-ended", { thread: "control" });
  const problems = async (): Promise<string> => (await fetch(`${admin}/api/v1/problems`)).text();
  await until(async () => (await problems().catch(() => "")).includes("releases-record"));
  expect(await percents(admin)).toEqual({ main: 80, canary: 20 });
});

test.concurrent("a canary that loses its pods: others get its share; with all of the traffic it is rolled back", async () => {
  const { folder, main, canary } = await models();
  const deploy = (steps: string, isThere: boolean): Promise<void> =>
    folder.write(
      "iris.yaml",
      releasedManifest({
        name: "iris",
        annotations: {
          "sluice.io/rollout": `to canary; steps ${steps}; every 1h; warm 0s, 0 requests; min 20 requests; errors ≤ 5%`,
        },
        predictors: [
          ["main", main.port, "model:1"],
          ["canary", canary.port, "model:2"],
        ],
        without: isThere ? [] : ["canary"],
      }),
    );
  await deploy("50%, 100%", true);
  const gateway = serving(folder.folder, 1, "--releases-record", join(folder.folder, ".releases"));
  closers.push(() => gateway.kill());
  const { traffic, admin } = await gateway.listening();
  const shown = async (): Promise<Rollout> =>
    ((await (await fetch(`${admin}/api/v1/rollouts?deployment=iris`)).json()) as { items: Rollout[] }).items[0]!;
  const ask = async (): Promise<number> => {
    const url = `${traffic}/seldon/prod/iris/api/v1.0/predictions`;
    return (await fetch(url, { method: "POST", body: "{}" })).status;
  };
  await until(async () => (await percents(admin))["canary"] === 50);
  await deploy("50%, 100%", false);
  await until(async () => (await shown()).sentence.includes("no ready Endpoint"));
  expect(await shown()).toMatchObject({
    state: "stepping",
    sentence:
      "canary has 50% of the traffic, step 1 of 2. It has no ready Endpoint, so the other predictors get its share.",
    waitsFor: expect.stringMatching(/^a ready Endpoint of canary; /),
  });
  for (let at = 0; at < 20; at++) expect(await ask()).toBe(200);

  await deploy("100%", false);
  await until(async () => (await shown()).sentence.startsWith("It does not begin"));
  for (let at = 0; at < 20; at++) expect(await ask()).toBe(200);
  await deploy("100%", true);
  await until(async () => (await percents(admin))["canary"] === 100);
  await until(async () => {
    expect(await ask()).toBe(200);
    return ((await shown()).evidence?.canary.requests ?? 0) > 0;
  });
  await deploy("100%", false);
  await until(async () => (await ask()) === 503);
  await until(async () => (await shown()).state === "aborted");
  expect((await shown()).sentence).toMatch(
    /^canary is rolled back from 100% of the traffic. canary has had no ready Endpoint for 1\ds, so requests failed.$/,
  );
  await until(async () => (await ask()) === 200);
});
