// Deltas: how a table travels from the control worker to the data workers. Plain values, safe for structured clone.
import type { Mapping } from './mapping.ts';
import type { Upstream, UpstreamEndpoints } from './upstream.ts';

/** Settings that lookup itself needs. */
export interface TableSettings {
  /** The namespace that all of `/seldon/` and bare gRPC names belong to, or null (routing rule 2). */
  readonly singleNamespace: string | null;
}

export interface TableDelta {
  /** Number of the table that this delta leads to, 1 or more. */
  readonly version: number;
  /** Number of the table it applies to; 0: it is the whole, apply it to the empty table. */
  readonly base: number;
  readonly settings: TableSettings;
  /** New or changed Mappings, by id. */
  readonly mappings: readonly Mapping[];
  readonly removedMappings: readonly string[];
  readonly upstreams: readonly Upstream[];
  readonly removedUpstreams: readonly string[];
  /** Changed Endpoints; the table reads only `ready`. */
  readonly endpoints: readonly UpstreamEndpoints[];
  /** Counter slots of new Mappings: where the data plane counts (gateway/counters.ts). */
  readonly slots: readonly (readonly [mappingId: string, slot: number])[];
  /** Breaker slots of the Upstreams above: where all workers count what they have in use. An Upstream that is not named counts alone. */
  readonly breakerSlots: readonly (readonly [upstreamKey: string, slot: number])[];
}
