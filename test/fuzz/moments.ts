// Events that scripts wait for, wherever they happen.
type Event = "origin" | "canary";

/** A wait that no event ends is over after this: whoever waits must not hang with the gateway. */
const momentMs = 40;

export class Moments {
  readonly #waiting: Readonly<Record<Event, Set<() => void>>> = { origin: new Set(), canary: new Set() };

  happened(event: Event): void {
    for (const resolve of this.#waiting[event]) resolve();
  }

  /** Until the event, or `also` (a subscription: gives its end), or a moment is over. */
  async next(event: Event | null, also: (resolve: () => void) => () => void = () => () => undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      const over = (): void => {
        clearTimeout(timer);
        if (event !== null) this.#waiting[event].delete(over);
        unsubscribe();
        resolve();
      };
      const timer = setTimeout(over, momentMs);
      const unsubscribe = also(over);
      if (event !== null) this.#waiting[event].add(over);
    });
  }
}
