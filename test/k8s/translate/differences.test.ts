import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../../..");
const read = (...path: string[]): string => readFileSync(join(root, ...path), "utf8");

/** Codes that the translation reports. */
const codes = [
  ...new Set(
    readdirSync(join(root, "k8s/translate"), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .flatMap((file) =>
        [...read("k8s/translate", file).matchAll(/["'](differs-[a-z-]+)["']/g)].map(([, code]) => code!),
      ),
  ),
].sort();

test("every Problem that tells a difference is in COMPATIBILITY.md, and every one there exists", () => {
  const told = [
    ...new Set([...read("k8s/COMPATIBILITY.md").matchAll(/`(differs-[a-z-]+)`/g)].map(([, code]) => code!)),
  ].sort();
  expect(told).toEqual(codes);
  expect(codes.length).toBeGreaterThan(20);
});

test("every Problem that tells a difference has a golden case", () => {
  const golden = readdirSync(join(root, "test/golden"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => read("test/golden", name, "expected.txt"))
    .join("");
  expect(codes.filter((code) => !golden.includes(` ${code} `))).toEqual([]);
});
