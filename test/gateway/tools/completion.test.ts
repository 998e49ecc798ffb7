// The scripts of `sluice completion`: bash's is run by bash, zsh's and fish's are read by their shell where it is installed.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runTool } from "./run-tool.ts";

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-completion-"));
  mkdirSync(join(folder, "manifests"));
  writeFileSync(join(folder, "more manifest.yaml"), "");
  for (const shell of ["bash", "zsh", "fish"])
    writeFileSync(join(folder, shell), (await runTool("completion", shell)).out);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What bash offers for the last of these words. It takes words apart at "=". */
function completed(...words: readonly string[]): readonly string[] {
  const script = 'source ./bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sluice; printf "%s\\n" "${COMPREPLY[@]}"';
  const out = execFileSync("bash", ["-uc", script, "bash", "sluice", ...words], { cwd: folder, encoding: "utf8" });
  return out.split("\n").filter((line) => line !== "");
}

describe("in bash", () => {
  test("commands", () => {
    expect(completed("")).toEqual(expect.arrayContaining(["serve", "check", "routes", "completion", "version"]));
    expect(completed("rou")).toEqual(["routes"]);
    expect(completed("nonsense", "")).toEqual([]);
  });

  test("options of the command", () => {
    expect(completed("serve", "--drain-")).toEqual(["--drain-wait-ms", "--drain-grace-ms"]);
    expect(completed("check", "--drain-")).toEqual([]);
    expect(completed("check", "--ba")).toEqual(["--back", "--bare-names"]);
    expect(completed("explain", "/seldon/", "--he")).toEqual(["--header", "--help"]);
  });

  test("choices, also after =", () => {
    expect(completed("serve", "--claims", "")).toEqual(["open", "granted"]);
    expect(completed("serve", "--claims", "=", "g")).toEqual(["granted"]);
    expect(completed("serve", "--claims", "=")).toEqual(["open", "granted"]);
    expect(completed("completion", "")).toEqual(["bash", "zsh", "fish"]);
    expect(completed("oauth", "")).toEqual(["revoke"]);
    expect(completed("problems", "-o", "")).toEqual(["text", "json", "yaml"]);
    expect(completed("routes", "--output", "=", "")).toEqual(["text", "wide", "json", "yaml"]);
    expect(completed("check", "-o", "s")).toEqual(["sarif"]);
  });

  test("names of files and of directories, and nothing for other values", () => {
    expect(completed("serve", "--policy", "m")).toEqual(expect.arrayContaining(["manifests", "more manifest.yaml"]));
    expect(completed("serve", "--folder", "m")).toEqual(["manifests"]);
    expect(completed("check", "mo")).toEqual(["more manifest.yaml"]);
    expect(completed("serve", "--workers", "")).toEqual([]);
    expect(completed("explain", "-X", "m")).toEqual([]);
  });
});

test.each([
  [
    "zsh",
    ["-n"],
    /^#compdef sluice\n/,
    "'--claims=[who may claim paths outside /seldon/; open\\: every namespace, granted\\: only those with a Grant]:open|granted:(open granted)'",
  ],
  [
    "fish",
    ["--no-execute"],
    /^# fish/,
    "complete -c sluice -n '__fish_seen_subcommand_from serve' -l claims -r -f -a 'open granted' -d 'who may",
  ],
])("%s reads its script", (shell, argv, first, line) => {
  const script = execFileSync("cat", [join(folder, shell)], { encoding: "utf8" });
  expect(script).toMatch(first);
  expect(script).toContain(line);
  // Quotes are closed on each line.
  for (const one of script.split("\n"))
    expect([one, one.replaceAll(/\\./g, "").split("'").length % 2]).toEqual([one, 1]);
  const { error, status, stderr } = spawnSync(shell, [...argv, join(folder, shell)], { encoding: "utf8" });
  if (error === undefined) expect([status, stderr]).toEqual([0, ""]);
  else expect(error).toMatchObject({ code: "ENOENT" });
});

test("a shell that it does not know is wrong use", async () => {
  for (const argv of [[], ["tcsh"], ["bash", "zsh"], ["toString"]])
    expect(await runTool("completion", ...argv)).toEqual({
      code: 2,
      out: "",
      err: "sluice completion: it takes the name of a shell: write bash or zsh or fish\n",
    });
});
