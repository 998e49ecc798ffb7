// The chart as a file: what helm would make of the folder, with its licence, by the version of package.json.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load } from "js-yaml";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeChart } from "../gateway/packing/chart.ts";
import { root } from "./gateway/packed-form.ts";

const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { readonly version: string };

let folder: string;
let file: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-chart-test-"));
  file = await makeChart(root, version, join(folder, "out"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("it holds the folder and the licence, below the name of the chart", () => {
  expect(file).toBe(join(folder, `out/sluice-${version}.tgz`));
  const unpacked = join(folder, "unpacked");
  mkdirSync(unpacked);
  execFileSync("tar", ["-xzf", file], { cwd: unpacked });
  const files = readdirSync(join(unpacked, "sluice"), { recursive: true, encoding: "utf8" }).sort();
  const sources = readdirSync(join(root, "k8s/chart"), { recursive: true, encoding: "utf8" });
  expect(files).toEqual([...sources, "LICENSE"].sort());
  expect(load(readFileSync(join(unpacked, "sluice/Chart.yaml"), "utf8"))).toMatchObject({
    name: "sluice",
    version,
    appVersion: version,
  });
});

test("the same folder gives the same bytes", async () => {
  const digest = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");
  expect(digest(await makeChart(root, version, join(folder, "again")))).toBe(digest(file));
});

test("a chart of another version is not made", async () => {
  const other = join(folder, "other");
  cpSync(join(root, "k8s/chart"), join(other, "k8s/chart"), { recursive: true });
  const path = join(other, "k8s/chart/Chart.yaml");
  const written = readFileSync(path, "utf8");
  for (const field of ["version", "appVersion"]) {
    writeFileSync(path, written.replace(new RegExp(`^${field}: .*$`, "m"), `${field}: 0.0.9`));
    await expect(makeChart(other, version, join(folder, "never"))).rejects.toThrow(
      `k8s/chart/Chart.yaml: ${field} is not ${version}, which package.json says`,
    );
  }
  expect(existsSync(join(folder, "never"))).toBe(false);
});
