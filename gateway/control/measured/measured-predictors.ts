// What was measured of each predictor: its Series of HTTP and of gRPC together.
import type { Series } from "../../../routing/model/mapping.ts";
import type { Problem } from "../../../routing/text/problem.ts";
import type { CountedFeedback, MeasuredWindows, PredictorKey } from "../../admin/view.ts";
import type { Slices } from "../../admin/slices.ts";
import type { CountedSeries } from "../../admin/families/series.ts";
import { flagSentence } from "../../explain/measured-words.ts";
import type { ArmCounts } from "../../../release/statistics/arm-counts.ts";
import { countedFeedback } from "./counted-feedback.ts";
import { measuredOf } from "./measured.ts";
import type { FailureFlag } from "../../failures.ts";
import type { AccessEntry } from "../../shared/access-fields.ts";
import { LastFailures } from "./last-failures.ts";
import { FailingPredictors, type FailingPredictor } from "./failing-predictors.ts";
import { Windows } from "./windows.ts";

const protocols: readonly Series["protocol"][] = ["http", "grpc"];

const withoutRequests = measuredOf([], flagSentence);
const nothing: MeasuredWindows = { lastMinute: withoutRequests, lastFiveMinutes: withoutRequests };

/** Where Series are counted. */
export interface SlotsOfSeries {
  readonly used: Iterable<CountedSeries>;
  /** null: it has none. */
  find(series: Series): CountedSeries | null;
}

export class MeasuredPredictors {
  readonly #blocks: readonly Float64Array[];
  readonly #slots: SlotsOfSeries;
  readonly #windows: Windows;
  readonly #failing = new FailingPredictors();
  readonly #last = new LastFailures();
  /** A look is under way; the next one waits for its time. */
  #isLooking = false;

  /** `blocks[0]` is the base block; `nowMs` never goes back. */
  constructor(blocks: readonly Float64Array[], slots: SlotsOfSeries, nowMs: () => number) {
    this.#blocks = blocks;
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

  /** Requests that a data worker tells of. */
  told(entries: readonly AccessEntry[]): void {
    for (const entry of entries) this.#last.take(entry);
  }

  /** What was counted of its feedback since this process began. */
  feedback(predictor: PredictorKey): CountedFeedback {
    const slots = protocols.flatMap((protocol) => this.#slots.find({ ...predictor, protocol })?.slot ?? []);
    return countedFeedback(this.#blocks, slots);
  }

  /** What the live requests of a predictor came to since this process began, and its rewards. */
  total(predictor: PredictorKey): Pick<ArmCounts, "requests" | "failed" | "rewards"> {
    let [requests, failed] = [0, 0];
    for (const protocol of protocols) {
      const found = this.#slots.find({ ...predictor, protocol });
      if (found === null || found === undefined || !this.#windows.isUsed(found.slot)) continue;
      const counted = this.#windows.total(found);
      requests += counted.requests;
      failed += counted.failed;
    }
    // Another thread counts while these are read, and a request that failed counts in two cells.
    return { requests: Math.max(requests, failed), failed, rewards: this.feedback(predictor).rewards };
  }

  /** All of them together. */
  of(predictors: readonly PredictorKey[]): MeasuredWindows {
    const found = predictors
      .flatMap((one) => protocols.flatMap((protocol) => this.#slots.find({ ...one, protocol }) ?? []))
      .filter(({ slot }) => this.#windows.isUsed(slot));
    // Most of ten thousand.
    if (found.length === 0) return nothing;
    const sums = found.map((one) => this.#windows.of(one));
    const sentenceOf = (flag: FailureFlag | ""): string =>
      predictors.map((one) => this.#last.sentenceOf(one, flag)).find((sentence) => sentence !== null) ??
      flagSentence(flag);
    return {
      lastMinute: measuredOf(
        sums.map(({ lastMinute }) => lastMinute),
        sentenceOf,
      ),
      lastFiveMinutes: measuredOf(
        sums.map(({ lastFiveMinutes }) => lastFiveMinutes),
        sentenceOf,
      ),
    };
  }
}
