// Readiness: ready once every source has synced and every worker serves a table and lacks nothing without which it would refuse everybody; then while at
// least one worker serves and no drain has begun.

export class Readiness {
  readonly #workers: number;
  #synced = false;
  #wasReady: boolean;
  #draining = false;

  /** `wasReady`: an earlier control worker of this gateway was ready already. */
  constructor(workers: number, wasReady: boolean) {
    this.#workers = workers;
    this.#wasReady = wasReady;
  }

  /** It was ready once. */
  get wasReady(): boolean {
    return this.#wasReady;
  }

  /** The gateway was told to end and drains. */
  get isDraining(): boolean {
    return this.#draining;
  }

  get isSynced(): boolean {
    return this.#synced;
  }

  /** What data workers answer on the traffic port: each of them serves, or it could not answer. */
  get ofWorkers(): boolean {
    return this.#wasReady && !this.#draining;
  }

  /** What /readyz answers, given the number of workers that serve a table. */
  ofGateway(serving: number): boolean {
    return this.ofWorkers && serving > 0;
  }

  synced(): void {
    this.#synced = true;
  }

  drain(): void {
    this.#draining = true;
  }

  /** True when this makes the gateway ready for the first time. */
  observe(serving: number): boolean {
    if (this.#wasReady || !this.#synced || serving < this.#workers) return false;
    this.#wasReady = true;
    return true;
  }
}
