// Reports of requests wait for a control worker, within a bound.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { emptyEntry } from "../../../gateway/shared/access-fields.ts";
import { HeldReports, maxHeldReports } from "../../../gateway/worker/held-reports.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test.each([maxHeldReports - 1, maxHeldReports, maxHeldReports + 1])(
  "of %d without a control worker at most 1024 are held, and the others are counted",
  (count) => {
    const posted: unknown[] = [];
    let isThere = false;
    const reports = new HeldReports((entries, leftOut) => {
      if (isThere) posted.push([entries.length, leftOut]);
      return isThere;
    });
    for (let number = 0; number < count; number++) reports.take(emptyEntry, true);
    reports.leftOut(true, 5);
    reports.leftOut(false, 7);
    vi.advanceTimersByTime(1000);
    expect(posted).toEqual([]);
    isThere = true;
    reports.flush();
    const over = Math.max(0, count - maxHeldReports);
    expect(posted).toEqual([[count - over, { failures: 5 + over, others: 7 }]]);
    reports.flush();
    expect(posted).toHaveLength(1);
    reports.take(emptyEntry, false);
    vi.advanceTimersByTime(99);
    expect(posted).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(posted[1]).toEqual([1, { failures: 0, others: 0 }]);
  },
);
