// SharedTable: the memory of the routing table, which all threads share. The control worker is its only writer: it writes the next table beside the
// one before and publishes it by one store. Each data worker says which table it reads, so that nothing it may look at is used again.
import { arenaOn, cellWords, cellsUnit, unitWords, type Arena } from "../../../routing/arena/arena.ts";
import { rootWords } from "../../../routing/arena/root.ts";
import { maxWorkers } from "../../options/limits.ts";

// Words from the first cell on. What one thread writes often is in a cache line of its own.
const rootCell = 0;
const readyCell = 1;
const writingCell = 2;
const firstReader = unitWords;

if (firstReader + maxWorkers * unitWords > cellWords) throw new Error("the cells of an arena do not hold the readers");

const start = cellsUnit * unitWords;

/** Memory for a table of so many MiB, 1..1024, and for the next one beside it. Only what is written becomes resident. */
export function tableMemory(mebibytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(2 * mebibytes * 2 ** 20);
}

export class SharedTable {
  readonly arena: Arena;
  readonly #words: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.arena = arenaOn(memory, memory.byteLength / 2);
    this.#words = this.arena.words;
  }

  /** Unit of the newest table's root; 0: there is none yet. */
  get root(): number {
    return Atomics.load(this.#words, start + rootCell);
  }

  /** Version of the newest table; 0: there is none yet. */
  get version(): number {
    const { root } = this;
    return root === 0 ? 0 : this.#words[root * unitWords + rootWords.version]!;
  }

  /** What check_ready on the traffic port answers. */
  get ready(): boolean {
    return Atomics.load(this.#words, start + readyCell) === 1;
  }

  set ready(ready: boolean) {
    Atomics.store(this.#words, start + readyCell, ready ? 1 : 0);
  }

  /** A writer was ended in the middle of a write. What it wrote was beside the table, which is whole. */
  get torn(): boolean {
    return Atomics.load(this.#words, start + writingCell) === 1;
  }

  /** Of the writer: a write begins, or is over. */
  set writing(writing: boolean) {
    Atomics.store(this.#words, start + writingCell, writing ? 1 : 0);
  }

  /** Of the writer: this table is the newest. */
  publish(root: number): void {
    Atomics.store(this.#words, start + rootCell, root);
  }

  /** Of the writer: every reader reads this version or a later one; that of the newest table where there are no readers. */
  get oldestRead(): number {
    let oldest = this.version;
    for (let reader = 0; reader < maxWorkers; reader++) {
      const version = Atomics.load(this.#words, readerCell(reader));
      if (version !== 0 && version < oldest) oldest = version;
    }
    return oldest;
  }

  /** Version of the table that a data worker reads; 0: none. */
  readBy(reader: number): number {
    return Atomics.load(this.#words, readerCell(reader));
  }

  /**
   * Of a reader: from now on it reads the newest table and no earlier one. Gives the unit of its root; 0: there is none. The writer looks at the
   * readers after it has published, so a table that is the newest after a reader has named it is not used again.
   */
  enter(reader: number): number {
    for (;;) {
      const { root } = this;
      if (root === 0) return 0;
      const version = this.#words[root * unitWords + rootWords.version]!;
      Atomics.store(this.#words, readerCell(reader), version);
      // The version, too: until it was named, the root may have been written over.
      if (this.root === root && this.#words[root * unitWords + rootWords.version] === version) return root;
    }
  }

  /** The reader has ended and reads nothing any more. */
  left(reader: number): void {
    Atomics.store(this.#words, readerCell(reader), 0);
  }
}

function readerCell(reader: number): number {
  return start + firstReader + reader * unitWords;
}
