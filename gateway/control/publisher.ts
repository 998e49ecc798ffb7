// The Publisher: writes tables into the shared memory, publishes them and wakes the data workers.
import { randomInt } from 'node:crypto';
import { ArenaFull } from '../../routing/blocks.ts';
import { digestKey } from '../../routing/digest.ts';
import { sameValue } from '../../routing/diff.ts';
import type { Problem } from '../../routing/problem.ts';
import type { TableSettings } from '../../routing/table-change.ts';
import { TableWriter } from '../../routing/table-writer.ts';
import type { WritePoint, WrittenTable } from '../../routing/table-edit.ts';
import type { TranslationChange } from '../../k8s/translate/translation.ts';
import type { SharedTable } from '../shared-table.ts';
import { heaviestNamespaces } from './heaviest.ts';
import { beyondShare, namespaceShare, shareProblems, without } from './namespace-shares.ts';
import { TableBatch } from './table-batch.ts';
import type { SlotsOf } from './table-batch.ts';

export interface PublisherEvents {
  /** Nobody else's changes need room. */
  readonly isOneNamespace: boolean;
  settings(): TableSettings;
  /** The next table is written, and not published yet. */
  written(): void;
  /** A write is over: the table is published, or is the one before, or did not fit. */
  settled(): void;
  /** Every worker serves the table that a change led to. `seconds`: from the first byte read to the last worker that took it. */
  live(seconds: number): void;
  /** A worker took a table. */
  taken(): void;
  /** For tests: moments of a write. */
  reached(point: WritePoint): void;
}

/** The first change leaves at once; those that follow within this time leave together. */
export const batchMs = 20;

interface Worker {
  readonly wake: () => void;
  /** Version that it reads; 0: none. */
  held: number;
}

export class Publisher {
  readonly #shared: SharedTable;
  /** Bytes of the table that one namespace may have. */
  readonly #mostOfNamespace: number;
  readonly #events: PublisherEvents;
  readonly #batch: TableBatch;
  /** Those that were written last. */
  #settings: TableSettings | null = null;
  /** What the writer hashes tenants' texts with. */
  readonly #hashKey = digestKey({ high: randomInt(2 ** 32), low: randomInt(2 ** 32) });
  readonly #workers = new Map<number, Worker>();
  #writer: TableWriter;
  #batchReadAtMs = Number.POSITIVE_INFINITY;
  /** The batch has something that was not tried yet. */
  #isUntried = false;
  /** Changes that some worker does not serve yet, and when they were read, epoch ms. */
  #unserved: { readonly version: number; readonly readAtMs: number; lastTakenMs: number }[] = [];
  #batchTimer: NodeJS.Timeout | null = null;
  /** The first table was written. */
  #opened = false;
  /** Why the newest table is not published. */
  #problems: readonly Problem[] = [];
  /** What every reader had read, or passed, when the newest table did not fit; null: it fitted. */
  #readWhenFull: number | null = null;

  /** Goes on from the table that is in the memory. Throws ArenaFault where it is damaged. */
  constructor(shared: SharedTable, slots: SlotsOf, events: PublisherEvents) {
    this.#shared = shared;
    this.#mostOfNamespace = events.isOneNamespace ? Number.POSITIVE_INFINITY : shared.arena.bytes.length * namespaceShare;
    this.#events = events;
    this.#batch = new TableBatch(slots);
    this.#writer = this.#open();
  }

  /** The newest table: what is published. */
  get written(): WrittenTable {
    return this.#writer.written;
  }

  /** Number of the table that the next change leads to. */
  get nextVersion(): number {
    return this.#writer.written.version + 1;
  }

