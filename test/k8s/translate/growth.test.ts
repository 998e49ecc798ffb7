import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test, vi } from "vitest";

// Work is counted, not time: the limit is for a machine that does much else.
vi.setConfig({ testTimeout: 600_000 });

/** Optimised code does not keep all counters. */
async function counted(script: string, count: number): Promise<unknown> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    "--no-opt",
    "--no-maglev",
    "--no-sparkplug",
    join(import.meta.dirname, script),
    String(count),
  ]);
  expect(stderr).toBe("");
  return JSON.parse(stdout);
}

// Twice the objects, twice the work of each function, and a little for what sorting adds; with a square it is four times.
test.concurrent("work grows with the manifests, not with their square", async () => {
  const steeper = (await counted("growth-count.ts", 250)) as Record<string, Record<string, number>>;
  expect(Object.entries(steeper).filter(([, functions]) => Object.keys(functions).length > 0)).toEqual([]);
  expect(Object.keys(steeper).length).toBe(17);
});

test.concurrent("a change costs as much whatever others have, but for claims of shared space: those are decided together", async () => {
  const costs = (await counted("neighbour-count.ts", 50)) as Record<
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
});
