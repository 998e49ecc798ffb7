// Admission: how many client connections there may be, in total and from one address. Counted from accept(2) to the socket's close, TLS
// handshakes included: whoever never ends his handshake holds a connection too.
import { fixed } from "../../shared/metrics/fixed.ts";
import type { EdgeLimits } from "../../options/limits.ts";
import { failures } from "../../failures.ts";
import { unservedEntry } from "../access/access-entry.ts";
import type { WorkerContext } from "../io/worker-context.ts";

export class Admission {
  readonly #limits: EdgeLimits;
  readonly #worker: WorkerContext;
  /** Sockets of this worker. */
  #open = 0;
  /** Of these, by address; null: nobody limits them. */
  readonly #byAddress: Map<string, number> | null;

  constructor(worker: WorkerContext) {
    const { limits } = worker;
    this.#worker = worker;
    this.#limits = limits;
    this.#byAddress = limits.connectionsPerAddress === 0 ? null : new Map();
  }

  /**
   * Counts one more socket of a client. False: there are too many, and it is not counted. Of the total every worker knows its own part exactly
   * and the others' as they last wrote it, so that the limit may be exceeded by what is accepted at one moment; an address is limited in each
   * worker. null: by a balancer that will say whose it is (`name`).
   */
  admit(address: string | null): boolean {
    const { connections } = this.#limits;
    if (connections > 0 && this.#open + this.#elsewhere >= connections) return this.#refuse(address);
    if (address !== null && !this.name(address)) return false;
    this.#open += 1;
    return true;
  }

  /** Counts a socket as one of this address. False: there are too many, and it is not counted. */
  name(address: string): boolean {
    if (this.#byAddress === null) return true;
    const ofAddress = this.#byAddress.get(address) ?? 0;
    if (ofAddress >= this.#limits.connectionsPerAddress) return this.#refuse(address);
    this.#byAddress.set(address, ofAddress + 1);
    return true;
  }

  #refuse(address: string | null): false {
    const { connectionLimit } = failures;
    this.#worker.counters.failure(connectionLimit.flag);
    this.#worker.log(connectionLimit.flag, "", true, () =>
      unservedEntry(connectionLimit, "", 0, address ?? "", "", false),
    );
    return false;
  }

  /** A socket that was admitted is closed. null: it was named for no address. */
  release(address: string | null): void {
    this.#open -= 1;
    if (this.#byAddress === null || address === null) return;
    const left = (this.#byAddress.get(address) ?? 1) - 1;
    if (left > 0) this.#byAddress.set(address, left);
    else this.#byAddress.delete(address);
  }

  get #elsewhere(): number {
    let sum = 0;
    for (const cells of this.#worker.occupancy.others)
      sum += cells[fixed.clientConnectionsHttp1]! + cells[fixed.clientConnectionsHttp2]!;
    return sum;
  }
}
