// The connections to one Endpoint of one Upstream. Idle ones are used last in, first out: the warmest first, the rest grow old and close.
import type { Edge } from '../edge.ts';
import { UpstreamConnection } from './connection.ts';
import type { UpstreamPool } from './pool.ts';
import type { UpstreamUser } from './user.ts';

export class EndpointPool {
  readonly edge: Edge;
  readonly upstream: UpstreamPool;
  readonly ip: string;
  readonly port: number;
  /** `ip:port`, for people. */
  readonly address: string;
  /** Exchanges that use it or wait for a connection to it: what least-request compares. */
  inFlight = 0;
  /** No longer an Endpoint: running requests finish, nothing is kept. */
  retired = false;
  readonly #idle: UpstreamConnection[] = [];

  constructor(upstream: UpstreamPool, ip: string, port: number, address: string) {
    this.edge = upstream.edge;
    this.upstream = upstream;
    this.ip = ip;
    this.port = port;
    this.address = address;
  }

  get idleCount(): number {
    return this.#idle.length;
  }

  /** An idle connection that may be used again, bound to `user`; null when there is none. */
  reuse(user: UpstreamUser): UpstreamConnection | null {
    const { nowMs } = this.edge;
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined) return null;
      if (connection.isFresh(nowMs)) {
        this.inFlight += 1;
        connection.bind(user);
        return connection;
      }
      connection.discard();
    }
  }

  /** A new connection for `user`, who is told when it is there. */
  dial(user: UpstreamUser): UpstreamConnection {
    const connection = new UpstreamConnection(this, user);
    this.inFlight += 1;
    return connection;
  }

  /** Takes a connection that finished cleanly. */
  park(connection: UpstreamConnection): void {
    this.#idle.push(connection);
  }

  /** An idle connection has ended. */
  unpark(connection: UpstreamConnection): void {
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  retire(): void {
    this.retired = true;
    this.closeIdle();
  }

  closeIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.discard();
  }
}
