// What is printed to a reader who leaves, and to a disk that is full.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, expect, test } from "vitest";
import { accessFields } from "../../../gateway/shared/access-fields.ts";
import { entry as main } from "../entry.ts";
import { FakeAdmin } from "./fake-admin.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-print-"));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, "wrong.yaml"), "kind: [");

function start(argv: readonly string[], stdout: "pipe" | number): ChildProcess {
  return spawn(process.execPath, [main, ...argv], { stdio: ["ignore", stdout, "pipe"] });
}

/** Exit code and stderr. */
async function ended(child: ChildProcess): Promise<readonly [unknown, string]> {
  const [err, [code]] = await Promise.all([text(child.stderr!), once(child, "exit")]);
  return [code, err];
}

test.each([
  [["--help"], 0],
  [["check", "--help"], 0],
  [["completion", "bash"], 0],
  [["check", folder], 1],
] as const)("%j keeps its exit code, and says nothing, where nobody reads", async (argv, code) => {
  const child = start(argv, "pipe");
  child.stdout!.destroy();
  expect(await ended(child)).toEqual([code, ""]);
});

test("a stream ends when its reader leaves", async () => {
  const entry = Object.fromEntries(
    Object.entries(accessFields).map(([name, { none }]) => [name, typeof none === "number" ? 1 : "x"]),
  );
  const admin = await FakeAdmin.start((_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const go = (): void => {
      while (response.write(`event: request\ndata: ${JSON.stringify(entry)}\n\n`));
    };
    response.on("drain", go);
    go();
  });
  const child = start(["logs", "--url", admin.url], "pipe");
  await once(child.stdout!, "data");
  child.stdout!.destroy();
  expect(await ended(child)).toEqual([0, ""]);
  await admin.stop();
});

test.runIf(process.platform === "linux")("a full disk is one sentence", async () => {
  const full = openSync("/dev/full", "w");
  expect(await ended(start(["completion", "bash"], full))).toEqual([
    1,
    expect.stringMatching(/^sluice: it cannot write its output \(ENOSPC: [^\n]*\)\n$/),
  ]);
  closeSync(full);
});
