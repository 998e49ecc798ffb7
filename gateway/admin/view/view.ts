// What the admin port shows: always the newest.
import type { Problem } from "../../../routing/text/problem.ts";
import type { Series } from "../../../routing/model/mapping.ts";
import type { Route } from "../../../routing/route/decision.ts";
import type { RouteTable } from "../../../routing/table.ts";
import type { Translation } from "../../../k8s/translate/model/translation.ts";
import type { EndpointMeasured, Measured } from "../../api/deployments.ts";
import type { AccessEntry } from "../../shared/access-fields.ts";
import type { feedbackWays } from "../../shared/metrics/series.ts";
import type { TableFacts } from "../../shared/messages.ts";
import type { CountedBreakers } from "./breakers.ts";
import type { ComparisonCounts } from "../../../routing/release/compare/comparison.ts";
import type { ShownDisagreement } from "../../api/comparisons.ts";
import type { ComparedSides } from "../../shared/compared-pairs.ts";
import type { Slices } from "../../shared/slices.ts";

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

/** What was counted at an Endpoint. */
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

/** A predictor, as its requests are counted, in HTTP and gRPC together. */
export type PredictorKey = Omit<Series, "protocol">;

export interface MeasuredWindows {
  readonly lastMinute: Measured;
  readonly lastFiveMinutes: Measured;
}

export interface MeasuredPredictor extends MeasuredWindows {
  readonly predictor: PredictorKey;
}

/** What was counted lately, whatever its Routes. */
export interface LatelyCounted {
  /** Threads that were replaced in 15 minutes. */
  readonly replaced: number;
  /** Calls to Redis in five minutes that had no answer. */
  readonly unanswered: number;
}

/** What was counted of feedback since this process began. */
export interface CountedFeedback {
  readonly routed: Readonly<Record<(typeof feedbackWays)[number], number>>;
  readonly rewards: { readonly count: number; readonly sum: number; readonly sumSquares: number };
  /** Of them those that bandits and gates learn from: a puid names the predictor, and no other reward had that puid lately. */
  readonly learnt: CountedFeedback["rewards"];
}

/** A request that failed. */
export interface KeptRequest {
  /** Counts up. */
  readonly number: number;
  readonly entry: AccessEntry;
}

/** Requests as data workers hand them over. */
export interface RequestsView {
  /** The last that failed, the oldest first. */
  readonly failures: readonly KeptRequest[];
  /** Failures that are not kept. */
  readonly leftOut: number;
  /** The newest failure with this id in a namespace that `sees` admits; null: none. */
  find(requestId: string, sees: (namespace: string) => boolean): AccessEntry | null;
  /** `take` gets every request from now on, until the returned function is called. */
  follow(take: (entry: AccessEntry) => void): () => void;
}

/** Pairs of one shadow and a predictor. */
export interface ComparedSidesView {
  readonly sides: ComparedSides;
  /** Epoch ms of the first pair. */
  readonly sinceMs: number;
  readonly counts: ComparisonCounts;
}

export interface ComparedDeploymentView {
  readonly comparisons: readonly ComparedSidesView[];
  /** Those that are kept, the newest first. */
  readonly disagreements: readonly ShownDisagreement[];
}

/** What this process has compared. */
export interface ComparedView {
  readonly all: readonly ComparedSidesView[];
  /** null: nothing of this deployment. */
  of(namespace: string, deployment: string): ComparedDeploymentView | null;
}

/** What data workers count: slots, and what they came to. */
export interface CountedView {
  readonly usedSlots: Iterable<CountedSeries>;
  /** Of Series that the table has. */
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

export interface AdminView {
  readonly ready: boolean;
  /** Data workers that serve a table. */
  readonly serving: number;
  /** Read where it is published: gone with the turn. */
  readonly table: RouteTable<null>;
  readonly served: TableFacts;
  /** Memory of the table, bytes: in use, and ever touched. */
  readonly tableBytes: { readonly used: number; readonly touched: number };
  readonly translation: Translation;
  /** In no order, gathered in slices. */
  gatherProblems(slices: Slices): Promise<readonly Problem[]>;
  hasMapping(id: string): boolean;
  /** Of the newest table; who goes through them may wait meanwhile. */
  readonly mappingIds: Iterable<string>;
  /** Of all Routes of the newest table: each begins with the namespace of its Route and a space. Who goes through them may wait meanwhile. */
  readonly routeKeys: Iterable<string>;
  /** The Route of a key in the newest table, made and not kept; null: there is none any more. */
  routeAt(key: string): Route<null> | null;
  /** The Route of a Mapping in the newest table; null: it has none. */
  routeOf(mappingId: string): Route<null> | null;
  readonly counted: CountedView;
}
