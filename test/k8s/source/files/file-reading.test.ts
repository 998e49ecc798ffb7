import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readBytes } from "../../../../k8s/source/files/file-reading.ts";
import { manifestBounds } from "../../../../k8s/source/manifest/manifest-bounds.ts";

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-bytes-"));
  path = join(folder, "a.yaml");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a file that another took the place of since it was found is read as it is", () => {
  writeFileSync(path, "a: b\n".repeat(1000));
  for (const size of [0, 1, 5000, 100_000])
    expect(Buffer.from(readBytes(path, size) as Uint8Array).toString()).toBe("a: b\n".repeat(1000));
});

test("one that is over the bound by then is not read, as if it had been found so", () => {
  writeFileSync(path, "a: b\n");
  truncateSync(path, manifestBounds.fileBytes + 1);
  const sentence = `it has ${manifestBounds.fileBytes + 1} bytes, more than ${manifestBounds.fileBytes}`;
  for (const size of [manifestBounds.fileBytes + 1, 5]) {
    const bytes = readBytes(path, size);
    expect(typeof bytes === "string" ? bytes : bytes.length).toBe(sentence);
  }
});

test("a file that does not say its size is read to its end", () => {
  expect(Buffer.from(readBytes("/proc/self/environ", 0) as Uint8Array).toString()).toContain("PATH=");
});
