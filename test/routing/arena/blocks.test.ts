import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { firstBlock, minArenaBytes, maxArenaBytes, unitBytes } from "../../../routing/arena/arena.ts";
import { ArenaFull, Blocks, type Block } from "../../../routing/arena/blocks.ts";

const unitsOf = (bytes: number): number => Math.max(1, Math.ceil(bytes / unitBytes));

/** Lengths of blocks, units: one to three, then four classes for each doubling. */
const classes = [
  1,
  2,
  3,
  ...Array.from({ length: 13 }, (_, doubling) => [4, 5, 6, 7].map((quarter) => quarter * 2 ** doubling)).flat(),
];

/** Blocks beside a list of what is in them. */
class Model {
  blocks = new Blocks(minArenaBytes);
  version = 0;
  /** Of the newest table. */
  live: Block[] = [];
  /** Of tables before it, down to the last that is read: the version from which on a block is free. */
  left: (Block & { readonly version: number })[] = [];
  readonly #oldest = { read: 0 };

  take(bytes: number): void {
    try {
      this.live.push({ unit: this.blocks.take(bytes), bytes });
    } catch (error) {
      if (!(error instanceof ArenaFull)) throw error;
    }
  }

  leave(at: number): void {
    const [block] = this.live.splice(at % Math.max(1, this.live.length), 1);
    if (block === undefined) return;
    this.blocks.leave(block.unit, block.bytes);
    this.left.push({ ...block, version: this.version + 1 });
  }

  publish(): void {
    this.version += 1;
    this.blocks.published(this.version);
  }

  /** Everybody reads a table that is at most `behind` the newest. */
  reclaim(behind: number): void {
    this.#oldest.read = Math.max(this.#oldest.read, this.version - behind);
    this.blocks.reclaim(this.#oldest.read);
    this.left = this.left.filter(({ version }) => version > this.#oldest.read);
  }

  takeOver(): void {
    this.publish();
    const { top } = this.blocks;
    this.blocks = new Blocks(minArenaBytes);
    this.blocks.occupy(this.live, top, this.version);
  }

  check(): void {
    const sorted = [...this.live, ...this.left].toSorted((a, b) => a.unit - b.unit);
    let end = firstBlock;
    for (const { unit, bytes } of sorted) {
      expect(unit).toBeGreaterThanOrEqual(end);
      end = unit + unitsOf(bytes);
    }
    expect(end).toBeLessThanOrEqual(this.blocks.top);
    expect(this.blocks.top).toBeLessThanOrEqual(minArenaBytes / unitBytes);
  }
}

const anyBytes = fc.oneof(
  fc.integer({ min: 0, max: 700 }),
  fc.integer({ min: 0, max: 40_000 }),
  fc.constantFrom(
    ...classes.slice(0, 40).flatMap((units) => [units * unitBytes - 1, units * unitBytes, units * unitBytes + 1]),
  ),
);
const anyStep = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("take" as const), bytes: anyBytes }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("leave" as const), at: fc.nat() }) },
  { weight: 3, arbitrary: fc.constant({ kind: "publish" as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("reclaim" as const), behind: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "take over" as const }) },
);

