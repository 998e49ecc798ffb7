// TableBatch: what changed since the table that was written last, by name; what comes later of one name replaces what came before.
import type { TranslationChange } from '../../k8s/translate/translation.ts';
import type { MappingChange, TableChange, TableSettings, UpstreamChange } from '../../routing/table-change.ts';
import type { UpstreamEndpoints } from '../../routing/upstream.ts';

/** Counter slot of a Mapping and breaker slot of an Upstream, or −1. */
export interface SlotsOf {
  slotOf(mapping: string): number;
  breakerSlotOf(upstream: string): number;
  /** The Endpoints that hold instead of those that a change tells: of names that were resolved. */
  resolvedOf(upstream: string): UpstreamEndpoints | undefined;
}

export class TableBatch {
  readonly #slots: SlotsOf;
  /** null: it goes. */
  readonly #mappings = new Map<string, MappingChange | null>();
  readonly #upstreams = new Map<string, UpstreamChange | null>();
  readonly #endpoints = new Map<string, UpstreamEndpoints>();
  readonly #failing = new Map<string, readonly string[]>();

  constructor(slots: SlotsOf) {
    this.#slots = slots;
  }

  get empty(): boolean {
    return this.#mappings.size + this.#upstreams.size + this.#endpoints.size + this.#failing.size === 0;
  }

  add({ mappings, removedMappings, upstreams, removedUpstreams, endpoints }: TranslationChange): void {
    const slots = this.#slots;
    for (const id of removedMappings) this.#mappings.set(id, null);
    for (const mapping of mappings) this.#mappings.set(mapping.id, { mapping, slot: slots.slotOf(mapping.id) });
    for (const key of removedUpstreams) {
      this.#upstreams.set(key, null);
      this.#endpoints.delete(key);
      // If it comes back, its health checks begin anew.
      this.#failing.set(key, []);
    }
    for (const upstream of upstreams) this.#upstreams.set(upstream.key, { upstream, breakerSlot: slots.breakerSlotOf(upstream.key) });
    for (const one of endpoints) this.#endpoints.set(one.key, slots.resolvedOf(one.key) ?? one);
  }

  /** `ip:port` of all Endpoints of an Upstream that fail their health check. */
  addFailing(key: string, addresses: readonly string[]): void {
    this.#failing.set(key, addresses);
  }

  /** What is not named in the batch is gone, health checks that fail among it: the batch is everything. */
  removeOthers(mappingIds: Iterable<string>, upstreamKeys: Iterable<string>): void {
    for (const id of mappingIds) if (!this.#mappings.has(id)) this.#mappings.set(id, null);
    for (const key of upstreamKeys) {
      if (!this.#upstreams.has(key)) this.#upstreams.set(key, null);
      if (!this.#failing.has(key)) this.#failing.set(key, []);
    }
  }

  changeTo(settings: TableSettings): TableChange {
    const [mappings, removedMappings] = split(this.#mappings);
    const [upstreams, removedUpstreams] = split(this.#upstreams);
    return { settings, mappings, removedMappings, upstreams, removedUpstreams, endpoints: [...this.#endpoints.values()], failing: [...this.#failing] };
  }

  clear(): void {
    this.#mappings.clear();
    this.#upstreams.clear();
    this.#endpoints.clear();
    this.#failing.clear();
  }
}

function split<V>(values: ReadonlyMap<string, V | null>): [present: V[], removed: string[]] {
  const present: V[] = [];
  const removed: string[] = [];
  for (const [name, value] of values) {
    if (value === null) removed.push(name);
    else present.push(value);
  }
  return [present, removed];
}
