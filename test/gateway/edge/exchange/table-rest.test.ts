import { expect, test, vi } from "vitest";
import { ArenaFault } from "../../../../routing/arena/arena.ts";
import { restOften } from "../../../../gateway/edge/exchange/table-rest.ts";
import { StoppedClock } from "../../../stopped-clock.ts";

test("once a minute, until it is ended; memory that is damaged is told, and nothing thrown", () => {
  const clock = new StoppedClock();
  const rest = vi.fn();
  const faults: unknown[] = [];
  const end = restOften(clock, { now: { rest } }, (error) => faults.push(error));
  clock.pass(59_999);
  expect(rest).toHaveBeenCalledTimes(0);
  clock.pass(1);
  expect(rest).toHaveBeenCalledTimes(1);
  const fault = new ArenaFault("a test");
  rest.mockImplementationOnce(() => {
    throw fault;
  });
  clock.pass(60_000);
  expect(faults).toEqual([fault]);
  end();
  clock.pass(600_000);
  expect(rest).toHaveBeenCalledTimes(2);
});
