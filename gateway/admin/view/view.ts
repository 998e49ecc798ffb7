// What the admin port shows: always the newest.
import type { Problem } from "../../../routing/text/problem.ts";
import type { Route } from "../../../routing/route/decision.ts";
import type { RouteTable } from "../../../routing/table.ts";
import type { Translation } from "../../../k8s/translate/model/translation.ts";
import type { AccessEntry } from "../../shared/access-fields.ts";
import type { TableFacts } from "../../shared/messages.ts";
import type { CountedView } from "../../api/counted.ts";
import type { ComparisonCounts } from "../../../routing/release/compare/comparison.ts";
import type { ShownDisagreement } from "../../api/comparisons.ts";
import type { ComparedSides } from "../../shared/compared-pairs.ts";
import type { Slices } from "../../shared/slices.ts";

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
