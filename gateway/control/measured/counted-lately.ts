// What was counted in the last minutes of cells that are no slot's: threads that were replaced, and calls to Redis without an answer.
import { troubleBounds } from "../../api/status.ts";
import type { LatelyCounted } from "../../api/counted.ts";
import { fixed } from "../../shared/metrics/fixed.ts";

const { answered: _, ...unanswered } = fixed.redisCalls;
const cells = { replaced: [fixed.workerRestarts], unanswered: Object.values(unanswered) } as const;
const windowsMs = { replaced: troubleBounds.replacedMinutes * 60_000, unanswered: 300_000 } as const;

interface Totals extends LatelyCounted {
  readonly atMs: number;
}

export class CountedLately {
  readonly #blocks: readonly Float64Array[];
  readonly #nowMs: () => number;
  /** The oldest first; the first is from before the longest window. */
  #looks: readonly Totals[];

  /** `nowMs` never goes back. */
  constructor(blocks: readonly Float64Array[], nowMs: () => number) {
    this.#blocks = blocks;
    this.#nowMs = nowMs;
    this.#looks = [this.#totals()];
  }

  /** To be called at a fixed pace. */
  look(): void {
    const since = this.#nowMs() - windowsMs.replaced;
    const first = this.#looks.findLastIndex(({ atMs }) => atMs <= since);
    this.#looks = [...this.#looks.slice(Math.max(0, first)), this.#totals()];
  }

  get now(): LatelyCounted {
    const now = this.#totals();
    const of = (name: keyof LatelyCounted): number => {
      const before = this.#looks.findLast(({ atMs }) => atMs <= now.atMs - windowsMs[name]) ?? this.#looks[0]!;
      return Math.max(0, now[name] - before[name]);
    };
    return { replaced: of("replaced"), unanswered: of("unanswered") };
  }

  #totals(): Totals {
    const sum = (of: readonly number[]): number =>
      this.#blocks.reduce((total, block) => of.reduce((more, cell) => more + block[cell]!, total), 0);
    return { atMs: this.#nowMs(), replaced: sum(cells.replaced), unanswered: sum(cells.unanswered) };
  }
}
