// SpacesEdit: what a change does to the spaces that hold Routes, on its way into their records.
import type { Arena } from "../arena/arena.ts";
import type { IndexEdit } from "./index-edit.ts";
import type { PlacedEntry } from "./known.ts";
import { emptyNamespaceRoutes, spaceSeed, withRoute, type NamespaceRoutes } from "../route/namespace-routes.ts";
import { spaceMetaOf } from "../arena/namespace-view.ts";
import { recordBytes } from "../arena/record.ts";
import type { TableIndex } from "./table-index.ts";

export class SpacesEdit {
  readonly #arena: Arena;
  readonly #index: TableIndex;
  readonly #isBefore: (one: number, other: number) => boolean;
  /** As they become. */
  readonly #spaces = new Map<string | null, NamespaceRoutes>();

  /** `isBefore`: which of two Routes of one space is tried first, by the units of their records. */
  constructor(arena: Arena, index: TableIndex, isBefore: (one: number, other: number) => boolean) {
    this.#arena = arena;
    this.#index = index;
    this.#isBefore = isBefore;
  }

  /** The space as it is so far, a new one where there is none; null: the shared space. */
  of(name: string | null): NamespaceRoutes {
    const known = this.#spaces.get(name) ?? this.#index.spaces.get(name)?.routes;
    if (known !== undefined) return known;
    const space = emptyNamespaceRoutes(name, this.#index.nextSpaceId());
    this.#spaces.set(name, space);
    return space;
  }

  /** Counts a Route in its space; both have one key, so they belong to the same. null: there is none. */
  place(before: PlacedEntry | null, after: PlacedEntry | null, space: NamespaceRoutes): void {
    const next = withRoute(space, before, after, this.#isBefore);
    if (next !== space) this.#spaces.set(space.name, next);
  }

  /** Writes the records of those that differ. Throws ArenaFull. */
  write(edit: IndexEdit): void {
    for (const [name, space] of this.#spaces) {
      const before = this.#index.spaces.get(name) ?? null;
      if (before !== null) this.#index.blocks.leave(before.unit, recordBytes(this.#arena, before.unit));
      if (name !== null && space.routeCount === 0) {
        this.#index.spaces.delete(name);
        if (before === null) continue;
        this.#index.numbers.spaces.give(before.number);
        edit.remove(spaceSeed(name, this.#index.hashSeed), before.unit);
        continue;
      }
      const after = this.#index.writeSpace(space, before?.number ?? null);
      if (name === null) continue;
      const entry = {
        hash: spaceSeed(name, this.#index.hashSeed),
        meta: spaceMetaOf(space, after.text.length),
        unit: after.unit,
        number: after.number,
      };
      if (before === null) edit.add(entry);
      else edit.replace(before.unit, entry);
    }
  }
}
