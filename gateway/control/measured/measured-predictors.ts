// What was measured of each predictor: its Series of HTTP and of gRPC together.
import { EvidenceBySlot } from "./evidence-by-slot.ts";
import type { Series } from "../../../routing/model/mapping.ts";
import type { Problem } from "../../../routing/text/problem.ts";
import {
  keyOf,
  type CountedSeries,
  type CountedFeedback,
  type EndpointNumbers,
  type MeasuredPredictor,
  type MeasuredWindows,
  type PredictorKey,
  type SeenEndpoint,
} from "../../api/counted.ts";
import type { Slices } from "../../shared/slices.ts";
import { flagSentence, withEndpoints, type FailuresAt } from "../../explain/measured-words.ts";
import { armCounts, type ArmCounts } from "../../../routing/release/statistics/arm-counts.ts";
import { countedFeedback } from "./counted-feedback.ts";
import { measuredOf } from "./measured.ts";
import type { FailureFlag } from "../../failure-flags.ts";
import type { AccessEntry } from "../../shared/access-fields.ts";
import { EndpointWindows, type SlotsOfEndpoints } from "./endpoint-windows.ts";
import { LastFailures } from "./last-failures.ts";
import { FailingPredictors } from "./failing-predictors.ts";
import { Windows } from "./windows.ts";

/** Predictors measured between two looks at the clock. */
const together = 16;

const protocols: readonly Series["protocol"][] = ["http", "grpc"];

const withoutRequests = measuredOf([], flagSentence);
const nothing: MeasuredWindows = { lastMinute: withoutRequests, lastFiveMinutes: withoutRequests };

/** Endpoints of a predictor; null: they are not known. */
export type EndpointsOfPredictor = (predictor: PredictorKey) => readonly SeenEndpoint[] | null;

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
  readonly #endpoints: EndpointWindows;
  readonly #endpointsOf: EndpointsOfPredictor;
  /** Of predictors that are released. */
  readonly evidence = new EvidenceBySlot();
  /** A look is under way; the next one waits for its time. */
  #isLooking = false;

  /** `nowMs` never goes back. */
  constructor(
    blocks: readonly Float64Array[],
    slots: SlotsOfSeries,
    endpoints: SlotsOfEndpoints,
    endpointsOf: EndpointsOfPredictor,
    nowMs: () => number,
  ) {
    this.#blocks = blocks;
    this.#slots = slots;
    this.#windows = new Windows(blocks, () => slots.used, nowMs);
    this.#endpoints = new EndpointWindows(blocks, endpoints, nowMs);
    this.#endpointsOf = endpointsOf;
  }

  /** To be called each `tickMs`. `isServed`: the table has it. True: other predictors fail than before. */
  async look(slices: Slices, isServed: (predictor: PredictorKey) => boolean): Promise<boolean> {
    if (this.#isLooking) return false;
    this.#isLooking = true;
    try {
      await this.#endpoints.look(slices);
      const active = new Map<string, PredictorKey>();
      for (const { series } of await this.#windows.look(slices))
        if (series.role === "live" && isServed(series)) active.set(keyOf(series), series);
      return this.#failing.look([...active.values()], (one) => this.of([one]).lastMinute);
    } finally {
      this.#isLooking = false;
    }
  }

  /** Those of live traffic that had requests in the last five minutes. */
  async lately(slices: Slices, isServed: (predictor: PredictorKey) => boolean): Promise<readonly MeasuredPredictor[]> {
    const found = new Map<string, MeasuredPredictor>();
    for (const { slot, series } of this.#slots.used) {
      const key = keyOf(series);
      if (series.role !== "live" || !this.#windows.isUsed(slot) || found.has(key) || !isServed(series)) continue;
      found.set(key, { predictor: series, ...this.of([series]) });
      if (found.size % together === 0) await slices.pause();
    }
    return [...found.values()].filter(({ lastFiveMinutes }) => lastFiveMinutes.requests > 0);
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
    return countedFeedback(this.#blocks, this.#slotsOf(predictor));
  }

  /** The evidence of a predictor that is released, and the rewards that are learnt from, since this process began; no comparisons. */
  total(predictor: PredictorKey): ArmCounts {
    return armCounts({ rewards: this.feedback(predictor).learnt }, this.evidence.of(this.#slotsOf(predictor)));
  }

  #slotsOf(predictor: PredictorKey): readonly number[] {
    return protocols.flatMap((protocol) => this.#slots.find({ ...predictor, protocol })?.slot ?? []);
  }

  /** All of them together. */
  of(predictors: readonly PredictorKey[]): MeasuredWindows {
    const found = predictors
      .flatMap((one) => protocols.flatMap((protocol) => this.#slots.find({ ...one, protocol }) ?? []))
      .filter(({ slot }) => this.#windows.isUsed(slot));
    // Most of ten thousand.
    if (found.length === 0) return nothing;
    const sums = found.map((one) => this.#windows.of(one));
    const sentenceOf = (flag: FailureFlag | ""): string => {
      const told = predictors.map((one) => this.#last.sentenceOf(one, flag)).find((sentence) => sentence !== null);
      return withEndpoints(told ?? flagSentence(flag), this.#failuresOf(predictors, flag));
    };
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
  /** Of one Endpoint of a predictor. */
  at(predictor: PredictorKey, endpoint: SeenEndpoint): EndpointNumbers {
    return this.#endpoints.of(
      endpoint,
      (flag) => this.#last.sentenceAt(predictor, flag, endpoint.address) ?? flagSentence(flag),
    );
  }

  /** Data workers that ejected an Endpoint. */
  ejectedBy(endpoint: SeenEndpoint): number {
    return this.#endpoints.ejectedBy(endpoint);
  }

  /** Failures of the last five minutes with this flag, by Endpoint. */
  #failuresOf(predictors: readonly PredictorKey[], flag: FailureFlag | ""): readonly FailuresAt[] {
    const at = new Map<string, number>();
    for (const predictor of predictors)
      for (const endpoint of this.#endpointsOf(predictor) ?? []) {
        const { lastFiveMinutes } = this.#endpoints.of(endpoint, flagSentence);
        const found = lastFiveMinutes?.failures.find((one) => one.flag === flag);
        if (found !== undefined) at.set(endpoint.address, (at.get(endpoint.address) ?? 0) + found.count);
      }
    return Array.from(at, ([address, count]) => ({ address, count }));
  }
}
