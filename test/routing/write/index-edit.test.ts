import * as fc from "fast-check";
import { expect, test } from "vitest";
import { arenaOn, emptyPage, minArenaBytes, unitWords } from "../../../routing/arena/arena.ts";
import { Blocks } from "../../../routing/arena/blocks.ts";
import { IndexEdit } from "../../../routing/write/index-edit.ts";
import {
  directoryPlace,
  directoryWords,
  firstSlot,
  pageWords,
  shortSlot,
  checkPage,
} from "../../../routing/arena/index-page.ts";

/** An index of records that are nothing but numbers: their order is `rank`. */
class Index {
  readonly arena = arenaOn(new ArrayBuffer(4 * minArenaBytes));
  readonly blocks = new Blocks(4 * minArenaBytes);
  readonly directory = new Int32Array(directoryWords);
  readonly rank: (unit: number) => number;
  compared = 0;
  #serial = 0;

  constructor(rank: (unit: number) => number) {
    this.rank = rank;
    for (let place = 0; place < directoryWords; place += 2) this.directory[place] = emptyPage;
  }

  change(make: (edit: IndexEdit) => void): void {
    const edit = new IndexEdit(this.arena, this.blocks, shortSlot, (a, b) => {
      this.compared += 1;
      return this.rank(a) - this.rank(b);
    });
    make(edit);
    edit.write(this.directory, () => (this.#serial += 1));
    this.blocks.published(this.#serial);
    this.blocks.reclaim(this.#serial);
  }

  /** Records of a hash in the order in which a look-up meets them. */
  met(hash: number): readonly number[] {
    const { words } = this.arena;
    const place = directoryPlace(hash);
    checkPage(this.arena, this.directory[place]!, this.directory[place + 1]!);
    const page = this.directory[place]! * unitWords;
    const mask = words[page]!;
    const units: number[] = [];
    for (let slot = firstSlot(hash, mask); ; slot = (slot + 1) & mask) {
      const at = page + pageWords.slots + slot * shortSlot;
      if (words[at + 1]! < 0) return units;
      if (words[at] === hash) units.push(words[at + 2]!);
    }
  }
}

const entryOf = (hash: number, unit: number): { hash: number; meta: number; unit: number; number: number } => ({
  hash,
  meta: 32,
  unit,
  number: unit,
});
// All of one page, and near each other in it.
const hashes = [5, 6, 7, 1 << 15];

test("whatever comes, goes and is replaced, the records of a hash are met in their order", () => {
  const step = fc.record({
    hash: fc.constantFrom(...hashes),
    kind: fc.constantFrom("add", "add", "add", "remove", "replace"),
    pick: fc.nat(1000),
  });
  const ranks = fc.array(fc.nat(20), { minLength: 400, maxLength: 400 });
  fc.assert(
    fc.property(ranks, fc.array(fc.array(step, { maxLength: 30 }), { maxLength: 12 }), (ranksOf, changes) => {
      const rankOf = new Map<number, number>();
      const index = new Index((unit) => rankOf.get(unit)!);
      const held = new Map<number, number[]>(hashes.map((hash) => [hash, []]));
      let next = 1;
      for (const change of changes) {
        index.change((edit) => {
          const old = new Map([...held].map(([hash, units]) => [hash, [...units]]));
          for (const { hash, kind, pick } of change) {
            const units = held.get(hash)!;
            // What a change touches once it does not touch again.
            const candidates = old.get(hash)!;
            if (kind === "add") {
              const unit = next++;
              rankOf.set(unit, ranksOf[unit % ranksOf.length]!);
              units.push(unit);
              edit.add(entryOf(hash, unit));
            } else if (candidates.length > 0) {
              const [unit] = candidates.splice(pick % candidates.length, 1) as [number];
              units.splice(units.indexOf(unit), 1);
              if (kind === "remove") edit.remove(hash, unit);
              else {
                const other = next++;
                rankOf.set(other, rankOf.get(unit)!);
                units.push(other);
                edit.replace(unit, entryOf(hash, other));
              }
            }
          }
        });
        for (const [hash, units] of held) {
          const met = index.met(hash);
          expect(met.toSorted((a, b) => a - b)).toEqual(units.toSorted((a, b) => a - b));
          const order = met.map((unit) => rankOf.get(unit)!);
          expect(order).toEqual(order.toSorted((a, b) => a - b));
        }
      }
    }),
    { numRuns: 200 },
  );
});

test("one record among 4,000 of its hash is compared with a dozen of them, not with all", () => {
  const index = new Index((unit) => unit);
  const hash = 77;
  index.change((edit) => {
    for (let unit = 2; unit <= 8000; unit += 2) edit.add(entryOf(hash, unit));
  });
  index.compared = 0;
  index.change((edit) => edit.add(entryOf(hash, 4001)));
  expect(index.compared).toBeLessThan(20);
  index.compared = 0;
  // Another hash of the page: what was there is not compared at all.
  index.change((edit) => {
    edit.remove(hash, 6000);
    edit.add(entryOf(hash + 1, 1));
  });
  expect(index.compared).toBe(0);
  const met = index.met(hash);
  expect(met).toHaveLength(4000);
  expect(met).toEqual(met.toSorted((a, b) => a - b));
});
