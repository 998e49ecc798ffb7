// CurrentTable: the newest table that this worker knows of, taken from the shared memory as soon as somebody asks: the publishing thread stores one
// number, and looking at it costs a request a load.
import { RouteTable } from "../../../routing/table.ts";
import type { Mapping } from "../../../routing/model/mapping.ts";
import { SharedTable } from "../../shared/memory/shared-table.ts";
import type { LazyMapping } from "../policy/compiled-mapping.ts";

export interface TableEvents {
  attach(mapping: Mapping, slot: number): LazyMapping;
  /** Another table is taken, and no request has read it yet. `upstreams`: numbers of those that may have changed; null: any may have. */
  taken(upstreams: readonly number[] | null): void;
}

export class CurrentTable {
  readonly #reader: number;
  readonly #events: TableEvents;
  readonly #shared: SharedTable;
  readonly #table: RouteTable<LazyMapping>;
  /** Unit of the root of `#table`; 0: it is the empty table. */
  #root = 0;
  /** When `#table` was taken, epoch ms. */
  #takenAtMs = 0;

  /** `reader`: number of the worker. */
  constructor(memory: SharedArrayBuffer, reader: number, events: TableEvents) {
    this.#reader = reader;
    this.#events = events;
    this.#shared = new SharedTable(memory);
    this.#table = new RouteTable(this.#shared.arena, (mapping, slot) => events.attach(mapping, slot));
  }

  /** The newest table. Throws ArenaFault where it is not consistent: this worker must not serve by it. */
  get now(): RouteTable<LazyMapping> {
    if (this.#shared.root !== this.#root) this.#take();
    return this.#table;
  }

  /** What check_ready answers. */
  get ready(): boolean {
    return this.#shared.ready;
  }

  /** The table that was taken last. */
  get taken(): RouteTable<LazyMapping> {
    return this.#table;
  }

  /** As `Plane.served`. */
  get served(): { readonly version: number; readonly atMs: number } {
    return { version: this.#table.version, atMs: this.#takenAtMs };
  }

  /** There may be news. */
  woken(): void {
    void this.now;
  }

  #take(): void {
    const root = this.#shared.enter(this.#reader);
    // What was told before it is of no table.
    const isFirst = this.#root === 0;
    const changed = this.#table.adopt(root);
    this.#root = root;
    this.#takenAtMs = performance.timeOrigin + performance.now();
    this.#events.taken(isFirst ? null : changed);
  }
}
