import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { maxItems } from "../../../gateway/api/parameters.ts";
import { partOf, readPart, type AskedPart, type Keyed } from "../../../gateway/admin/list.ts";

const keyed = (keys: readonly string[]): readonly Keyed<number>[] =>
  keys.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)).map((key, item) => ({ key, item }));
const asked = (query: string): AskedPart => {
  const read = readPart(new URLSearchParams(query));
  if (typeof read === "string") throw new Error(read);
  return read;
};
const names = fc.array(fc.string({ maxLength: 2 }), { maxLength: 30 });

describe("parts of a list", () => {
  test("together are the list, each item once", () => {
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 7 }), (keys, limit) => {
        const list = keyed(keys);
        const all: Keyed<number>[] = [];
        let next: string | null = "";
        while (next !== null) {
          const got: ReturnType<typeof partOf<number>> = partOf(list, asked(`limit=${limit}&continue=${next}`));
          expect(got.part.length).toBeLessThanOrEqual(limit);
          all.push(...got.part);
          ({ next } = got);
        }
        expect(all).toEqual(list);
      }),
    );
  });

  test("go on where they were, whatever came and went meanwhile", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { maxLength: 30 }), names, fc.nat(), (keys, others, chosen) => {
        const before = keyed(keys);
        const { part, next } = partOf(before, { limit: 3, after: null });
        if (next === null) return;
        // Some of the old ones are gone, and new ones are there.
        const kept = keys.filter((key, at) => part.every((one) => one.key !== key) && (chosen >> (at % 30)) % 2 === 0);
        const after = keyed([...new Set([...kept, ...others])]);
        const rest = partOf(after, asked(`limit=10000&continue=${next}`)).part.map(({ key }) => key);
        const last = part.at(-1)!.key;
        expect(rest).toEqual(after.map(({ key }) => key).filter((key) => key > last));
      }),
    );
  });

  test.each([
    ["limit=0", null],
    ["limit=1", 1],
    ["limit=2", 2],
    ["", 500],
    [`limit=${maxItems - 1}`, maxItems - 1],
    [`limit=${maxItems}`, maxItems],
    [`limit=${maxItems + 1}`, null],
    ["limit=1e3", null],
    ["limit=-1", null],
    ["limit=", null],
  ])("%s", (query, limit) => {
    const read = readPart(new URLSearchParams(query));
    expect(typeof read === "string" ? null : read.limit).toBe(limit);
  });

  test.each(["x", "e30", "W10", "WzEsMV0", "WyJhIiwwXQ", "WyJhIiwxLjVd", "a".repeat(2049)])(
    "continue=%s is none",
    (text) => {
      expect(readPart(new URLSearchParams(`continue=${text}`))).toMatch(/^continue is not from an answer/);
    },
  );

  test("no key makes a cursor that is longer than one may be", () => {
    const long = "\u{10ffff}".repeat(100) + "f".repeat(64);
    const { next } = partOf(keyed([long, `${long}1`]), { limit: 1, after: null });
    expect(next!.length).toBeLessThan(2048);
    expect(asked(`continue=${next!}`).after).toEqual({ key: long, count: 1 });
  });
});
