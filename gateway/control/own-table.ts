// The control worker's own RouteTable: what /api/routes and /api/explain show, and the Problems that building Routes finds.
import { applyDelta, emptyTable } from '../../routing/table.ts';
import type { RouteTable } from '../../routing/table.ts';
import type { ChangedNames, PublishedState } from './changes.ts';
import { deltaOf } from './changes.ts';

export class OwnTable {
  #table: RouteTable<null> = emptyTable<null>();

  get table(): RouteTable<null> {
    return this.#table;
  }

  /** Follows the Publisher: after the deltas have left, so that no worker waits for it. */
  follow(state: PublishedState, changed: ChangedNames, version: number): void {
    if (version === this.#table.version) return;
    this.#table = applyDelta(this.#table, deltaOf(state, changed, this.#table.version, version), () => null);
  }
}
