// Revoking tokens of the OAuth gateway: every data worker is asked, each ends what it keeps, and the answers are one.
import type { Clock } from "../../shared/clock.ts";
import type { RevokedTokens, TokensToRevoke } from "../../shared/messages.ts";

/** A worker that has not answered by then is not waited for, ms. */
const patienceMs = 5000;

type Ask = (id: number, tokens: TokensToRevoke) => void;

interface Asked {
  readonly waitsFor: Set<number>;
  readonly answers: RevokedTokens[];
  readonly done: () => void;
}

export class TokenRevocation {
  readonly #clock: Clock;
  readonly #workers = new Map<number, Ask>();
  readonly #count: number;
  readonly #asked = new Map<number, Asked>();
  #lastId = 0;

  /** `count`: data workers that there are when none is being replaced. */
  constructor(count: number, clock: Clock) {
    this.#count = count;
    this.#clock = clock;
  }

  join(worker: number, ask: Ask): void {
    this.#workers.set(worker, ask);
  }

  leave(worker: number): void {
    this.#workers.delete(worker);
  }

  answered(worker: number, id: number, answer: RevokedTokens): void {
    const asked = this.#asked.get(id);
    if (asked === undefined || !asked.waitsFor.delete(worker)) return;
    asked.answers.push(answer);
    if (asked.waitsFor.size === 0) asked.done();
  }

  /** How many have ended, or why it is not certain that all have: then some may have. */
  async revoke(tokens: TokensToRevoke): Promise<RevokedTokens> {
    const id = ++this.#lastId;
    const answers: RevokedTokens[] = [];
    await new Promise<void>((resolve) => {
      const alarm = this.#clock.after(patienceMs, resolve);
      const done = (): void => {
        alarm.cancel();
        resolve();
      };
      this.#asked.set(id, { waitsFor: new Set(this.#workers.keys()), answers, done });
      for (const ask of this.#workers.values()) ask(id, tokens);
      if (this.#workers.size === 0) done();
    });
    this.#asked.delete(id);
    const away = answers.find((answer) => answer.kind === "away");
    if (away !== undefined) return away;
    if (answers.length < this.#count)
      return {
        kind: "away",
        sentence: `${this.#count - answers.length} of ${this.#count} data workers did not answer`,
      };
    return {
      kind: "revoked",
      count: answers.reduce((sum, answer) => sum + (answer.kind === "revoked" ? answer.count : 0), 0),
    };
  }
}
