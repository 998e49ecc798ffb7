import { spawnSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RecordFile } from "../../../../k8s/source/folder/record-file.ts";
import { PassedVersions } from "../../../../k8s/source/objects/passed-versions.ts";
import { recordBytes } from "../../../../k8s/translate/values/record-text.ts";
import type { StoredRecord } from "../../../../k8s/source/objects/source.ts";

let folder: string;
let file: string;
let stores: RecordFile[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-claims-"));
  file = join(folder, "claims");
});

afterEach(() => {
  for (const store of stores) store.stop();
  stores = [];
  rmSync(folder, { recursive: true });
});

function open(): { readonly store: RecordFile; readonly told: StoredRecord[]; readonly next: () => Promise<void> } {
  const store = new RecordFile(file);
  const told: StoredRecord[] = [];
  let wake = (): void => {};
  store.follow((stored) => {
    told.push(stored);
    wake();
  });
  store.start();
  stores.push(store);
  return { store, told, next: () => new Promise((resolve) => (wake = resolve)) };
}

test("is absent, written, and read by the next", async () => {
  const { store, told } = open();
  expect(told).toEqual([{ kind: "absent" }]);
  expect((await store.write("one\n", null)).kind).toBe("written");
  expect(readFileSync(file, "utf8")).toBe("one\n");
  expect(open().told).toMatchObject([{ kind: "text", text: "one\n" }]);
});

test("is written only over what the writer has read; the other is told what is there", async () => {
  const [one, two] = [open(), open()];
  const written = await one.store.write("one\n", null);
  const news = two.next();
  expect(await two.store.write("two\n", null)).toEqual({ kind: "conflict" });
  await news;
  expect(two.told.at(-1)).toEqual({
    kind: "text",
    text: "one\n",
    version: written.kind === "written" ? written.version : "",
  });
  expect((await two.store.write("two\n", written.kind === "written" ? written.version : "")).kind).toBe("written");
});

test("two writers do not write at the same time, and a draft that somebody left is no lock for ever", async () => {
  writeFileSync(`${file}.new`, "");
  const { store } = open();
  expect(await store.write("one\n", null)).toEqual({ kind: "failed", sentence: "it cannot be written (EEXIST)" });
  utimesSync(`${file}.new`, 1, 1);
  const written = await store.write("one\n", null);
  expect(written.kind).toBe("written");
  // Of a clock that was set back since.
  writeFileSync(`${file}.new`, "");
  const tomorrow = Date.now() / 1000 + 86_400;
  utimesSync(`${file}.new`, tomorrow, tomorrow);
  expect((await store.write("two\n", written.kind === "written" ? written.version : "")).kind).toBe("written");
});

test("a disk that takes only a part of it keeps what was there", () => {
  const module = new URL("../../../../k8s/source/folder/record-file.ts", import.meta.url).href;
  const script = `const { RecordFile } = await import(${JSON.stringify(module)});
    const store = new RecordFile(${JSON.stringify(file)});
    const written = await store.write("one\\n", null);
    console.log(JSON.stringify(await store.write("x".repeat(300_000), written.version)));`;
  // A file of at most 100 KiB, which the kernel ends as it ends a full disk: the first write takes what fits.
  const run = spawnSync("bash", [
    "-c",
    'ulimit -f 100; exec "$@"',
    "-",
    process.execPath,
    "--input-type=module",
    "-e",
    script,
  ]);
  expect(run.stdout.toString()).toBe(
    `${JSON.stringify({ kind: "failed", sentence: "it cannot be written (EFBIG)" })}\n`,
  );
  expect(readFileSync(file, "utf8")).toBe("one\n");
});

test("a link to a record elsewhere stays a link", async () => {
  const elsewhere = join(folder, "disk", "claims");
  mkdirSync(join(folder, "disk"));
  writeFileSync(elsewhere, "one\n");
  symlinkSync(elsewhere, file);
  const { store, told } = open();
  const [found] = told;
  expect((await store.write("two\n", found?.kind === "text" ? found.version : null)).kind).toBe("written");
  expect(lstatSync(file).isSymbolicLink()).toBe(true);
  expect(readFileSync(elsewhere, "utf8")).toBe("two\n");
});

test("a text of 960 KiB is written, and a longer one is not", async () => {
  const { store } = open();
  expect((await store.write("x".repeat(recordBytes - 1), null)).kind).toBe("written");
  rmSync(file);
  expect((await store.write("x".repeat(recordBytes), null)).kind).toBe("written");
  rmSync(file);
  expect(await store.write("x".repeat(recordBytes + 1), null)).toEqual({
    kind: "failed",
    sentence: "it would have 983041 bytes, and a record has at most 983040",
  });
});

test("what is too long, or no file, is unreadable and stays", async () => {
  writeFileSync(file, "x".repeat(1024 * 1024 + 1));
  const { store, told } = open();
  expect(told).toMatchObject([{ kind: "unreadable" }]);
  expect((await store.write("one\n", null)).kind).toBe("failed");
  expect(readFileSync(file, "utf8").length).toBe(1024 * 1024 + 1);
  writeFileSync(file, "x".repeat(1024 * 1024));
  expect(open().told).toMatchObject([{ kind: "text" }]);
});

test("a FIFO and a device are no record: nobody waits for them, and nothing is written over them", async () => {
  expect(spawnSync("mkfifo", [file]).status).toBe(0);
  const { store, told } = open();
  expect(told).toEqual([{ kind: "unreadable", sentence: "it is no file" }]);
  expect(await store.write("one\n", null)).toEqual({ kind: "failed", sentence: "it is no file" });
  rmSync(file);
  symlinkSync("/dev/zero", file);
  expect(open().told).toEqual([{ kind: "unreadable", sentence: "it is no file" }]);
});

test("tells what it wrote, so that an earlier text which somebody puts back is told as well", async () => {
  const { store, told, next } = open();
  const passed = new PassedVersions();
  const wakes = next();
  const one = await store.write("one\n", null);
  if (one.kind !== "written") throw new Error(one.kind);
  await wakes;
  const wakesAgain = next();
  await store.write("two\n", one.version);
  passed.add(one.version);
  await wakesAgain;
  const wakesAtLast = next();
  writeFileSync(file, "one\n");
  await wakesAtLast;
  const isPast = told.map((stored) => (stored.kind === "text" ? `${stored.text.trim()} ${passed.has(stored)}` : ""));
  expect(isPast.slice(-2)).toEqual(["two false", "one false"]);
});
