// Idle connections and sessions to one address. Upstreams that reach it in the same way share a pool (ip, port, protocol, TLS
// context, SNI), so that a thousand Mappings to one address keep a few warm connections and not a thousand that grow too old to be used again.
import type { WorkerContext } from '../io/worker-context.ts';
import type { IdleConnections, UpstreamConnection } from './http1-connection.ts';
import type { EndpointView } from './endpoint-view.ts';
import { EndpointSessions } from './endpoint-sessions.ts';
import { IdleCloses } from './idle-closes.ts';

export class IdleShelf implements IdleConnections {
  /** What was seen of connections to this address; null: no idle close yet. */
  #closes: IdleCloses | null = null;
  /** Oldest first. The last in is the first out: the warmest; the rest grow old and close. */
  readonly #idle: UpstreamConnection[] = [];
  /** Where HTTP/2 is spoken; null: none was needed yet. */
  #sessions: EndpointSessions | null = null;

  /** The shortest idle time after which a connection to this address was closed lately; Infinity: none. */
  shortestCloseMs(nowMs: number): number {
    return this.#closes === null ? Infinity : this.#closes.shortestMs(nowMs);
  }

  /** A connection to this address was closed after it had been idle for so long. */
  sawClose(idleMs: number, nowMs: number): void {
    this.#closes ??= new IdleCloses();
    this.#closes.saw(idleMs, nowMs);
  }

  sessionsOf(worker: WorkerContext): EndpointSessions {
    return (this.#sessions ??= new EndpointSessions(worker));
  }

  /** `endpoint` uses the shelf no longer. */
  leave(endpoint: EndpointView): void {
    this.#sessions?.leave(endpoint);
  }

  /** Keeps it, and of all at most `most`: what a burst has left ends at once, the coldest first. */
  put(connection: UpstreamConnection, most: number): void {
    this.#idle.push(connection);
    if (this.#idle.length > most) this.#idle.shift()!.discard();
  }

  /** The connection that was put last; undefined when there is none. */
  take(): UpstreamConnection | undefined {
    return this.#idle.pop();
  }

  /** An idle connection has ended. */
  remove(connection: UpstreamConnection): void {
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  close(): void {
    for (const connection of this.#idle.splice(0)) connection.discard();
    this.#sessions?.close();
    this.#sessions = null;
  }
}

/** The shelves of a registry's plain addresses, each kept while an Endpoint uses it. */
export class IdleShelves {
  readonly #byAddress = new Map<string, { readonly shelf: IdleShelf; users: number }>();

  acquire(address: string): IdleShelf {
    let known = this.#byAddress.get(address);
    if (known === undefined) this.#byAddress.set(address, (known = { shelf: new IdleShelf(), users: 0 }));
    known.users += 1;
    return known.shelf;
  }

  /** Undoes one `acquire`. The last user's leaving closes what is idle. */
  release(address: string): void {
    const known = this.#byAddress.get(address);
    if (known === undefined || --known.users > 0) return;
    this.#byAddress.delete(address);
    known.shelf.close();
  }
}
