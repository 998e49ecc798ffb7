// The lock file names everything that its packages ask for, those of other platforms too: npm ci refuses one that does not, and with it every fresh clone, image and CI.
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

interface LockedPackage {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

type LockedPackages = Readonly<Record<string, LockedPackage>>;

/** Where Node looks for a package that one at `path` asks for: beside what it has of its own, and in each folder above. */
function isLocked(packages: LockedPackages, path: string, name: string): boolean {
  for (let folder = path; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("node_modules/") - 1))) {
    if (`${folder === "" ? "" : `${folder}/`}node_modules/${name}` in packages) return true;
    if (folder === "") return false;
  }
}

function missingFrom(packages: LockedPackages): readonly string[] {
  return Object.entries(packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((name) => !isLocked(packages, path, name))
      .map((name) => `${path}: ${name}`),
  );
}

test("nothing is missing, of any platform", () => {
  const { packages } = JSON.parse(readFileSync(join(import.meta.dirname, "../package-lock.json"), "utf8")) as {
    readonly packages: LockedPackages;
  };
  expect(Object.keys(packages).length).toBeGreaterThan(100);
  expect(missingFrom(packages)).toEqual([]);
});

test("what is missing is told, what stands above is not", () => {
  expect(
    missingFrom({
      "": { dependencies: { a: "1" } },
      "node_modules/a": { dependencies: { b: "1" }, optionalDependencies: { "@c/linux": "1", "@c/darwin": "1" } },
      "node_modules/a/node_modules/b": { dependencies: { "@c/linux": "1", d: "1" } },
      "node_modules/@c/linux": {},
    }),
  ).toEqual(["node_modules/a: @c/darwin", "node_modules/a/node_modules/b: d"]);
});

/** The oldest Node that a fresh clone needs, as npm is told it. */
const oldNode = `--import=data:text/javascript,Object.defineProperty(process,'version',{value:'v20.20.2'})`;

test("npm ci on Node 20 has nothing to warn of", { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-install-"));
  try {
    for (const file of ["package.json", "package-lock.json", ".npmrc"])
      cpSync(join(import.meta.dirname, "..", file), join(folder, file));
    const warningsOf = (...more: readonly string[]): string =>
      spawnSync("npm", ["ci", "--dry-run", "--offline", ...more], {
        cwd: folder,
        encoding: "utf8",
        env: { PATH: process.env["PATH"], HOME: folder, NODE_OPTIONS: oldNode },
      }).stderr;
    expect(warningsOf()).toBe("");
    // It would say what is too new.
    expect(warningsOf("--loglevel=warn")).toContain("EBADENGINE");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
