import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '../../routing/decide.ts';
import type { TableDelta } from '../../routing/delta.ts';
import type { Mapping } from '../../routing/mapping.ts';
import { printTable } from '../../routing/print.ts';
import { applyDelta, emptyTable, routesInOrder } from '../../routing/table.ts';
import type { RouteTable } from '../../routing/table.ts';
import type { Endpoint, UpstreamEndpoints } from '../../routing/upstream.ts';
import { anyHead, anyMapping, someEndpoints } from './arbitrary.ts';
import { delta, endpointsOf, forwardTo, live, mapping, prefix, tableOf } from './build.ts';

const attach = ({ id }: Mapping, slot: number): string => `${id}@${slot}`;

/** What the edits lead to, as one delta onto the empty table. */
function whole(deltas: readonly TableDelta[]): TableDelta {
  const mappings = new Map<string, Mapping>();
  const endpoints = new Map<string, UpstreamEndpoints>();
  for (const one of deltas) {
    for (const id of one.removedMappings) mappings.delete(id);
    for (const given of one.mappings) mappings.set(given.id, given);
    for (const key of one.removedUpstreams) endpoints.delete(key);
    for (const given of one.endpoints) endpoints.set(given.key, given);
  }
  // In another order than they came.
  const all = [...mappings.values()].toReversed();
  const slots = all.map(({ id }) => [id, slotOf(id)] as const);
  return delta(all, { version: deltas.length, slots, endpoints: [...endpoints.values()] });
}

function slotOf(id: string): number {
  return id.length;
}

const edit = fc.record({
  mappings: fc.uniqueArray(anyMapping, { selector: ({ id }) => id, maxLength: 5 }),
  removedMappings: fc.array(anyMapping.map(({ id }) => id), { maxLength: 4 }),
  removedUpstreams: fc.array(fc.constantFrom('u0', 'u1'), { maxLength: 1 }),
  endpoints: someEndpoints,
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

  it('an Upstream whose Endpoints are all ending gives its share to the others while one of them is ready, and takes it again', () => {
    const split = [mapping('a', prefix('/x/'), { role: live(70) }), mapping('b', prefix('/x/'), { role: live(30) })];
    const state = (key: string, ...states: readonly Endpoint['state'][]): UpstreamEndpoints => ({ key, ready: states.length > 0, endpoints: states.map((one, port) => ({ ip: '10.0.0.1', port, state: one })) });
    let table = applyDelta(emptyTable<null>(), delta(split, { endpoints: [state('a', 'ready'), state('b', 'ready', 'terminating')] }), () => null);
    let version = 1;
    const shares = (...endpoints: readonly UpstreamEndpoints[]): readonly number[] => {
      version += 1;
      table = applyDelta(table, delta([], { version, base: version - 1, endpoints }), () => null);
      return routesInOrder(table)[0]!.split.members.map(({ share }) => share);
    };
    expect(shares()).toEqual([0.7, 0.3]);
    expect(shares(state('b', 'terminating', 'terminating'))).toEqual([1, 0]);
    expect(shares(state('a', 'terminating'))).toEqual([0.7, 0.3]);
    expect(shares(state('a'))).toEqual([0, 1]);
    expect(shares(state('b'))).toEqual([0, 0]);
    expect(shares(state('a', 'ready'), state('b', 'ready'))).toEqual([0.7, 0.3]);
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
