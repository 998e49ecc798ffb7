// Lingering: clients of HTTP/1.1 that were answered before their request was read to its end. Closed at once, a client that is still sending gets a reset, which may destroy the answer
// before it is read (RFC 9112 §9.6). So the gateway sends no more, reads on and throws away: for a bounded time and number of bytes, and of all of a worker together at a bounded rate.
import { fixed } from "../../shared/metrics/fixed.ts";
import { Deadline, type Timed } from "../io/deadline.ts";
import type { WorkerContext } from "../io/worker-context.ts";

/** Bytes that are read of one client, and for how long, ms. */
export const mostLingerBytes = 64 * 1024 * 1024;
export const mostLingerMs = 10_000;
/** Clients of one worker. One more takes the place of the first. */
export const mostLingering = 256;
/** Time between turns, ms, and bytes of all clients in it: 128 MiB a second, a few hundredths of a core. */
export const turnMs = 8;
export const mostTurnBytes = 1024 * 1024;
/** Bytes of one read, at most. */
const readBytes = 64 * 1024;

/** One client's connection. */
export interface LingeringConnection {
  readonly transport: { pause(): void; resume(): void };
  /** Ends at once, and leaves. */
  destroy(): void;
}

/** Those of one worker. */
export class Lingering implements Timed {
  readonly #worker: WorkerContext;
  readonly #deadline = new Deadline(this);
  /** The one that has lingered longest first. */
  readonly #connections = new Set<LingeringConnection>();
  /** Those that have to wait for their next turn. */
  readonly #waiting = new Set<LingeringConnection>();
  #turnBytes = 0;

  constructor(worker: WorkerContext) {
    this.#worker = worker;
  }

  add(connection: LingeringConnection): void {
    const [first] = this.#connections.size < mostLingering ? [] : this.#connections;
    first?.destroy();
    this.#connections.add(connection);
    this.#worker.counters.add(fixed.clientConnectionsLingering, 1);
  }

  /** It has ended. Nothing for one that does not linger. */
  leave(connection: LingeringConnection): void {
    if (!this.#connections.delete(connection)) return;
    this.#waiting.delete(connection);
    this.#worker.counters.add(fixed.clientConnectionsLingering, -1);
    if (this.#connections.size > 0) return;
    this.#turnBytes = 0;
    this.#worker.wheel.remove(this.#deadline);
  }

  /** So many bytes of it were thrown away: where that is enough for now, no more is read of it until its next turn. */
  threwAway(connection: LingeringConnection, bytes: number): void {
    this.#turnBytes += bytes;
    if (this.#deadline.dueMs === Infinity) this.#worker.wheel.set(this.#deadline, this.#worker.nowMs + turnMs);
    if (this.#turnBytes < mostTurnBytes) return;
    this.#waiting.add(connection);
    connection.transport.pause();
  }

  expired(nowMs: number): void {
    this.#worker.nowMs = nowMs;
    this.#turnBytes = 0;
    let turns = mostTurnBytes / readBytes;
    for (const connection of this.#waiting) {
      if (turns-- === 0) break;
      this.#waiting.delete(connection);
      connection.transport.resume();
    }
    if (this.#waiting.size > 0) this.#worker.wheel.set(this.#deadline, nowMs + turnMs);
  }
}
