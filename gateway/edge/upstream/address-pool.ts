// Idle connections and sessions to one address. Upstreams that reach it in the same way share a pool (ip, port, protocol, TLS
// context, SNI), so that a thousand Mappings to one address keep a few warm connections and not a thousand that grow too old to be used again.
import type { WorkerContext } from "../io/worker-context.ts";
import type { IdleConnection, IdleConnections } from "./http1-endpoint.ts";
import type { EndpointView } from "./endpoint-view.ts";
import { Http2AddressPool } from "./http2-address-pool.ts";
import { IdleCloses } from "./idle-closes.ts";

export class AddressPool implements IdleConnections {
  /** What was seen of connections to this address; null: no idle close yet. */
  #closes: IdleCloses | null = null;
  /** Oldest first. The last in is the first out: the warmest; the rest grow old and close. */
  readonly #idle: IdleConnection[] = [];
  /** Where HTTP/2 is spoken; null: none was needed yet. */
  #sessions: Http2AddressPool | null = null;

  /** The shortest idle time after which a connection to this address was closed lately; Infinity: none. */
  shortestCloseMs(nowMs: number): number {
    return this.#closes === null ? Infinity : this.#closes.shortestMs(nowMs);
  }

  /** A connection to this address was closed after it had been idle for so long. */
  sawClose(idleMs: number, nowMs: number): void {
    this.#closes ??= new IdleCloses();
    this.#closes.saw(idleMs, nowMs);
  }

  sessionsOf(worker: WorkerContext): Http2AddressPool {
    return (this.#sessions ??= new Http2AddressPool(worker));
  }

  /** `endpoint` uses the shelf no longer. */
  leave(endpoint: EndpointView): void {
    this.#sessions?.leave(endpoint);
  }

  /** Keeps it, and of all at most `most`: what a burst has left ends at once, the coldest first. */
  put(connection: IdleConnection, most: number): void {
    this.#idle.push(connection);
    if (this.#idle.length > most) this.#idle.shift()!.destroy();
  }

  /** The connection that was put last; undefined when there is none. */
  take(): IdleConnection | undefined {
    return this.#idle.pop();
  }

  /** An idle connection has ended. */
  remove(connection: IdleConnection): void {
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  close(): void {
    for (const connection of this.#idle.splice(0)) connection.destroy();
    this.#sessions?.close();
    this.#sessions = null;
  }
}

/** The shelves of a registry's plain addresses, each kept while an Endpoint uses it. */
export class AddressPools {
  readonly #byAddress = new Map<string, { readonly addressPool: AddressPool; users: number }>();

  acquire(address: string): AddressPool {
    let known = this.#byAddress.get(address);
    if (known === undefined) this.#byAddress.set(address, (known = { addressPool: new AddressPool(), users: 0 }));
    known.users += 1;
    return known.addressPool;
  }

  /** Undoes one `acquire`. The last user's leaving closes what is idle. */
  release(address: string): void {
    const known = this.#byAddress.get(address);
    if (known === undefined || --known.users > 0) return;
    this.#byAddress.delete(address);
    known.addressPool.close();
  }
}
