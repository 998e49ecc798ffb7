// WrittenRoutes: Routes as records have them before a portion of a change, read as it asks for them.
import type { KnownRoutes } from "./known-routes.ts";
import { routeKey, type RouteMember } from "../route/route.ts";

/** Members of a Route that is read again when it is asked for later. */
const few = 4;
/** Of such Routes so many are kept: Mappings of one deployment come one after the other. */
const mostKept = 16;

interface WrittenRoute {
  readonly key: string;
  readonly members: readonly RouteMember[];
  /** By id of the Mapping; null: there are few. */
  readonly byId: ReadonlyMap<string, RouteMember> | null;
}

export class WrittenRoutes {
  readonly #routes: KnownRoutes;
  readonly #large = new Map<number, WrittenRoute>();
  #small = new Map<number, WrittenRoute>();

  constructor(routes: KnownRoutes) {
    this.#routes = routes;
  }

  /** The key of the Route of this number, which has a record. Throws ArenaFault. */
  keyOf(number: number): string {
    return this.#at(number).key;
  }

  /** The members of the Route, which has a record, by id. Throws ArenaFault. */
  membersOf(number: number): readonly RouteMember[] {
    return this.#at(number).members;
  }

  /** The member of this id of the Route, which has a record. Throws ArenaFault. */
  memberOf(number: number, id: string): RouteMember | undefined {
    const { members, byId } = this.#at(number);
    return byId === null ? members.find(({ mapping }) => mapping.id === id) : byId.get(id);
  }

  #at(number: number): WrittenRoute {
    const known = this.#small.get(number) ?? this.#large.get(number);
    if (known !== undefined) return known;
    const members = this.#routes.membersOf(number);
    const isLarge = members.length > few;
    const route = {
      key: routeKey(members[0]!.mapping),
      members,
      byId: isLarge ? new Map(members.map((member) => [member.mapping.id, member])) : null,
    };
    if (isLarge) this.#large.set(number, route);
    else {
      if (this.#small.size === mostKept) this.#small = new Map();
      this.#small.set(number, route);
    }
    return route;
  }
}
