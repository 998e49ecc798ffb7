// The control worker's own RouteTable, for what only a whole table can tell: /api/routes, /api/explain, and whether a new control worker's
// table is the one that the data workers hold already. It costs as much memory as a data worker's, so it exists while somebody asks for it.
import { applyDelta, emptyTable } from '../../routing/table.ts';
import type { RouteTable } from '../../routing/table.ts';
import type { ChangedNames, PublishedState } from './changes.ts';
import { deltaOf, wholeOf } from './changes.ts';

/** Nobody asked for this long: the table goes. */
const idleMs = 30_000;

export class OwnTable {
  #table: RouteTable<null> | null = null;
  #idle: NodeJS.Timeout | null = null;

  /** Table `version` of what is published, built when there is none. */
  at(state: PublishedState, version: number): RouteTable<null> {
    this.#table ??= version === 0 ? emptyTable<null>() : applyDelta(emptyTable<null>(), wholeOf(state, version), () => null);
    if (this.#idle === null) this.#idle = setTimeout(() => this.drop(), idleMs).unref();
    else this.#idle.refresh();
    return this.#table;
  }

  /** Follows the Publisher while there is a table: after the deltas have left, so that no worker waits for it. */
  follow(state: PublishedState, changed: ChangedNames, version: number): void {
    if (this.#table === null || version === this.#table.version) return;
    this.#table = applyDelta(this.#table, deltaOf(state, changed, this.#table.version, version), () => null);
  }

  drop(): void {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = null;
    this.#table = null;
  }
}
