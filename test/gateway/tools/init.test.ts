// `sluice init` and `sluice model`: a folder that is served as it is written, and a model that the packed form has, too.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { maxPredictors, maxServiceName } from "../../../gateway/tools/init.ts";
import { packedForm, root } from "../packed-form.ts";
import { runTool } from "./run-tool.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-init-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);

describe("init", () => {
  test.each([
    [["main=9000"], "100%"],
    [["main=9000", "canary=9001"], "90%"],
    [Array.from({ length: maxPredictors }, (_, index) => `p${index}=${9000 + index}`), "10%"],
  ])("writes what check finds nothing in, with shares: %j", async (predictors, share) => {
    const own = at(`good-${predictors.length}`);
    const { code, out, err } = await runTool("init", "iris", ...predictors, "--folder", own, "-n", "team-a");
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain(`npx sluice model --port 9000 --model-version 1\n`);
    expect(out).toContain(`/seldon/team-a/iris/api/v1.0/predictions\n`);
    expect(readdirSync(own)).toEqual(["iris-services.yaml", "iris.yaml"]);
    expect((await runTool("check", own, "--fail-on", "info")).out).toMatch(
      /^1 SeldonDeployment: 1 as before\n\nno Problems/,
    );
    expect((await runTool("routes", own)).out).toContain(` ${share} `);
  });

  test("replaces no file", async () => {
    for (const name of ["iris.yaml", "iris-services.yaml"]) {
      const own = mkdtempSync(at("there-"));
      writeFileSync(join(own, name), "mine");
      expect(await runTool("init", "iris", "main=9000", "--folder", own)).toEqual({
        code: 1,
        out: "",
        err: `sluice init: ${join(own, name)} exists, and it replaces no file: write --folder with another folder, or move the file away\n`,
      });
      expect(readFileSync(join(own, name), "utf8")).toBe("mine");
      expect(readdirSync(own)).toEqual([name]);
    }
  });

  test("a folder that is a file is a failure in one line", async () => {
    writeFileSync(at("file"), "");
    const { code, err } = await runTool("init", "iris", "main=9000", "--folder", at("file"));
    expect([code, err]).toEqual([1, expect.stringMatching(/^sluice init: it cannot write the folder [^\n]*\n$/)]);
  });

  test.runIf(existsSync("/proc/self"))("so is one below a folder that takes none", async () => {
    const { code, err } = await runTool("init", "iris", "main=9000", "--folder", "/proc/none/models");
    expect([code, err]).toEqual([1, expect.stringMatching(/^sluice init: it cannot write the folder [^\n]*\n$/)]);
  });

  const long = "n".repeat(30);
  test.each([
    [[], "it takes a name"],
    [["iris"], "it takes a name"],
    [["Iris", "main=9000"], '"Iris" is no name of a deployment'],
    [["../x", "main=9000"], '"../x" is no name of a deployment'],
    [["iris\n", "main=9000"], "is no name of a deployment"],
    [["iris", "main"], '"main" is no predictor with its port'],
    [["iris", "main=0"], '"main=0" is no predictor with its port'],
    [["iris", "main=65536"], "is no predictor with its port"],
    [["iris", "ma in=1"], "is no predictor with its port"],
    [["iris", "main=1", "main=2"], "the predictor main is written twice"],
    [["iris", ...Array.from({ length: maxPredictors + 1 }, (_, index) => `p${index}=1`)], "at most 10 predictors"],
    [[long, `${"p".repeat(maxServiceName - long.length)}=1`], "of more than 63 characters"],
  ])("%j is wrong use, and nothing is written", async (words, sentence) => {
    const own = at("wrong");
    const { code, out, err } = await runTool("init", ...words, "--folder", own);
    expect([code, out, err]).toEqual([2, "", expect.stringContaining(sentence)]);
    expect(err.split("\n")).toHaveLength(2);
    expect(existsSync(own)).toBe(false);
  });

  test("names of the greatest length are written", async () => {
    const predictor = "p".repeat(maxServiceName - long.length - 1);
    expect((await runTool("init", long, `${predictor}=1`, "--folder", at("long"))).code).toBe(0);
    expect((await runTool("check", at("long"), "--fail-on", "info")).code).toBe(0);
  });
});

describe("model", () => {
  const children: ChildProcess[] = [];
  afterEach(() => children.splice(0).forEach((child) => child.kill("SIGKILL")));

  const start = (main: string, ...argv: string[]): ChildProcess => {
    const child = spawn(process.execPath, [main, "model", ...argv], { stdio: ["ignore", "pipe", "pipe"] });
    children.push(child);
    return child;
  };

  test.each(["sources", "packed"])(
    "answers REST and gRPC, of the %s, until SIGTERM",
    async (form) => {
      const main = form === "packed" ? join(await packedForm(), "main.js") : join(root, "gateway/main.ts");
      const child = start(main, "--port", "0", "--model-version", "2");
      const [line] = (await once(child.stdout!, "data")) as [Buffer];
      const [, port] = /^model version 2 listens on 127\.0\.0\.1:(\d+), REST and gRPC\n$/.exec(line.toString())!;
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1.0/predictions`, {
        method: "POST",
        body: '{"data":{"ndarray":[[5.1,3.5,1.4,0.2]]}}',
      });
      expect(await answer.text()).toContain('"iris:2"');
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      expect(await ended).toEqual([0, null]);
    },
    60_000,
  );

  test("a port that is taken is a failure in one line", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const child = start(join(root, "gateway/main.ts"), "--port", String((taken.address() as AddressInfo).port));
    const [[text], [code]] = (await Promise.all([once(child.stderr!, "data"), once(child, "exit")])) as [
      [Buffer],
      [number],
    ];
    expect([text.toString(), code]).toEqual([
      expect.stringMatching(
        /^sluice model: it cannot listen on 127\.0\.0\.1:\d+ \(.*EADDRINUSE.*\): write --port with a free port\n$/,
      ),
      1,
    ]);
    taken.close();
  });

  test("words and ports that are none are wrong use", async () => {
    expect((await runTool("model", "9000")).code).toBe(2);
    expect((await runTool("model", "--port", "65536")).code).toBe(2);
  });
});
