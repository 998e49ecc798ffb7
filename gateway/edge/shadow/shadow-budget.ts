// What copies have under way at one address in this worker, whatever Upstreams they are for, so that a shadow that fails or is slow has a share
// of what copies may use and never all of it.
import type { CompiledMapping } from "../policy/compiled-mapping.ts";
import { ShadowBackOff } from "./shadow-backoff.ts";
import type { ComparedPair } from "./compared-exchange.ts";
import type { ShadowCopy } from "./shadow-copy.ts";
import type { EndpointPool } from "../upstream/endpoint-pool.ts";

/** Where a copy goes. */
export interface CopyTarget {
  readonly compiled: CompiledMapping;
  /** null: a name whose addresses are awaited. */
  readonly endpoint: EndpointPool | null;
  readonly budget: ShadowBudget;
  /** null: its answer is thrown away. */
  readonly pair: ComparedPair | null;
}

/** A copy waiting for its turn. */
export interface QueuedCopy {
  readonly copy: ShadowCopy<CopyTarget>;
  readonly target: CopyTarget;
}

export class ShadowBudget {
  readonly backOff = new ShadowBackOff();
  readonly queue: QueuedCopy[] = [];
  inFlight = 0;
  /** Bytes of copies for it, those whose requests are not complete included. */
  heldBytes = 0;

  /** Copies that wait or are in flight. */
  get pending(): number {
    return this.inFlight + this.queue.length;
  }
}
