// Lines about failures in a second.
import { beforeEach, describe, expect, test } from "vitest";
import { AccessBudget } from "../../../../gateway/edge/access/access-budget.ts";
import { DeadlineWheel } from "../../../../gateway/edge/io/deadline.ts";
import { StoppedClock } from "../../../stopped-clock.ts";

const most = 10;
const faulted = (error: unknown): never => {
  throw error;
};

let clock = new StoppedClock();

beforeEach(() => {
  clock = new StoppedClock();
});

function budgetOf(limit: number): {
  readonly budget: AccessBudget;
  readonly told: string[];
  readonly admitted: (flag: string, lines: number, namespace?: string) => number;
} {
  const told: string[] = [];
  const budget = new AccessBudget(new DeadlineWheel(clock, faulted), limit, (flag, lines) =>
    told.push(`${flag} ${lines}`),
  );
  const admitted = (flag: string, lines: number, namespace = "prod"): number =>
    Array.from({ length: lines }, () => budget.admits(flag, namespace, clock.now())).filter(Boolean).length;
  return { budget, told, admitted };
}

describe("lines about failures in a second", () => {
  test.each([
    [most - 1, most - 1, []],
    [most, most, []],
    [most + 1, most, ["DC 1"]],
    [50 * most, most, [`DC ${49 * most}`]],
  ])("of %i lines %i are written, and what is left out is told when the second is over", (lines, written, left) => {
    const { told, admitted } = budgetOf(most);
    expect(admitted("DC", lines)).toBe(written);
    expect(told).toEqual([]);
    clock.pass(1100);
    expect(told).toEqual(left);
    expect(admitted("DC", lines)).toBe(written);
  });

  test("a flood of one failure does not hide another one", () => {
    const { told, admitted } = budgetOf(most);
    admitted("DC", 100);
    expect(admitted("UF", most + 2)).toBe(most);
    clock.pass(1100);
    expect(told).toEqual([`DC ${100 - most}`, "UF 2"]);
  });

  test("a flood of one namespace does not hide all of another, and all together have at most twice as many lines", () => {
    const many = 32;
    const { told, admitted } = budgetOf(many);
    expect(admitted("UF", 1000, "loud")).toBe(many);
    // A sixteenth each.
    expect([1, 2, 3].map((lines) => admitted("UF", lines, `quiet${lines}`))).toEqual([1, 2, 2]);
    expect(
      Array.from({ length: 40 }, (_, at) => admitted("UF", 2, `other${at}`)).reduce((sum, lines) => sum + lines, 0),
    ).toBe(many - 5);
    expect(admitted("UF", 1000, "loud")).toBe(0);
    clock.pass(1100);
    expect(told).toEqual([`UF ${1000 + 6 + 80 + 1000 - 2 * many}`]);
  });

  test("a flood that goes on gets no more than its lines in each second, and every line that is left out is told once", () => {
    const { told, admitted } = budgetOf(most);
    let written = 0;
    let asked = 0;
    for (let ms = 0; ms < 10_000; ms += 3, asked += 7) {
      written += admitted("DC", 7);
      clock.pass(3);
    }
    clock.pass(1100);
    expect(written).toBeLessThanOrEqual(10 * most);
    const left = told.reduce((sum, line) => sum + Number(line.split(" ")[1]), 0);
    expect(written + left).toBe(asked);
    expect(told.length).toBeLessThanOrEqual(10);
  });

  test("0 is no limit", () => {
    const { told, admitted } = budgetOf(0);
    expect(admitted("DC", 1000)).toBe(1000);
    clock.pass(1100);
    expect(told).toEqual([]);
  });
});
