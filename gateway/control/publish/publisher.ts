// The Publisher: writes tables into the shared memory, publishes them and wakes the data workers.
import { randomInt } from "node:crypto";
import { ArenaFull } from "../../../routing/arena/blocks.ts";
import { sameValue } from "../../../routing/text/diff.ts";
import type { Problem } from "../../../routing/text/problem.ts";
import type { TableSettings } from "../../../routing/model/table-change.ts";
import type { Route } from "../../../routing/route/decision.ts";
import { TableWriter } from "../../../routing/write/table-writer.ts";
import { noSlots, type FoundSlots } from "../../../routing/write/table-index.ts";
import type { WritePoint, WrittenTable } from "../../../routing/write/table-edit.ts";
import type { TranslationChange } from "../../../k8s/translate/model/translation.ts";
import type { SharedTable } from "../../shared/memory/shared-table.ts";
import { heaviestNamespaces } from "./heaviest.ts";
import { ServingWorkers } from "./serving-workers.ts";
import { PendingChange, type SlotsOf } from "./pending-change.ts";

export interface PublisherEvents {
  settings(): TableSettings;
  /** The next table is written, and not published yet. */
  written(): void;
  /** A write is over: the table is published, or is the one before, or did not fit. */
  settled(): void;
  /** Every worker serves the table that a change led to. `seconds`: from the first byte read to the last worker that took it. */
  live(seconds: number): void;
  /** A worker took a table, or lacks something else than before. */
  taken(): void;
  /** For tests: moments of a write. */
  reached(point: WritePoint): void;
}

/** The first change leaves at once; those that follow within this time leave together. */
export const coalesceMs = 20;
/** Times what it took to find that a table does not fit: so long the next one waits. */
const restAfterFull = 10;

export class Publisher {
  readonly #shared: SharedTable;
  readonly #events: PublisherEvents;
  readonly #pending: PendingChange;
  /** Those that were written last. */
  #settings: TableSettings | null = null;
  /** A drawn number that the hashes of tenants' texts begin with: nobody can guess it. */
  readonly #hashSeed = randomInt(2 ** 32) | 0;
  readonly #workers: ServingWorkers;
  #writer: TableWriter;
  /** Version of the table that it went on from. */
  #openedVersion = 0;
  /** The writer before had used blocks again, which are in pieces then; this one finds whole ones. */
  #hasPieces = false;
  #pendingReadAtMs = Number.POSITIVE_INFINITY;
  /** The pending change has something that was not tried yet. */
  #isUntried = false;
  #coalesceTimer: NodeJS.Timeout | null = null;
  /** The first table was written. */
  #opened = false;
  /** Why the newest table is not published; null: it is. */
  #problem: Problem | null = null;
  /** What every reader had read, or passed, when the newest table did not fit; null: it fitted. */
  #readWhenFull: number | null = null;

  /** Goes on from the table that is in the memory; `found` gets the slots that are in it. Throws ArenaFault where it is not consistent. */
  constructor(shared: SharedTable, slots: SlotsOf, events: PublisherEvents, found: FoundSlots = noSlots()) {
    this.#shared = shared;
    this.#events = events;
    this.#workers = new ServingWorkers((seconds) => events.live(seconds));
    this.#writer = this.#open(found);
    this.#pending = new PendingChange(slots);
  }

  /** The newest table: what is published. */
  get written(): WrittenTable {
    return this.#writer.written;
  }

  /** Number of the table that the next change leads to. */
  get nextVersion(): number {
    return this.#writer.written.version + 1;
  }

  hasMapping(id: string): boolean {
    return this.#writer.hasMapping(id);
  }

  get mappingIds(): Iterable<string> {
    return this.#writer.mappingIds();
  }

  get routeKeys(): Iterable<string> {
    return this.#writer.routeKeys();
  }

  routeAt(key: string): Route<null> | null {
    return this.#writer.routeAt(key);
  }

  /** The Route of a Mapping in the newest table; null: it has none. */
  routeOf(mappingId: string): Route<null> | null {
    return this.#writer.routeOf(mappingId);
  }

