// TableChange: what the next table has other than this one. Plain values.
import { noExternalServices, type ExternalServices } from "./external-services.ts";
import type { Mapping } from "./mapping.ts";
import type { Upstream, UpstreamEndpoints } from "./upstream.ts";

/**
 * What the configuration says of every connection and request, whatever its Route. It stands in the table, so that it is in force at the same moment
 * in every worker as the Mappings beside which it was written, and outlives the control worker as they do.
 */
export interface FrontSettings {
  /** Proxies in front that are believed, 0..10; null: not said; `unknown`: it is said and cannot be read, so that nobody's address is known, and none believed. */
  readonly trustedHops: number | "unknown" | null;
  /** A client's x-request-id is kept. */
  readonly keepsRequestId: boolean;
  /** Fields with `_` in their names: they pass, are taken out, or have their request refused. */
  readonly underscores: "allow" | "drop" | "refuse";
  /** Paths with `%2f` or `%5c` are refused. */
  readonly refusesEscapedSlashes: boolean;
  /** An idle client connection, ms, 1 or more; null: not said. */
  readonly connectionIdleMs: number | null;
  /** Each must let a request pass that a Route takes. */
  readonly addresses: readonly AddressRule[];
}

/** `allow`: only addresses that one of the lists holds; `deny`: only those that neither holds. Canonical blocks. */
export interface AddressRule {
  readonly kind: "allow" | "deny";
  /** Of the other end of the connection. */
  readonly peer: readonly string[];
  /** Of the client, as believed proxies tell it. */
  readonly remote: readonly string[];
}

/** Settings of a table as a whole. */
export interface TableSettings {
  /** The namespace that all of `/seldon/` and bare gRPC names belong to, or null (routing rule 2). */
  readonly singleNamespace: string | null;
  /** null: nothing is said. */
  readonly front: FrontSettings | null;
  readonly external: ExternalServices;
}

/** The defaults: no Module sets any. */
export const plainSettings: TableSettings = Object.freeze({
  singleNamespace: null,
  front: null,
  external: noExternalServices,
});

/** A new or changed Mapping, and where the data plane counts for it (gateway/shared/memory/counters.ts); −1: nowhere. */
export interface MappingChange {
  readonly mapping: Mapping;
  readonly slot: number;
}

/** A new or changed Upstream, and where all workers count what they have in use of it; −1: each counts alone. */
export interface UpstreamChange {
  readonly upstream: Upstream;
  readonly breakerSlot: number;
}

/** All that is not named stays as it is. What is named more than once counts as it is named last. */
export interface TableBatch {
  /** New or changed ones; those that are in the table already, just so, change nothing. */
  readonly mappings: readonly MappingChange[];
  /** By id. */
  readonly removedMappings: readonly string[];
  readonly upstreams: readonly UpstreamChange[];
  /** By key. */
  readonly removedUpstreams: readonly string[];
  readonly endpoints: readonly UpstreamEndpoints[];
  /** Where the data plane counts for these Endpoints, in their order; −1, or Endpoints that are told without it: nowhere. */
  readonly endpointSlots: readonly (readonly [upstreamKey: string, slots: readonly number[]])[];
  /** `ip:port` of all Endpoints of an Upstream that fail their health check. */
  readonly failing: readonly (readonly [upstreamKey: string, addresses: readonly string[]])[];
}

/** A change that is told in one batch. */
export interface TableChange extends TableBatch {
  readonly settings: TableSettings;
}
