// How many changes leave a line each: a few a second and namespace. The others are counted, and one line a second has their number.
import type { Clock } from "../../shared/clock.ts";

export const windowMs = 1000;
/** In one window. */
export const maxOfNamespace = 20;
export const maxOfAll = 50;
/** The namespaces with most have a line each for their number. The others share one. */
export const maxLines = 10;

export class ChangeBudget {
  readonly #clock: Clock;
  readonly #tell: (namespace: string, count: number) => void;
  #sinceMs = -Infinity;
  readonly #told = new Map<string, number>();
  #all = 0;
  #beyond = new Map<string, number>();

  /** `tell` gets how many more objects of a namespace changed. Namespace "": of several. */
  constructor(clock: Clock, tell: (namespace: string, count: number) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** true: the change may leave a line. false: it is counted. */
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

  /** Counts changes of a namespace that leave no line. */
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
