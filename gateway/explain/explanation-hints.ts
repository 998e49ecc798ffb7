// Hints: what somebody probably meant whose request finds no Route.
import type { Route } from "../../routing/route/decision.ts";
import type { RouteTable } from "../../routing/table.ts";
import { quoted } from "../../k8s/translate/values/value.ts";
import { nearWord } from "../../routing/text/near-word.ts";
import type { OfAnother } from "../../k8s/translate/model/translation.ts";
import type { Wording } from "./match-words.ts";

/** What of a request they are about. */
interface Asked {
  /** Path as sent, with its query. */
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly grpc: boolean;
}

/** Sentences, the most telling first; [] when nothing is near. */
export function hintsFor(
  table: Pick<RouteTable<null>, "routesInOrder">,
  ofAnother: readonly OfAnother[],
  request: Asked,
  wording: Wording,
): readonly string[] {
  const path = request.path.split("?", 1)[0]!;
  const [, first = "", second = ""] = /^\/seldon\/([^/]+)(?:\/([^/]+))?/.exec(path) ?? [];
  const header = (name: string): string => request.headers.find(([other]) => other.toLowerCase() === name)?.[1] ?? "";
  const [namespace, name] = request.grpc ? [header("namespace"), header("seldon")] : [first, second];
  const hints: string[] = [];
  const other = ofAnother.find(({ ref }) => ref.namespace === namespace && ref.name === name);
  if (other !== undefined)
    hints.push(
      `${other.ref.kind} ${namespace}/${name} has the ambassador-id ${other.ids.map(quoted).join(", ")}, which is not this gateway's, so another one serves it`,
    );
  if (request.grpc) return hints;
  const routes = table
    .routesInOrder()
    .filter(({ match }) => match.path.kind === "prefix" || match.path.kind === "exact");
  const slashed = routes.find((route) => pathOf(route) === `${path}/`);
  if (slashed !== undefined)
    return [...hints, `the Route ${wording.match(slashed.match)} needs its last slash: write ${path}/`];
  const ofName =
    first === "" ? undefined : routes.find((route) => pathOf(route) === `/seldon/${route.namespace}/${first}/`);
  if (ofName !== undefined && ofName.namespace !== first) {
    hints.push(
      `the form is /seldon/<namespace>/<name>/…, so write ${pathOf(ofName)}…; /seldon/<name>/… works with --single-namespace`,
    );
    return hints;
  }
  const near = routes.some((route) => path.startsWith(pathOf(route)) && pathOf(route) !== "/")
    ? null
    : nearest(routes, path);
  if (near !== null) hints.push(`the nearest Route is ${wording.match(near.match)} of ${near.namespace}`);
  const isWhole = /^\/seldon\/[^/]+\/[^/]+\//.test(path);
  if (isWhole && hints.length === 0 && !routes.some((route) => path.startsWith(pathOf(route))))
    hints.push(
      `the form is /seldon/<namespace>/<name>/…, so this asks for ${quoted(second)} of the namespace ${quoted(first)}, which has no Route here`,
    );
  else if (!isWhole && /^\/seldon(?:\/|$)/.test(path)) hints.push("the form is /seldon/<namespace>/<name>/…");
  return hints;
}

/** The Route whose path is spelt nearest to as many segments of the request's. */
function nearest(routes: readonly Route<null>[], path: string): Route<null> | null {
  const segments = path.split("/");
  const byPath = new Map<string, Route<null>>();
  const heads = new Map<number, string[]>();
  for (const route of routes) {
    const text = pathOf(route);
    const count = text.split("/").length - (text.endsWith("/") ? 1 : 0);
    byPath.set(text, byPath.get(text) ?? route);
    const same = heads.get(count);
    if (same === undefined) heads.set(count, [text]);
    else same.push(text);
  }
  for (const count of [...heads.keys()].sort((a, b) => b - a)) {
    const written = `${segments.slice(0, count).join("/")}/`;
    const near = segments.length < count ? null : nearWord(written, heads.get(count)!);
    if (near !== null && near !== "/") return byPath.get(near)!;
  }
  return null;
}

function pathOf({ match }: Route<null>): string {
  return match.path.kind === "prefix" ? match.path.prefix : match.path.kind === "exact" ? match.path.path : "";
}
