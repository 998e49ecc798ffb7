// PendingChange: what changed and is not written yet, by name; what comes later of one name replaces what came before.
import type { TranslationChange } from "../../../k8s/translate/model/translation.ts";
import type { MappingChange, TableBatch, UpstreamChange } from "../../../routing/model/table-change.ts";
import type { UpstreamEndpoints } from "../../../routing/model/upstream.ts";

/** Counter slot of a Mapping or an Endpoint and breaker slot of an Upstream, or −1. */
export interface SlotsOf {
  slotOf(mapping: string): number;
  breakerSlotOf(upstream: string): number;
  /** Counter slots of these Endpoints, in their order. */
  endpointSlotsOf(endpoints: UpstreamEndpoints): readonly number[];
  /** The Endpoints that hold instead of those that a change tells: of names that were resolved. */
  resolvedOf(upstream: string): UpstreamEndpoints | undefined;
}

export class PendingChange {
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
    for (const upstream of upstreams)
      this.#upstreams.set(upstream.key, { upstream, breakerSlot: slots.breakerSlotOf(upstream.key) });
    for (const one of endpoints) this.#endpoints.set(one.key, slots.resolvedOf(one.key) ?? one);
  }

  /** `ip:port` of all Endpoints of an Upstream that fail their health check. */
  addFailing(key: string, addresses: readonly string[]): void {
    this.#failing.set(key, addresses);
  }

  /** The change names everything: all else that the table before has is gone, failing health checks too. */
  removeOthers(before: Named): void {
    for (const id of before.mappingIds()) if (!this.#mappings.has(id)) this.#mappings.set(id, null);
    for (const key of before.upstreamKeys()) {
      if (!this.#upstreams.has(key)) this.#upstreams.set(key, null);
      if (!this.#failing.has(key)) this.#failing.set(key, []);
    }
  }

  get batch(): TableBatch {
    const [mappings, removedMappings] = split(this.#mappings);
    const [upstreams, removedUpstreams] = split(this.#upstreams);
    return {
      mappings,
      removedMappings,
      upstreams,
      removedUpstreams,
      endpoints: [...this.#endpoints.values()],
      endpointSlots: Array.from(
        this.#endpoints.values(),
        (one) => [one.key, this.#slots.endpointSlotsOf(one)] as const,
      ),
      failing: [...this.#failing],
    };
  }

  clear(): void {
    this.#mappings.clear();
    this.#upstreams.clear();
    this.#endpoints.clear();
    this.#failing.clear();
  }
}

/** Names of all that a table has. */
export interface Named {
  mappingIds(): Iterable<string>;
  upstreamKeys(): Iterable<string>;
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
