// There is no package for npm yet: what `npm pack` makes says so.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-package-"));
  execFileSync("npm", ["pack", "--silent", "--offline", "--pack-destination", folder], { cwd: root, stdio: "ignore" });
  execFileSync("sh", ["-c", "tar -xzf *.tgz"], { cwd: folder });
});

afterAll(() => rmSync(folder, { recursive: true }));

test("it holds what says so, and nothing of the gateway", () => {
  const files = execFileSync("find", ["package", "-type", "f"], { cwd: folder, encoding: "utf8" })
    .trim()
    .split("\n")
    .sort();
  expect(files).toEqual([
    "package/LICENSE",
    "package/README.md",
    "package/gateway/sluice.mjs",
    "package/gateway/start.mjs",
    "package/package.json",
  ]);
});

test("it ends with a sentence", () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(folder, "package/gateway/sluice.mjs"), "version"],
    { encoding: "utf8" },
  );
  expect({ status, stdout, stderr }).toEqual({
    status: 1,
    stdout: "",
    stderr: "sluice: there is no package for npm yet: run a checkout (npm ci, then npx sluice), or an image\n",
  });
});
