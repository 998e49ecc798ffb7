// What the admin port shows: always the newest.
import type { Problem } from "../../routing/text/problem.ts";
import type { RouteTable } from "../../routing/table.ts";
import type { Translation } from "../../k8s/translate/model/translation.ts";
import type { TableFacts } from "../shared/messages.ts";
import type { CountedBreakers } from "./breakers.ts";
import type { CountedSeries } from "./series.ts";
import type { Slices } from "./slices.ts";

/** Endpoints of the table, by what is known of them. */
export interface EndpointStates {
  readonly ready: number;
  readonly terminating: number;
  /** Of them: those that fail their health check. */
  readonly failing: number;
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
  readonly usedSlots: Iterable<CountedSeries>;
  /** Of Upstreams whose breakers count across workers. */
  readonly breakers: CountedBreakers;
  readonly endpointStates: EndpointStates;
}
