// Seat: where lookup finds a Route that has a key, and what it finds there.
import { byteText, hashText } from './bytes.ts';
import type { ForwardDecision } from './decision.ts';
import type { Match } from './match.ts';
import { seatFlags } from './seats.ts';
import type { Seated } from './seats.ts';
import { deploymentName, nameIndexHash, pathIndexHash } from './space.ts';
import type { Space } from './space.ts';
import type { Route } from './decision.ts';

/** The first forward of its Route, so that a hit does not even read the Route; the Route where nothing is forwarded. */
export type Seat<T> = ForwardDecision<T> | Route<T>;

export function seatOf<T>(route: Route<T>): Seat<T> {
  return route.split.forwards[0] ?? route;
}

export function routeOf<T>(seat: Seat<T>): Route<T> {
  return 'route' in seat ? seat.route : seat;
}

/** Key of the index for a Route that is not scanned. */
export function seatHash<T>(route: Route<T>, seed: number): number {
  return route.placing === 'named' ? nameIndexHash(seed, hashText(deploymentName(route.match)!)) : pathIndexHash(seed, hashText(route.order.pathText));
}

/** The seat of a Route that is not scanned, in its space. */
export function seatedOf<T>(route: Route<T>, space: Space<T>): Seated<Seat<T>> {
  const { match, placing } = route;
  const isNamed = placing === 'named';
  let flags = 0;
  if (isNamed) flags |= seatFlags.named;
  else if (match.path.kind !== 'prefix' && match.path.kind !== 'exact') throw new Error(`a Route without a key cannot be seated: ${route.key}`);
  else if (!match.path.caseSensitive) flags |= seatFlags.folded;
  if (match.path.kind === 'exact') flags |= seatFlags.whole;
  if (!route.hasLive) flags |= seatFlags.shadowsOnly;
  if (isNamed ? !isPlainCall(match, space.name) : route.conditions !== null) flags |= seatFlags.conditional;
  return { hash: seatHash(route, space.seed), text: isNamed ? deploymentName(match)! : route.order.pathText, flags, owner: space.id, value: seatOf(route) };
}

/** Does the Match ask for nothing but the deployment and the namespace that its space is of? Then key and owner say it all. */
function isPlainCall({ host, method, headers, query }: Match, space: string | null): boolean {
  if (space === null || host.kind !== 'any' || method !== null || query.length > 0 || headers.length !== 2) return false;
  const [deployment, namespace] = headers;
  return deployment!.name === 'seldon' && deployment!.value.kind === 'exact' && namespace!.name === 'namespace' && namespace!.value.kind === 'exact' && byteText(namespace!.value.value) === byteText(space);
}