  /** What building the Routes found, and why a table could not be written. */
  get problems(): readonly Problem[] {
    return [...this.#problems, ...[...this.#writer.problems.values()].flat()];
  }

  /** Bytes of the table in memory: in use, and ever touched. */
  get bytes(): { readonly used: number; readonly touched: number } {
    return this.#writer.bytes;
  }

  /** The version that every connected worker reads or has passed; 0 when one of them reads none. Infinity without workers. */
  get heldByAll(): number {
    return Math.min(...[...this.#workers.values()].map(({ held }) => held));
  }

  /** Connected workers that serve a table. */
  get serving(): number {
    return [...this.#workers.values()].filter(({ held }) => held > 0).length;
  }

  /** Something changed. `readAtMs`: when its first byte was read, epoch ms. */
  change(change: TranslationChange, readAtMs: number): void {
    this.#batch.add(change);
    if (change.mappings.length + change.removedMappings.length + change.flipped.length > 0) this.#batchReadAtMs = Math.min(this.#batchReadAtMs, readAtMs);
    this.#isUntried ||= !this.#batch.empty || !sameValue(this.#events.settings(), this.#settings);
    this.#departUnlessBatching();
  }

  /** All Endpoints of an Upstream that fail their health check. */
  failing(key: string, addresses: readonly string[]): void {
    this.#batch.addFailing(key, addresses);
    this.#isUntried = true;
    this.#departUnlessBatching();
  }

  /** Writes the first table, even an empty one; what it does not name is gone. Changes before it only gather. */
  open(): void {
    if (this.#opened) return;
    this.#opened = true;
    // A start is not a change: it would spoil the measure of change to live.
    this.#batchReadAtMs = Number.POSITIVE_INFINITY;
    this.#batch.removeOthers(this.#writer.mappingIds(), this.#writer.upstreamKeys());
    this.#depart();
  }

  setReady(ready: boolean): void {
    if (ready === this.#shared.ready) return;
    this.#shared.ready = ready;
    this.#wake();
  }

  join(worker: number, wake: () => void): void {
    this.#workers.set(worker, { wake, held: 0 });
    wake();
  }

  leave(worker: number): void {
    this.#workers.delete(worker);
    this.#countServed();
  }

  /** A worker reads this version since `atMs`, epoch ms. */
  taken(worker: number, version: number, atMs: number): void {
    const one = this.#workers.get(worker);
    // Before the first table of this control worker, what it reads is an earlier one's.
    if (one === undefined || !this.#opened) return;
    one.held = version;
    for (const change of this.#unserved) if (change.version <= version) change.lastTakenMs = Math.max(change.lastTakenMs, atMs);
    this.#countServed();
    this.#events.taken();
    // What this worker read no longer takes room.
    if (this.#readWhenFull !== null && this.#shared.oldestRead > this.#readWhenFull) {
      this.#isUntried = true;
      this.#departUnlessBatching();
    }
  }

  stop(): void {
    if (this.#batchTimer !== null) clearTimeout(this.#batchTimer);
  }

  #departUnlessBatching(): void {
    if (!this.#opened || this.#batchTimer !== null || !this.#isUntried) return;
    this.#depart();
    this.#batchTimer = setTimeout(() => {
      this.#batchTimer = null;
      this.#departUnlessBatching();
    }, batchMs);
  }

  #depart(): void {
    const before = this.#shared.root;
    this.#isUntried = false;
    const fits = this.#write();
    if (fits) {
      const { root } = this.#writer.written;
      if (root !== before) this.#publish();
      // Of a successor whose table is the one that is served.
      else this.#wake();
    }
    this.#batchReadAtMs = Number.POSITIVE_INFINITY;
    this.#events.settled();
  }

  #publish(): void {
    const { version, root } = this.#writer.written;
    if (this.#batchReadAtMs !== Number.POSITIVE_INFINITY) this.#unserved.push({ version, readAtMs: this.#batchReadAtMs, lastTakenMs: 0 });
    this.#events.written();
    this.#shared.publish(root);
    this.#wake();
  }

  /** False: it does not fit, and the table before stays; what changed is tried again with the next change, or once a worker that was behind has gone on. */
  #write(): boolean {
    this.#shared.writing = true;
    try {
      const settings = this.#events.settings();
      const whole = this.#batch.changeTo(settings);
      const beyond = beyondShare(whole.mappings, this.#mostOfNamespace, this.#writer);
      const change = beyond.length === 0 ? whole : without(whole, beyond, (key) => this.#writer.hasUpstream(key));
      this.#writer.write(change, this.#shared.oldestRead);
      this.#settings = settings;
      this.#batch.clear();
      this.#readWhenFull = null;
      if (beyond.length > 0) this.#batch.keep(whole, change);
      this.#problems = shareProblems(this.#batch.waiting, this.#mostOfNamespace);
      return true;
    } catch (error) {
      if (!(error instanceof ArenaFull)) throw error;
      this.#readWhenFull = this.#shared.oldestRead;
      this.#writer = this.#open();
      const { mappings, removedMappings } = this.#batch.changeTo(this.#events.settings());
      const heaviest = heaviestNamespaces(this.#writer.mappingBytes(), mappings, removedMappings);
      const sentence = `${error.message}: the table before is served on, and no change of any namespace is; start with a larger --table-mib, or remove deployments, of which these namespaces have most: ${heaviest}`;
      this.#problems = [{ code: 'table-full', level: 'error', subject: { kind: 'Gateway', namespace: '', name: 'sluice' }, field: '', sentence }];
      return false;
    } finally {
      this.#shared.writing = false;
    }
  }

  #open(): TableWriter {
    return new TableWriter(this.#shared.arena, this.#shared.root, (point) => this.#events.reached(point), this.#hashKey);
  }

  #wake(): void {
    for (const { wake } of this.#workers.values()) wake();
  }

  #countServed(): void {
    const held = this.heldByAll;
    this.#unserved = this.#unserved.filter(({ version, readAtMs, lastTakenMs }) => {
      if (version > held) return true;
      if (lastTakenMs > 0) this.#events.live(Math.max(0, lastTakenMs - readAtMs) / 1000);
      return false;
    });
  }
}
