// Arbitrary changes of a table, and what a series of them leads to.
import * as fc from "fast-check";
import type { Mapping } from "../../routing/model/mapping.ts";
import { privateTable } from "../../routing/private-table.ts";
import type { RouteTable } from "../../routing/table.ts";
import {
  plainSettings,
  type MappingChange,
  type TableChange,
  type TableSettings,
  type UpstreamChange,
} from "../../routing/model/table-change.ts";
import type { UpstreamEndpoints } from "../../routing/model/upstream.ts";
import { anyMapping, someEndpoints } from "./arbitrary.ts";
import { change, upstreamOf } from "./build.ts";

/** What is attached to a Mapping: tells one from every other. */
export function attach({ id, target }: Mapping, slot: number): string {
  return `${id}@${slot} ${target.kind === "forward" ? target.upstream : ""}`;
}

const upstreams: fc.Arbitrary<UpstreamChange> = fc.record({
  upstream: fc
    .tuple(fc.constantFrom("u0", "u1", "u9"), fc.constantFrom(1000, 3000))
    .map(([key, connectTimeoutMs]) => ({ ...upstreamOf(key), connectTimeoutMs })),
  breakerSlot: fc.constantFrom(-1, 3),
});

/** Few ids, keys and texts, so that Mappings change, meet and leave each other. */
export const anyChange: fc.Arbitrary<TableChange> = fc
  .record({
    singleNamespace: fc.constantFrom(null, null, null, "a"),
    front: fc.constantFrom(null, null, null, {
      trustedHops: 1,
      keepsRequestId: true,
      underscores: "drop",
      refusesEscapedSlashes: true,
      connectionIdleMs: 5,
      addresses: [],
    } as const),
    mappings: fc.array(fc.record({ mapping: anyMapping, slot: fc.constantFrom(-1, 7) }), { maxLength: 5 }),
    removedMappings: fc.array(
      anyMapping.map(({ id }) => id),
      { maxLength: 4 },
    ),
    upstreams: fc.array(upstreams, { maxLength: 2 }),
    removedUpstreams: fc.array(fc.constantFrom("u0", "u1", "u9"), { maxLength: 1 }),
    endpoints: someEndpoints,
    endpointSlots: fc.array(
      fc.tuple(fc.constantFrom("u0", "u1"), fc.array(fc.constantFrom(-1, 0, 9), { maxLength: 3 })),
      {
        maxLength: 1,
      },
    ),
    failing: fc.array(fc.tuple(fc.constantFrom("u0", "u9"), fc.constantFrom([], ["10.0.0.1:9000"])), { maxLength: 1 }),
  })
  .map(({ singleNamespace, front, ...more }) => ({ settings: { ...plainSettings, singleNamespace, front }, ...more }));

/** What changes lead to, by plain maps. */
export class Content {
  #settings: TableSettings = plainSettings;
  readonly #mappings = new Map<string, MappingChange>();
  readonly #upstreams = new Map<string, UpstreamChange>();
  readonly #endpoints = new Map<string, UpstreamEndpoints>();
  readonly #endpointSlots = new Map<string, readonly number[]>();
  readonly #failing = new Map<string, readonly string[]>();

  apply(given: TableChange): void {
    this.#settings = given.settings;
    for (const id of given.removedMappings) this.#mappings.delete(id);
    for (const one of given.mappings) this.#mappings.set(one.mapping.id, one);
    for (const key of given.removedUpstreams)
      for (const known of [this.#upstreams, this.#endpoints, this.#failing]) known.delete(key);
    for (const one of given.upstreams) {
      this.#upstreams.set(one.upstream.key, one);
      // Nobody fails a check that is not made.
      if (one.upstream.healthCheck === null) this.#failing.delete(one.upstream.key);
    }
    const slots = new Map(given.endpointSlots);
    for (const one of given.endpoints) {
      this.#endpoints.set(one.key, one);
      this.#endpointSlots.set(one.key, slots.get(one.key) ?? []);
    }
    for (const [key, addresses] of given.failing) this.#failing.set(key, addresses);
  }

  /** All of it as one change of an empty table, in another order than it came. */
  get whole(): TableChange {
    return change([], {
      settings: this.#settings,
      mappings: [...this.#mappings.values()].toReversed(),
      upstreams: [...this.#upstreams.values()].toReversed(),
      endpoints: [...this.#endpoints.values()].toReversed(),
      endpointSlots: [...this.#endpointSlots],
      failing: [...this.#failing].toReversed(),
    });
  }

  /** A table of its own, made in one go. */
  table(): RouteTable<string> {
    return privateTable(this.whole, attach);
  }
}
