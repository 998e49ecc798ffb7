// Revoking tokens of the OAuth gateway: the supervisor keeps the revocation and tells every data worker, and their answers are one.
import type { Revocation } from "../../callers/oauth-token.ts";
import type { Clock } from "../../shared/clock.ts";
import type { FromControl, RevokedAnswer } from "../../shared/messages.ts";

/** A worker that has not answered by then is not waited for, ms. */
const patienceMs = 5000;

interface Asked {
  readonly answers: Map<number, RevokedAnswer>;
  readonly done: () => void;
}

export class TokenRevocation {
  readonly #clock: Clock;
  readonly #tell: (message: FromControl) => void;
  readonly #count: number;
  readonly #asked = new Map<number, Asked>();
  #lastId = 0;

  /** `count`: data workers that there are when none is being replaced. */
  constructor(count: number, clock: Clock, tell: (message: FromControl) => void) {
    this.#count = count;
    this.#clock = clock;
    this.#tell = tell;
  }

  answered(worker: number, id: number, answer: RevokedAnswer): void {
    const asked = this.#asked.get(id);
    if (asked === undefined) return;
    asked.answers.set(worker, answer);
    if (asked.answers.size === this.#count) asked.done();
  }

  /** Every data worker has answered that they have ended, or why that is not certain: then they may have. */
  async revoke(revocation: Revocation): Promise<RevokedAnswer> {
    const id = ++this.#lastId;
    const answers = new Map<number, RevokedAnswer>();
    await new Promise<void>((resolve) => {
      const alarm = this.#clock.after(patienceMs, resolve);
      const done = (): void => {
        alarm.cancel();
        resolve();
      };
      this.#asked.set(id, { answers, done });
      this.#tell({ kind: "revoke", id, revocation });
    });
    this.#asked.delete(id);
    const away = answers.values().find(({ kind }) => kind === "away");
    if (away !== undefined) return away;
    const silent = this.#count - answers.size;
    return silent === 0
      ? { kind: "revoked" }
      : { kind: "away", sentence: `${silent} of ${this.#count} data workers did not answer` };
  }
}
