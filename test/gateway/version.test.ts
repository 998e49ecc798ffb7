// Which build it is: of the sources, and of a packed form, which packing stamps.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { commitOf } from "../../gateway/packing/commit.ts";
import { pack } from "../../gateway/packing/pack.ts";
import { packedForm, root } from "./packed-form.ts";
import { runTool } from "./tools/run-tool.ts";

const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { readonly version: string };

let checkout: string;
beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), "sluice-version-"));
});
afterEach(() => rmSync(checkout, { recursive: true }));

function git(...argv: readonly string[]): string {
  const who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"];
  return execFileSync("git", [...who, ...argv], { cwd: checkout, encoding: "utf8" }).trim();
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(checkout, path)), { recursive: true });
  writeFileSync(join(checkout, path), text);
}

function committed(): string {
  git("init", "--quiet");
  git("add", ".");
  git("commit", "--quiet", "--message", "all");
  return git("rev-parse", "HEAD");
}

describe("the commit", () => {
  test("is what git says, with whether a source differs from it", async () => {
    write("gateway/main.ts", "one");
    write("README.md", "one");
    const commit = committed();
    expect(commit).toMatch(/^[0-9a-f]{40}$/);
    expect(await commitOf(checkout, {})).toBe(commit);
    write("README.md", "two");
    expect(await commitOf(checkout, {})).toBe(commit);
    write("gateway/other.ts", "new");
    expect(await commitOf(checkout, {})).toBe(`${commit}-changed`);
  });

  test("is not known without git, and not that of a checkout around it", async () => {
    expect(await commitOf(checkout, {})).toBeNull();
    write("inner/gateway/main.ts", "one");
    committed();
    expect(await commitOf(join(checkout, "inner"), {})).toBeNull();
  });

  test("comes from SLUICE_COMMIT where there is no git, as in the build of an image", async () => {
    const given = "0123456789abcdef0123456789abcdef01234567";
    expect(await commitOf(checkout, { SLUICE_COMMIT: given })).toBe(given);
    expect(await commitOf(checkout, { SLUICE_COMMIT: "" })).toBeNull();
    await expect(commitOf(checkout, { SLUICE_COMMIT: "main" })).rejects.toThrow(
      'SLUICE_COMMIT is not a commit: write what "git rev-parse HEAD" prints',
    );
  });
});

describe("sluice version", () => {
  test("of the sources", async () => {
    const { code, out, err } = await runTool("version");
    const commit = await commitOf(root);
    const shown =
      commit === null ? "unknown" : `${commit.slice(0, 12)}${commit.endsWith("-changed") ? " with changes" : ""}`;
    expect({ code, out, err }).toEqual({
      code: 0,
      out: `sluice ${version} (commit ${shown}, from sources, Node ${process.versions.node})\n`,
      err: "",
    });
  });

  test("of the packed form, whose build is the digest of its code", async () => {
    const main = join(await packedForm(), "main.js");
    const [, digest] = /main-([0-9a-f]{16})\.js/.exec(readFileSync(main, "utf8"))!;
    for (const word of ["version", "--version"]) {
      const line = execFileSync(process.execPath, [main, word], { encoding: "utf8" });
      expect(line).toMatch(
        /^sluice [\d.]+ \(commit (?:[0-9a-f]{12}(?: with changes)?|unknown), build [0-9a-f]{16}, Node [\d.]+\)\n$/,
      );
      expect(line).toContain(`sluice ${version} (`);
      expect(line).toContain(`, build ${digest}, `);
    }
  }, 60_000);

  test("of a packed form of another version: what packing was told", async () => {
    for (const path of ["gateway", "routing", "k8s", "package.json", "package-lock.json"])
      cpSync(join(root, path), join(checkout, path), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(checkout, "node_modules"));
    const folder = join(checkout, "packed");
    await pack(checkout, folder, { version: "0.2.0", commit: `${"0123456789".repeat(4)}-changed` });
    expect(execFileSync(process.execPath, [join(folder, "main.js"), "version"], { encoding: "utf8" })).toMatch(
      /^sluice 0\.2\.0 \(commit 012345678901 with changes, build [0-9a-f]{16}, Node [\d.]+\)\n$/,
    );
  }, 60_000);
});
