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
      const known = names.get(name);
      const hash = hashText(name, hashSeed);
      if (known === undefined) {
        const number = numbers.names.take();
        const unit = writeRecord(
          this.#arena,
          blocks,
          { serial: this.#index.nextSerial(), owner: 0, number, text: name },
          "",
        );
        names.set(name, { number, unit, count: by });
        edit.add({ hash, meta: metaOf(name), unit, number });
        continue;
      }
      known.count += by;
      if (known.count > 0) continue;
      edit.remove(hash, known.unit);
      blocks.leave(known.unit, recordBytes(this.#arena, known.unit));
      names.delete(name);
      numbers.names.give(known.number);
    }
  }
}
