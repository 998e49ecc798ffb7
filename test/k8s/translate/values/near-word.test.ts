import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { nearWord } from "../../../../routing/text/near-word.ts";
import * as fc from "../../../seeded.ts";

describe("the known word that was meant", () => {
  const known = ["retry_on", "num_retries", "host", "prefix", "prefix_regex"];
  test.each([
    ["retryOn", "retry_on"],
    ["Retry-On", "retry_on"],
    ["retyr_on", "retry_on"],
    ["rtry_n", "retry_on"],
    ["rtr_n", null],
    ["hots", "host"],
    ["hst", "host"],
    ["pefi", "prefix"],
    ["hsst", "host"],
    ["hsts", null],
    ["ht", null],
    ["prefix_regexp", "prefix_regex"],
    ["x".repeat(80), null],
    [`host${"-".repeat(76)}`, "host"],
    [`host${"-".repeat(77)}`, null],
  ])("%s", (word, meant) => {
    expect(nearWord(word, known)).toBe(meant);
  });

  /** The whole table of distances between all beginnings of both. */
  function distanceOf(a: string, b: string): number {
    const table = Array.from({ length: a.length + 1 }, (_, i) =>
      Array.from({ length: b.length + 1 }, (__, j) => (i === 0 ? j : j === 0 ? i : 0)),
    );
    for (let i = 1; i <= a.length; i++) {
      for (let j = 1; j <= b.length; j++) {
        const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
        table[i]![j] = Math.min(
          table[i - 1]![j]! + 1,
          table[i]![j - 1]! + 1,
          table[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1),
          isSwapped ? table[i - 2]![j - 2]! + 1 : Infinity,
        );
      }
    }
    return table[a.length]![b.length]!;
  }

  test("is the one with the fewest letters wrong, as the whole table of distances has it", async () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "c", "d", "A", "_"), minLength: 1, maxLength: 9 });
    const bare = (text: string): string => text.replace(/_/g, "").toLowerCase();
    await fc.assert(
      fc.property(word, fc.array(word, { maxLength: 4 }), (written, words) => {
        const near = words
          .map((one) => ({
            one,
            distance: bare(one) === bare(written) ? 0 : distanceOf(written.toLowerCase(), one.toLowerCase()),
          }))
          .filter(({ one, distance }) => distance <= (Math.max(written.length, one.length) < 6 ? 1 : 2));
        expect(nearWord(written, words)).toBe(near.toSorted((a, b) => a.distance - b.distance)[0]?.one ?? null);
      }),
      { numRuns: 5000 },
    );
  });
});

test("annotations that are nearly known ones cost a few steps each", { timeout: 60_000 }, () => {
  // Optimised code does not keep all counters.
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--no-opt", "--no-maglev", "--no-sparkplug", join(import.meta.dirname, "..", "near-word-count.ts")],
    { encoding: "utf8" },
  );
  expect(stderr).toBe("");
  const blocks = JSON.parse(stdout) as Record<string, number>;
  expect(Object.entries(blocks).filter(([, each]) => !(each < 3000))).toEqual([]);
  expect(Object.keys(blocks).length).toBe(4);
});
