// Registry: records by key that exist while somebody has a use for them.
//
// Inserting a key costs about a microsecond, so at 10,000 SDs all that belongs to one name is one record, and readers hold the records themselves.

/** What a Registry holds. */
export interface KeyedRecord {
  readonly key: string;
  /** Nobody has a use for it. */
  readonly isIdle: boolean;
  /** Among those that `sweep` looks at. */
  touched: boolean;
}

export class Registry<R extends KeyedRecord> {
  readonly #records = new Map<string, R>();
  readonly #make: (key: string) => R;
  #touched: R[] = [];

  constructor(make: (key: string) => R) {
    this.#make = make;
  }

  /** The record, made when there is none. */
  at(key: string): R {
    let record = this.#records.get(key);
    if (record === undefined) {
      record = this.#make(key);
      this.#records.set(key, record);
      this.touch(record);
    }
    return record;
  }

  /** Whoever changes a record, or ends a use of it, says so. */
  touch(record: R): void {
    if (record.touched) return;
    record.touched = true;
    this.#touched.push(record);
  }

  /** All records there are. */
  values(): Iterable<R> {
    return this.#records.values();
  }

  /** Records touched since the last sweep. */
  get touched(): readonly R[] {
    return this.#touched;
  }

  /** Forgets touched records that are idle. */
  sweep(): void {
    for (const record of this.#touched) {
      record.touched = false;
      if (record.isIdle) this.#records.delete(record.key);
    }
    this.#touched = [];
  }
}

/** Takes one value out of a list whose order does not matter. */
export function removeFrom<V>(list: V[], value: V): void {
  const index = list.indexOf(value);
  if (index < 0) return;
  const last = list.pop()!;
  if (index < list.length) list[index] = last;
}
