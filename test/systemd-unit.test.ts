// The unit for systemd that k8s/INSTALL.md gives is one that systemd understands, and is hardened.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** The first version that judges a file without a running systemd. */
const leastVersion = 250;
/** Of 10, where 4 is "OK" at most. */
const mostExposure = 4;

const page = readFileSync(join(import.meta.dirname, "../k8s/INSTALL.md"), "utf8");
const unit = /```\n(\[Unit\]\n[^`]*)```/.exec(page)?.[1] ?? "";

function versionOfSystemd(): number {
  const { stdout, status } = spawnSync("systemd-analyze", ["--version"], { encoding: "utf8" });
  return status === 0 ? Number(/\d+/.exec(stdout)?.[0] ?? 0) : 0;
}

function valuesOf(key: string): readonly string[] {
  return [...unit.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, value]) => value!);
}

test("keeps what a gateway needs", () => {
  // V8 writes the machine code that it runs.
  expect(valuesOf("MemoryDenyWriteExecute")).toEqual([]);
  // Addresses of its own, clients and models.
  expect(valuesOf("RestrictAddressFamilies").join(" ").split(" ")).toEqual(
    expect.arrayContaining(["AF_INET", "AF_INET6", "AF_NETLINK"]),
  );
  // setpriority(2) of the control thread.
  expect(valuesOf("SystemCallFilter")).not.toContain("~@resources");
  expect(valuesOf("PrivateNetwork")).toEqual([]);
});

describe.skipIf(versionOfSystemd() < leastVersion)("systemd-analyze", () => {
  let folder: string;
  let file: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "sluice-unit-"));
    file = join(folder, "sluice.service");
    writeFileSync(file, unit);
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  const exposureOf = (path: string): number =>
    Number(
      /exposure level for sluice\.service: ([\d.]+)/.exec(
        execFileSync("systemd-analyze", ["security", "--offline=true", "--no-pager", path], { encoding: "utf8" }),
      )?.[1],
    );

  test("calls it OK", () => {
    expect(exposureOf(file)).toBeLessThan(mostExposure);
  });

  test("knows every key of it", () => {
    const { stderr } = spawnSync("systemd-analyze", ["verify", file], { encoding: "utf8" });
    expect(stderr).not.toMatch(/Unknown|Invalid|Failed to parse|ignoring/i);
  });
});
