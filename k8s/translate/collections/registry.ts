// Registry: records by namespace and name that exist while they are in use.
//
// Inserting a name costs about a microsecond, so at 10,000 SDs all that belongs to one name is one record, and readers hold the records themselves.
import { NamedMap } from "./named-map.ts";

/** What a Registry holds. */
export interface NamedRecord {
  readonly namespace: string;
  readonly name: string;
  /** It is not in use. */
  readonly isIdle: boolean;
  /** Among those that `sweep` looks at. */
  touched: boolean;
}

export class Registry<R extends NamedRecord> {
  readonly #records = new NamedMap<R>();
  readonly #make: (namespace: string, name: string) => R;
  #touched: R[] = [];

  constructor(make: (namespace: string, name: string) => R) {
    this.#make = (namespace, name) => {
      const record = make(namespace, name);
      this.touch(record);
      return record;
    };
  }

  /** undefined: there is none. */
  get(namespace: string, name: string): R | undefined {
    return this.#records.get(namespace, name);
  }

  /** The record, made when there is none. */
  at(namespace: string, name: string): R {
    return this.#records.at(namespace, name, this.#make);
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
      if (record.isIdle) this.#records.delete(record.namespace, record.name);
    }
    this.#touched = [];
  }
}
