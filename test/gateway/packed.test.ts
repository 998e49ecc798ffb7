// The packed form as a process: all that starts a thread, or loads something later, finds it there.
import { hashSync } from "bcryptjs";
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { GrpcClient, GrpcOrigin, metadataOf, paths } from "../wire/grpc-peer.ts";
import { GatewayProcess, Manifests, ModelServer } from "./gateway-process.ts";
import { packedForm, root } from "./packed-form.ts";
import { until } from "./until.ts";

const threadEntries = new URL("thread-entries.ts", import.meta.url).href;

let main: string;
beforeAll(async () => {
  main = join(await packedForm(), "main.js");
}, 60_000);

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** Answers of threads that are neither control nor data worker, as thread-entries.ts tells them. */
const answers: string[] = [];

async function folder(): Promise<Manifests> {
  const manifests = await Manifests.create();
  closers.push(() => manifests.remove());
  return manifests;
}

async function modelServer(): Promise<ModelServer> {
  const model = await ModelServer.start();
  closers.push(() => model.stop());
  return model;
}

function serve(...argv: readonly string[]): GatewayProcess {
  const given = ["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--drain-wait-ms", "0", ...argv];
  const gateway = new GatewayProcess(given, {}, ["--import", threadEntries, main]);
  answers.length = 0;
  gateway.process.on("message", (answer: string) => answers.push(answer));
  closers.push(() => gateway.kill());
  return gateway;
}

async function predict(traffic: string, name: string, authorization = ""): Promise<number> {
  const answer = await fetch(`${traffic}/seldon/prod/${name}/api/v1.0/predictions`, {
    method: "POST",
    body: "{}",
    headers: authorization === "" ? {} : { authorization },
  });
  await answer.text();
  return answer.status;
}

describe("the packed form", () => {
  test("serves both protocols, replaces its threads by packed ones, and drains", async () => {
    const [manifests, model, origin] = [await folder(), await modelServer(), await new GrpcOrigin("iris").listen()];
    closers.push(() => origin.close());
    await manifests.deploy("iris", model.port);
    await manifests.deployGrpc("calls", origin.port);
    const gateway = serve("--folder", manifests.folder, "--workers", "2");
    const { traffic, admin } = await gateway.listening();
    const call = async (): Promise<number> => {
      const client = new GrpcClient(Number(new URL(traffic).port));
      const { status } = await client.unary(paths.predict, metadataOf({ seldon: "calls", namespace: "prod" }));
      client.close();
      return status.code;
    };
    expect([await predict(traffic, "iris"), await call()]).toEqual([200, 0]);
    for (const thread of ["data-0", "data-1", "control"]) {
      gateway.endThread(thread);
      await gateway.seen("worker-ended", { thread });
      await until(async () => (await fetch(`${admin}/readyz`).catch(() => null))?.status === 200);
      await until(async () =>
        /^sluice_worker_restarts_total [1-9]/m.test(await (await fetch(`${admin}/metrics`)).text()),
      );
      expect([await predict(traffic, "iris"), await call()]).toEqual([200, 0]);
    }
    // The control worker that took over reads on.
    await manifests.deploy("lily", model.port);
    await until(async () => (await predict(traffic, "lily")) === 200);
    expect((await fetch(`${admin}/api/v1/routes`)).status).toBe(200);
    gateway.signal("SIGTERM");
    expect(await gateway.exited).toBe(0);
    expect(gateway.errors).toBe("");
  });

  test("compares passwords in a thread of its own", async () => {
    const [manifests, files, model] = [await folder(), await folder(), await modelServer()];
    await files.write("users", `alice:${hashSync("right", 4)}\n`);
    await files.write(
      "policy.yaml",
      JSON.stringify({ providers: { people: { kind: "basic", file: `${files.folder}/users` } } }),
    );
    await manifests.deploy("iris", model.port, "prod", { "sluice.io/auth": "people" });
    const { traffic } = await serve(
      "--folder",
      manifests.folder,
      "--policy",
      `${files.folder}/policy.yaml`,
      "--workers",
      "1",
    ).listening();
    expect([
      await predict(traffic, "iris", `Basic ${btoa("alice:right")}`),
      await predict(traffic, "iris", `Basic ${btoa("alice:wrong")}`),
    ]).toEqual([200, 401]);
    await until(() => answers.some((answer) => /^password-thread-[0-9a-f]{16}\.js answer$/.test(answer)));
  });

  test("has lines that an error can print, and names that a stack can", async () => {
    const files = (await readdir(dirname(main))).filter((file) => file.endsWith(".js"));
    const texts = await Promise.all(files.map((file) => readFile(join(dirname(main), file), "utf8")));
    const long = texts.flatMap((text) => text.split("\n")).filter((line) => line.length > 20_000);
    expect(long.map((line) => line.slice(0, 40))).toEqual([]);
    const names = ["class Supervisor", "class DataPlane", "class ReplyError", "function startControl"];
    for (const name of names)
      expect([name, texts.some((text) => new RegExp(`${name}\\b|${name.slice(6)} = class\\b`).test(text))]).toEqual([
        name,
        true,
      ]);
  });

  const cases = join(root, "test/golden");
  test.each([
    ["--help"],
    ["serve", "--help"],
    ["check", `${cases}/06-levels/input.yaml`],
    ["routes", `${cases}/10-matches/input.yaml`],
    ["explain", "-X", "POST", "/seldon/models/iris/api/v1.0/predictions", "k8s/examples"],
    ["who", "k8s/examples"],
    ["nonsense"],
    ["serve", "--workers", "many"],
    ["check", "k8s/nowhere"],
  ])("prints what the sources print: sluice %s", async (...argv) => {
    const [packed, sources] = await Promise.all([run(main, argv), run(join(root, "gateway/main.ts"), argv)]);
    expect(packed).toEqual(sources);
    expect(packed.out + packed.err).not.toBe("");
  });
});

function run(
  entry: string,
  argv: readonly string[],
): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [entry, ...argv],
      { cwd: root, env: { PATH: process.env["PATH"] } },
      (_, out, err) => resolve({ code: child.exitCode, out, err }),
    );
  });
}
