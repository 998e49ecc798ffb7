// HandoverChanges: what a successor of this thread must know, told as it changes.
import { sameValue } from "../../../routing/text/diff.ts";
import type { UpstreamEndpoints } from "../../../routing/model/upstream.ts";
import type { Held } from "../../../k8s/translate/claims/held.ts";
import type { Handover, HandoverChange } from "../../shared/messages.ts";
import type { BreakerSlots } from "../slots/breaker-slots.ts";
import type { Readiness } from "../status/readiness.ts";
import type { Resolver } from "../upstreams/resolver.ts";
import type { SeriesSlots } from "../slots/series-slots.ts";

/** Where it is. */
export interface HandedOver {
  readonly slots: SeriesSlots;
  readonly breakerSlots: BreakerSlots;
  readonly resolver: Resolver;
  readonly readiness: Readiness;
  /** What changed in the record of claims since the last call; null is gone. */
  drainRecord(): ReadonlyMap<string, Held | null>;
}

export class HandoverChanges {
  readonly #from: HandedOver;
  readonly #tell: (change: HandoverChange) => void;
  #addresses: readonly UpstreamEndpoints[];
  #isReady: boolean;

  /** `known`: what a successor would be given without a change. */
  constructor(known: Handover, from: HandedOver, tell: (change: HandoverChange) => void) {
    this.#addresses = known.addresses;
    this.#isReady = known.ready;
    this.#from = from;
    this.#tell = tell;
  }

  /** Called once a table, before it leaves: whatever happens then, a successor goes on from here. */
  keep(): void {
    const { addresses } = this.#from.resolver;
    const record = [...this.#from.drainRecord()];
    const { taken: breakersTaken, freed: breakersFreed } = this.#from.breakerSlots.drainChanges();
    const { taken, freed } = this.#from.slots.drainChanges();
    const held = record.flatMap(([, one]) => one ?? []);
    const released = record.flatMap(([key, one]) => (one === null ? [key] : []));
    const ready = this.#from.readiness.wasReady;
    const isKept = addresses === this.#addresses || sameValue(addresses, this.#addresses);
    // Most changes move traffic: the supervisor is left alone.
    if (
      isKept &&
      ready === this.#isReady &&
      [taken, freed, breakersTaken, breakersFreed, held, released].every(({ length }) => length === 0)
    )
      return;
    this.#tell({
      ready,
      taken,
      freed,
      breakersTaken,
      breakersFreed,
      addresses: isKept ? null : addresses,
      held,
      released,
      more: false,
    });
    this.#addresses = addresses;
    this.#isReady = ready;
  }
}
