// Candidates: the Routes of a space that the path of a request, or the deployment that a call names, may lead to, whatever else they ask for. Found as lookup
// finds the answer, so that telling of a request costs what is near it and not the whole table.
import { fieldText, hashRange, hashText } from "./request/bytes.ts";
import type { RequestHead } from "./request/head.ts";
import { metadataOf, namesDeployment, seldonField } from "./request/metadata.ts";
import { comparePrecedence } from "./model/match-precedence.ts";
import type { Route } from "./route/decision.ts";
import { nameIndexHash, pathIndexHash, spaceSeed, type NamespaceRoutes } from "./route/namespace-routes.ts";
import type { RouteTable } from "./table.ts";

/** Routes that are looked at: more have one path, or are regexes. */
export const mostCandidates = 200;

/** In the order tried; a few that the path does not match may be among them. At most `mostCandidates`. */
export function candidatesOf<T>(table: RouteTable<T>, space: NamespaceRoutes, head: RequestHead): readonly Route<T>[] {
  const found: Route<T>[] = [];
  const take = (routes: Iterable<Route<T>>): void => {
    if (found.length >= mostCandidates) return;
    for (const route of routes) if (found.push(route) >= mostCandidates) return;
  };
  const metadata = metadataOf(head);
  const seed = spaceSeed(space.name, table.hashSeed);
  if (head.grpc && namesDeployment(metadata))
    take(
      table.routesUnder(
        nameIndexHash(seed, hashText(fieldText(head, "seldon", seldonField(metadata)), table.hashSeed)),
        space,
      ),
    );
  const pathLength = head.pathEnd - head.pathStart;
  const lengths = new Set([...space.whole.values, ...space.slashed.values, ...space.unslashed.values]);
  let [from, hash] = [0, table.hashSeed];
  for (const length of [...lengths].sort((a, b) => a - b)) {
    if (length > pathLength) break;
    hash = hashRange(head.pathBytes, head.pathStart + from, head.pathStart + length, hash);
    from = length;
    take(table.routesUnder(pathIndexHash(seed, hash), space));
  }
  take(table.scannedOf(space));
  return found.sort((a, b) => comparePrecedence(a.matchPrecedence, b.matchPrecedence));
}

/** Routes of a space with this path: a prefix, or whole. */
export function routesOfPath<T>(table: RouteTable<T>, space: NamespaceRoutes, path: string): readonly Route<T>[] {
  const key = pathIndexHash(spaceSeed(space.name, table.hashSeed), hashText(path, table.hashSeed));
  const found: Route<T>[] = [];
  for (const route of table.routesUnder(key, space)) if (found.push(route) >= mostCandidates) break;
  return found;
}
