// Hints: what somebody probably meant whose request finds no Route.
import type { Route } from "../../routing/route/decision.ts";
import { candidatesOf, routesOfPath } from "../../routing/candidates.ts";
import { ownerOf } from "../../routing/lookup.ts";
import { byteText, textOf } from "../../routing/request/bytes.ts";
import type { RequestHead } from "../../routing/request/head.ts";
import type { NamespaceRoutes } from "../../routing/route/namespace-routes.ts";
import type { RouteTable } from "../../routing/table.ts";
import type { Viewer } from "../api/viewer.ts";
import { pathMatches } from "./passed-routes.ts";
import { quoted } from "../../k8s/translate/values/value.ts";
import { nearWord } from "../../routing/text/near-word.ts";
import { compareText } from "../../routing/text/problem.ts";
import type { OfAnother } from "../../k8s/translate/model/translation.ts";
import type { Wording } from "./match-words.ts";

/** What of a request they are about. */
interface Asked {
  readonly headers: readonly (readonly [string, string])[];
  readonly grpc: boolean;
}

/** Namespaces, and paths of one namespace, among which something near is looked for: of more the first ones. */
const mostNear = 1000;

/** Sentences, the most telling first; [] when nothing is near. `head`: of the request, with its canonical path. */
export function hintsFor(
  table: RouteTable<null>,
  ofAnother: readonly OfAnother[],
  request: Asked,
  head: RequestHead,
  viewer: Viewer,
  wording: Wording,
): readonly string[] {
  const path = textOf(head.pathBytes, head.pathStart, head.pathEnd);
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
  const slashed = routeOfPath(table, viewer, `${path}/`);
  if (slashed !== null)
    return [...hints, `the Route ${wording.match(slashed.match)} needs its last slash: write ${path}/`];
  const namespaces =
    first === "" || !table.isDeclared(first) ? [] : firstOf(table.spaceNames(), (one) => viewer.sees(one));
  for (const namespace of namespaces) {
    const ofName = routeOfPath(table, viewer, `/seldon/${namespace}/${first}/`);
    if (ofName === null || namespace === first || table.settings.singleNamespace !== null) continue;
    hints.push(
      `the form is /seldon/<namespace>/<name>/…, so write ${pathOf(ofName)}…; /seldon/<name>/… works with --single-namespace`,
    );
    return hints;
  }
  const owner = ownerOf(table, head);
  // A namespace that the viewer does not see is as one that has no Routes.
  const space = owner === null || owner.name === null || viewer.sees(owner.name) ? owner : null;
  const matched =
    space === null
      ? []
      : candidatesOf(table, space, head).filter((route) => viewer.sees(route.namespace) && pathMatches(route, head));
  const isMatched = matched.some((route) => pathOf(route) !== "/");
  const near = isMatched ? null : nearRoute(table, viewer, path, space);
  if (near !== null) hints.push(`the nearest Route is ${wording.match(near.match)} of ${near.namespace}`);
  const isWhole = /^\/seldon\/[^/]+\/[^/]+\//.test(path);
  if (isWhole && hints.length === 0 && matched.length === 0)
    hints.push(
      `the form is /seldon/<namespace>/<name>/…, so this asks for ${quoted(second)} of the namespace ${quoted(first)}, which has no Route here`,
    );
  else if (!isWhole && /^\/seldon(?:\/|$)/.test(path)) hints.push("the form is /seldon/<namespace>/<name>/…");
  return hints;
}

/** The Route that is spelt nearest in the space of the path, or in that of the namespace that its second segment nearly names. */
function nearRoute(
  table: RouteTable<null>,
  viewer: Viewer,
  path: string,
  space: NamespaceRoutes | null,
): Route<null> | null {
  const segments = path.split("/");
  const own = space === null ? null : nearest(table, viewer, segments, space);
  if (own !== null || (space !== null && space.name !== null) || segments.length < 4) return own;
  if (nearWord(segments[1]!, ["seldon"]) === null && segments[1]!.toLowerCase() !== "seldon") return null;
  const names = firstOf(table.spaceNames(), (one) => viewer.sees(one)).toSorted(compareText);
  const name = names.includes(segments[2]!) ? segments[2]! : nearWord(segments[2]!, names);
  const view = name === null ? null : table.spaceNamed(name);
  return view === null
    ? null
    : nearest(table, viewer, ["", "seldon", name!, ...segments.slice(3)], table.routesOf(view));
}

/** The Route of the space whose path is spelt nearest to as many segments of the request's. */
function nearest(
  table: RouteTable<null>,
  viewer: Viewer,
  segments: readonly string[],
  space: NamespaceRoutes,
): Route<null> | null {
  const heads = new Map<number, string[]>();
  for (const bytes of firstOf(table.pathsOf(space), () => true).toSorted(compareText)) {
    const text = Buffer.from(bytes, "latin1").toString("utf8");
    const count = text.split("/").length - (text.endsWith("/") ? 1 : 0);
    const same = heads.get(count);
    if (same === undefined) heads.set(count, [text]);
    else same.push(text);
  }
  for (const count of [...heads.keys()].sort((a, b) => b - a)) {
    if (segments.length < count) continue;
    const asked = `${segments.slice(0, count).join("/")}/`;
    const texts = heads.get(count)!;
    const seen = (text: string): Route<null> | undefined =>
      routesOfPath(table, space, byteText(text)).find(({ namespace }) => viewer.sees(namespace));
    // Who sees all makes no Route that is not told of.
    const known = viewer.seesAll
      ? texts
      : texts.filter((text) => nearWord(asked, [text]) !== null && seen(text) !== undefined);
    const near = known.includes(asked) ? asked : nearWord(asked, known);
    if (near === null || near === "/") continue;
    const route = seen(near);
    if (route !== undefined) return route;
  }
  return null;
}

/** A Route with this path that the viewer sees. */
function routeOfPath(table: RouteTable<null>, viewer: Viewer, path: string): Route<null> | null {
  const [, base = null] = /^\/seldon\/([^/]+)\//.exec(path) ?? [];
  const name = path.startsWith("/seldon/") ? (table.settings.singleNamespace ?? base) : null;
  const view = name === null ? table.shared : table.spaceNamed(name);
  if (view === null) return null;
  const found = routesOfPath(table, table.routesOf(view), byteText(path));
  return found.find((route) => pathOf(route) === path && viewer.sees(route.namespace)) ?? null;
}

function firstOf(texts: Iterable<string>, isWanted: (text: string) => boolean): readonly string[] {
  const found: string[] = [];
  for (const text of texts) if (isWanted(text) && found.push(text) >= mostNear) break;
  return found;
}

function pathOf({ match }: Route<null>): string {
  return match.path.kind === "prefix" ? match.path.prefix : match.path.kind === "exact" ? match.path.path : "";
}
