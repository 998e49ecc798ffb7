// The order of many prefixes: each has a place, and those that begin with one of them are at the places behind its own.
import { firstPlace } from "../../../routing/text/bisect.ts";
import { compareText } from "../../../routing/text/problem.ts";

export class PrefixOrder {
  readonly #places: ReadonlyMap<string, number>;
  /** For each place, the first one behind it of a prefix that does not begin with its own. */
  readonly #ends: number[];
  /** For each place, that of the longest of all that its prefix begins with; −1: there is none. */
  readonly #parents: number[] = [];
  readonly #depths: number[] = [];

  constructor(prefixes: readonly string[]) {
    const inOrder = [...new Set(prefixes)].sort(compareText);
    this.#places = new Map(inOrder.map((prefix, place) => [prefix, place]));
    this.#ends = inOrder.map(() => inOrder.length);
    const open: number[] = [];
    for (const [place, prefix] of inOrder.entries()) {
      while (open.length > 0 && !prefix.startsWith(inOrder[open.at(-1)!]!)) this.#ends[open.pop()!] = place;
      this.#parents.push(open.at(-1) ?? -1);
      this.#depths.push(open.length);
      open.push(place);
    }
  }

  /** Of one of the prefixes. */
  placeOf(prefix: string): number {
    return this.#places.get(prefix)!;
  }

  /** Where a place is among sorted ones, or would be. */
  indexIn(places: readonly number[], place: number): number {
    return firstPlace(places.length, (index) => places[index]! >= place);
  }

  /** Those of some sorted places whose prefixes one begins with, its own, and where `below`, those that begin with it; in order. */
  *around(place: number, places: readonly number[], below: boolean): Generator<number, undefined> {
    const own = this.indexIn(places, place);
    yield* this.#above(place, places, own);
    const end = below ? this.#ends[place]! : place + 1;
    for (let index = own; index < places.length && places[index]! < end; index++) yield places[index]!;
  }

  /** `own`: index of the place. Goes through those before it, or through all prefixes that it begins with, whichever are fewer. */
  #above(place: number, places: readonly number[], own: number): readonly number[] {
    if (own <= this.#depths[place]!) return places.slice(0, own).filter((one) => this.#ends[one]! > place);
    const above: number[] = [];
    for (let parent = this.#parents[place]!; parent >= 0; parent = this.#parents[parent]!)
      if (places[this.indexIn(places, parent)] === parent) above.push(parent);
    return above.reverse();
  }
}
