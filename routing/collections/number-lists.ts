// NumberLists: a list of numbers for each number, linked in typed arrays: most lists have one or two.
import { IntList } from "./int-list.ts";

/** Links are counted from 1; 0 is the end. */
export class NumberLists {
  readonly #first = new IntList();
  readonly #numbers = new IntList();
  readonly #next = new IntList();
  #free = 0;
  #last = 0;

  isEmpty(list: number): boolean {
    return this.#first.at(list) === 0;
  }

  *of(list: number): Iterable<number> {
    for (let link = this.#first.at(list); link !== 0; link = this.#next.at(link)) yield this.#numbers.at(link);
  }

  /** A number that is not in the list. */
  add(list: number, number: number): void {
    const link = this.#free === 0 ? (this.#last += 1) : this.#free;
    if (link === this.#free) this.#free = this.#next.at(link);
    this.#numbers.set(link, number);
    this.#next.set(link, this.#first.at(list));
    this.#first.set(list, link);
  }

  /** Takes all of these away in one walk. */
  remove(list: number, numbers: ReadonlySet<number>): void {
    let before = 0;
    for (let link = this.#first.at(list); link !== 0;) {
      const next = this.#next.at(link);
      if (!numbers.has(this.#numbers.at(link))) before = link;
      else {
        if (before === 0) this.#first.set(list, next);
        else this.#next.set(before, next);
        this.#next.set(link, this.#free);
        this.#free = link;
      }
      link = next;
    }
  }
}
