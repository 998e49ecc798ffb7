// RouteSlot: where lookup finds a Route that has a key, and what it finds there.
import { byteText, hashText } from "../request/bytes.ts";
import { hasConditions } from "../route/condition.ts";
import type { ForwardDecision, Placing, Route } from "../route/decision.ts";
import type { Match } from "../model/match.ts";
import { flagBits, slotFlags } from "./index-page.ts";
import { baseOf, deploymentName, nameIndexHash, pathIndexHash, spaceSeed } from "../route/namespace-routes.ts";
import { pathText } from "../model/match-precedence.ts";

/** The first forward of its Route, so that a hit does not even read the Route; the Route where nothing is forwarded. */
export type RouteSlot<T> = ForwardDecision<T> | Route<T>;

export function routeSlotOf<T>(route: Route<T>): RouteSlot<T> {
  return route.split.forwards[0] ?? route;
}

export function routeOf<T>(routeSlot: RouteSlot<T>): Route<T> {
  return "route" in routeSlot ? routeSlot.route : routeSlot;
}

/** Under what a slot finds a Route, in its space. */
export interface SlotKey {
  readonly hash: number;
  readonly text: string;
  /** Length of the text, and flags. */
  readonly meta: number;
}

/** Of a Route that is not scanned. `space`: the namespace whose Routes it is among, null: shared space. `hashSeed`: the table's. */
export function slotKeyOf(
  match: Match,
  placing: Placing,
  hasLive: boolean,
  space: string | null,
  hashSeed: number,
): SlotKey {
  const { path } = match;
  const isNamed = placing === "named";
  let flags = 0;
  if (isNamed) flags |= slotFlags.named;
  else if (path.kind !== "prefix" && path.kind !== "exact")
    throw new Error(`a path of the kind ${path.kind} has no key`);
  else if (!path.caseSensitive) flags |= slotFlags.folded;
  if (path.kind === "exact") flags |= slotFlags.whole;
  if (!hasLive) flags |= slotFlags.shadowsOnly;
  if (isNamed ? !isPlainCall(match, space) : hasConditions(match)) flags |= slotFlags.conditional;
  const whole = isNamed ? deploymentName(match)! : byteText(pathText(path));
  const text = (flags & slotFlags.folded) === 0 ? whole : lowerText(whole);
  if (!isNamed && space !== null && text.startsWith(baseOf(space))) flags |= slotFlags.based;
  // One hash in any case.
  const hash = (isNamed ? nameIndexHash : pathIndexHash)(spaceSeed(space, hashSeed), hashText(text, hashSeed));
  return { hash, text, meta: (text.length << flagBits) | flags };
}

/** ASCII letters to lower case. */
function lowerText(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** Does the Match ask for nothing but the deployment and the namespace that its space is of? Then key and owner say it all. */
function isPlainCall({ host, method, headers, query }: Match, space: string | null): boolean {
  if (space === null || host.kind !== "any" || method !== null || query.length > 0 || headers.length !== 2)
    return false;
  const [deployment, namespace] = headers;
  return (
    deployment!.name === "seldon" &&
    deployment!.value.kind === "exact" &&
    namespace!.name === "namespace" &&
    namespace!.value.kind === "exact" &&
    byteText(namespace!.value.value) === byteText(space)
  );
}
