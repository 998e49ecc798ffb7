// Which ancestors are watched, and a gateway that npx started: it drains when npx goes, however it goes.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, test } from "vitest";
import { npmAncestors, type ProcessFacts } from "../../../gateway/supervisor/npm-parent.ts";
import { Manifests } from "../gateway-process.ts";

const root = new URL("../../..", import.meta.url).pathname;

/** Process n+1 is the parent of process n; the last one's is 1. */
function ancestorsOf(...lines: readonly (readonly string[])[]): readonly number[] {
  const table = new Map<number, ProcessFacts>(
    lines.map((argv, index) => [100 + index, { argv, parent: index === lines.length - 1 ? 1 : 101 + index }]),
  );
  return npmAncestors(100, (pid) => table.get(pid) ?? null);
}

const npx = ["npm exec sluice serve"];
const shell = ["sh", "-c", "sluice serve"];
const bash = ["-bash"];

describe("ancestors that are watched", () => {
  test.each([
    ["npx", [npx, bash], [100]],
    ["npx, by a shell", [shell, npx, bash], [100, 101]],
    ["an older npx", [["node", "/usr/bin/npx", "sluice", "serve"], bash], [100]],
    [
      "npm run, by start.mjs",
      [["node", "gateway/start.mjs", "gateway/main.ts", "serve"], ["sh", "-c", "exec node"], ["npm run serve"], bash],
      [100, 101, 102],
    ],
    ["start.mjs alone", [["/usr/bin/node", "/a/start.mjs", "gateway/main.ts"], bash], [100]],
    ["a shell", [bash], []],
    ["a shell in an npm script", [bash, ["npm run dev"]], []],
    ["a command line", [["sh", "-c", "nohup sluice serve &"], bash], []],
    ["systemd", [["/usr/lib/systemd/systemd", "--user"]], []],
    ["a supervisor with an argument that says npm", [["supervise", "--name", "x", "npm"]], []],
    ["nobody who can be seen", [], []],
  ] as const)("%s", (_, lines, watched) => {
    expect(ancestorsOf(...lines)).toEqual(watched);
  });

  test("a pod has none", () => {
    for (const parent of [0, 1]) expect(npmAncestors(parent, () => ({ argv: ["npm"], parent: 0 }))).toEqual([]);
  });

  test("four at most", () => {
    expect(ancestorsOf(shell, shell, shell, npx, bash)).toHaveLength(4);
    expect(ancestorsOf(shell, shell, shell, shell, npx, bash)).toEqual([]);
  });
});

describe.runIf(process.platform === "linux")("npx sluice serve", () => {
  let manifests: Manifests;
  let gatewayPid = 0;

  afterEach(async () => {
    try {
      process.kill(gatewayPid, "SIGKILL");
    } catch {
      // It has ended, as it should.
    }
    await manifests.remove();
  });

  test.each(["SIGTERM", "SIGKILL"] as const)("drains when npx gets %s", { timeout: 90_000 }, async (signal) => {
    manifests = await Manifests.create();
    const options = [
      "--folder",
      manifests.folder,
      "--listen",
      "127.0.0.1:0",
      "--admin",
      "127.0.0.1:0",
      "--workers",
      "1",
      "--drain-wait-ms",
      "0",
      "--claims",
      "open",
    ];
    const started = spawn("npx", ["--offline", "sluice", "serve", ...options], {
      cwd: root,
      stdio: ["ignore", "pipe", "ignore"],
    });
    const events: string[] = [];
    let reason: unknown = null;
    // Its end is the end of the gateway: both hold it.
    for await (const line of createInterface(started.stdout)) {
      const record = JSON.parse(line) as { readonly event: string; readonly pid?: number; readonly reason?: string };
      // That its objects were read is told when it may be told.
      if (record.event !== "change") events.push(record.event);
      if (record.event === "listening") {
        gatewayPid = record.pid!;
        started.kill(signal);
      }
      if (record.event === "draining") reason = record.reason;
    }
    expect(events).toEqual(["store", "listening", "draining", "drained"]);
    expect(reason).toBe("the npm that started it has ended");
  });
});
