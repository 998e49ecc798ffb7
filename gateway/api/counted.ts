// Counts of the data workers, as the control worker keeps them and the admin port shows them.
import type { Series } from "../../routing/model/mapping.ts";
import type { Breaker } from "../../routing/model/upstream.ts";
import { namespacedName } from "../../routing/text/namespaced-name.ts";
import type { EndpointMeasured, Measured } from "./deployments.ts";
import type { feedbackWays } from "../shared/metrics/series.ts";
import type { Slices } from "../shared/slices.ts";

/** A predictor, as its requests are counted, in HTTP and gRPC together. */
export type PredictorKey = Omit<Series, "protocol">;

/** A Series and where it is counted. */
export interface CountedSeries<Of = Series> {
  readonly slot: number;
  readonly series: Of;
}

/** An Endpoint as the control worker knows it. */
export interface SeenEndpoint {
  /** `ip:port`. */
  readonly address: string;
  /** `failing`: its health check fails. */
  readonly state: "ready" | "terminating" | "failing";
  /** Where it is counted, in each Upstream of its predictor that has it; −1: nowhere. */
  readonly slots: readonly number[];
}

/** Counts of one Endpoint. */
export interface EndpointNumbers {
  /** Data workers that ejected it. */
  readonly ejectedBy: number;
  /** null: it has no counters of its own. */
  readonly lastMinute: EndpointMeasured | null;
  readonly lastFiveMinutes: EndpointMeasured | null;
}

/** Endpoints of one predictor. */
export interface EndpointsOf {
  readonly predictor: PredictorKey;
  readonly endpoints: readonly SeenEndpoint[];
}

export interface MeasuredWindows {
  readonly lastMinute: Measured;
  readonly lastFiveMinutes: Measured;
}

export interface MeasuredPredictor extends MeasuredWindows {
  readonly predictor: PredictorKey;
}

/** Counts of the last minutes that belong to no Route. */
export interface LatelyCounted {
  /** Threads that were replaced in 15 minutes. */
  readonly replaced: number;
  /** Calls to Redis in five minutes that had no answer. */
  readonly unanswered: number;
}

/** Counts of feedback since this process began. */
export interface CountedFeedback {
  readonly routed: Readonly<Record<(typeof feedbackWays)[number], number>>;
  readonly rewards: { readonly count: number; readonly sum: number; readonly sumSquares: number };
  /** The rewards that bandits and gates learn from: a puid names the predictor, and no other reward had that puid lately. */
  readonly learnt: CountedFeedback["rewards"];
}

/** Breakers by the slots where they count. */
export interface CountedBreakers {
  /** All slots are below it. */
  readonly end: number;
  /** The slot of the Upstream with this key; −1: it has none, and each worker counts alone. */
  slotOf(upstreamKey: string): number;
  /** As written; a priority without limits has the defaults. null: no Upstream of the table has the slot. */
  limitsAt(slot: number): readonly Breaker[] | null;
}

/** Slots in which data workers count, and what they came to. */
export interface CountedView {
  readonly usedSlots: Iterable<CountedSeries>;
  /** Slots of Series that the table has. */
  readonly ownedSlots: Iterable<CountedSeries>;
  /** All of them together; without a Series nothing. */
  measuredOf(predictors: readonly PredictorKey[]): MeasuredWindows;
  /** Of a predictor in HTTP and gRPC together. */
  feedbackOf(predictor: PredictorKey): CountedFeedback;
  /** Predictors of live traffic that had requests in the last five minutes. */
  measuredLately(slices: Slices): Promise<readonly MeasuredPredictor[]>;
  readonly lately: LatelyCounted;
  /** Of Upstreams whose breakers count across workers. */
  readonly breakers: CountedBreakers;
  /** Series of the table with the breaker slot of each of their Upstreams; who goes through them may wait meanwhile. */
  readonly breakerSeries: Iterable<readonly [slot: number, series: Series]>;
  /** Of a predictor; null: they are not known. */
  endpointsOf(predictor: PredictorKey): readonly SeenEndpoint[] | null;
  /** Of an Endpoint of a predictor. */
  endpointNumbers(predictor: PredictorKey, endpoint: SeenEndpoint): EndpointNumbers;
  /** Data workers that ejected it. */
  ejectedBy(endpoint: SeenEndpoint): number;
  /** Endpoints of the table that have no counters of their own. */
  readonly endpointsWithoutNumbers: number;
  /** Requests of released predictors that nothing counts. */
  readonly releaseRequestsLeftOut: number;
  /** Of every predictor and Mapping of the table whose Endpoints are known; who goes through them may wait meanwhile. */
  readonly predictorEndpoints: Iterable<EndpointsOf>;
}

/** Key of a predictor among all, whatever its role: `NAMESPACE/DEPLOYMENT PREDICTOR`. */
export function keyOf({ namespace, deployment, predictor }: Omit<PredictorKey, "role">): string {
  return `${namespacedName(namespace, deployment)} ${predictor}`;
}
