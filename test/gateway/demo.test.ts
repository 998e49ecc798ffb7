import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";

const main = join(import.meta.dirname, "../../gateway/main.ts");
const anyPorts = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
const started: ChildProcess[] = [];
// A whole gateway, three models and 1,500 requests, beside the other tests.
vi.setConfig({ testTimeout: 240_000 });
/** Where the demo makes its folder. */
let home = "";

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "sluice-demo-test-"));
});

afterAll(async () => {
  await rm(home, { recursive: true });
});

afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

// `demo --once` ends after the same checks: a step of .ci/run shows that.
test("demo answers everything as expected, stays up with lines to copy, ends with SIGINT, and its models end with it", async () => {
  const demo = start(...anyPorts);
  await demo.says("Lines to copy");
  expect(demo.output()).toMatch(/(\d+) of \1 answered as expected/u);
  expect(demo.output()).not.toContain("NOT RIGHT");
  const [, base] = /gateway {4}(\S+),/u.exec(demo.output()) ?? [];
  const answer = await fetch(`${base}/seldon/seldon/iris/api/v0.1/predictions`, {
    method: "POST",
    body: '{"data":{"ndarray":[[1,2,3,4]]}}',
  });
  expect(answer.status).toBe(200);
  const [, first, second, shadow] =
    /version 1 on port (\d+) \(gRPC \d+\), version 2 on (\d+) \(gRPC \d+\), version 2 as a shadow on (\d+)/u.exec(
      demo.output(),
    ) ?? [];
  // As a terminal and npm send one Ctrl-C: twice.
  demo.child.kill("SIGINT");
  demo.child.kill("SIGINT");
  expect(await demo.ended).toBe(0);
  for (const port of [first!, second!, shadow!]) expect(await isUp(port)).toBe(false);
  expect(await readdir(home)).toEqual([]);
});

test("a demo that is stopped amid its checks ends them first, and exits 0", async () => {
  const demo = start(...anyPorts);
  await demo.says("ok         one deployment");
  demo.child.kill("SIGINT");
  expect(await demo.ended).toBe(0);
  expect(demo.output()).toMatch(/stopping\n$/u);
});

test("models end when the demo is killed", async () => {
  const demo = start(...anyPorts);
  await demo.says("gateway  ");
  const [, port] = /version 1 on port (\d+)/u.exec(demo.output()) ?? [];
  expect((await fetch(`http://127.0.0.1:${port}/live`)).status).toBe(200);
  demo.child.kill("SIGKILL");
  await demo.ended;
  // The model is an orphan now, which nobody can await.
  for (let tries = 0; tries < 500 && (await isUp(port!)); tries++) await sleep(10);
  expect(await isUp(port!)).toBe(false);
});

test("a port in use is one clear line and exit 1", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  const demo = start("--once", "--listen", `127.0.0.1:${port}`, "--admin", "127.0.0.1:0");
  expect(await demo.ended).toBe(1);
  expect(demo.output()).toMatch(new RegExp(`^sluice demo: 127\\.0\\.0\\.1:${port} is in use: .*--listen.*\\n$`, "u"));
  other.close();
});

test.each([
  [["--onse"], "did you mean --once"],
  [["now"], '"now" is not an option'],
  [["--listen", "nowhere"], "write HOST:PORT"],
])("wrong use %j is one line and exit 2", async (options, line) => {
  const demo = start(...options);
  expect(await demo.ended).toBe(2);
  expect(demo.output()).toContain(line);
  expect(demo.output().trimEnd()).not.toContain("\n");
});

interface Demo {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  /** What it printed so far, on both streams. */
  output(): string;
  /** Waits until it has printed a text; throws when it ends before. */
  says(text: string): Promise<void>;
}

function start(...options: readonly string[]): Demo {
  const child = spawn(process.execPath, [main, "demo", ...options], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, TMPDIR: home },
  });
  started.push(child);
  let printed = "";
  const take = (chunk: Buffer): void => {
    printed += chunk.toString();
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  const ended = once(child, "close").then(([code]) => code as number | null);
  return {
    child,
    ended,
    output: () => printed,
    async says(text) {
      while (!printed.includes(text)) {
        const next = await Promise.race([once(child.stdout, "data").then(() => true), ended.then(() => false)]);
        if (!next && !printed.includes(text)) throw new Error(`it ended without saying "${text}":\n${printed}`);
      }
    },
  };
}

async function isUp(port: string): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/live`).then(
    () => true,
    () => false,
  );
}
