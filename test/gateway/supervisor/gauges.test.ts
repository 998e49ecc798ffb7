import { expect, test } from "vitest";
import {
  CounterBlock,
  blockBytes,
  breakerCell,
  endpointCell,
  heavyUseBytes,
  heavyUseCell,
  slotCell,
} from "../../../gateway/shared/memory/counters.ts";
import { fixedRows } from "../../../gateway/shared/metrics/fixed.ts";
import type { CountedCells } from "../../../gateway/shared/metrics/metric.ts";
import { endpointRows, slotRows } from "../../../gateway/shared/metrics/slots.ts";
import { clearGauges } from "../../../gateway/supervisor/gauges.ts";

const heavyUse = new Int32Array(heavyUseBytes() / 4);

test("what a dead worker had in use of breakers is free, and one thing of another worker stays", () => {
  const block = new SharedArrayBuffer(blockBytes());
  const dead = new CounterBlock(block);
  dead.willUse(2);
  for (let cell = breakerCell(2, 0); cell < breakerCell(3, 0); cell++) dead.add(cell, 500);
  for (const priority of [0, 1]) heavyUse[heavyUseCell(2, priority)] = 5;
  clearGauges(block, heavyUse, 4);
  expect([0, 1].map((priority) => heavyUse[heavyUseCell(2, priority)])).toEqual([1, 1]);
  expect(dead.cells.subarray(breakerCell(2, 0), breakerCell(3, 0)).every((value) => value === 0)).toBe(true);
});

test("each gauge and mark ends with its worker, and each counter stays for its successor", () => {
  const block = new SharedArrayBuffer(blockBytes());
  const dead = new CounterBlock(block);
  dead.willCount(3);
  dead.willTry(5);
  const firsts: readonly (readonly [number, readonly CountedCells[]])[] = [
    [0, fixedRows],
    [slotCell(3, 0), slotRows],
    [endpointCell(5, 0), endpointRows],
    [endpointCell(-1, 0), endpointRows],
  ];
  const each = (look: (cell: number, kind: CountedCells["kind"]) => void): void => {
    for (const [from, rows] of firsts)
      for (const { kind, first, count } of rows)
        for (let cell = first; cell < first + count; cell++) look(from + cell, kind);
  };
  each((cell) => dead.set(cell, 1000 + cell));
  clearGauges(block, heavyUse, 4);
  each((cell, kind) => expect([cell, dead.cells[cell]]).toEqual([cell, kind === "counter" ? 1000 + cell : 0]));
});
