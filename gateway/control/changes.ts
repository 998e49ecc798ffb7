// What changed since a table, by name, and the delta that leads from that table to the newest state. Merging is a union of names.
import type { TableDelta, TableSettings } from '../../routing/delta.ts';
import type { Mapping } from '../../routing/mapping.ts';
import type { Upstream, UpstreamEndpoints } from '../../routing/upstream.ts';

/** What the tables are made of, always the newest. */
export interface PublishedState {
  readonly settings: TableSettings;
  readonly mappings: ReadonlyMap<string, Mapping>;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  endpointsOf(upstream: string): UpstreamEndpoints | undefined;
  /** Counter slot of a Mapping, or −1. */
  slotOf(mapping: string): number;
  /** Breaker slot of an Upstream, or −1. */
  breakerSlotOf(upstream: string): number;
}

/** Names of Mappings and Upstreams that were set or removed. */
export class ChangedNames {
  readonly mappings = new Set<string>();
  readonly upstreams = new Set<string>();
  /** Upstreams whose Endpoints belong to a delta: the ready bit flipped, only ending ones are left, the Upstream is new, or they wait behind such a delta. */
  readonly endpoints = new Set<string>();

  get empty(): boolean {
    return this.mappings.size === 0 && this.upstreams.size === 0 && this.endpoints.size === 0;
  }

  add(other: ChangedNames): void {
    for (const id of other.mappings) this.mappings.add(id);
    for (const key of other.upstreams) this.upstreams.add(key);
    for (const key of other.endpoints) this.endpoints.add(key);
  }

  clear(): void {
    this.mappings.clear();
    this.upstreams.clear();
    this.endpoints.clear();
  }
}

/** The delta from table `base` to table `version`; `changed` names everything that differs between them. */
export function deltaOf(state: PublishedState, changed: ChangedNames, base: number, version: number): TableDelta {
  const [mappings, removedMappings] = split(changed.mappings, state.mappings);
  const [upstreams, removedUpstreams] = split(changed.upstreams, state.upstreams);
  return {
    version,
    base,
    settings: state.settings,
    mappings,
    removedMappings,
    upstreams,
    removedUpstreams,
    endpoints: endpointsOf(state, changed.endpoints),
    slots: mappings.map(({ id }) => [id, state.slotOf(id)] as const),
    breakerSlots: upstreams.map(({ key }) => [key, state.breakerSlotOf(key)] as const),
  };
}

/** The whole, which applies to the empty table. */
export function wholeOf(state: PublishedState, version: number): TableDelta {
  return {
    version,
    base: 0,
    settings: state.settings,
    mappings: [...state.mappings.values()],
    removedMappings: [],
    upstreams: [...state.upstreams.values()],
    removedUpstreams: [],
    endpoints: endpointsOf(state, state.upstreams.keys()),
    slots: [...state.mappings.keys()].map((id) => [id, state.slotOf(id)] as const),
    breakerSlots: [...state.upstreams.keys()].map((key) => [key, state.breakerSlotOf(key)] as const),
  };
}

/** The delta for a worker that holds the same Routes as table `base` of an earlier control worker: all but the Mappings. */
export function sameRoutesOf(state: PublishedState, base: number, version: number): TableDelta {
  return { ...wholeOf(state, version), base, mappings: [], slots: [] };
}

export function endpointsOf(state: PublishedState, keys: Iterable<string>): UpstreamEndpoints[] {
  const found: UpstreamEndpoints[] = [];
  for (const key of keys) {
    const endpoints = state.endpointsOf(key);
    if (endpoints !== undefined) found.push(endpoints);
  }
  return found;
}

/** Values of the names that are in the state, and the names that are not. */
function split<T>(names: ReadonlySet<string>, state: ReadonlyMap<string, T>): [present: T[], removed: string[]] {
  const present: T[] = [];
  const removed: string[] = [];
  for (const name of names) {
    const value = state.get(name);
    if (value === undefined) removed.push(name);
    else present.push(value);
  }
  return [present, removed];
}
