import { expect, test } from 'vitest';
import { mostTold } from '../../../k8s/translate/told-problems.ts';
import { deployment, translate } from './objects.ts';

/** Problems of a SeldonDeployment with so many annotations that are nearly known, the last of which closes it. */
function problemsOf(count: number): readonly { readonly level: string; readonly code: string; readonly sentence: string }[] {
  const annotations = Object.fromEntries(Array.from({ length: count }, (_, i) => [i === count - 1 ? 'sluice.io/alow' : `sluice.io/a${i}`, '']));
  return translate([deployment('prod/m', ['main'], annotations)]).problems.filter(({ code }) => code === 'unknown-annotation' || code === 'more-problems');
}

test('of one object so many Problems are told, the most severe ones, and the others are counted', () => {
  expect([mostTold - 1, mostTold, mostTold + 1, 3000].map((count) => problemsOf(count).length)).toEqual([mostTold - 1, mostTold, mostTold, mostTold]);
  expect(problemsOf(mostTold).some(({ code }) => code === 'more-problems')).toBe(false);
  const told = problemsOf(3000);
  expect(told.filter(({ level }) => level === 'error').length).toBe(1);
  expect(told.filter(({ code }) => code === 'more-problems').map(({ level, sentence }) => [level, sentence.slice(0, 28)])).toEqual([['warning', 'there are 2901 more Problems']]);
});
