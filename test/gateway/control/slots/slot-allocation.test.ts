import { describe, expect, test } from "vitest";
import { SlotAllocation } from "../../../../gateway/control/slots/slot-allocation.ts";

const gone = { version: 1, atMs: 0 };

function slotsOf(kept: readonly (readonly [number, string])[], most = 3): SlotAllocation<string> {
  return new SlotAllocation(most, (value) => value, { inTable: new Map(kept), used: [] }, gone);
}

describe("slot allocation", () => {
  test("one slot a key, up to the bound", () => {
    const slots = slotsOf([]);
    expect(["a", "b", "a", "c", "d"].map((value) => slots.take(value))).toEqual([0, 1, 0, 2, -1]);
    expect([slots.slotOf("b"), slots.slotOf("d")]).toEqual([1, -1]);
    expect([0, 1, 2, 3].map((slot) => slots.at(slot))).toEqual(["a", "b", "c", null]);
  });

  test("a slot is freed when it is gone from every table and unused, and is then the next", () => {
    const slots = slotsOf([]);
    for (const value of ["a", "b", "c"]) slots.take(value);
    slots.leave(1, { version: 7, atMs: 5 });
    const asked: unknown[] = [];
    const sweep = (heldByAll: number, unused: boolean): boolean => {
      slots.sweep(heldByAll, (slot, since) => {
        asked.push([slot, since.version, since.atMs]);
        return unused;
      });
      return slots.at(1) === null;
    };
    expect([sweep(6, true), asked]).toEqual([false, []]);
    expect([sweep(7, false), asked]).toEqual([false, [[1, 7, 5]]]);
    expect(sweep(7, true)).toBe(true);
    expect(slots.slotOf("b")).toBe(-1);
    expect(slots.take("d")).toBe(1);
  });

  test("kept slots keep their numbers and are gone until they are taken, those between are free", () => {
    const slots = slotsOf([
      [2, "x"],
      [0, "y"],
    ]);
    const asked: unknown[] = [];
    slots.sweep(9, (slot, since) => asked.push([slot, since]) === 0);
    expect(asked).toEqual([
      [0, gone],
      [2, gone],
    ]);
    expect(slots.take("x")).toBe(2);
    expect(slots.take("z")).toBe(1);
    expect(slots.take("over")).toBe(-1);
    expect([slots.end, ...[0, 1, 2, 3].map((slot) => slots.at(slot))]).toEqual([3, "y", "z", "x", null]);
    asked.length = 0;
    slots.sweep(9, (slot) => asked.push(slot) === 0);
    expect(asked).toEqual([0]);
  });
});
