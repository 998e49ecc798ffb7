// Counted: which cells count for whom, and what they came to. Series, circuit breakers and Endpoints have slots while the table names them.
import type { Problem } from "../../routing/text/problem.ts";
import type { Breaker, UpstreamEndpoints } from "../../routing/model/upstream.ts";
import type { Series } from "../../routing/model/mapping.ts";
import type { FoundSlots } from "../../routing/write/table-index.ts";
import type { TranslationChange } from "../../k8s/translate/model/translation.ts";
import type { ArmCounts } from "../../routing/release/statistics/arm-counts.ts";
import type { Slices } from "../shared/slices.ts";
import type {
  CountedBreakers,
  CountedFeedback,
  CountedView,
  EndpointNumbers,
  EndpointsOf,
  LatelyCounted,
  MeasuredPredictor,
  MeasuredWindows,
  PredictorKey,
  SeenEndpoint,
} from "../api/counted.ts";
import type { AccessEntry } from "../shared/access-fields.ts";
import { usedSlots } from "../shared/memory/counters.ts";
import type { DrainedEvidence } from "../shared/evidence-counts.ts";
import { CountedLately } from "./measured/counted-lately.ts";
import { MeasuredPredictors } from "./measured/measured-predictors.ts";
import { BreakerSlots } from "./slots/breaker-slots.ts";
import { EndpointSlots } from "./slots/endpoint-slots.ts";
import { SeriesSlots, type UsedSlot } from "./slots/series-slots.ts";
import { PredictorEndpoints } from "./upstreams/predictor-endpoints.ts";

export interface CountedOutside {
  /** Counters of the gateway: which slots an earlier control worker gave. */
  readonly blocks: readonly ArrayBufferLike[];
  readonly isOneNamespace: boolean;
  nowMs(): number;
  /** Of an Upstream; undefined: a name that was not looked up yet. */
  endpointsOf(upstreamKey: string): UpstreamEndpoints | undefined;
  isFailing(upstreamKey: string, address: string): boolean;
  breakersOf(upstreamKey: string): readonly Breaker[] | null;
  /** It is a deployment's predictor that the table has. */
  isServed(predictor: PredictorKey): boolean;
}

export class Counted implements CountedView {
  readonly #outside: CountedOutside;
  readonly #series: SeriesSlots;
  readonly #breakers: BreakerSlots;
  readonly #endpoints: EndpointSlots;
  readonly #ofPredictors: PredictorEndpoints;
  readonly #measured: MeasuredPredictors;
  readonly #lately: CountedLately;

