import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { goldenCases, runCase } from "./golden/golden.ts";

const root = join(import.meta.dirname, "golden");

describe("golden", () => {
  test.each(goldenCases(root))("%s", async (name) => {
    const file = join(root, name, "expected.txt");
    const text = await runCase(join(root, name));
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, text);
    expect(text).toBe(
      existsSync(file) ? readFileSync(file, "utf8") : "(no expected.txt: write it with UPDATE_GOLDEN=1, then read it)",
    );
  });
});
