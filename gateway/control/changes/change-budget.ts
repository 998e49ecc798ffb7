// How many changes are told one by one: a few a second and namespace. The rest is counted, and told as a number once a second.
import type { Clock } from "../../shared/clock.ts";

export const windowMs = 1000;
/** In one window. */
export const maxOfNamespace = 20;
export const maxOfAll = 50;
/** Namespaces whose number is told on a line of its own, those with most; the others share one. */
export const maxLines = 10;

export class ChangeBudget {
  readonly #clock: Clock;
  readonly #tell: (namespace: string, count: number) => void;
  #sinceMs = -Infinity;
  readonly #told = new Map<string, number>();
  #all = 0;
  #beyond = new Map<string, number>();

  /** `tell`: so many more changed there; "": in several namespaces. */
  constructor(clock: Clock, tell: (namespace: string, count: number) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** true: a change of the namespace may be told. false: it is counted. */
  take(namespace: string): boolean {
    const nowMs = this.#clock.now();
    if (nowMs - this.#sinceMs >= windowMs) {
      this.#sinceMs = nowMs;
      this.#told.clear();
      this.#all = 0;
    }
    const told = this.#told.get(namespace) ?? 0;
    if (told >= maxOfNamespace || this.#all >= maxOfAll) {
      this.beyond(namespace, 1);
      return false;
    }
    this.#told.set(namespace, told + 1);
    this.#all += 1;
    return true;
  }

  /** So many more changed. */
  beyond(namespace: string, count: number): void {
    if (this.#beyond.size === 0) this.#clock.after(windowMs, () => this.#tellBeyond());
    this.#beyond.set(namespace, (this.#beyond.get(namespace) ?? 0) + count);
  }

  #tellBeyond(): void {
    const counts = [...this.#beyond].toSorted(([, a], [, b]) => b - a);
    this.#beyond = new Map();
    for (const [namespace, count] of counts.slice(0, maxLines)) this.#tell(namespace, count);
    const others = counts.slice(maxLines).reduce((sum, [, count]) => sum + count, 0);
    if (others > 0) this.#tell("", others);
  }
}
