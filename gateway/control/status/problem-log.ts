// The log of Problems: each is logged once, when it appears. They are gathered now and then, in slices: at most once at a time.
import { printProblem, type Problem } from "../../../routing/text/problem.ts";
import type { Log } from "../../shared/log.ts";
import { fairShare } from "./fair-share.ts";

/** New Problems are logged this often, and at most so many at once. */
export const problemLogMs = 5000;
const maxLines = 100;
/** Most Problems that are compared with those before; of each namespace its share. */
const maxFollowed = 5000;

export class ProblemLog {
  readonly #log: Log;
  readonly #gather: () => Promise<readonly Problem[]>;
  readonly #gathered: (problems: readonly Problem[]) => void;
  #isGathering = false;
  #logged = new Set<string>();
  #seen: readonly Problem[] = [];
  /** How many there were beyond `maxFollowed`. */
  #beyond = 0;

  /** `gathered` is told of what `gather` gave, after it was logged. */
  constructor(log: Log, gather: () => Promise<readonly Problem[]>, gathered: (problems: readonly Problem[]) => void) {
    this.#log = log;
    this.#gather = gather;
    this.#gathered = gathered;
  }

  /** Gathers, unless it is gathering already. Rejects where `gather` does; the next one gathers again. */
  async look(): Promise<void> {
    if (this.#isGathering) return;
    this.#isGathering = true;
    try {
      const problems = await this.#gather();
      this.take(problems);
      this.#gathered(problems);
    } finally {
      this.#isGathering = false;
    }
  }

  /** Logs those that are new; those that only inform are for /api/v1/problems. The same list has none. */
  take(problems: readonly Problem[]): void {
    if (problems === this.#seen) return;
    this.#seen = problems;
    const told = problems.filter(({ level }) => level !== "info");
    const followed = fairShare(told, maxFollowed);
    const texts = new Set(followed.map(printProblem));
    const fresh = [...texts].filter((text) => !this.#logged.has(text));
    this.#logged = texts;
    for (const text of fresh.slice(0, maxLines)) this.#log.write("problem", { problem: text });
    if (fresh.length > maxLines) this.#log.write("problems-not-logged", { count: fresh.length - maxLines });
    const beyond = told.length - followed.length;
    if (beyond > 0 && this.#beyond === 0) this.#log.write("problems-not-followed", { count: beyond });
    this.#beyond = beyond;
  }
}
