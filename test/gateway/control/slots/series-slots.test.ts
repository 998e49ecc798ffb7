import { describe, expect, test } from "vitest";
import {
  CounterBlock,
  blockBytes,
  failureCell,
  feedbackCell,
  slotCell,
  usedSlots,
} from "../../../../gateway/shared/memory/counters.ts";
import { slotLayout } from "../../../../gateway/shared/metrics/slots.ts";
import { statusColumns } from "../../../../gateway/shared/metrics/status-columns.ts";
import { SeriesSlots, seriesAfterlifeMs } from "../../../../gateway/control/slots/series-slots.ts";
import type { Series } from "../../../../routing/model/mapping.ts";
import { seriesOf } from "../../fixtures.ts";

const noSlots = { inTable: new Map<number, Series>(), used: [] };

function block(): CounterBlock {
  return new CounterBlock(new SharedArrayBuffer(blockBytes()));
}

describe("slots", () => {
  test("Mappings of one Series share a slot, others have their own", () => {
    const slots = new SeriesSlots(noSlots, 1, 0, false);
    slots.own("a", seriesOf("iris"), 1, 0);
    slots.own("b", seriesOf("iris"), 1, 0);
    slots.own("c", seriesOf("rose"), 1, 0);
    expect([slots.slotOf("a"), slots.slotOf("b"), slots.slotOf("c"), slots.slotOf("d")]).toEqual([0, 0, 1, -1]);
  });

  test.each([
    [3, 3],
    [4, 4],
    [5, 4],
  ])(
    "of 8 slots a namespace that makes %d Series has %d, others find room, and what is freed may be used again",
    (count, has) => {
      const slots = new SeriesSlots(noSlots, 1, 0, false, 8);
      const loud = Array.from({ length: count }, (_, at) => `loud${at}`);
      for (const id of loud) slots.own(id, { ...seriesOf(id), namespace: "loud" }, 1, 0);
      expect(loud.filter((id) => slots.slotOf(id) >= 0)).toHaveLength(has);
      slots.own("quiet", { ...seriesOf("quiet"), namespace: "quiet" }, 1, 0);
      expect(slots.slotOf("quiet")).toBe(has);
      for (const id of loud) slots.disown(id, 2, 0);
      // For a successor they are used as well.
      const next = new SeriesSlots(
        { inTable: new Map([...slots.used].map(({ slot, series }) => [slot, series])), used: [] },
        1,
        0,
        false,
        8,
      );
      for (const one of [slots, next]) {
        one.sweep([], 3, seriesAfterlifeMs);
        one.own("again", { ...seriesOf("again"), namespace: "loud" }, 3, 0);
        expect(one.slotOf("again")).toBeGreaterThanOrEqual(0);
      }
    },
  );

  test("where one namespace is watched, all slots are its", () => {
    const slots = new SeriesSlots(noSlots, 1, 0, true, 8);
    for (let at = 0; at < 9; at++) slots.own(`m${at}`, seriesOf(`m${at}`), 1, 0);
    expect(Array.from({ length: 9 }, (_, at) => slots.slotOf(`m${at}`))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, -1]);
  });

  test("a slot is freed and zeroed ten minutes after its last Mapping, not before", () => {
    const slots = new SeriesSlots(noSlots, 1, 0, false);
    const counters = block();
    slots.own("a", seriesOf("iris"), 1, 0);
    counters.enter(0);
    counters.finish(0, 200, 0.1);
    counters.leave(0);
    counters.retry(0);
    counters.feedback(0, "puid", 1, true);
    slots.disown("a", 2, 1000);
    slots.sweep([counters.cells], 2, 1000 + seriesAfterlifeMs - 1);
    expect([...slots.used]).toHaveLength(1);
    slots.sweep([counters.cells], 2, 1000 + seriesAfterlifeMs);
    expect([...slots.used]).toHaveLength(0);
    for (const cellOf of [slotCell, failureCell, feedbackCell])
      expect(counters.cells.subarray(cellOf(0, 0), cellOf(1, 0)).every((value) => value === 0)).toBe(true);
    const { failures, feedback } = usedSlots(counters.cells.buffer);
    expect([failures[0], feedback[0]]).toEqual([0, 0]);
    slots.own("b", seriesOf("rose"), 3, 0);
    expect(slots.slotOf("b")).toBe(0);
  });

  test("a slot stays while a worker holds a table with its owner, or a request is in flight", () => {
    const slots = new SeriesSlots(noSlots, 1, 0, false);
    const counters = block();
    slots.own("a", seriesOf("iris"), 1, 0);
    counters.enter(0);
    slots.disown("a", 5, 0);
    const late = seriesAfterlifeMs * 2;
    slots.sweep([counters.cells], 4, late);
    expect([...slots.used]).toHaveLength(1);
    slots.sweep([counters.cells], 5, late);
    expect([...slots.used]).toHaveLength(1);
    counters.leave(0);
    slots.sweep([counters.cells], 5, late);
    expect([...slots.used]).toHaveLength(0);
  });

  test("a Series that comes back in time counts on", () => {
    const slots = new SeriesSlots(noSlots, 1, 0, false);
    const counters = block();
    slots.own("a", seriesOf("iris"), 1, 0);
    counters.finish(0, 200, 0.1);
    slots.disown("a", 2, 0);
    slots.own("a", seriesOf("iris"), 3, 1000);
    slots.sweep([counters.cells], 3, seriesAfterlifeMs * 2);
    expect(slots.slotOf("a")).toBe(0);
    expect(counters.cells[slotCell(0, slotLayout.status + statusColumns.indexOf("200"))]).toBe(1);
  });

  test("a Mapping whose Series changes gives its old slot back", () => {
    const slots = new SeriesSlots(noSlots, 1, 0, false);
    slots.own("a", seriesOf("iris"), 1, 0);
    slots.own("a", seriesOf("rose"), 2, 0);
    expect(slots.slotOf("a")).toBe(1);
    slots.sweep([block().cells], 2, seriesAfterlifeMs);
    expect([...slots.used].map(({ series }) => series.deployment)).toEqual(["rose"]);
  });

  test("a deployment of many Series has a slot for each, and gives all back", () => {
    const slots = new SeriesSlots(noSlots, 1, 0, false);
    const series = Array.from({ length: 40 }, (_, index) => ({ ...seriesOf("iris"), predictor: `p${index}` }));
    for (const [index, one] of series.entries()) slots.own(`m${index}`, one, 1, 0);
    for (const [index, one] of series.entries()) slots.own(`again ${index}`, one, 1, 0);
    expect(series.map((_, index) => [slots.slotOf(`m${index}`), slots.slotOf(`again ${index}`)])).toEqual(
      series.map((_, index) => [index, index]),
    );
    for (const index of series.keys()) for (const id of [`m${index}`, `again ${index}`]) slots.disown(id, 2, 0);
    slots.sweep([block().cells], 2, seriesAfterlifeMs);
    expect([...slots.used]).toEqual([]);
    slots.own("m1", series[1]!, 3, 0);
    expect([...slots.used]).toEqual([{ slot: slots.slotOf("m1"), series: series[1] }]);
  });

  test("a successor finds the slots of the control worker before it", () => {
    const first = new SeriesSlots(noSlots, 1, 0, false);
    first.own("a", seriesOf("iris"), 1, 0);
    first.own("b", seriesOf("rose"), 1, 0);
    first.own("c", seriesOf("lily"), 1, 0);
    const inTable = new Map([...first.used].map(({ slot, series }) => [slot, series]));
    inTable.delete(1);
    const second = new SeriesSlots({ inTable, used: [] }, 1, 0, false);
    second.own("c", seriesOf("lily"), 1, 0);
    second.own("x", seriesOf("new"), 1, 0);
    expect([second.slotOf("c"), second.slotOf("x")]).toEqual([2, 1]);
    // iris did not come back: it goes like any other.
    const counters = block();
    second.sweep([counters.cells], 1, seriesAfterlifeMs);
    expect([...second.used].map(({ series }) => series.deployment)).toEqual(["new", "lily"]);
    second.own("y", seriesOf("newer"), 1, 0);
    expect(second.slotOf("y")).toBe(0);
  });

  test("a slot that workers counted in, and that no table names, is used again once it is zeroed, without an afterlife", () => {
    const buffer = new SharedArrayBuffer(blockBytes());
    const worker = new CounterBlock(buffer);
    worker.willCount(0);
    worker.enter(0);
    const slots = new SeriesSlots({ inTable: new Map(), used: [usedSlots(buffer).series] }, 8, 0, false);
    slots.own("a", seriesOf("iris"), 8, 0);
    expect([slots.slotOf("a"), [...slots.used]]).toEqual([1, [{ slot: 1, series: seriesOf("iris") }]]);
    slots.sweep([worker.cells], 8, 0);
    worker.leave(0);
    worker.finish(0, 200, 0.1);
    // A worker that reads an older table may still count.
    slots.sweep([worker.cells], 7, 0);
    slots.own("b", seriesOf("rose"), 8, 0);
    expect(slots.slotOf("b")).toBe(2);
    slots.sweep([worker.cells], 8, 0);
    slots.own("c", seriesOf("lily"), 8, 0);
    expect(slots.slotOf("c")).toBe(0);
    expect(worker.cells.subarray(slotCell(0, 0), slotCell(1, 0)).every((value) => value === 0)).toBe(true);
  });
});
