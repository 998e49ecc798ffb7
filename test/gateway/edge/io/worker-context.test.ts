import { afterEach, expect, test, vi } from "vitest";
import { CounterBlock, blockBytes, heavyUseBytes } from "../../../../gateway/shared/memory/counters.ts";
import { WorkerContext } from "../../../../gateway/edge/io/worker-context.ts";
import { defaultLimits } from "../../../../gateway/options/limits.ts";
import type { Settings } from "../../../../gateway/options/settings.ts";
import { StoppedClock } from "../../../stopped-clock.ts";

afterEach(() => vi.useRealTimers());

test("the date of answers follows the wall clock within a second, however that is set", () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const settings = { limits: defaultLimits, trustedHops: 0, accessLog: "off" } as unknown as Settings;
  const context = new WorkerContext({
    settings,
    clock: new StoppedClock(),
    counters: new CounterBlock(new SharedArrayBuffer(blockBytes())),
    others: [],
    heavyUse: new Int32Array(heavyUseBytes() / 4),
    log: () => undefined,
    faulted: () => undefined,
  });
  const dates = [
    [0, "2026-11-22T10:00:00Z"],
    [999, "2030-01-01T00:00:00Z"],
    [1000, "2030-01-01T00:00:00Z"],
    [2000, "1999-12-31T23:59:59Z"],
  ].map(([nowMs, wall]) => {
    vi.setSystemTime(new Date(wall as string));
    context.nowMs = nowMs as number;
    return context.dateLine.toString();
  });
  expect(dates).toEqual([
    "date: Sun, 22 Nov 2026 10:00:00 GMT\r\n",
    "date: Sun, 22 Nov 2026 10:00:00 GMT\r\n",
    "date: Tue, 01 Jan 2030 00:00:00 GMT\r\n",
    "date: Fri, 31 Dec 1999 23:59:59 GMT\r\n",
  ]);
});
