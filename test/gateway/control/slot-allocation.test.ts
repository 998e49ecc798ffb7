import { describe, expect, test } from 'vitest';
import { SlotAllocation } from '../../../gateway/control/slot-allocation.ts';

const gone = { version: 1, atMs: 0 };

function slotsOf(kept: readonly (readonly [number, string])[], most = 3): SlotAllocation<string> {
  return new SlotAllocation(most, (value) => `key of ${value}`, kept, gone);
}

describe('slot allocation', () => {
  test('one slot a key, up to the bound', () => {
    const slots = slotsOf([]);
    expect(['a', 'b', 'a', 'c', 'd'].map((value) => slots.take(value)?.slot)).toEqual([0, 1, 0, 2, undefined]);
    expect(slots.get('key of b')?.slot).toBe(1);
    expect(slots.drainChanges()).toEqual({ taken: [[0, 'a'], [1, 'b'], [2, 'c']], freed: [] });
    expect(slots.drainChanges()).toEqual({ taken: [], freed: [] });
  });

  test('a slot is freed when it is gone from every table and unused, and is then the next', () => {
    const slots = slotsOf([]);
    for (const value of ['a', 'b', 'c']) slots.take(value);
    slots.drainChanges();
    slots.get('key of b')!.gone = { version: 7, atMs: 5 };
    const asked: unknown[] = [];
    const sweep = (heldByAll: number, unused: boolean): readonly number[] => {
      slots.sweep(heldByAll, (slot, since) => {
        asked.push([slot, since.version, since.atMs]);
        return unused;
      });
      return slots.drainChanges().freed;
    };
    expect([sweep(6, true), asked]).toEqual([[], []]);
    expect([sweep(7, false), asked]).toEqual([[], [[1, 7, 5]]]);
    expect(sweep(7, true)).toEqual([1]);
    expect(slots.get('key of b')).toBeUndefined();
    expect(slots.take('d')?.slot).toBe(1);
  });

  test('kept slots keep their numbers and are gone until they are taken, those between are free', () => {
    const slots = slotsOf([[2, 'x'], [0, 'y']]);
    expect(slots.get('key of x')).toEqual({ slot: 2, value: 'x', gone });
    expect(slots.take('x')?.slot).toBe(2);
    expect(slots.take('z')?.slot).toBe(1);
    expect(slots.take('over')).toBeUndefined();
    expect([...slots.all].map(({ value }) => value)).toEqual(['x', 'y', 'z']);
  });
});
