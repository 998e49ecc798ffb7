// What was measured of each predictor: its Series of HTTP and of gRPC together.
import type { Series } from "../../../routing/model/mapping.ts";
import type { Problem } from "../../../routing/text/problem.ts";
import type { MeasuredWindows, PredictorKey } from "../../admin/view.ts";
import type { Slices } from "../../admin/slices.ts";
import type { CountedSeries } from "../../admin/series.ts";
import { flagSentence } from "../../explain/measured-words.ts";
import { measuredOf } from "./measured.ts";
import { FailingPredictors, type FailingPredictor } from "./failing-predictors.ts";
import { Windows } from "./windows.ts";

const protocols: readonly Series["protocol"][] = ["http", "grpc"];

/** Where Series are counted. */
export interface SlotsOfSeries {
  readonly used: Iterable<CountedSeries>;
  /** null: it has none. */
  find(series: Series): CountedSeries | null;
}

export class MeasuredPredictors {
  readonly #slots: SlotsOfSeries;
  readonly #windows: Windows;
  readonly #failing = new FailingPredictors();
  /** A look is under way; the next one waits for its time. */
  #isLooking = false;

  /** `blocks[0]` is the base block; `nowMs` never goes back. */
  constructor(blocks: readonly Float64Array[], slots: SlotsOfSeries, nowMs: () => number) {
    this.#slots = slots;
    this.#windows = new Windows(blocks, () => slots.used, nowMs);
  }

  /** To be called each `tickMs`. `isServed`: the table has it. True: other predictors fail than before. */
  async look(slices: Slices, isServed: (predictor: PredictorKey) => boolean): Promise<boolean> {
    if (this.#isLooking) return false;
    this.#isLooking = true;
    try {
      const active = new Map<string, PredictorKey>();
      for (const { series } of await this.#windows.look(slices))
        if (series.role === "live" && isServed(series))
          active.set(`${series.namespace}/${series.deployment} ${series.predictor}`, series);
      return this.#failing.look([...active.values()], (one) => this.of([one]).lastMinute);
    } finally {
      this.#isLooking = false;
    }
  }

  /** Those most of whose requests fail. */
  get failing(): readonly FailingPredictor[] {
    return this.#failing.all;
  }

  get problems(): readonly Problem[] {
    return this.#failing.problems;
  }

  /** All of them together. */
  of(predictors: readonly PredictorKey[]): MeasuredWindows {
    const sums = predictors
      .flatMap((one) => protocols.flatMap((protocol) => this.#slots.find({ ...one, protocol }) ?? []))
      .map((one) => this.#windows.of(one));
    return {
      lastMinute: measuredOf(
        sums.map(({ lastMinute }) => lastMinute),
        flagSentence,
      ),
      lastFiveMinutes: measuredOf(
        sums.map(({ lastFiveMinutes }) => lastFiveMinutes),
        flagSentence,
      ),
    };
  }
}
