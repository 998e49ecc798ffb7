// What one address may take of what all copies share.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mayTake } from "../../../../gateway/shared/fair-share.ts";

describe("the share of an address", () => {
  test.each([
    ["alone: half", 0, 50, 0, true],
    ["alone: beyond half", 50, 1, 50, false],
    ["as much as is free", 10, 30, 60, true],
    ["more than is free", 10, 31, 60, false],
    ["the last of all", 0, 1, 99, true],
    ["nothing is left", 0, 1, 100, false],
  ])("%s", (_what, own, more, used, may) => {
    expect(mayTake(own, more, used, 100)).toBe(may);
  });

  test("whoever takes all it can leaves a share to one that comes anew", () => {
    const total = 1024;
    fc.assert(
      fc.property(fc.array(fc.nat(5), { maxLength: 50 }), (takers) => {
        const own = [0, 0, 0, 0, 0, 0];
        let used = 0;
        for (const taker of takers) {
          while (mayTake(own[taker]!, 1, used, total)) {
            own[taker]! += 1;
            used += 1;
          }
        }
        // Six of them leave a 64th.
        expect(total - used).toBeGreaterThanOrEqual(total / 64);
        expect(mayTake(0, 1, used, total)).toBe(true);
      }),
    );
  });
});
