// The HTTP/2 connections to one Endpoint. Few and full rather than many: what leaves together in one write is what makes a call cheap.
import type { ClientConnection, ClientOwner } from './client.ts';

/** Connections to one Endpoint of one worker; beyond that requests wait for room. */
const mostSessions = 8;

/** Dials. The connection's owner is the pool; whoever dials tells it `connected`, and destroys it when that takes too long. */
export type DialSession = (owner: ClientOwner) => ClientConnection;

export class EndpointSessions implements ClientOwner {
  readonly #dial: DialSession;
  /** Those that take requests. */
  #usable: ClientConnection[] = [];
  /** Those that only finish what they have. */
  readonly #retiring = new Set<ClientConnection>();

  constructor(dial: DialSession) {
    this.#dial = dial;
  }

  /** Connections of any kind. */
  get count(): number {
    return this.#usable.length + this.#retiring.size;
  }

  /** Requests that wait for room. */
  get pendingCount(): number {
    return this.#usable.reduce((sum, connection) => sum + connection.pendingCount, 0);
  }

  /** The connection for one more request: the first that has room, else a new one, else the one where the fewest wait. */
  pick(): ClientConnection {
    const usable = this.#usable;
    let shortest: ClientConnection | null = null;
    for (let i = 0; i < usable.length; i++) {
      const connection = usable[i]!;
      if (connection.room > 0) return connection;
      if (shortest === null || connection.pendingCount < shortest.pendingCount) shortest = connection;
    }
    if (shortest !== null && usable.length >= mostSessions) return shortest;
    const connection = this.#dial(this);
    usable.push(connection);
    return connection;
  }

  /** Ends them all, after what they have. */
  retire(): void {
    for (const connection of this.#usable) connection.drain();
  }

  connectionRetiring(connection: ClientConnection): void {
    this.#usable = this.#usable.filter((usable) => usable !== connection);
    this.#retiring.add(connection);
  }

  connectionClosed(connection: ClientConnection): void {
    this.#usable = this.#usable.filter((usable) => usable !== connection);
    this.#retiring.delete(connection);
  }
}
