// Look-ups of names: how many run at once, and how long one that hangs may keep others waiting.

/** One that has not answered after this long gives its place on. Its answer is taken when it comes. */
export const lookupLateMs = 2000;
/** Places: few, because each look-up blocks a thread of libuv's pool. */
const atOnce = 2;
/**
 * Look-ups that run at once with those that are late. Of its threads libuv gives names half (`UV_THREADPOOL_SIZE` in main.ts, 16): what is beyond
 * would wait there.
 */
export const maxLookups = 8;

export interface LookUpAnswer {
  /** Empty: there are none, and `failure` says why. */
  readonly addresses: readonly string[];
  readonly failure: string;
  /** It took longer than `lookupLateMs`. */
  readonly late: boolean;
}

interface Asked {
  readonly host: string;
  readonly wasLate: boolean;
  readonly answered: (answer: LookUpAnswer) => void;
}

export class LookUps {
  readonly #lookup: (host: string) => Promise<readonly string[]>;
  readonly #queue: Asked[] = [];
  #places = atOnce;
  #running = 0;

  /** `lookup`: IP addresses of a name; rejects when there are none. */
  constructor(lookup: (host: string) => Promise<readonly string[]>) {
    this.#lookup = lookup;
  }

  /** Never rejects. `wasLate`: the last look-up of this name was, so it goes behind those that were not, and leaves them the last places. */
  ask(host: string, wasLate: boolean): Promise<LookUpAnswer> {
    return new Promise((answered) => {
      this.#queue.push({ host, wasLate, answered });
      this.#next();
    });
  }

  /** What waits is not looked up. */
  stop(): void {
    this.#queue.length = 0;
  }

  #next(): void {
    while (this.#places > 0 && this.#running < maxLookups) {
      const prompt = this.#queue.findIndex(({ wasLate }) => !wasLate);
      if (prompt < 0 && this.#running >= maxLookups - atOnce) return;
      const [asked] = this.#queue.splice(Math.max(0, prompt), 1);
      if (asked === undefined) return;
      void this.#run(asked);
    }
  }

  async #run({ host, answered }: Asked): Promise<void> {
    this.#places -= 1;
    this.#running += 1;
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#places += 1;
      this.#next();
    }, lookupLateMs).unref();
    let addresses: readonly string[] = [];
    let failure = "";
    try {
      addresses = [...new Set(await this.#lookup(host))].sort();
      failure = addresses.length === 0 ? "it has no address" : "";
    } catch (error) {
      failure = (error as NodeJS.ErrnoException).code ?? String(error);
    }
    clearTimeout(timer);
    this.#running -= 1;
    if (!late) this.#places += 1;
    answered({ addresses, failure, late });
    this.#next();
  }
}