  /** `found`: slots that the table has already. `version`: of the next table. */
  constructor(found: FoundSlots, version: number, outside: CountedOutside) {
    const { blocks, isOneNamespace } = outside;
    const used = blocks.map(usedSlots);
    this.#outside = outside;
    this.#series = new SeriesSlots(
      { inTable: found.series, used: used.map(({ series }) => series) },
      version,
      outside.nowMs(),
      isOneNamespace,
    );
    this.#endpoints = new EndpointSlots(
      { inTable: found.endpoints, used: used.map(({ endpoints }) => endpoints) },
      version,
      isOneNamespace,
    );
    this.#breakers = new BreakerSlots({ inTable: found.breakers, used: used.map(({ breakers }) => breakers) }, version);
    this.#ofPredictors = new PredictorEndpoints({
      owned: () => this.#series.owned(),
      find: (series) => this.#series.find(series),
      upstreamAt: (number) => this.#breakers.at(number),
      endpointsOf: (key) => outside.endpointsOf(key),
      countedAt: (key) => this.#endpoints.ofUpstream(key),
      isFailing: (key, address) => outside.isFailing(key, address),
    });
    const cells = blocks.map((block) => new Float64Array(block));
    this.#lately = new CountedLately(cells, () => outside.nowMs());
    this.#measured = new MeasuredPredictors(
      cells,
      this.#series,
      this.#endpoints,
      (predictor) => this.#ofPredictors.of(predictor),
      () => outside.nowMs(),
    );
  }

  slotOf(mappingId: string): number {
    return this.#series.slotOf(mappingId);
  }

  breakerSlotOf(upstreamKey: string): number {
    return this.#breakers.slotOf(upstreamKey);
  }

  endpointSlotsOf(endpoints: UpstreamEndpoints): readonly number[] {
    return this.#endpoints.slotsOf(endpoints);
  }

  /** Gives what is new its slots, and lets go those of what is gone. `version`: of the next table. */
  own(translated: TranslationChange, version: number): void {
    const nowMs = this.#outside.nowMs();
    for (const id of translated.removedMappings) {
      this.#ofPredictors.leave(id, this.#series.slotOf(id));
      this.#series.disown(id, version, nowMs);
    }
    for (const key of translated.removedUpstreams) {
      this.#breakers.disown(key, version);
      this.#endpoints.disown(key, version);
    }
    for (const { key } of translated.upstreams) this.#breakers.own(key);
    for (const { id, namespace, series, target } of translated.mappings) {
      this.#ofPredictors.leave(id, this.#series.slotOf(id));
      this.#series.own(id, series, version, nowMs);
      if (target.kind !== "forward") continue;
      this.#ofPredictors.join(id, this.#series.slotOf(id), this.#breakers.slotOf(target.upstream));
      this.#endpoints.name(target.upstream, namespace);
    }
  }

  ownEndpoints(endpoints: UpstreamEndpoints, version: number): void {
    this.#endpoints.own(endpoints, version);
  }

  /** Frees slots whose owners are gone for long enough. `heldByAll`: the oldest version that a worker may read. */
  sweep(blocks: readonly Float64Array[], heldByAll: number): void {
    for (const slot of this.#series.sweep(blocks, heldByAll, this.#outside.nowMs()))
      this.#measured.evidence.forget(slot);
    this.#breakers.sweep(blocks, heldByAll);
    this.#endpoints.sweep(blocks, heldByAll);
  }

  /** Looks at what the workers have counted: at a fixed pace. True: other predictors fail than before. */
  look(slices: Slices): Promise<boolean> {
    this.#lately.look();
    return this.#measured.look(slices, (one) => this.#outside.isServed(one));
  }

  /** Takes the requests that a data worker reports. Their causes of failure stand beside the counts. */
  told(entries: readonly AccessEntry[]): void {
    this.#measured.told(entries);
  }

  /** What a data worker has counted of released predictors. */
  evidence(drained: DrainedEvidence): void {
    this.#measured.evidence.take(drained, this.#outside.nowMs());
  }

  /** What the live requests of a predictor came to since this control worker began, and rewards since this process began; no comparisons. */
  totalOf(predictor: PredictorKey): ArmCounts {
    return this.#measured.total(predictor);
  }

  get problems(): readonly Problem[] {
    return this.#measured.problems;
  }

  get usedSlots(): Iterable<UsedSlot> {
    return this.#series.used;
  }

  get ownedSlots(): Iterable<UsedSlot> {
    return this.#series.owned();
  }

  measuredOf(predictors: readonly PredictorKey[]): MeasuredWindows {
    return this.#measured.of(predictors);
  }

  feedbackOf(predictor: PredictorKey): CountedFeedback {
    return this.#measured.feedback(predictor);
  }

  measuredLately(slices: Slices): Promise<readonly MeasuredPredictor[]> {
    return this.#measured.lately(slices, (one) => this.#outside.isServed(one));
  }

  get lately(): LatelyCounted {
    return this.#lately.now;
  }

  get breakers(): CountedBreakers {
    return {
      end: this.#breakers.end,
      slotOf: (key) => this.#breakers.slotOf(key),
      limitsAt: (slot) => {
        const key = this.#breakers.at(slot);
        return key === null ? null : this.#outside.breakersOf(key);
      },
    };
  }

  get breakerSeries(): Iterable<readonly [slot: number, series: Series]> {
    return this.#ofPredictors.numbers();
  }

  endpointsOf(predictor: PredictorKey): readonly SeenEndpoint[] | null {
    return this.#ofPredictors.of(predictor);
  }

  endpointNumbers(predictor: PredictorKey, endpoint: SeenEndpoint): EndpointNumbers {
    return this.#measured.at(predictor, endpoint);
  }

  ejectedBy(endpoint: SeenEndpoint): number {
    return this.#measured.ejectedBy(endpoint);
  }

  get endpointsWithoutNumbers(): number {
    return this.#endpoints.without;
  }

  /** Deployments, as `NAMESPACE/NAME`, of which evidence was left out lately. */
  get releasesWithoutRoom(): ReadonlySet<string> {
    return this.#measured.evidence.without(this.#outside.nowMs());
  }

  get releaseRequestsLeftOut(): number {
    return this.#measured.evidence.leftOut;
  }

  get predictorEndpoints(): Iterable<EndpointsOf> {
    return this.#ofPredictors.all();
  }
}
