// The log of Problems: each is logged once, when it appears. They are gathered now and then, in slices: at most once at a time.
import type { ControlPart } from "../part.ts";
import { printProblem, type Problem } from "../../../routing/text/problem.ts";
import type { Log } from "../../shared/log.ts";
import type { Clock } from "../../shared/clock.ts";
import { fairShare } from "./fair-share.ts";

/** New Problems are logged this often, and at most so many at once. */
export const problemLogMs = 5000;
const maxLines = 100;
/** Most Problems that are compared with those before; of each namespace its share. */
const maxFollowed = 5000;

/** So long after an edit Problems are gathered, but for edits within `problemLogMs` of that. */
export const soonMs = 100;

export interface ProblemLogOutside {
  readonly log: Log;
  readonly clock: Clock;
  /** A table has left: before, Problems would take time from it. */
  isServed(): boolean;
  gather(): Promise<readonly Problem[]>;
  /** All that were gathered, after those that are new were logged. */
  gathered(problems: readonly Problem[]): void;
  /** Those that are new, at most as many as are logged, and those that are gone. Not of the first ones, which nobody has changed. */
  changed(fresh: readonly Problem[], gone: readonly Problem[]): void;
}

export class ProblemLog implements ControlPart {
  readonly #outside: ProblemLogOutside;
  #isGathering = false;
  /** By their text; null: none were gathered yet. */
  #logged: ReadonlyMap<string, Problem> | null = null;
  /** When an edit asked for them last, of the clock. */
  #askedMs = -Infinity;
  #seen: readonly Problem[] = [];
  /** How many there were beyond `maxFollowed`. */
  #beyond = 0;
  #looking: NodeJS.Timeout | null = null;

  constructor(outside: ProblemLogOutside) {
    this.#outside = outside;
  }

  open(): void {
    this.#looking = setInterval(() => {
      if (this.#outside.isServed()) void this.look();
    }, problemLogMs);
  }

  stop(): void {
    if (this.#looking !== null) clearInterval(this.#looking);
  }

  /** Something was edited: whoever did learns soon what is wrong with it. A storm of edits asks once in `problemLogMs`. */
  change(): void {
    const { clock } = this.#outside;
    if (!this.#outside.isServed() || clock.now() - this.#askedMs < problemLogMs) return;
    this.#askedMs = clock.now();
    clock.after(soonMs, () => void this.look());
  }

  /** Gathers, unless it is gathering already. Rejects where `gather` does; the next one gathers again. */
  async look(): Promise<void> {
    if (this.#isGathering) return;
    this.#isGathering = true;
    try {
      const problems = await this.#outside.gather();
      this.take(problems);
      this.#outside.gathered(problems);
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
    const before = this.#logged;
    const texts = new Map(followed.map((problem) => [printProblem(problem), problem]));
    const fresh = [...texts].filter(([text]) => before?.has(text) !== true);
    this.#logged = texts;
    const { log } = this.#outside;
    for (const [text] of fresh.slice(0, maxLines)) log.write("problem", { problem: text });
    if (fresh.length > maxLines) log.write("problems-not-logged", { count: fresh.length - maxLines });
    if (before !== null)
      this.#outside.changed(
        fresh.slice(0, maxLines).map(([, problem]) => problem),
        goneOf(
          [...before].flatMap(([text, problem]) => (texts.has(text) ? [] : [problem])),
          told,
        ),
      );
    const beyond = told.length - followed.length;
    if (beyond > 0 && this.#beyond === 0) log.write("problems-not-followed", { count: beyond });
    this.#beyond = beyond;
  }
}

/** Of those that are not told any more: the ones whose object has no Problem of their code and field. Others have another sentence now, or no place among those that are followed. */
function goneOf(untold: readonly Problem[], told: readonly Problem[]): readonly Problem[] {
  if (untold.length === 0) return untold;
  const there = new Set(told.map(identityOf));
  return untold.filter((problem) => !there.has(identityOf(problem)));
}

function identityOf({ code, field, subject: { kind, namespace, name } }: Problem): string {
  return [code, kind, namespace, name, field].join("\0");
}
