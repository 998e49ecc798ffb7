// Routes of one deployment, found by keys and ids: only what may be among them is made.
import { refOfMapping } from "../../../k8s/translate/model/object.ts";
import type { Route } from "../../../routing/route/decision.ts";
import { isNamed } from "../../explain/who.ts";
import { isRouteNamed } from "../../explain/route-blocks.ts";
import type { Mapping } from "../../../routing/model/mapping.ts";
import type { Viewer } from "../../api/viewer.ts";
import type { AdminView } from "./view.ts";

/** The namespace of a Route, which its key begins with. */
export function namespaceOfKey(key: string): string {
  return key.slice(0, key.indexOf(" "));
}

/** Ids of the Mappings of an object. `named`: `NAMESPACE/NAME` or `NAME`. */
function idsNamed({ mappingIds }: Pick<AdminView, "mappingIds">, viewer: Viewer, named: string): readonly string[] {
  const found: string[] = [];
  for (const id of mappingIds) {
    if (!id.includes(named)) continue;
    const ref = refOfMapping(id);
    if (isNamed(ref, named) && viewer.sees(ref.namespace)) found.push(id);
  }
  return found;
}

export function mappingsNamed(
  view: Pick<AdminView, "mappingIds" | "routeOf">,
  viewer: Viewer,
  named: string,
): readonly Mapping[] {
  return idsNamed(view, viewer, named).flatMap((id) => mappingOfId(view, id) ?? []);
}

export function mappingOfId(view: Pick<AdminView, "routeOf">, id: string): Mapping | null {
  return view.routeOf(id)?.mappings.find((one) => one.id === id) ?? null;
}

/** Routes that answer under this name, or that an object of this name declares, in part at least. `singleNamespace`: of the table. */
export function routesOfName(
  view: Pick<AdminView, "mappingIds" | "routeKeys" | "routeOf" | "routeAt">,
  viewer: Viewer,
  named: string,
  singleNamespace: string | null,
): readonly Route<null>[] {
  const found = new Map<string, Route<null>>();
  for (const id of idsNamed(view, viewer, named)) {
    const route = view.routeOf(id);
    if (route !== null && viewer.sees(route.namespace)) found.set(route.key, route);
  }
  // Of others the path or the metadata ends with the name.
  const name = JSON.stringify(named.slice(named.indexOf("/") + 1)).slice(1, -1);
  const parts = [`/${name}/"`, `/${name}-explainer/`, `"seldon","value":{"kind":"exact","value":"${name}"}`];
  for (const key of view.routeKeys) {
    if (found.has(key) || !parts.some((part) => key.includes(part)) || !viewer.sees(namespaceOfKey(key))) continue;
    const route = view.routeAt(key);
    if (route !== null && isRouteNamed(route, singleNamespace, named)) found.set(key, route);
  }
  return [...found.values()];
}
