// The workflow that releases, which cannot run here: judged by actionlint, and by what a reader would ask of it.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";
import { describe, expect, test } from "vitest";
import { root } from "./gateway/packed-form.ts";

interface Step {
  readonly uses?: string;
  readonly run?: string;
}

interface Job {
  readonly needs?: string | readonly string[];
  readonly permissions: Readonly<Record<string, string>>;
  readonly "timeout-minutes": number;
  readonly environment?: string;
  readonly steps: readonly Step[];
}

const file = join(root, ".github/workflows/release.yml");
const text = readFileSync(file, "utf8");
const workflow = load(text) as { readonly permissions: object; readonly jobs: Readonly<Record<string, Job>> };
const jobs = Object.entries(workflow.jobs);

const hasGo = spawnSync("go", ["version"]).status === 0;

test.skipIf(!hasGo)(
  "actionlint finds nothing in it, and finds a planted fault",
  () => {
    const built = spawnSync(join(root, "test/tools/actionlint.sh"), { encoding: "utf8" });
    expect([built.status, built.status === 0 ? "" : built.stderr]).toEqual([0, ""]);
    const judged = (content: string): string =>
      spawnSync(built.stdout.trim(), ["-no-color", "-"], { input: content, encoding: "utf8" }).stdout;
    expect(judged(text)).toBe("");
    expect(judged(text.replace("needs: [chart, npm]", "needs: [chart, nmp]"))).toContain(
      'job "release" needs job "nmp"',
    );
  },
  180_000,
);

test("it says that it was never run", () => {
  expect(text).toContain("# This file was never run:");
});

describe("least permissions", () => {
  test("none for all jobs, and for each job only what its kind of work needs", () => {
    expect(workflow.permissions).toEqual({});
    expect(Object.fromEntries(jobs.map(([name, { permissions }]) => [name, permissions]))).toEqual({
      test: { contents: "read" },
      artefacts: { contents: "read", "id-token": "write", attestations: "write" },
      image: { contents: "read", packages: "write", "id-token": "write" },
      chart: { packages: "write", "id-token": "write" },
      npm: { "id-token": "write" },
      release: { contents: "write" },
    });
  });

  test("what publishes waits for the tests, however far, and for a reviewer", () => {
    const needed = (name: string): readonly string[] => [workflow.jobs[name]!.needs ?? []].flat();
    const waitsFor = (name: string): readonly string[] => needed(name).flatMap((one) => [one, ...waitsFor(one)]);
    for (const name of ["artefacts", "image", "chart", "npm", "release"]) expect(waitsFor(name)).toContain("test");
    for (const name of ["image", "chart", "npm"]) expect(workflow.jobs[name]!.environment).toBe("release");
  });
});

describe.each(jobs)("the job %s", (_, { steps, "timeout-minutes": minutes }) => {
  test("has a time limit, and names each action by its commit", () => {
    expect(minutes).toBeGreaterThan(0);
    for (const { uses } of steps) if (uses !== undefined) expect(uses).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
  });

  test("puts no expression into a script, where its value would be code", () => {
    for (const { run = "" } of steps) {
      expect(run).not.toContain("${{");
      expect(spawnSync("bash", ["-n"], { input: run, encoding: "utf8" }).stderr).toBe("");
    }
  });

  test("runs only scripts that are there", () => {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      readonly scripts: Readonly<Record<string, string>>;
    };
    for (const { run = "" } of steps)
      for (const [, name] of run.matchAll(/npm run (?:--\w+ )?([\w:]+)/g)) expect(Object.keys(scripts)).toContain(name);
  });
});

test("each commit of an action has its tag beside it", () => {
  const lines = text.split("\n").filter((line) => line.includes("uses:"));
  expect(lines.length).toBeGreaterThan(10);
  expect(lines.filter((line) => !/@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([]);
});
