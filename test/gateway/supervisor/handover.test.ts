import { expect, test } from "vitest";
import { KeptHandover } from "../../../gateway/supervisor/handover.ts";
import type { HandoverChange } from "../../../gateway/shared/messages.ts";

const none: HandoverChange = {
  ready: false,
  taken: [],
  freed: [],
  breakersTaken: [],
  breakersFreed: [],
  addresses: null,
  held: [],
  released: [],
  more: false,
};
const series = { deployment: "iris", namespace: "prod", predictor: "main" };

test("a successor gets what was taken and not freed since; a slot may be freed and taken again in one change", () => {
  const kept = new KeptHandover();
  const slots = Array.from({ length: 3000 }, (_, slot) => [slot, series] as const);
  kept.take({
    ...none,
    taken: slots as unknown as HandoverChange["taken"],
    breakersTaken: [
      [4, "a"],
      [9, "b"],
    ],
  });
  kept.take({
    ...none,
    freed: [0, 17, 2999],
    taken: [[17, series]] as unknown as HandoverChange["taken"],
    breakersFreed: [4],
  });
  const { slots: left, breakerSlots } = kept.whole;
  expect(left.map(([slot]) => slot).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 2998 }, (_, at) => at + 1));
  expect(breakerSlots).toEqual([[9, "b"]]);
});
