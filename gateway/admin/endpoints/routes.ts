// /api/v1/routes: the routing table, or the Routes of one deployment. Only Routes that an answer tells of are made.
import { routeJson, tableBlocks } from "../../../routing/print.ts";
import type { Route } from "../../../routing/route/decision.ts";
import { compareTried } from "../../../routing/table.ts";
import { routeListPieces } from "../../explain/route-list.ts";
import { failedWords } from "../../explain/measured-words.ts";
import { nobodyNamed } from "../../explain/who.ts";
import type { Viewer } from "../../api/viewer.ts";
import { byForm, notFound, queryOf, sendingText, textInSlices } from "../answers.ts";
import type { EndpointParts, Handler } from "../endpoint.ts";
import { listing } from "../list.ts";
import { sortedInSlices } from "../sorting.ts";
import { slicesOfThread } from "../../shared/slices.ts";
import { namespaceOfKey, routesOfName } from "../view/named-routes.ts";

export function routes({ view }: EndpointParts): Handler {
  const { counted } = view;
  const text = async (routes: readonly Route<null>[], viewer: Viewer, wide: boolean): Promise<Buffer> => {
    const slices = slicesOfThread();
    const { front, singleNamespace } = view.table.settings;
    if (wide) {
      const tried = await sortedInSlices(routes, compareTried, slices);
      return textInSlices(withEmptyLines(tableBlocks(viewer.seesAll ? front : null, tried)), slices);
    }
    const measured = (namespace: string, deployment: string, predictor: string, role: "live" | "shadow"): string =>
      failedWords(counted.measuredOf([{ namespace, deployment, predictor, role }]).lastMinute);
    return textInSlices(
      routeListPieces(
        routes,
        singleNamespace,
        view.translation.upstreams,
        () => "",
        ({ source: { namespace, name }, predictor, role }) => measured(namespace, name, predictor, role),
      ),
      slices,
    );
  };
  const seen = async (viewer: Viewer): Promise<readonly Route<null>[]> => {
    const slices = slicesOfThread();
    const found: Route<null>[] = [];
    for (const key of view.routeKeys) {
      const route = viewer.sees(namespaceOfKey(key)) ? view.routeAt(key) : null;
      if (route === null) continue;
      found.push(route);
      await slices.pause();
    }
    return found;
  };
  const named = (viewer: Viewer, name: string): AsyncGenerator<Route<null>> =>
    routesOfName(view, viewer, name, view.table.settings.singleNamespace, slicesOfThread());
  const json = listing<string>({
    gather: () => [...view.routeKeys],
    key: (key) => JSON.stringify([namespaceOfKey(key), key]),
    namespace: namespaceOfKey,
    // undefined: it has gone meanwhile.
    json: (key) => {
      const route = view.routeAt(key);
      return route === null ? undefined : routeJson(route, route.problems);
    },
    wanted: async (query, viewer) => {
      const name = query.get("deployment");
      if (name === null) return () => true;
      const keys = new Set<string>();
      for await (const { key } of named(viewer, name)) keys.add(key);
      return (key) => keys.has(key);
    },
  });
  const whole = byForm({
    json,
    text: sendingText(async (viewer, wide) => text(await seen(viewer), viewer, wide)),
    events: null,
  });
  const ofOne = sendingText(async (viewer, wide, query) => {
    const found: Route<null>[] = [];
    for await (const route of named(viewer, query.get("deployment")!)) found.push(route);
    return text(found, viewer, wide);
  }, false);
  return async (request, reply, viewer) => {
    const name = queryOf(request).get("deployment");
    if (name === null) return whole(request, reply, viewer);
    if ((await named(viewer, name).next()).done === true) return notFound(reply, nobodyNamed(name));
    return byForm({ json, text: ofOne, events: null })(request, reply, viewer);
  };
}

function* withEmptyLines(blocks: Iterable<string>): Iterable<string> {
  let isFirst = true;
  for (const block of blocks) {
    yield isFirst ? block : `\n${block}`;
    isFirst = false;
  }
}
