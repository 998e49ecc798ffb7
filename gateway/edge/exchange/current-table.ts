// CurrentTable: the newest table that this worker knows of, taken from the shared memory as soon as somebody asks: the publishing thread stores one
// number, and looking at it costs a request a load.
import { RouteTable } from "../../../routing/table.ts";
import type { Mapping } from "../../../routing/model/mapping.ts";
import { SharedTable, type TableMemory } from "../../shared/shared-table.ts";
import type { LazyMapping } from "../policy/compiled-mapping.ts";

export interface TableEvents {
  attach(mapping: Mapping, slot: number): LazyMapping;
  /** Another table is taken, and no request has read it yet. `upstreams`: numbers of those that may have changed; null: any may have. */
  taken(upstreams: readonly number[] | null): void;
}

export class CurrentTable {
  readonly #reader: number;
  readonly #events: TableEvents;
  #shared: SharedTable;
  /** Memory without a table yet, which comes after this one. */
  #next: SharedTable | null = null;
  #table: RouteTable<LazyMapping>;
  /** Unit of the root of `#table`; 0: it is the empty table. */
  #root = 0;
  /** When `#table` was taken, epoch ms. */
  #takenAtMs = 0;

  /** `reader`: number of the worker. */
  constructor(memory: TableMemory, reader: number, events: TableEvents) {
    this.#reader = reader;
    this.#events = events;
    this.#shared = new SharedTable(memory);
    this.#table = this.#emptyTable();
  }

  /** The newest table. Throws ArenaFault where it is not what was written: this worker must not serve by it. */
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
    // Versions of other memory say nothing to who writes into the one that is followed.
    return { version: this.#next === null ? this.#table.version : 0, atMs: this.#takenAtMs };
  }

  /** Number of the memory that the table is in. */
  get memory(): number {
    return this.#shared.memory.number;
  }

  /** Tables come in this memory from now on. The table that is served stays until the first of them. */
  follow(memory: TableMemory): void {
    this.#next = memory.number === this.#shared.memory.number ? null : new SharedTable(memory);
  }

  /** There may be news. */
  woken(): void {
    if (this.#next !== null && this.#next.root !== 0) {
      this.#shared = this.#next;
      this.#next = null;
      this.#table = this.#emptyTable();
      this.#root = 0;
    }
    void this.now;
  }

  #emptyTable(): RouteTable<LazyMapping> {
    return new RouteTable(this.#shared.arena, (mapping, slot) => this.#events.attach(mapping, slot));
  }

  #take(): void {
    const root = this.#shared.enter(this.#reader);
    // The first table of its memory: what was told before is of none, or of other memory.
    const isFirst = this.#root === 0;
    const changed = this.#table.adopt(root);
    this.#root = root;
    this.#takenAtMs = performance.timeOrigin + performance.now();
    this.#events.taken(isFirst ? null : changed);
  }
}
