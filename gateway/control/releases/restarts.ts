// Restarts: which released predictors have pods that began anew since the leader looked last.

export class Restarts {
  /** Addresses that were ready, by key of the release. */
  #ready = new Map<string, ReadonlySet<string>>();
  readonly #restarted = new Set<string>();

  /** What is ready now, each second; the first call of a key says only what was there. Keys that are not in it are forgotten. */
  see(now: ReadonlyMap<string, ReadonlySet<string>>): void {
    for (const [key, ready] of now) {
      const before = this.#ready.get(key);
      if (before !== undefined && [...ready].some((address) => !before.has(address))) this.#restarted.add(key);
    }
    this.#ready = new Map(now);
    for (const key of this.#restarted) if (!now.has(key)) this.#restarted.delete(key);
  }

  /** Has a pod of it begun anew, at an address that it had not or that was not ready, since this was asked last? */
  take(key: string): boolean {
    return this.#restarted.delete(key);
  }
}
