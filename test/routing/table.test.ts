import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '../../routing/decide.ts';
import type { TableDelta } from '../../routing/delta.ts';
import type { Mapping } from '../../routing/mapping.ts';
import { printTable } from '../../routing/print.ts';
import { applyDelta, emptyTable, routesInOrder } from '../../routing/table.ts';
import type { RouteTable } from '../../routing/table.ts';
import { anyHead, anyMapping, readyBits } from './arbitrary.ts';
import { delta, endpointsOf, forwardTo, live, mapping, prefix, tableOf } from './build.ts';

const attach = ({ id }: Mapping, slot: number): string => `${id}@${slot}`;

/** What the edits lead to, as one delta onto the empty table. */
function whole(deltas: readonly TableDelta[]): TableDelta {
  const mappings = new Map<string, Mapping>();
  const ready = new Map<string, boolean>();
  for (const one of deltas) {
    for (const id of one.removedMappings) mappings.delete(id);
    for (const given of one.mappings) mappings.set(given.id, given);
    for (const key of one.removedUpstreams) ready.delete(key);
    for (const given of one.endpoints) ready.set(given.key, given.ready);
  }
  // In another order than they came.
  const all = [...mappings.values()].toReversed();
  const slots = all.map(({ id }) => [id, slotOf(id)] as const);
  return delta(all, { version: deltas.length, slots, endpoints: [...ready].map(([key, value]) => ({ key, ready: value, endpoints: [] })) });
}

function slotOf(id: string): number {
  return id.length;
}

const edit = fc.record({
  mappings: fc.uniqueArray(anyMapping, { selector: ({ id }) => id, maxLength: 5 }),
  removedMappings: fc.array(anyMapping.map(({ id }) => id), { maxLength: 4 }),
  removedUpstreams: fc.array(fc.constantFrom('u0', 'u1'), { maxLength: 1 }),
  endpoints: readyBits,
});

describe('incremental build', () => {
  it('equals the full build after any series of edits: text, hash, problems and decisions', () => {
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 8 }), fc.array(anyHead, { minLength: 4, maxLength: 8 }), (edits, heads) => {
        const deltas = edits.map((one, index) => delta(one.mappings, { ...one, version: index + 1, base: index, slots: one.mappings.map(({ id }) => [id, slotOf(id)] as const) }));
        const seen: [RouteTable<string>, string][] = [];
        let table = emptyTable<string>();
        for (const one of deltas) {
          table = applyDelta(table, one, attach);
          seen.push([table, printTable(table)]);
        }
        const full = applyDelta(emptyTable<string>(), whole(deltas), attach);
        expect(printTable(table)).toBe(printTable(full));
        expect(table.hash).toBe(full.hash);
        expect(table.routeCount).toBe(full.routeCount);
        expect(table.shared.routeCount + table.spaces.count).toBe(full.shared.routeCount + full.spaces.count);
        expect(table.problems).toEqual(full.problems);
        for (const head of heads) {
          for (const draw of [0, 0.3, 0.9999]) {
            const one = decide(table, head, draw);
            const other = decide(full, head, draw);
            expect(one.kind === 'forward' ? [one.route.key, one.attached] : one).toEqual(other.kind === 'forward' ? [other.route.key, other.attached] : other);
          }
        }
        // Every older table is still what it was.
        for (const [old, text] of seen) expect(printTable(old)).toBe(text);
      }),
      { numRuns: 300 },
    );
  });

  it('builds only the Routes that the delta touches', () => {
    const mappings = ['a', 'b', 'c'].map((name) => mapping(name, prefix(`/${name}/`)));
    const before = tableOf(mappings);
    const changed = { ...mappings[1]!, role: live(10) };
    const after = applyDelta(before, delta([changed], { version: 2, base: 1 }), () => null);
    const same = routesInOrder(after).map((route, index) => route === routesInOrder(before)[index]);
    expect(same).toEqual([true, false, true]);
    expect(after.hash).not.toBe(before.hash);
  });

  it('a flip of a ready bit builds the Routes that name the Upstream, and keeps what was attached', () => {
    const mappings = [mapping('a', prefix('/a/')), mapping('b', prefix('/b/'))];
    let attached = 0;
    const count = (): number => ++attached;
    const before = applyDelta(emptyTable<number>(), delta(mappings, { endpoints: endpointsOf(mappings) }), count);
    const after = applyDelta(before, delta([], { version: 2, base: 1, endpoints: [{ key: 'a', ready: false, endpoints: [] }, { key: 'b', ready: true, endpoints: [] }] }), count);
    const [b, a] = routesInOrder(after);
    expect(a!.split.reject?.reason).toBe('no-healthy-upstream');
    expect(b).toBe(routesInOrder(before)[0]);
    const back = applyDelta(after, delta([], { version: 3, base: 2, endpoints: [{ key: 'a', ready: true, endpoints: [] }] }), count);
    expect(routesInOrder(back)[1]!.split.forwards[0]!.attached).toBe(1);
    expect(back.hash).toBe(before.hash);
    expect(attached).toBe(2);
  });

  it('a delta with base 0 starts from the empty table', () => {
    const before = tableOf([mapping('a', prefix('/a/'))]);
    const after = applyDelta(before, delta([mapping('b', prefix('/b/'))], { version: 7 }), () => null);
    expect(after.routeCount).toBe(1);
    expect(after.version).toBe(7);
  });

  it('a Mapping that leaves its Route for another is in the other only', () => {
    const before = tableOf([mapping('a', prefix('/a/')), mapping('b', prefix('/a/'))]);
    const after = applyDelta(before, delta([mapping('b', prefix('/b/'))], { version: 2, base: 1 }), () => null);
    expect(routesInOrder(after).map((route) => route.mappings.map(({ id }) => id))).toEqual([['Mapping ns/b'], ['Mapping ns/a']]);
  });

  it('is empty again when every Mapping is gone', () => {
    const mappings = [mapping('a', prefix('/a/')), mapping('b', { ...mapping('', prefix('/')).match, path: { kind: 'regex', pattern: '(' } })];
    const before = tableOf(mappings);
    expect(before.problems.size).toBe(1);
    const after = applyDelta(before, delta([], { version: 2, base: 1, removedMappings: mappings.map(({ id }) => id), removedUpstreams: ['a', 'b'] }), () => null);
    expect(after.hash).toBe(emptyTable().hash);
    expect(after.shared).toEqual(emptyTable().shared);
    expect([after.routeCount, after.problems.size, after.places.count, after.upstreams.count, after.spaces.count]).toEqual([0, 0, 0, 0, 0]);
  });

  it('a Mapping keeps its slot when it changes', () => {
    const first = mapping('a', prefix('/a/'));
    const slots: number[] = [];
    const note = (_mapping: Mapping, slot: number): null => {
      slots.push(slot);
      return null;
    };
    const before = applyDelta(emptyTable<null>(), delta([first], { slots: [[first.id, 5]] }), note);
    applyDelta(before, delta([{ ...first, target: forwardTo('other') }], { version: 2, base: 1 }), note);
    expect(slots).toEqual([5, 5]);
  });
});

it('shares equal parts of Mappings and keeps their content', () => {
  const mappings = Array.from({ length: 5 }, (_, index) => structuredClone(mapping(`m${index}`, prefix(`/${index}/`))));
  const [first, second] = routesInOrder(tableOf(mappings)).map((route) => route.mappings[0]!);
  expect(first!.target.kind === 'forward' && second!.target.kind === 'forward' && first!.target.kept === second!.target.kept).toBe(true);
  expect(first).toEqual(mappings[4]);
  expect(Object.isFrozen(first)).toBe(true);
});
