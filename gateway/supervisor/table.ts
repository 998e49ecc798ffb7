// What the supervisor does about the memory of the table: it makes it, and clears up after threads that ended.
import type { Log } from "../shared/log.ts";
import { SharedTable, tableMemory } from "../shared/memory/shared-table.ts";

export class TableState {
  readonly memory: SharedArrayBuffer;
  readonly #log: Log;

  constructor(mebibytes: number, log: Log) {
    this.#log = log;
    this.memory = tableMemory(mebibytes);
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
