// What is left of limits, for `explain`: read from the memory in which data workers count, and nothing is taken.
import type { RateLimit } from "../../../routing/model/guard.ts";
import { sharedNowMs } from "../../shared/memory/heartbeat.ts";
import type { LimitedClient, LimitLook, LimitMemory } from "../../shared/memory/limit-memory.ts";
import { compileLimit, type CompiledLimit, type LimitOwner } from "./compiled-limit.ts";
import { KeyedHash } from "./keyed-hash.ts";
import { LimitTable } from "./limit-table.ts";
import { kinds, providerKeyOf } from "./limiter.ts";

const nothing = new Uint8Array(0);

export class ShownLimits implements LimitLook {
  readonly #memory: LimitMemory;
  readonly #table: LimitTable;
  readonly #hash = new KeyedHash();

  constructor(memory: LimitMemory) {
    this.#memory = memory;
    this.#table = new LimitTable(memory, () => undefined);
  }

  left(limit: RateLimit, owner: LimitOwner, client: LimitedClient): number {
    const compiled = compileLimit(limit, owner, this.#memory);
    this.#identify(compiled, client);
    const left = this.#table.look(compiled, this.#hash, sharedNowMs() - this.#memory.startMs);
    return left < 0 ? 0 : Math.floor(left / compiled.permit) + 1;
  }

  /** As the limiter of a data worker does. */
  #identify({ key0, key1 }: CompiledLimit, client: LimitedClient): void {
    const hash = this.#hash;
    if (client.kind === "all") hash.ofBytes(key0, key1 ^ kinds.all, nothing, 0, 0);
    else if (client.kind === "client")
      hash.ofText(key0, key1 ^ kinds.client ^ providerKeyOf(this.#memory, client.provider), client.client);
    else if (client.values.length === 0) hash.ofBytes(key0, key1 ^ kinds.absent, nothing, 0, 0);
    else {
      hash.low = key0;
      hash.high = key1 ^ kinds.header;
      for (const value of client.values) {
        const bytes = Buffer.from(value, "latin1");
        hash.ofBytes(hash.low, hash.high, bytes, 0, bytes.length);
      }
    }
  }
}
