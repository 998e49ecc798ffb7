// Routes of one deployment, found by keys and ids: only what may be among them is made.
import { refOfMapping } from "../../../k8s/translate/model/object.ts";
import type { Route } from "../../../routing/route/decision.ts";
import { isNamed } from "../../explain/who.ts";
import { isRouteNamed } from "../../explain/route-blocks.ts";
import type { Mapping } from "../../../routing/model/mapping.ts";
import type { Viewer } from "../../api/viewer.ts";
import type { Slices } from "../../shared/slices.ts";
import type { AdminView } from "./view.ts";

/** The namespace of a Route, which its key begins with. */
export function namespaceOfKey(key: string): string {
  return key.slice(0, key.indexOf(" "));
}

export function mappingOfId(view: Pick<AdminView, "routeOf">, id: string): Mapping | null {
  return view.routeOf(id)?.mappings.find((one) => one.id === id) ?? null;
}

/** Routes that answer under this name, `NAMESPACE/NAME` or `NAME`, or that an object of this name declares, in part at least; each once. `singleNamespace`: of the table. Many may have one name. */
export async function* routesOfName(
  view: Pick<AdminView, "mappingIds" | "routeKeys" | "routeOf" | "routeAt">,
  viewer: Viewer,
  named: string,
  singleNamespace: string | null,
  slices: Slices,
): AsyncGenerator<Route<null>> {
  const found = new Set<string>();
  for (const id of view.mappingIds) {
    await slices.pause();
    if (!id.includes(named)) continue;
    const ref = refOfMapping(id);
    const route = isNamed(ref, named) && viewer.sees(ref.namespace) ? view.routeOf(id) : null;
    if (route === null || found.has(route.key) || !viewer.sees(route.namespace)) continue;
    found.add(route.key);
    yield route;
  }
  // Of others the path or the metadata ends with the name.
  const name = JSON.stringify(named.slice(named.indexOf("/") + 1)).slice(1, -1);
  const parts = [`/${name}/"`, `/${name}-explainer/`, `"seldon","value":{"kind":"exact","value":"${name}"}`];
  for (const key of view.routeKeys) {
    await slices.pause();
    if (found.has(key) || !viewer.sees(namespaceOfKey(key)) || !parts.some((part) => key.includes(part))) continue;
    const route = view.routeAt(key);
    if (route !== null && isRouteNamed(route, singleNamespace, named)) yield route;
  }
}
