// WrittenMappings: Mappings as records of the table before have them, for who asks whether one is as it was. A digest that everybody can compute may
// be forged, so one that is equal proves nothing.
import type { Arena } from './arena.ts';
import { sameValue } from './diff.ts';
import type { Mapping } from './mapping.ts';
import { membersAt } from './route-record.ts';
import type { KnownRoute } from './known.ts';

/** Members of a Route that is read again for each of them. */
const few = 4;

export class WrittenMappings {
  readonly #arena: Arena;
  /** Of Routes that have more members, by key: Mappings by id. */
  readonly #known = new Map<string, ReadonlyMap<string, Mapping>>();

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** Does the record of the Route have this Mapping as it is? Throws ArenaFault. */
  has(route: KnownRoute, mapping: Mapping): boolean {
    return sameValue(this.#mappingsOf(route).get(mapping.id), mapping);
  }

  #mappingsOf({ key, unit, number, members }: KnownRoute): ReadonlyMap<string, Mapping> {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const mappings = new Map(membersAt(this.#arena, unit, number).map((member) => [member.mapping.id, member.mapping]));
    if (members.length > few) this.#known.set(key, mappings);
    return mappings;
  }
}
