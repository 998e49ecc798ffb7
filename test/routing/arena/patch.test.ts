import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { patched, patchOf, type Patch } from "../../../routing/arena/patch.ts";

/** Keys that objects have anyway, and the one that patches of Mappings look at. */
const key = fc.oneof(
  fc.constantFrom("__proto__", "constructor", "toString", "hasOwnProperty", "kind", "a", "b", "0", ""),
  fc.string(),
);

/** What JSON can say. */
const json: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: "medium" },
    fc.constantFrom(null, true, false, "", "a", 0, 1, -1, 1.5, 2 ** 53),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.array(fc.tuple(key, tie("value")), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  ),
})).value;

/** One value, and another that has much in common with it, both as they come out of JSON. */
const pair = fc
  .oneof(
    fc.tuple(json, json),
    fc
      .tuple(fc.dictionary(key, json, { maxKeys: 4 }), fc.dictionary(key, json, { maxKeys: 2 }))
      .map(([base, more]) => [base, { ...base, ...more }] as const),
    fc
      .tuple(fc.dictionary(key, json, { minKeys: 1, maxKeys: 4 }), json)
      .map(
        ([base, value]) =>
          [
            base,
            Object.fromEntries(Object.entries(base).map(([name, one], index) => [name, index === 0 ? value : one])),
          ] as const,
      ),
  )
  .map((both) => JSON.parse(JSON.stringify(both)) as readonly [unknown, unknown]);

/** As it comes out of an arena. */
function carried(patch: Patch | undefined): Patch | undefined {
  return patch === undefined ? undefined : (JSON.parse(JSON.stringify(patch)) as Patch);
}

it("the patch that makes one value of another makes it, whatever the two", () => {
  fc.assert(
    fc.property(pair, ([base, value]) => {
      const given = JSON.stringify([base, value]);
      expect(isDeepStrictEqual(patched(base, carried(patchOf(base, value))), value)).toBe(true);
      expect(JSON.stringify([base, value])).toBe(given);
    }),
    { numRuns: 2000 },
  );
});

it.each<readonly [string, unknown, unknown, Patch | undefined]>([
  ["equal values need none", { a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }, undefined],
  ["only what differs is told", { a: 1, b: { c: 2, d: 3 } }, { a: 1, b: { c: 2, d: 4 } }, { b: { d: 4 } }],
  ["a list is told as a whole", { a: [1, 2] }, { a: [1, 3] }, { a: [[1, 3]] }],
  ["so is an object that has other keys", { a: { b: 1 } }, { a: { c: 1 } }, { a: [{ c: 1 }] }],
  ["so is an object of another kind", { kind: "a", b: 1 }, { kind: "b", b: 1 }, [{ kind: "b", b: 1 }]],
  ["so is an empty list beside an empty object", { a: {} }, { a: [] }, { a: [[]] }],
  ["a key that is missing is not undefined", { a: 1 }, {}, [{}]],
  ["null for an object", { a: { b: 1 } }, { a: null }, { a: null }],
  ["-0 is 0: JSON does not tell them apart", 0, -0, undefined],
])("%s", (_name, base, value, patch) => {
  expect(patchOf(base, value)).toEqual(patch);
});

it("__proto__ is a key like any other and sets no prototype", () => {
  const value = JSON.parse('{"a":{"__proto__":{"polluted":true}}}') as unknown;
  const made = patched({ a: {} }, carried(patchOf({ a: {} }, value))) as { readonly a: object };
  expect(Object.getPrototypeOf(made.a)).toBe(Object.prototype);
  expect(Object.hasOwn(made.a, "__proto__")).toBe(true);
  expect("polluted" in made.a).toBe(false);
  // The same where the base has the key, too.
  const other = JSON.parse('{"a":{"__proto__":{"polluted":false}}}') as unknown;
  expect(JSON.stringify(patched(value, carried(patchOf(value, other))))).toBe(JSON.stringify(other));
});

it("parts that do not differ are those of the base", () => {
  const base = { a: { b: [1] }, c: { d: 1 } };
  const made = patched(base, patchOf(base, { a: { b: [1] }, c: { d: 2 } })) as typeof base;
  expect(made.a).toBe(base.a);
});
