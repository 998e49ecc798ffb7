// A table in memory of its own, of one thread: for tools, which build one table and ask it.
import { arenaOn, minArenaBytes, maxArenaBytes } from "./arena/arena.ts";
import { ArenaFull } from "./arena/blocks.ts";
import type { Mapping } from "./model/mapping.ts";
import { RouteTable } from "./table.ts";
import type { TableChange } from "./model/table-change.ts";
import { TableWriter } from "./write/table-writer.ts";

/** More than most records take, with their places in pages. A multiple of a unit. */
const bytesARecord = 4096;

/** The table of this change alone, in as much memory as it needs. Throws ArenaFull where 2 GiB is not enough. `attach` is called as RouteTable says. */
export function privateTable<T>(change: TableChange, attach: (mapping: Mapping, slot: number) => T): RouteTable<T> {
  // Only what is written becomes memory, and a write that does not fit is done again.
  const records = change.mappings.length + change.upstreams.length + change.endpoints.length;
  for (let bytes = minArenaBytes + records * bytesARecord; ; bytes *= 4) {
    const arena = arenaOn(new ArrayBuffer(Math.min(bytes, maxArenaBytes)));
    try {
      const { root } = new TableWriter(arena, 0).write(change, 0);
      const table = new RouteTable(arena, attach);
      table.adopt(root);
      return table;
    } catch (error) {
      if (!(error instanceof ArenaFull) || bytes >= maxArenaBytes) throw error;
    }
  }
}
