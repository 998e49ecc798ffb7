import { expect, test } from 'vitest';
import { KeptHandover } from '../../gateway/supervisor-handover.ts';
import type { HandoverChange } from '../../gateway/messages.ts';

const none: HandoverChange = { ready: false, taken: [], freed: [], breakersTaken: [], breakersFreed: [], addresses: null, held: [], released: [], more: false };
const series = { deployment: 'iris', namespace: 'prod', predictor: 'main' };

test('the numbers that a fold looks at are those that a successor gets', () => {
  const kept = new KeptHandover();
  const slots = Array.from({ length: 3000 }, (_, slot) => [slot, series] as const);
  kept.take({ ...none, taken: slots as unknown as HandoverChange['taken'], breakersTaken: [[4, 'a'], [9, 'b']] });
  kept.take({ ...none, freed: [0, 17, 2999], taken: [[17, series]] as unknown as HandoverChange['taken'], breakersFreed: [4] });
  const { slots: left, breakerSlots } = kept.whole;
  expect([...kept.slots]).toEqual(left.map(([slot]) => slot).toSorted((a, b) => a - b));
  expect([...kept.slots]).toHaveLength(2998);
  expect([...kept.breakerSlots]).toEqual(breakerSlots.map(([slot]) => slot));
  expect([...kept.breakerSlots]).toEqual([9]);
});
