// /api/v1/routes: the routing table, or the Routes of one deployment.
import { printTable, routeJson, type PrintedTable } from "../../../routing/print.ts";
import type { Route } from "../../../routing/route/decision.ts";
import { routesNamed } from "../../explain/route-blocks.ts";
import { printRouteList } from "../../explain/route-list.ts";
import { failedWords } from "../../explain/measured-words.ts";
import { nobodyNamed } from "../../explain/who.ts";
import type { Shaped } from "../../api/shape.ts";
import type { routeShape } from "../../api/routes.ts";
import { answer, byForm, notFound, queryOf, sendingText } from "../answers.ts";
import type { EndpointParts, Handler } from "../endpoint.ts";
import { listing } from "../list.ts";
import { seenRoutes } from "../../api/viewer.ts";

interface ListedRoute {
  readonly key: string;
  readonly route: Shaped<typeof routeShape>;
}

export function routes({ view }: EndpointParts): Handler {
  const text = (table: PrintedTable<null>, wide: boolean): string =>
    wide
      ? printTable(table)
      : printRouteList(
          table,
          view.translation.upstreams,
          () => "",
          ({ source: { namespace, name: deployment }, predictor, role }) =>
            failedWords(view.counted.measuredOf([{ namespace, deployment, predictor, role }]).lastMinute),
        );
  const json = listing<ListedRoute>({
    gather: () => routesOf(view.table),
    key: ({ key }) => key,
    namespace: ({ route }) => route.namespace,
    json: ({ route }) => route,
    wanted: (query) => {
      const named = query.get("deployment");
      if (named === null) return () => true;
      const keys = new Set(routesNamed(view.table, named).routesInOrder().map(keyOf));
      return ({ key }) => keys.has(key);
    },
  });
  const whole = byForm({
    json,
    text: sendingText((viewer, wide) => text(seenRoutes(view.table, viewer), wide)),
    events: null,
  });
  return (request, reply, viewer) => {
    const named = queryOf(request).get("deployment");
    if (named === null) return whole(request, reply, viewer);
    const table = seenRoutes(routesNamed(view.table, named), viewer);
    if (table.routesInOrder().length === 0) return notFound(reply, nobodyNamed(named));
    return byForm({
      json,
      text: () =>
        answer(
          request,
          reply,
          () => null,
          () => text(table, false),
          () => text(table, true),
        ),
      events: null,
    })(request, reply, viewer);
  };
}

function keyOf({ space, namespace, key }: Route<null>): string {
  return JSON.stringify([space ?? "", namespace, key]);
}

/** As plain values: what is read of a table is gone with the turn. */
export function routesOf(table: PrintedTable<null>): readonly ListedRoute[] {
  return table.routesInOrder().map((route, order) => ({
    key: keyOf(route),
    route: { order, ...routeJson(route, route.problems) },
  }));
}
