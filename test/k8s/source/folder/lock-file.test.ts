import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LockFile } from "../../../../k8s/source/folder/lock-file.ts";

let folder: string;
const locks: LockFile[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-lock-"));
});

afterEach(() => {
  for (const lock of locks.splice(0)) lock.release();
  rmSync(folder, { recursive: true });
});

function lockOf(file: string): LockFile {
  const lock = new LockFile(file);
  locks.push(lock);
  return lock;
}

test("one has it, whatever link the folder is named by; released it is the next one's", async () => {
  symlinkSync(folder, `${folder}/link`);
  const [one, two] = [lockOf(join(folder, "state")), lockOf(join(folder, "link", "state"))];
  expect(await one.take()).toEqual({ kind: "taken" });
  expect(await one.take()).toEqual({ kind: "taken" });
  expect(await two.take()).toEqual({ kind: "busy" });
  one.release();
  expect(await two.take()).toEqual({ kind: "taken" });
});

test("so it is whatever link the file is named by", async () => {
  writeFileSync(join(folder, "state"), "");
  mkdirSync(join(folder, "other"));
  symlinkSync(join(folder, "state"), join(folder, "other", "link"));
  const [one, two] = [lockOf(join(folder, "state")), lockOf(join(folder, "other", "link"))];
  expect(await one.take()).toEqual({ kind: "taken" });
  expect(await two.take()).toEqual({ kind: "busy" });
});

test("a process that is killed frees it at once", async () => {
  const file = join(folder, "state");
  const module = new URL("../../../../k8s/source/folder/lock-file.ts", import.meta.url).href;
  const script = `const { LockFile } = await import(${JSON.stringify(module)});
    const lock = new LockFile(${JSON.stringify(file)});
    console.log((await lock.take()).kind);
    setInterval(() => lock, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  expect(line.toString()).toBe("taken\n");
  const lock = lockOf(file);
  expect(await lock.take()).toEqual({ kind: "busy" });
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(await lock.take()).toEqual({ kind: "taken" });
});

test("where there is no folder it is nobody's", async () => {
  expect(await lockOf(join(folder, "missing", "state")).take()).toMatchObject({ kind: "failed" });
});
