// The Publisher: numbered tables on their way to the data workers. At most one delta a worker is unacknowledged; what changes meanwhile
// is remembered by name and read from the newest state when the next delta leaves.
import type { TableDelta } from '../../routing/delta.ts';
import type { TranslationChange } from '../../k8s/translate/translation.ts';
import type { ControlToData } from '../messages.ts';
import { ChangedNames, deltaOf, endpointsOf, sameRoutesOf, wholeOf } from './changes.ts';
import type { PublishedState } from './changes.ts';

export interface PublisherEvents {
  /** The next table has its number. Called before the first delta of it leaves. */
  numbered(): void;
  /** Its deltas have left to every worker that was free. `changed` names what differs from the table before. */
  departed(version: number, changed: ChangedNames): void;
  /** Hash of table `version`, the newest, or null when it is not known. */
  hashOf(version: number): string | null;
  /** Every worker serves the table that a change led to. `seconds`: from the first byte read to the last acknowledgement. */
  live(seconds: number): void;
  acknowledged(): void;
}

/** The first change leaves at once; those that follow within this time leave together. */
export const batchMs = 20;

interface Worker {
  readonly post: (message: ControlToData) => void;
  /** Version that it acknowledged; 0: none. */
  held: number;
  /** Version of the delta that it has not acknowledged, or 0. */
  inFlight: number;
  needsWhole: boolean;
  /** What it held when it came: the table of an earlier control worker. */
  heldBefore: { readonly version: number; readonly hash: string } | null;
  /** What it must learn beyond `inFlight` or, without one, `held`. */
  readonly changed: ChangedNames;
}

export class Publisher {
  readonly #state: PublishedState;
  readonly #events: PublisherEvents;
  readonly #workers = new Map<number, Worker>();
  /** What changed since table `#version`. */
  readonly #batch = new ChangedNames();
  /** Upstreams with changes of Endpoints alone, since the last departure. */
  readonly #batchEndpoints = new Set<string>();
  #batchReadAtMs = Number.POSITIVE_INFINITY;
  /** Changes that some worker does not serve yet, and when they were read, epoch ms. */
  #unserved: { readonly version: number; readonly readAtMs: number; lastAckMs: number }[] = [];
  #version: number;
  #ready: boolean;
  #batchTimer: NodeJS.Timeout | null = null;
  /** The first table was numbered. */
  #opened = false;

  /** `version`: that of the last table of an earlier control worker; numbers go on from there. */
  constructor(state: PublishedState, events: PublisherEvents, version: number, ready: boolean) {
    this.#state = state;
    this.#events = events;
    this.#version = version;
    this.#ready = ready;
  }

  get version(): number {
    return this.#version;
  }

