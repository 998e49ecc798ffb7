import { describe, expect, test } from "vitest";
import {
  CounterBlock,
  blockBytes,
  breakerCell,
  maxBreakerSlots,
  usedSlots,
} from "../../../../gateway/shared/memory/counters.ts";
import { BreakerSlots } from "../../../../gateway/control/slots/breaker-slots.ts";

const noSlots = { inTable: new Map<number, string>(), used: [] };

function block(): CounterBlock {
  return new CounterBlock(new SharedArrayBuffer(blockBytes()));
}

describe("breaker slots", () => {
  test("an Upstream keeps its slot while it is in the table, whatever comes beside it", () => {
    const slots = new BreakerSlots(noSlots, 1);
    slots.own("a");
    slots.own("b");
    slots.own("a");
    expect([slots.slotOf("a"), slots.slotOf("b"), slots.slotOf("c")]).toEqual([0, 1, -1]);
    slots.sweep([block().cells], 9);
    expect([slots.slotOf("a"), slots.slotOf("b")]).toEqual([0, 1]);
    expect([slots.at(0), slots.at(1), slots.end]).toEqual(["a", "b", 2]);
  });

  test("a slot is freed only when every worker holds a table without its Upstream and nothing is in use", () => {
    const slots = new BreakerSlots(noSlots, 1);
    const one = block();
    const other = block();
    slots.own("a");
    slots.disown("a", 5);
    one.add(breakerCell(0, 1) + 2, 1);
    const sweep = (heldByAll: number): boolean => {
      slots.sweep([one.cells, other.cells], heldByAll);
      return slots.at(0) === null;
    };
    expect(sweep(4)).toBe(false);
    expect(sweep(5)).toBe(false);
    one.add(breakerCell(0, 1) + 2, -1);
    other.add(breakerCell(0, 0), 1);
    expect(sweep(5)).toBe(false);
    other.add(breakerCell(0, 0), -1);
    expect(sweep(4)).toBe(false);
    // What the neighbour has in use is not its own.
    other.add(breakerCell(1, 0), 1);
    expect(sweep(5)).toBe(true);
    slots.own("b");
    expect(slots.slotOf("b")).toBe(0);
  });

  test("an Upstream that comes back in time finds its slot again", () => {
    const slots = new BreakerSlots(noSlots, 1);
    slots.own("a");
    slots.disown("a", 2);
    slots.own("a");
    slots.sweep([block().cells], 9);
    expect(slots.slotOf("a")).toBe(0);
  });

  test("a successor goes on with the slots of the control worker before it, and lets go those whose Upstreams do not come back", () => {
    const slots = new BreakerSlots(
      {
        inTable: new Map([
          [2, "lily"],
          [0, "iris"],
        ]),
        used: [],
      },
      8,
    );
    slots.own("lily");
    slots.own("new");
    expect([slots.slotOf("lily"), slots.slotOf("new")]).toEqual([2, 1]);
    // Workers may still hold the last table of its predecessor, which names iris.
    slots.sweep([block().cells], 7);
    expect(slots.at(0)).toBe("iris");
    slots.sweep([block().cells], 8);
    expect(slots.at(0)).toBeNull();
  });

  test("a slot that workers used, and that no table names, is nobody's until nothing is in use of it", () => {
    const buffer = new SharedArrayBuffer(blockBytes());
    const worker = new CounterBlock(buffer);
    worker.willUse(1);
    worker.add(breakerCell(1, 0), 1);
    const slots = new BreakerSlots({ inTable: new Map([[0, "iris"]]), used: [usedSlots(buffer).breakers] }, 8);
    slots.own("iris");
    slots.own("rose");
    expect([slots.slotOf("iris"), slots.slotOf("rose")]).toEqual([0, 2]);
    slots.sweep([worker.cells], 8);
    slots.own("lily");
    expect(slots.slotOf("lily")).toBe(3);
    worker.add(breakerCell(1, 0), -1);
    slots.sweep([worker.cells], 8);
    slots.own("tulip");
    expect(slots.slotOf("tulip")).toBe(1);
  });

  test("the last slot is given, one Upstream more has none until a slot is free", () => {
    const slots = new BreakerSlots({ inTable: new Map([[maxBreakerSlots - 2, "a"]]), used: [] }, 1);
    slots.own("a");
    for (let i = 0; i < maxBreakerSlots - 2; i++) slots.own(`u${i}`);
    slots.own("last");
    slots.own("over");
    expect([slots.slotOf("last"), slots.slotOf("over")]).toEqual([maxBreakerSlots - 1, -1]);
    slots.disown("last", 2);
    slots.sweep([block().cells], 2);
    slots.own("over");
    expect(slots.slotOf("over")).toBe(maxBreakerSlots - 1);
  });
});
