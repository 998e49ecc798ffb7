// Shares with their bounds.
import { expect, test } from "vitest";
import { percentWords } from "../../../../gateway/tools/compare/printed.ts";
import { shareOf } from "../../../../routing/release/compare/share.ts";

test("bounds hold the share that was counted, of none and of all, too", () => {
  for (let total = 1; total < 500; total++)
    for (const count of [0, 1, total - 1, total]) {
      const { share, low, high } = shareOf(count, total)!;
      expect([count, total, low <= share, share <= high, low >= 0, high <= 1]).toEqual([
        count,
        total,
        true,
        true,
        true,
        true,
      ]);
    }
  const { share, high } = shareOf(60, 60)!;
  expect([share, high].map(percentWords)).toEqual(["100 %", "100 %"]);
  expect(shareOf(0, 0)).toBeNull();
});
