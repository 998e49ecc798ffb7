// RouteSlot: where lookup finds a Route that has a key, and what it finds there.
import { byteText, hashText } from './bytes.ts';
import type { ForwardDecision } from './decision.ts';
import type { Match } from './match.ts';
import { flagBits, slotFlags } from './index-page.ts';
import { deploymentName, nameIndexHash, pathIndexHash } from './namespace-routes.ts';
import type { Route } from './decision.ts';

/** The first forward of its Route, so that a hit does not even read the Route; the Route where nothing is forwarded. */
export type RouteSlot<T> = ForwardDecision<T> | Route<T>;

export function routeSlotOf<T>(route: Route<T>): RouteSlot<T> {
  return route.split.forwards[0] ?? route;
}

export function routeOf<T>(routeSlot: RouteSlot<T>): Route<T> {
  return 'route' in routeSlot ? routeSlot.route : routeSlot;
}

/** Key of the index for a Route that is not scanned. */
export function routeSlotHash<T>(route: Route<T>, seed: number): number {
  return route.placing === 'named' ? nameIndexHash(seed, hashText(deploymentName(route.match)!)) : pathIndexHash(seed, hashText(route.order.pathText));
}

/** What a slot says of a Route that is not scanned, in its space: its text, and length and flags in one. */
export function keyOfSlot<T>(route: Route<T>, space: string | null): { readonly text: string; readonly meta: number } {
  const { match, placing } = route;
  const isNamed = placing === 'named';
  let flags = 0;
  if (isNamed) flags |= slotFlags.named;
  else if (match.path.kind !== 'prefix' && match.path.kind !== 'exact') throw new Error(`a Route without a key cannot be slotted: ${route.key}`);
  else if (!match.path.caseSensitive) flags |= slotFlags.folded;
  if (match.path.kind === 'exact') flags |= slotFlags.whole;
  if (!route.hasLive) flags |= slotFlags.shadowsOnly;
  if (isNamed ? !isPlainCall(match, space) : route.conditions !== null) flags |= slotFlags.conditional;
  const text = isNamed ? deploymentName(match)! : route.order.pathText;
  return { text: (flags & slotFlags.folded) === 0 ? text : lowerText(text), meta: (text.length << flagBits) | flags };
}

/** ASCII letters to lower case. */
function lowerText(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** Does the Match ask for nothing but the deployment and the namespace that its space is of? Then key and owner say it all. */
function isPlainCall({ host, method, headers, query }: Match, space: string | null): boolean {
  if (space === null || host.kind !== 'any' || method !== null || query.length > 0 || headers.length !== 2) return false;
  const [deployment, namespace] = headers;
  return deployment!.name === 'seldon' && deployment!.value.kind === 'exact' && namespace!.name === 'namespace' && namespace!.value.kind === 'exact' && byteText(namespace!.value.value) === byteText(space);
}
