// What the supervisor keeps of a control worker for its successor.
import { heldKey, type Held } from "../../k8s/translate/claims/held.ts";
import type { Series } from "../../routing/model/mapping.ts";
import type { Handover, HandoverChange } from "../shared/messages.ts";
import { PackedMap } from "./packed-map.ts";

export class KeptHandover {
  readonly #slots = new PackedMap<number, Series>();
  readonly #breakerSlots = new PackedMap<number, string>();
  readonly #held = new PackedMap<string, Held>();
  #rest: Omit<Handover, "slots" | "breakerSlots" | "held"> = { ready: false, addresses: [] };

  /** All of it, for a control worker that starts. */
  get whole(): Handover {
    return {
      ...this.#rest,
      slots: [...this.#slots],
      breakerSlots: [...this.#breakerSlots],
      held: Array.from(this.#held, ([, held]) => held),
    };
  }

  take({ ready, taken, freed, breakersTaken, breakersFreed, addresses, held, released, more }: HandoverChange): void {
    // A slot may be freed and taken again in one change, never the other way round.
    for (const slot of freed) this.#slots.delete(slot);
    for (const [slot, series] of taken) this.#slots.set(slot, series);
    for (const slot of breakersFreed) this.#breakerSlots.delete(slot);
    for (const [slot, key] of breakersTaken) this.#breakerSlots.set(slot, key);
    for (const key of released) this.#held.delete(key);
    for (const one of held) this.#held.set(heldKey(one.namespace, one.thing), one);
    if (!more) for (const packed of [this.#slots, this.#breakerSlots, this.#held]) packed.pack();
    this.#rest = { ready, addresses: addresses ?? this.#rest.addresses };
  }
}
