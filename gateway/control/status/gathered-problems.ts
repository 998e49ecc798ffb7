// All Problems, of every part of the control worker: gathered when somebody asks, kept until something changes.
import { compareProblems, type Problem } from "../../../routing/text/problem.ts";
import type { Slices } from "../../shared/slices.ts";

/** Where Problems come from. */
export interface ProblemSources {
  /** Of the Translation, sorted. */
  translated(): readonly Problem[];
  /** The same in no order, with pauses. */
  gatherTranslated(): Generator<void, readonly Problem[]>;
  /** Of everything else. */
  others(): readonly Problem[];
}

export class GatheredProblems {
  readonly #sources: ProblemSources;
  /** As they were gathered; null: they are anew when somebody asks. */
  #gathered: readonly Problem[] | null = null;
  /** Sorted; null: the same. */
  #sorted: readonly Problem[] | null = null;
  /** Counts the moments from which on Problems may be others. */
  #turn = 0;

  constructor(sources: ProblemSources) {
    this.#sources = sources;
  }

  /** Problems may be others from now on. */
  changed(): void {
    this.#gathered = null;
    this.#sorted = null;
    this.#turn += 1;
  }

  /** All of them, sorted. */
  get sorted(): readonly Problem[] {
    this.#gathered ??= this.#withOthers(this.#sources.translated());
    this.#sorted ??= this.#gathered.toSorted(compareProblems);
    return this.#sorted;
  }

  /** The same in no order, gathered in slices: a change has to wait for one of them at most. The same list until something changed. */
  async inSlices(slices: Slices): Promise<readonly Problem[]> {
    if (this.#gathered !== null) return this.#gathered;
    const turn = this.#turn;
    const gathering = this.#sources.gatherTranslated();
    let step = gathering.next();
    for (; step.done !== true; step = gathering.next()) {
      const pause = slices.pause();
      if (pause !== null) await pause;
    }
    const gathered = this.#withOthers(step.value);
    if (turn === this.#turn) this.#gathered ??= gathered;
    return gathered;
  }

  #withOthers(translated: readonly Problem[]): readonly Problem[] {
    return [...translated, ...this.#sources.others()];
  }
}