describe("blocks", () => {
  it("never overlap, are not used again while a reader may hold them, and all come back", () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 120 }), (steps) => {
        const model = new Model();
        for (const step of steps) {
          if (step.kind === "take") model.take(step.bytes);
          else if (step.kind === "leave") model.leave(step.at);
          else if (step.kind === "publish") model.publish();
          else if (step.kind === "reclaim") model.reclaim(step.behind);
          else model.takeOver();
          model.check();
        }
        while (model.live.length > 0) model.leave(0);
        model.publish();
        model.reclaim(0);
        expect(model.blocks.usedBytes).toBe(0);
        // And can be taken again, one by one.
        const all = minArenaBytes / unitBytes - firstBlock;
        const units = new Set(Array.from({ length: all }, () => model.blocks.take(1)));
        expect(units.size).toBe(all);
        expect(() => model.blocks.take(1)).toThrow(ArenaFull);
      }),
      { numRuns: 300 },
    );
  });

  it.each(classes)(
    "%i units hold what they are taken for, and so do one byte less and one more, with at most a quarter unused",
    (units) => {
      for (const bytes of [units * unitBytes - 1, units * unitBytes, units * unitBytes + 1]) {
        const blocks = new Blocks(maxArenaBytes);
        const length = -blocks.take(bytes) + blocks.take(bytes);
        expect(length).toBe(blocks.usedBytes / unitBytes / 2);
        expect(length).toBeGreaterThanOrEqual(unitsOf(bytes));
        expect(length).toBeLessThanOrEqual(unitsOf(bytes) * 1.25);
      }
    },
  );

  it("fill an arena to its last unit, and not one more", () => {
    const most = (minArenaBytes / unitBytes - firstBlock) * unitBytes;
    expect(new Blocks(minArenaBytes).take(most)).toBe(firstBlock);
    expect(() => new Blocks(minArenaBytes).take(most + 1)).toThrow(ArenaFull);
    const blocks = new Blocks(minArenaBytes);
    blocks.take(most - unitBytes * 2048);
    blocks.take(unitBytes * 2048 - 1);
    expect(blocks.usedBytes).toBe(most);
    expect(() => blocks.take(0)).toThrow(ArenaFull);
    expect(blocks.usedBytes).toBe(most);
  });

  it("larger than any arena do not fit", () => {
    for (const bytes of [maxArenaBytes, maxArenaBytes * 1.25 + 1, 2 ** 40])
      expect(() => new Blocks(maxArenaBytes).take(bytes)).toThrow(ArenaFull);
  });

  it("that many readers in turn are late for do not make the arena grow", () => {
    const model = new Model();
    let top = 0;
    for (let round = 0; round < 3000; round++) {
      if (round === 1000) ({ top } = model.blocks);
      for (let count = 0; count < 4; count++) model.take(((round * 7919 + count * 104_729) % 60) * 97);
      while (model.live.length > 8) model.leave(round);
      model.publish();
      model.reclaim(round % 9);
    }
    expect(model.blocks.top).toBeLessThan(top * 1.1);
  });

  it("hold a table up to its size and as much beside it, of which what lies beyond the size is used last", () => {
    const units = minArenaBytes / unitBytes - firstBlock;
    const published = (kept: number): Blocks => {
      const all = new Blocks(2 * minArenaBytes, minArenaBytes);
      const before = Array.from({ length: units }, () => all.take(1));
      all.checkSize();
      all.published(1);
      // The next one has these units of it, and one less than fits beside them.
      for (const unit of before.slice(kept)) all.leave(unit, 1);
      for (let i = kept; i < units - 1; i++) all.take(1);
      return all;
    };
    for (const kept of [0, 1, units - 1]) {
      const blocks = published(kept);
      expect(() => blocks.checkSize()).not.toThrow();
      blocks.take(1);
      expect(() => blocks.checkSize()).not.toThrow();
      blocks.take(1);
      expect(() => blocks.checkSize()).toThrow("the table does not fit into its memory of 1 MiB");
    }
    // The table is one block. It is free, or not.
    for (const isFree of [true, false]) {
      const blocks = new Blocks(2 * minArenaBytes, minArenaBytes);
      blocks.leave(blocks.take(units * unitBytes), units * unitBytes);
      blocks.published(1);
      if (isFree) blocks.reclaim(1);
      blocks.take(1);
      expect(blocks.top).toBe(firstBlock + units + (isFree ? 0 : 1));
    }
  });

  it("that a writer finds in the memory count for the size of the next table", () => {
    const units = 7 * 2 ** 10;
    const blocks = new Blocks(2 * minArenaBytes, (firstBlock + units + 1) * unitBytes);
    // A gap of ten units, which are free once nobody reads the table before.
    blocks.occupy([{ unit: firstBlock + 10, bytes: units * unitBytes }], firstBlock + units + 10, 1);
    blocks.checkSize();
    blocks.take(1);
    expect(() => blocks.checkSize()).not.toThrow();
    blocks.take(1);
    expect(() => blocks.checkSize()).toThrow(ArenaFull);
  });
});
