// Spread: the kernel gives connections to workers by hash, so few long ones may land on few workers. A worker that has far more than its share
// asks some of its clients to connect again.
import { fixed } from "../../shared/metrics/fixed.ts";
import { Deadline, type Timed, type DeadlineWheel } from "../io/deadline.ts";
import type { ClientConnection } from "./client-connection.ts";

/** Time between two looks. Only what two of them see is acted on: connections come in bursts. */
const lookEveryMs = 10_000;

/** What it needs of its worker. */
export interface Spreading {
  readonly worker: {
    readonly wheel: DeadlineWheel;
    readonly nowMs: number;
    /** Counters of the other workers. */
    readonly occupancy: { readonly others: readonly Float64Array[] };
  };
  readonly connections: ReadonlySet<ClientConnection>;
}

/** Connections beyond the mean of a worker that has more than twice the mean; 0 for any other. */
export function surplusOf(own: number, others: readonly number[]): number {
  const mean = others.reduce((sum, count) => sum + count, own) / (others.length + 1);
  return own > 2 * mean ? own - Math.ceil(mean) : 0;
}

export class Spread implements Timed {
  readonly #worker: Spreading["worker"];
  readonly #connections: Spreading["connections"];
  readonly #deadline = new Deadline(this);
  #before = 0;

  constructor({ worker, connections }: Spreading) {
    this.#worker = worker;
    this.#connections = connections;
  }

  start(): void {
    if (this.#worker.occupancy.others.length > 0)
      this.#worker.wheel.set(this.#deadline, this.#worker.nowMs + lookEveryMs);
  }

  expired(nowMs: number): void {
    this.look();
    this.#worker.wheel.set(this.#deadline, nowMs + lookEveryMs);
  }

  /** Compares, and lets those that are too many go: HTTP/2 with GOAWAY, HTTP/1.1 with its next answer. */
  look(): void {
    const { occupancy } = this.#worker;
    const staying = [...this.#connections].filter(({ retiring }) => !retiring);
    const surplus = surplusOf(
      staying.length,
      occupancy.others.map((cells) => cells[fixed.clientConnectionsHttp1]! + cells[fixed.clientConnectionsHttp2]!),
    );
    for (const connection of staying.slice(0, Math.min(surplus, this.#before))) connection.drain();
    this.#before = surplus;
  }
}
