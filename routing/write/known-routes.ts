// KnownRoutes: where the record of each Route is, by number, and which number a Route has, by its key and by the ids of its Mappings. Neither is kept:
// who finds a number asks the record, or what a change has made of it, whether it is the one.
import type { Arena } from "../arena/arena.ts";
import { digestOf, type DigestKey } from "../collections/digest.ts";
import { HashedNumbers } from "../collections/hashed-numbers.ts";
import { IntList } from "../collections/int-list.ts";
import { membersAt } from "../arena/route-record.ts";
import type { RouteMember } from "../route/route.ts";

export class KnownRoutes {
  readonly #arena: Arena;
  readonly #key: DigestKey;
  readonly #units = new IntList();
  readonly #byKey = new HashedNumbers();
  readonly #byId = new HashedNumbers();
  #count = 0;

  constructor(arena: Arena, key: DigestKey) {
    this.#arena = arena;
    this.#key = key;
  }

  /** Routes that have a record. */
  get count(): number {
    return this.#count;
  }

  /** The record's unit; 0: it has none. */
  unitOf(number: number): number {
    return this.#units.at(number);
  }

  /** Its record is at this unit from now on; 0: it has none. */
  place(number: number, unit: number): void {
    const before = this.#units.at(number);
    this.#count += (unit === 0 ? 0 : 1) - (before === 0 ? 0 : 1);
    this.#units.set(number, unit);
  }

  /** Of a key, or of the id of a Mapping. */
  hashOf(text: string): number {
    return digestOf(text, this.#key).high;
  }

  /** The number of a Route that may have the key of this hash and of which `isIt` says that it does; −1: there is none. */
  withKey(hash: number, isIt: (number: number) => boolean): number {
    return this.#byKey.find(hash, isIt);
  }

  addKey(hash: number, number: number): void {
    this.#byKey.add(hash, number);
  }

  removeKey(hash: number, number: number): void {
    this.#byKey.remove(hash, number);
  }

  /** The number of a Route that may have the Mapping whose id has this hash and of which `isIt` says that it does; −1: there is none. */
  withMapping(hash: number, isIt: (number: number) => boolean): number {
    return this.#byId.find(hash, isIt);
  }

  addMapping(hash: number, number: number): void {
    this.#byId.add(hash, number);
  }

  removeMapping(hash: number, number: number): void {
    this.#byId.remove(hash, number);
  }

  /** Is there a Mapping of this id? Reads a record. Throws ArenaFault. */
  hasMapping(id: string): boolean {
    return (
      this.withMapping(this.hashOf(id), (number) => this.membersOf(number).some(({ mapping }) => mapping.id === id)) >=
      0
    );
  }

  /** As the record of the Route says. Throws ArenaFault. */
  membersOf(number: number): readonly RouteMember[] {
    const unit = this.#units.at(number);
    return unit === 0 ? [] : membersAt(this.#arena, unit, number);
  }

  /** Numbers of all that have a record. */
  *numbers(): Iterable<number> {
    for (let number = 0; number < this.#units.end; number++) if (this.#units.at(number) !== 0) yield number;
  }
}