  /** The version that every connected worker holds or has passed; 0 when one of them holds none. Infinity without workers. */
  get heldByAll(): number {
    return Math.min(...[...this.#workers.values()].map(({ held }) => held));
  }

  /** Connected workers that serve a table. */
  get serving(): number {
    return [...this.#workers.values()].filter(({ held }) => held > 0).length;
  }

  /** Something changed; the state shows it already. `readAtMs`: when its first byte was read, epoch ms. */
  change(change: TranslationChange, readAtMs: number): void {
    for (const { id } of change.mappings) this.#batch.mappings.add(id);
    for (const id of change.removedMappings) this.#batch.mappings.add(id);
    for (const { key } of change.upstreams) this.#batch.upstreams.add(key);
    for (const key of change.removedUpstreams) this.#batch.upstreams.add(key);
    const flipped = new Set(change.flipped);
    for (const { key } of change.endpoints) (flipped.has(key) ? this.#batch.endpoints : this.#batchEndpoints).add(key);
    if (!this.#batch.empty) this.#batchReadAtMs = Math.min(this.#batchReadAtMs, readAtMs);
    if (this.#opened && this.#batchTimer === null) this.#departIfChanged();
  }

  /** Numbers the first table, even an empty one, and sends it. Changes before it only gather. */
  open(): void {
    if (this.#opened) return;
    this.#opened = true;
    // A start is not a change: it would spoil the measure of change to live.
    this.#batchReadAtMs = Number.POSITIVE_INFINITY;
    this.#number();
    this.#depart();
  }

  setReady(ready: boolean): void {
    if (ready === this.#ready) return;
    this.#ready = ready;
    this.tell({ kind: 'ready', ready });
  }

  /** Tells all workers something that is no part of a table. */
  tell(message: ControlToData): void {
    for (const { post } of this.#workers.values()) post(message);
  }

  join(worker: number, post: (message: ControlToData) => void): void {
    this.#workers.set(worker, { post, held: 0, inFlight: 0, needsWhole: true, heldBefore: null, changed: new ChangedNames() });
    if (!this.#opened) return;
    // The whole holds what waits in the batch, so the batch becomes a table now.
    if (!this.#batch.empty) this.#number();
    this.#depart();
  }

  leave(worker: number): void {
    this.#workers.delete(worker);
    this.#countServed();
  }

  acknowledged(worker: number, version: number, atMs: number): void {
    const one = this.#workers.get(worker);
    if (one === undefined || one.inFlight !== version) return;
    one.inFlight = 0;
    one.held = version;
    for (const change of this.#unserved) if (change.version <= version) change.lastAckMs = Math.max(change.lastAckMs, atMs);
    this.#countServed();
    this.#sendUnlessBatching(one);
    this.#events.acknowledged();
  }

  /** The worker serves a table of an earlier control worker. If it has the same Routes, they are not sent and built again. */
  holds(worker: number, version: number, hash: string): void {
    const one = this.#workers.get(worker);
    if (one !== undefined) one.heldBefore = { version, hash };
  }

  /** The worker cannot apply what it was sent. */
  gap(worker: number): void {
    const one = this.#workers.get(worker);
    if (one === undefined) return;
    one.inFlight = 0;
    one.needsWhole = true;
    one.heldBefore = null;
    this.#sendUnlessBatching(one);
  }

  stop(): void {
    if (this.#batchTimer !== null) clearTimeout(this.#batchTimer);
  }

  #departIfChanged(): void {
    if (this.#batch.empty && this.#batchEndpoints.size === 0) return;
    if (!this.#batch.empty) this.#number();
    this.#depart();
    this.#batchTimer = setTimeout(() => {
      this.#batchTimer = null;
      this.#departIfChanged();
      for (const worker of this.#workers.values()) this.#sendUnlessBatching(worker);
    }, batchMs);
  }

  /** The batch becomes the next table. */
  #number(): void {
    this.#version += 1;
    if (this.#batchReadAtMs !== Number.POSITIVE_INFINITY) this.#unserved.push({ version: this.#version, readAtMs: this.#batchReadAtMs, lastAckMs: 0 });
    this.#batchReadAtMs = Number.POSITIVE_INFINITY;
    this.#events.numbered();
  }

  #depart(): void {
    const endpoints = [...this.#batchEndpoints];
    this.#batchEndpoints.clear();
    for (const worker of this.#workers.values()) {
      worker.changed.add(this.#batch);
      this.#sendEndpoints(worker, endpoints);
      this.#send(worker);
    }
    this.#events.departed(this.#version, this.#batch);
    this.#batch.clear();
  }

  /** Endpoints pass an unacknowledged delta, unless what waits behind it names the same Upstream: then they wait with it. */
  #sendEndpoints(worker: Worker, keys: readonly string[]): void {
    if (worker.needsWhole) return;
    const now: string[] = [];
    for (const key of keys) {
      if (worker.changed.endpoints.has(key) || worker.changed.upstreams.has(key)) worker.changed.endpoints.add(key);
      else now.push(key);
    }
    if (now.length > 0) worker.post({ kind: 'endpoints', endpoints: endpointsOf(this.#state, now) });
  }

  /** While a batch gathers, its changes are in the state but not in a table: a delta now could hold half a change. */
  #sendUnlessBatching(worker: Worker): void {
    if (this.#batchTimer === null || (this.#batch.empty && this.#batchEndpoints.size === 0)) this.#send(worker);
  }

  #send(worker: Worker): void {
    if (!this.#opened || worker.inFlight !== 0 || (worker.changed.empty && !worker.needsWhole)) return;
    const delta = this.#deltaFor(worker);
    worker.needsWhole = false;
    worker.heldBefore = null;
    worker.changed.clear();
    worker.inFlight = this.#version;
    worker.post({ kind: 'delta', delta, ready: this.#ready });
  }

  #deltaFor({ needsWhole, heldBefore, changed, held }: Worker): TableDelta {
    if (!needsWhole) return deltaOf(this.#state, changed, held, this.#version);
    if (heldBefore !== null && heldBefore.hash === this.#events.hashOf(this.#version)) return sameRoutesOf(this.#state, heldBefore.version, this.#version);
    return wholeOf(this.#state, this.#version);
  }

  #countServed(): void {
    const held = this.heldByAll;
    this.#unserved = this.#unserved.filter(({ version, readAtMs, lastAckMs }) => {
      if (version > held) return true;
      if (lastAckMs > 0) this.#events.live(Math.max(0, lastAckMs - readAtMs) / 1000);
      return false;
    });
  }
}
