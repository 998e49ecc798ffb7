// Memory goes back after a large piece of work.
import { expect, test } from "vitest";
import { releaseMemory } from "../../../gateway/shared/release-memory.ts";

test("garbage and the pages that held it are given back", () => {
  // From a heap without garbage, so that what it grows by is what the piles take.
  releaseMemory();
  const emptyBytes = process.memoryUsage().heapTotal;
  const piles = Array.from({ length: 200 }, (_, pile) =>
    Array.from({ length: 10_000 }, (__, index) => ({ pile, index })),
  );
  const fullBytes = process.memoryUsage().heapTotal;
  expect(fullBytes - emptyBytes).toBeGreaterThan(30 * 2 ** 20);
  expect(piles.splice(0)).toHaveLength(200);
  releaseMemory();
  expect(process.memoryUsage().heapTotal - emptyBytes).toBeLessThan((fullBytes - emptyBytes) / 4);
});
