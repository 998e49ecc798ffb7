// Slots of Endpoints: which cells of the shared blocks count for which Endpoint of which Upstream. A slot lives from the first table that has the Endpoint until every
// worker holds one without it: from then on no worker counts there (`EndpointPool.retire`), and it is zeroed and used again.
import { printEndpoint, type UpstreamEndpoints } from "../../../routing/model/upstream.ts";
import { endpointCell, maxEndpointSlots, usedSlots } from "../../shared/memory/counters.ts";
import { SlotAllocation, type EarlierSlots } from "./slot-allocation.ts";

/** One namespace of several has at most this part of the slots, those that it left lately among them: one that makes new Endpoints all the time takes no other's. */
const namespacePart = 1 / 2;

/** One Endpoint of one Upstream. */
export interface EndpointKey {
  readonly upstream: string;
  /** `ip:port`. */
  readonly address: string;
}

/** One slot in use. */
export interface UsedEndpoint {
  readonly slot: number;
  /** The same object as long as the slot is this Endpoint's. */
  readonly endpoint: EndpointKey;
}

/** What the table has of an Upstream. */
interface Owned {
  readonly namespace: string;
  /** −1: an Endpoint without one. */
  readonly slots: readonly number[];
}

export class EndpointSlots {
  readonly #slots: SlotAllocation<EndpointKey>;
  readonly #maxOfNamespace: number;
  readonly #owned = new Map<string, Owned>();
  /** Namespaces that slots in use count for. */
  readonly #namespaceOf = new Map<number, string>();
  /** Slots in use, by namespace. */
  readonly #ofNamespace = new Map<string, number>();
  #without = 0;

  /** Slots of an earlier control worker that `own` does not name again are gone in table `version`, the first of this one. `isOneNamespace`: no other's Endpoints need slots. */
  constructor(earlier: EarlierSlots<EndpointKey>, version: number, isOneNamespace: boolean, most = maxEndpointSlots) {
    this.#slots = new SlotAllocation(most, textOf, earlier, { version, atMs: 0 });
    this.#maxOfNamespace = isOneNamespace ? most : Math.ceil(most * namespacePart);
  }

  /** Endpoints of the table without a slot: each slot, or each that their namespace may have, is in use. They get one at the next change of their Upstream that finds one. */
  get without(): number {
    return this.#without;
  }

  /** The Endpoint that has the slot; null: none. */
  at(slot: number): EndpointKey | null {
    return this.#slots.at(slot);
  }

  /** Those of the Endpoints that the Upstream has now, in their order; −1: none. */
  ofUpstream(upstreamKey: string): readonly number[] {
    return this.#owned.get(upstreamKey)?.slots ?? [];
  }

  /** Those of these Endpoints, in their order; −1: none. */
  slotsOf({ key, endpoints }: UpstreamEndpoints): readonly number[] {
    return endpoints.map(({ ip, port }) => this.#slots.slotOf({ upstream: key, address: printEndpoint(ip, port) }));
  }

  /** Slots in use, in order; who goes through them may wait meanwhile. */
  get used(): Iterable<UsedEndpoint> {
    return this.#used();
  }

  *#used(): Iterable<UsedEndpoint> {
    for (let slot = 0; slot < this.#slots.end; slot++) {
      const endpoint = this.#slots.at(slot);
      if (endpoint !== null) yield { slot, endpoint };
    }
  }

  /** A Mapping of this namespace names the Upstream: the Endpoints of one that no other named count for it. */
  name(upstreamKey: string, namespace: string): void {
    if (!this.#owned.has(upstreamKey)) this.#owned.set(upstreamKey, { namespace, slots: [] });
  }

  /** The Upstream has these Endpoints from now on. `version` is that of the table in which those end that it had before. */
  own({ key, endpoints }: UpstreamEndpoints, version: number): void {
    const before = this.#owned.get(key);
    const owner = before?.namespace ?? "";
    const slots = endpoints.map(({ ip, port }) =>
      this.#taken({ upstream: key, address: printEndpoint(ip, port) }, owner),
    );
    this.#leave(before, new Set(slots), version);
    this.#owned.set(key, { namespace: owner, slots });
    this.#without += withoutSlot(slots);
  }

  /** The Upstream is not in table `version` and later ones. */
  disown(upstreamKey: string, version: number): void {
    this.#leave(this.#owned.get(upstreamKey), new Set(), version);
    this.#owned.delete(upstreamKey);
  }

  #taken(endpoint: EndpointKey, namespace: string): number {
    const known = this.#slots.slotOf(endpoint);
    const counted = known < 0 ? undefined : this.#namespaceOf.get(known);
    // One that an earlier control worker gave counts from here on.
    if (counted === undefined && known < 0 && (this.#ofNamespace.get(namespace) ?? 0) >= this.#maxOfNamespace)
      return -1;
    const taken = this.#slots.take(endpoint);
    if (counted === undefined && taken >= 0) this.#count(taken, namespace);
    return taken;
  }

  #count(slot: number, namespace: string): void {
    this.#namespaceOf.set(slot, namespace);
    this.#ofNamespace.set(namespace, (this.#ofNamespace.get(namespace) ?? 0) + 1);
  }

  #leave(before: Owned | undefined, kept: ReadonlySet<number>, version: number): void {
    if (before === undefined) return;
    this.#without -= withoutSlot(before.slots);
    for (const slot of before.slots) if (slot >= 0 && !kept.has(slot)) this.#slots.leave(slot, { version, atMs: 0 });
  }

  /** Frees and zeroes the slots that no worker can use any more: each holds a table without the Endpoint (`heldByAll`). */
  sweep(blocks: readonly Float64Array[], heldByAll: number): void {
    this.#slots.sweep(heldByAll, (slot) => {
      for (const block of blocks) clear(block, slot);
      const namespace = this.#namespaceOf.get(slot);
      this.#namespaceOf.delete(slot);
      if (namespace !== undefined) {
        const left = this.#ofNamespace.get(namespace)! - 1;
        if (left === 0) this.#ofNamespace.delete(namespace);
        else this.#ofNamespace.set(namespace, left);
      }
      return true;
    });
  }
}

function withoutSlot(slots: readonly number[]): number {
  return slots.reduce((count, slot) => count + Number(slot < 0), 0);
}

function clear(block: Float64Array, slot: number): void {
  const { endpoints } = usedSlots(block.buffer);
  if (endpoints[slot] === 0) return;
  block.fill(0, endpointCell(slot, 0), endpointCell(slot + 1, 0));
  endpoints[slot] = 0;
}

function textOf({ upstream, address }: EndpointKey): string {
  return `${address} ${upstream}`;
}
