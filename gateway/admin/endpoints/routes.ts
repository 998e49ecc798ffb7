// /api/routes: the routing table, or the Routes of one deployment.
import { printTable, tableJson } from "../../../routing/print.ts";
import { routesNamed } from "../../explain/route-blocks.ts";
import { printRouteList } from "../../explain/route-list.ts";
import { nobodyNamed } from "../../explain/who.ts";
import { answer, notFound, queryOf, sendingWhole } from "../answers.ts";
import type { EndpointParts, Handler } from "../endpoint.ts";

export function routes({ view }: EndpointParts): Handler {
  const listed = (table: Parameters<typeof printRouteList>[0]): string =>
    printRouteList(table, view.translation.upstreams, () => "");
  const whole = sendingWhole(
    () => tableJson(view.table),
    () => listed(view.table),
    () => printTable(view.table),
  );
  return (request, reply) => {
    const named = queryOf(request).get("deployment");
    if (named === null) return whole(request, reply);
    const table = routesNamed(view.table, named);
    if (table.routesInOrder().length === 0) return notFound(reply, nobodyNamed(named));
    return answer(
      request,
      reply,
      () => tableJson(table),
      () => listed(table),
      () => printTable(table),
    );
  };
}
