// TableWriter: the one writer of an arena. It takes changes and writes the next table beside the one before: records of what changed, the pages
// of the indexes that name them, and a root. The caller publishes the root by one store. Until then no reader can see any of it.
//
// What it knows beside the arena (where each Mapping and Upstream is) another writer finds out again from the newest root (routing/write/table-index.ts). After it threw a writer must not be used: open another one.
import { unitBytes, type Arena } from "../arena/arena.ts";
import type { Problem } from "../text/problem.ts";
import { recordBytes } from "../arena/record.ts";
import type { RouteEntry } from "./known.ts";
import { membersAt } from "../arena/route-record.ts";
import type { TableChange } from "../model/table-change.ts";
import type { Route } from "../route/decision.ts";
import { buildRoute } from "../route/route.ts";
import { noSlots, TableIndex, type FoundSlots } from "./table-index.ts";
import { TableEdit, type WritePoint, type WrittenTable } from "./table-edit.ts";

/** For tables that no request is answered by. */
const knownSeed = -1_533_832_073;

export class TableWriter {
  readonly #arena: Arena;
  readonly #reached: (point: WritePoint) => void;
  readonly #index: TableIndex;

  /**
   * Goes on from the table whose root is at this unit; 0: there is none yet. `hashSeed`: drawn and secret; the hashes of a first table begin with it. `found` gets the slots that are in
   * the table.
   */
  constructor(
    arena: Arena,
    root: number,
    reached: (point: WritePoint) => void = () => undefined,
    hashSeed = knownSeed,
    found: FoundSlots = noSlots(),
  ) {
    this.#arena = arena;
    this.#reached = reached;
    this.#index = new TableIndex(arena, root, hashSeed, found);
  }

  /** The newest table that was written. */
  get written(): WrittenTable {
    return this.#index.written;
  }

  /** What building the Routes found, by Route key. */
  get problems(): ReadonlyMap<string, readonly Problem[]> {
    return this.#index.problems;
  }

  /** Bytes in use, and bytes that ever were. */
  get bytes(): { readonly used: number; readonly touched: number } {
    const { usedBytes, top } = this.#index.blocks;
    return { used: usedBytes, touched: top * unitBytes };
  }

  /** Ids of all Mappings. */
  mappingIds(): Iterable<string> {
    return this.#index.routeOf.keys();
  }

  /** Bytes of the records of Routes, by Mapping. */
  *mappingBytes(): Iterable<readonly [id: string, bytes: number]> {
    for (const { unit } of this.#index.routes.values()) {
      // Of a write that did not fit.
      if (unit === 0) continue;
      const members = membersAt(this.#arena, unit);
      const bytes = recordBytes(this.#arena, unit) / members.length;
      for (const { mapping } of members) yield [mapping.id, bytes];
    }
  }

  hasMapping(id: string): boolean {
    return this.#index.routeOf.has(id);
  }

  /** Keys of all Routes: each begins with its namespace and a space. */
  routeKeys(): Iterable<string> {
    return this.#index.routes.keys();
  }

  /** The Route of a Mapping in the newest table; null: it has none. */
  routeOf(id: string): Route<null> | null {
    return this.#made(this.#index.routeOf.get(id));
  }

  /** The Route of a key in the newest table; null: there is none. */
  routeAt(key: string): Route<null> | null {
    return this.#made(this.#index.routes.get(key));
  }

  #made(entry: RouteEntry | undefined): Route<null> | null {
    if (entry === undefined || entry.unit === 0) return null;
    const members = membersAt(this.#arena, entry.unit);
    return buildRoute(
      members.map((member) => ({ ...member, attached: null })),
      0,
    );
  }

  /** Keys of all Upstreams. */
  upstreamKeys(): Iterable<string> {
    return this.#index.upstreams.keys();
  }

  /**
   * Writes the next table; the same one where nothing differs. `oldestRead`: every reader reads this version or a later one. Throws ArenaFull where
   * it does not fit; the table before stays as it is.
   */
  write(change: TableChange, oldestRead: number): WrittenTable {
    const edit = this.edit(oldestRead);
    edit.take(change);
    return edit.finish(change.settings);
  }

  /** Begins the next table, for a change that comes in batches; only one at a time. `oldestRead` as for `write`. */
  edit(oldestRead: number): TableEdit {
    this.#index.blocks.reclaim(oldestRead);
    this.#reached("begun");
    return new TableEdit(this.#arena, this.#index, this.#reached);
  }
}
