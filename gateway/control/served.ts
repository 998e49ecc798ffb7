// Served tables: what the data workers say of the tables that they serve, so that the control worker needs none of its own to know it.
import type { Problem } from '../../routing/problem.ts';
import type { DataToControl, TableFacts } from '../messages.ts';

interface ServedTable {
  facts: TableFacts;
  /** By Route key. */
  readonly problems: Map<string, readonly Problem[]>;
}

const nothingServed: TableFacts = Object.freeze({ version: 0, hash: '', routeCount: 0 });

export class ServedTables {
  readonly #workers = new Map<number, ServedTable>();

  /** A worker came, or came back: it tells everything again. */
  join(worker: number): void {
    this.#workers.set(worker, { facts: nothingServed, problems: new Map() });
  }

  leave(worker: number): void {
    this.#workers.delete(worker);
  }

  acknowledged(worker: number, { version, hash, routeCount, problems }: Extract<DataToControl, { readonly kind: 'acknowledged' }>): void {
    const served = this.#workers.get(worker);
    if (served === undefined) return;
    served.facts = { version, hash, routeCount };
    for (const [key, list] of problems) {
      if (list.length === 0) served.problems.delete(key);
      else served.problems.set(key, list);
    }
  }

  /** The newest table that a worker serves; version 0 and hash "" when none does. */
  get facts(): TableFacts {
    return this.#newest()?.facts ?? nothingServed;
  }

  /** What building its Routes found. */
  get problems(): readonly Problem[] {
    return [...(this.#newest()?.problems.values() ?? [])].flat();
  }

  #newest(): ServedTable | null {
    let newest: ServedTable | null = null;
    for (const served of this.#workers.values()) if (newest === null || served.facts.version > newest.facts.version) newest = served;
    return newest;
  }
}
