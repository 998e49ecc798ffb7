// What the supervisor does about the memory of the table: it makes it, replaces it where it is damaged, and clears up after threads that ended.
import type { Log } from "../shared/log.ts";
import { SharedTable, tableMemory, type TableMemory } from "../shared/shared-table.ts";

export class KeptTable {
  memory: TableMemory;
  readonly #mebibytes: number;
  readonly #log: Log;

  constructor(mebibytes: number, log: Log) {
    this.#mebibytes = mebibytes;
    this.#log = log;
    this.memory = tableMemory(mebibytes);
  }

  /** A thread says that this memory (its number) is damaged. True: there is other memory now; several threads may meet one damage. */
  damaged(thread: string, memory: number, sentence: string): boolean {
    this.#log.write("table-damaged", { thread, sentence });
    if (memory !== this.memory.number) return false;
    this.memory = tableMemory(this.#mebibytes, memory + 1);
    return true;
  }

  /** The data worker has ended: it reads nothing any more. */
  readerEnded(worker: number): void {
    new SharedTable(this.memory).left(worker);
  }

  /** The control worker has ended. What it wrote last may be half: it is beside the table that is served, and nobody has seen it. */
  writerEnded(): void {
    const table = new SharedTable(this.memory);
    if (!table.torn) return;
    this.#log.write("table-write-torn", { version: table.version });
    table.writing = false;
  }
}
