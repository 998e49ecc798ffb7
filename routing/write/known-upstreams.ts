// KnownUpstreams: where the record of each Upstream is, by its key, and which Routes name it.
import type { Arena } from "../arena/arena.ts";
import { byteText } from "../request/bytes.ts";
import type { DigestKey } from "../collections/digest.ts";
import { KnownTexts } from "./known-texts.ts";
import { NumberLists } from "../collections/number-lists.ts";
import { upstreamStateAt } from "../arena/upstream-record.ts";
import { unready, type UpstreamState } from "../route/upstream-state.ts";

/** An Upstream: where its record is. */
export interface KnownUse {
  /** −1: it is not known. */
  readonly number: number;
  /** 0: it has no record, so only Routes name it. */
  readonly unit: number;
  readonly state: UpstreamState;
}

const unknownUse: KnownUse = Object.freeze({ number: -1, unit: 0, state: unready });

export class KnownUpstreams {
  readonly #arena: Arena;
  readonly #texts: KnownTexts;
  /** Numbers of the Routes that name it, by its own. */
  readonly #routes = new NumberLists();

  constructor(arena: Arena, key: DigestKey) {
    this.#arena = arena;
    this.#texts = new KnownTexts(arena, key);
  }

  /** Throws ArenaFault. */
  use(key: string): KnownUse {
    const number = this.#texts.find(byteText(key));
    if (number < 0) return unknownUse;
    const unit = this.#texts.unitOf(number);
    return { number, unit, state: unit === 0 ? unready : upstreamStateAt(this.#arena, unit) };
  }

  has(key: string): boolean {
    return this.#texts.find(byteText(key)) >= 0;
  }

  /** Keys of all. Throws ArenaFault. */
  *keys(): Iterable<string> {
    for (const text of this.#texts.texts()) yield Buffer.from(text, "latin1").toString();
  }

  add(key: string, number: number, unit: number): void {
    this.#texts.add(byteText(key), number, unit);
  }

  /** Its record is at this unit from now on; 0: it has none. */
  place(key: string, number: number, unit: number): void {
    this.#texts.place(byteText(key), number, unit);
  }

  /** One that no Route names. */
  remove(key: string, number: number): void {
    this.#texts.remove(byteText(key), number);
  }

  isNamed(number: number): boolean {
    return !this.#routes.isEmpty(number);
  }

  /** Numbers of the Routes that name it. */
  routesOf(number: number): Iterable<number> {
    return this.#routes.of(number);
  }

  /** A Route names it that did not before. */
  addRoute(number: number, route: number): void {
    this.#routes.add(number, route);
  }

  removeRoutes(number: number, routes: ReadonlySet<number>): void {
    this.#routes.remove(number, routes);
  }
}
