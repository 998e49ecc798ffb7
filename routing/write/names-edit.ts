// NamesEdit: what a change does to the names of deployments that gRPC Routes of namespaces have, on its way into their records.
import type { Arena } from "../arena/arena.ts";
import { hashText } from "../request/bytes.ts";
import type { IndexEdit } from "./index-edit.ts";
import { metaOf } from "../arena/index-page.ts";
import { recordBytes, writeRecord } from "../arena/record.ts";
import type { TableIndex } from "./table-index.ts";

export class NamesEdit {
  readonly #arena: Arena;
  readonly #index: TableIndex;
  /** How many more Routes have each. */
  readonly #counts = new Map<string, number>();

  constructor(arena: Arena, index: TableIndex) {
    this.#arena = arena;
    this.#index = index;
  }

  /** A Route of this name came (`by` 1) or goes (−1); null: it has none. */
  count(name: string | null, by: 1 | -1): void {
    if (name !== null) this.#counts.set(name, (this.#counts.get(name) ?? 0) + by);
  }

  /** Writes the records that come. Throws ArenaFull. */
  write(edit: IndexEdit): void {
    const { names, numbers, blocks, hashSeed } = this.#index;
    for (const [name, by] of this.#counts) {
      if (by === 0) continue;
      const known = names.texts.find(name);
      const number = known < 0 ? numbers.names.take() : known;
      const count = (known < 0 ? 0 : names.counts.at(number)) + by;
      names.counts.set(number, count);
      if (known < 0) {
        const unit = writeRecord(
          this.#arena,
          blocks,
          { serial: this.#index.nextSerial(), owner: 0, number, text: name },
          "",
        );
        names.texts.add(name, number, unit);
        edit.add({ hash: hashText(name, hashSeed), meta: metaOf(name), unit, number });
      } else if (count === 0) {
        const unit = names.texts.unitOf(number);
        edit.remove(hashText(name, hashSeed), unit);
        blocks.leave(unit, recordBytes(this.#arena, unit));
        names.texts.remove(name, number);
        numbers.names.give(number);
      }
    }
  }
}
