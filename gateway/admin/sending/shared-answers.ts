// Large answers are made once a second at most, whoever asks, and few are under way at once: what many slow readers hold is one text, not one each.

/** How long an answer serves everybody who asks, ms. */
const freshMs = 1000;
/** Answers of one kind under way, whatever their age. */
export const mostUnderWay = 8;
/** Texts of one kind that readers still hold while another is made: with more, the newest serves on until one is let go. */
const mostHeld = 2;

interface Made {
  readonly atMs: number;
  readonly text: Promise<Buffer>;
  readers: number;
}

/** The text, and what to call when its reader has it or is gone. */
export interface SharedAnswer {
  readonly text: Promise<Buffer>;
  done(): void;
}

/** One kind of answer. */
export class SharedAnswers {
  readonly #make: () => Promise<Buffer>;
  readonly #nowMs: () => number;
  #newest: Made | null = null;
  readonly #held = new Set<Made>();
  #underWay = 0;

  constructor(make: () => Promise<Buffer>, nowMs: () => number) {
    this.#make = make;
    this.#nowMs = nowMs;
  }

  /** null: too many are under way. */
  take(): SharedAnswer | null {
    if (this.#underWay >= mostUnderWay) return null;
    const made = this.#current();
    this.#underWay += 1;
    made.readers += 1;
    this.#held.add(made);
    let isDone = false;
    return {
      text: made.text,
      done: () => {
        if (isDone) return;
        isDone = true;
        this.#underWay -= 1;
        made.readers -= 1;
        if (made.readers > 0) return;
        this.#held.delete(made);
        this.#forgetOld(made);
      },
    };
  }

  #current(): Made {
    const nowMs = this.#nowMs();
    const newest = this.#newest;
    if (newest !== null && (nowMs - newest.atMs < freshMs || this.#held.size >= mostHeld)) return newest;
    const made: Made = { atMs: nowMs, text: this.#make(), readers: 0 };
    this.#newest = made;
    // One that could not be made is no answer to the next who asks.
    made.text.catch(() => {
      if (this.#newest === made) this.#newest = null;
    });
    return made;
  }

  /** Nobody reads it: it is kept for its second and no longer. */
  #forgetOld(made: Made): void {
    const leftMs = made.atMs + freshMs - this.#nowMs();
    const forget = (): void => {
      if (this.#newest === made && made.readers === 0) this.#newest = null;
    };
    if (leftMs <= 0) forget();
    else setTimeout(forget, leftMs).unref();
  }
}
