import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

/** Optimised code does not keep all counters. */
function counted(script: string, count: number): unknown {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--no-opt", "--no-maglev", "--no-sparkplug", join(import.meta.dirname, script), String(count)],
    { encoding: "utf8" },
  );
  expect(stderr).toBe("");
  return JSON.parse(stdout);
}

// Twice the objects, twice the work of each function, and a little for what sorting adds; with a square it is four times.
test("work grows with the manifests, not with their square", { timeout: 120_000 }, () => {
  const steeper = counted("growth-count.ts", 250) as Record<string, Record<string, number>>;
  expect(Object.entries(steeper).filter(([, functions]) => Object.keys(functions).length > 0)).toEqual([]);
  expect(Object.keys(steeper).length).toBe(17);
});

test(
  "a change costs as much whatever others have, but for claims of shared space: those are decided together",
  { timeout: 120_000 },
  () => {
    const costs = counted("neighbour-count.ts", 100) as Record<
      string,
      { readonly own: readonly number[]; readonly neighbour: readonly number[] }
    >;
    // The first change of all fills what is kept for the next.
    const growthOf = (blocks: readonly number[]): number => blocks.at(-1)! / Math.min(...blocks);
    const grown = Object.entries(costs).map(
      ([name, { own, neighbour }]) => [name, growthOf(own), growthOf(neighbour)] as const,
    );
    expect(grown.filter(([, , neighbour]) => !(neighbour < 1.1))).toEqual([]);
    expect(grown.filter(([, own]) => !(own < 1.5)).map(([name]) => name)).toEqual([
      "hosts on one prefix",
      "one prefix",
      "nested prefixes",
    ]);
    // Four times as many: a square is sixteen times.
    expect(grown.filter(([, own]) => !(own < 7))).toEqual([]);
    expect(grown.length).toBe(17);
  },
);
