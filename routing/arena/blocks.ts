// Blocks: which units of an arena are in use. The writer alone knows; another writer finds out again by walking the newest table.
import { firstBlock, unitBytes } from "./arena.ts";

/** There is no room: the table would not fit. */
export class ArenaFull extends Error {
  constructor(bytes: number) {
    super(`the table does not fit into its memory of ${Math.round(bytes / 2 ** 20)} MiB`);
    this.name = "ArenaFull";
  }
}

/** A block: first unit and length in bytes, as they were asked for. */
export interface Block {
  readonly unit: number;
  readonly bytes: number;
}

// Four classes for each doubling of the size: at most a quarter of a block is unused.
const classSizes: readonly number[] = (() => {
  const sizes = [1, 2, 3];
  for (let step = 1; sizes.at(-1)! < 2 ** 25; step *= 2)
    for (let quarter = 4; quarter < 8; quarter++) sizes.push(quarter * step);
  return sizes;
})();

function classOf(bytes: number): number {
  const units = Math.max(1, Math.ceil(bytes / unitBytes));
  if (units <= 3) return units - 1;
  const doubling = 29 - Math.clz32(units);
  const step = 2 ** doubling;
  const quarter = Math.ceil(units / step);
  return 3 + doubling * 4 + (quarter - 4);
}

export class Blocks {
  /** Of the memory, and of one table in it. */
  readonly #units: number;
  readonly #tableUnits: number;
  /** Free blocks by class. */
  readonly #free: number[][] = classSizes.map(() => []);
  /** No longer named from a version on, in order of these. */
  #leaving: { readonly version: number; readonly units: readonly number[]; readonly classes: readonly number[] }[] = [];
  #leavingUnits: number[] = [];
  #leavingClasses: number[] = [];
  #top = firstBlock;
  #used = 0;
  /** Units of `#used` that the newest table does not name. */
  #left = 0;

  /** `tableBytes`: what one table may take. Where that is half of the memory, a table fits beside whatever was before it. */
  constructor(arenaBytes: number, tableBytes: number = arenaBytes) {
    this.#units = arenaBytes / unitBytes;
    this.#tableUnits = tableBytes / unitBytes;
  }

  /** What is in use, and what readers may still use, bytes. */
  get usedBytes(): number {
    return this.#used * unitBytes;
  }

  /** The first unit that was never in use. */
  get top(): number {
    return this.#top;
  }

  /** The first unit of a block of this size, with any content. Throws ArenaFull. */
  take(bytes: number): number {
    const kind = classOf(bytes);
    const size = classSizes[kind];
    const unit = size === undefined ? undefined : this.#found(kind, size);
    if (size === undefined || unit === undefined) throw this.#full();
    this.#used += size;
    return unit;
  }

  /** Throws ArenaFull where the table that is being written is larger than one may be. */
  checkSize(): void {
    if (this.#used - this.#left > this.#tableUnits - firstBlock) throw this.#full();
  }

  /** The table that is being written no longer names the block. */
  leave(unit: number, bytes: number): void {
    this.#goes(unit, classOf(bytes));
  }

  /** The table is published under this number: what left it is free once every reader has it. */
  published(version: number): void {
    if (this.#leavingUnits.length === 0) return;
    this.#leaving.push({ version, units: this.#leavingUnits, classes: this.#leavingClasses });
    this.#leavingUnits = [];
    this.#leavingClasses = [];
  }

  /** Every reader reads table `version` or a later one. */
  reclaim(version: number): void {
    let done = 0;
    while (done < this.#leaving.length && this.#leaving[done]!.version <= version) {
      const { units, classes } = this.#leaving[done]!;
      for (let i = 0; i < units.length; i++) this.#give(units[i]!, classes[i]!);
      done++;
    }
    if (done > 0) this.#leaving.splice(0, done);
  }

  /**
   * Begins with the blocks of table `version`: of a writer that takes over. What lies between them, below `top`, may belong to tables before it and
   * is free once every reader has this one.
   */
  occupy(blocks: readonly Block[], top: number, version: number): void {
    const sorted = blocks.toSorted((a, b) => a.unit - b.unit);
    for (const { unit, bytes } of sorted) {
      this.#leaveGap(this.#top, unit);
      const size = classSizes[classOf(bytes)]!;
      this.#top = unit + size;
      this.#used += size;
    }
    this.#leaveGap(this.#top, top);
    this.#top = top;
    this.published(version);
  }

  /** What lies beyond the size of one table becomes resident last. */
  #found(kind: number, size: number): number | undefined {
    return (
      this.#free[kind]!.pop() ??
      this.#fresh(size, this.#tableUnits) ??
      this.#split(kind) ??
      this.#fresh(size, this.#units)
    );
  }

  #full(): ArenaFull {
    return new ArenaFull(this.#tableUnits * unitBytes);
  }

  #goes(unit: number, kind: number): void {
    this.#leavingUnits.push(unit);
    this.#leavingClasses.push(kind);
    this.#left += classSizes[kind]!;
  }

  #fresh(size: number, end: number): number | undefined {
    if (this.#top + size > end) return undefined;
    const unit = this.#top;
    this.#top += size;
    return unit;
  }

  /** Of the smallest free block that is larger; what remains of it is free. */
  #split(kind: number): number | undefined {
    for (let larger = kind + 1; larger < classSizes.length; larger++) {
      const unit = this.#free[larger]!.pop();
      if (unit === undefined) continue;
      for (const [rest, restKind] of piecesOf(unit + classSizes[kind]!, unit + classSizes[larger]!))
        this.#free[restKind]!.push(rest);
      return unit;
    }
    return undefined;
  }

  #give(unit: number, kind: number): void {
    this.#used -= classSizes[kind]!;
    this.#left -= classSizes[kind]!;
    this.#free[kind]!.push(unit);
  }

  #leaveGap(from: number, to: number): void {
    for (const [unit, kind] of piecesOf(from, to)) {
      this.#goes(unit, kind);
      this.#used += classSizes[kind]!;
    }
  }
}

/** The units from `from` to `to` as blocks as large as fit: first unit and class of each. */
function* piecesOf(from: number, to: number): Iterable<readonly [unit: number, kind: number]> {
  for (let unit = from; unit < to;) {
    let kind = classOf((to - unit) * unitBytes);
    if (classSizes[kind]! > to - unit) kind--;
    yield [unit, kind];
    unit += classSizes[kind]!;
  }
}
