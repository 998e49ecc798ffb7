import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ArenaFault } from '../../../../routing/arena.ts';
import { restOften } from '../../../../gateway/edge/exchange/table-rest.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('once a minute, until it is ended; memory that is damaged is told, and nothing thrown', () => {
  const rest = vi.fn();
  const faults: unknown[] = [];
  const end = restOften({ now: { rest } }, (error) => faults.push(error));
  vi.advanceTimersByTime(59_999);
  expect(rest).toHaveBeenCalledTimes(0);
  vi.advanceTimersByTime(1);
  expect(rest).toHaveBeenCalledTimes(1);
  const fault = new ArenaFault('a test');
  rest.mockImplementationOnce(() => {
    throw fault;
  });
  vi.advanceTimersByTime(60_000);
  expect(faults).toEqual([fault]);
  end();
  vi.advanceTimersByTime(600_000);
  expect(rest).toHaveBeenCalledTimes(2);
});
