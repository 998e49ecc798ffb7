// `sluice/routing` of the npm package: a routing table in memory, and which predictor a request goes to. Pure: no clock, no I/O, no chance but the number that is given.
import { canonicalPath } from "../../routing/request/path.ts";
import { headOf, type HeadText } from "../../routing/request/head-text.ts";
import type { RequestHead } from "../../routing/request/head.ts";

export { decide, isCopied } from "../../routing/decide.ts";
export { decisionJson, printDecision, printRoute, printTable, routeJson, tableJson } from "../../routing/print.ts";
export { tableOf } from "./table-of.ts";
export type { Decision, ForwardDecision, RejectDecision, Route, Shadow } from "../../routing/route/decision.ts";
export type { DecisionJson, RouteJson, TableJson } from "../../routing/print.ts";
export type { HeadText } from "../../routing/request/head-text.ts";
export type { Mapping } from "../../routing/model/mapping.ts";
export type { RequestHead } from "../../routing/request/head.ts";
export type { RouteTable } from "../../routing/table.ts";
export type { Upstream, UpstreamEndpoints } from "../../routing/model/upstream.ts";

/** A request to decide on, with its path as a client sends it. null: the gateway answers such a path with 400 (routing rule 1). */
export function requestHead(text: HeadText): RequestHead | null {
  const head = headOf(text);
  return canonicalPath(head.pathBytes, head.pathStart, head.queryEnd, head) ? head : null;
}