  /** What building the Routes found, and why a table could not be written. */
  get problems(): readonly Problem[] {
    return [...(this.#problem === null ? [] : [this.#problem]), ...[...this.#writer.problems.values()].flat()];
  }

  /** Bytes of the table in memory: in use, and ever touched. */
  get bytes(): { readonly used: number; readonly touched: number } {
    return this.#writer.bytes;
  }

  /** The version that every connected worker reads or has passed; 0 when one of them reads none. Infinity without workers. */
  get heldByAll(): number {
    return this.#workers.heldByAll;
  }

  /** Something changed that no table was written for yet. */
  get isPending(): boolean {
    return this.#isUntried;
  }

  /** Data workers that are connected, and which table they serve. */
  get workers(): Pick<ServingWorkers, "connected" | "holding"> {
    return this.#workers;
  }

  /** Why changes are not in the newest table; null: they are. */
  get refusal(): string | null {
    return this.#problem?.sentence ?? null;
  }

  /** Connected workers that serve a table, and lack nothing without which they would refuse everybody. */
  get serving(): number {
    return this.#workers.serving;
  }

  /** What some worker lacks, for people; null: nothing. */
  get lacking(): string | null {
    return this.#workers.lacking;
  }

  /** Something changed. `readAtMs`: when its first byte was read, epoch ms. */
  change(change: TranslationChange, readAtMs: number): void {
    this.#pending.add(change);
    if (change.mappings.length + change.removedMappings.length + change.flipped.length > 0)
      this.#pendingReadAtMs = Math.min(this.#pendingReadAtMs, readAtMs);
    this.#isUntried ||= !this.#pending.empty || !sameValue(this.#events.settings(), this.#settings);
    this.#departUnlessCoalescing();
  }

  /** All Endpoints of an Upstream that fail their health check. */
  failing(key: string, addresses: readonly string[]): void {
    this.#pending.addFailing(key, addresses);
    this.#isUntried = true;
    this.#departUnlessCoalescing();
  }

  /** Writes the first table, even an empty one; what it does not name is gone. Changes before it only gather. */
  open(): void {
    if (this.#opened) return;
    this.#opened = true;
    // A start is not a change: it would spoil the measure of change to live.
    this.#pendingReadAtMs = Number.POSITIVE_INFINITY;
    this.#pending.removeOthers(this.#writer);
    this.#depart();
  }

  setReady(ready: boolean): void {
    if (ready === this.#shared.ready) return;
    this.#shared.ready = ready;
    this.#workers.wake();
  }

  join(worker: number, wake: () => void): void {
    this.#workers.join(worker, wake);
  }

  leave(worker: number): void {
    this.#workers.leave(worker);
  }

  /** What a worker lacks from now on; null: nothing. */
  lacks(worker: number, what: string | null): void {
    this.#workers.lacks(worker, what);
    this.#events.taken();
  }

  /** A worker reads this version since `atMs`, epoch ms. */
  taken(worker: number, version: number, atMs: number): void {
    // Before the first table of this control worker, what it reads is an earlier one's.
    if (!this.#opened || !this.#workers.taken(worker, version, atMs)) return;
    this.#events.taken();
    // What this worker read no longer takes room.
    if (this.#readWhenFull !== null && this.#shared.oldestRead > this.#readWhenFull) {
      this.#isUntried = true;
      this.#endCoalescing();
      this.#departUnlessCoalescing();
    }
  }

  stop(): void {
    this.#endCoalescing();
  }

  #endCoalescing(): void {
    if (this.#coalesceTimer !== null) clearTimeout(this.#coalesceTimer);
    this.#coalesceTimer = null;
  }

  #departUnlessCoalescing(): void {
    if (!this.#opened || this.#coalesceTimer !== null || !this.#isUntried) return;
    const beganMs = performance.now();
    this.#depart();
    // What does not fit would take all of the thread: another writer reads all that there is.
    const waitMs =
      this.#readWhenFull !== null ? Math.max(coalesceMs, (performance.now() - beganMs) * restAfterFull) : coalesceMs;
    this.#coalesceTimer = setTimeout(() => {
      this.#coalesceTimer = null;
      this.#departUnlessCoalescing();
    }, waitMs);
  }

  #depart(): void {
    const before = this.#shared.root;
    this.#isUntried = false;
    const fits = this.#write() || (this.#hasPieces && this.#write());
    if (fits) {
      const { root } = this.#writer.written;
      if (root !== before) this.#publish();
      // Of a successor whose table is the one that is served.
      else this.#workers.wake();
    }
    this.#pendingReadAtMs = Number.POSITIVE_INFINITY;
    this.#events.settled();
  }

  #publish(): void {
    const { version, root } = this.#writer.written;
    if (this.#pendingReadAtMs !== Number.POSITIVE_INFINITY) this.#workers.published(version, this.#pendingReadAtMs);
    this.#events.written();
    this.#shared.publish(root);
    this.#workers.wake();
  }

  /** False: it does not fit, and the table before stays; what changed is tried again with the next change, or once a worker that was behind has gone on. */
  #write(): boolean {
    try {
      const settings = this.#events.settings();
      this.#shared.writing = true;
      const edit = this.#writer.edit(this.#shared.oldestRead);
      edit.take(this.#pending.batch);
      edit.finish(settings);
      this.#pending.clear();
      this.#shared.writing = false;
      this.#settings = settings;
      this.#readWhenFull = null;
      this.#problem = null;
      return true;
    } catch (error) {
      if (!(error instanceof ArenaFull)) throw error;
      this.#full(error);
      return false;
    }
  }

  /** The next table does not fit. What is in the pending change stays there. */
  #full({ message }: ArenaFull): void {
    this.#readWhenFull = this.#shared.oldestRead;
    const { mappings, removedMappings } = this.#pending.batch;
    const heaviest = heaviestNamespaces(this.#writer.mappingBytes(), mappings, removedMappings);
    this.#hasPieces = this.#writer.written.version !== this.#openedVersion;
    this.#writer = this.#open();
    this.#shared.writing = false;
    const sentence = `${message}: Sluice keeps serving the table from before, without changes of any namespace; start with a larger --table-mib, or remove deployments of the namespaces that have most: ${heaviest}`;
    this.#problem = {
      code: "table-full",
      level: "error",
      subject: { kind: "Gateway", namespace: "", name: "sluice" },
      field: "",
      sentence,
    };
  }

  #open(found?: FoundSlots): TableWriter {
    this.#openedVersion = this.#shared.version;
    return new TableWriter(
      this.#shared.arena,
      this.#shared.root,
      (point) => this.#events.reached(point),
      this.#hashSeed,
      found,
    );
  }
}
