// Routes that an explained request passes over: those whose path it has, and that have conditions which do not hold.
import { textOf } from "../../routing/request/bytes.ts";
import { compileConditions, conditionsHold } from "../../routing/route/condition.ts";
import type { Route } from "../../routing/route/decision.ts";
import { isGrpcPath } from "../../routing/request/grpc.ts";
import type { RequestHead } from "../../routing/request/head.ts";
import type { Match } from "../../routing/model/match.ts";
import type { Wording } from "./match-words.ts";

export interface PassedRoute {
  /** In one line. */
  readonly route: string;
  /** The condition that does not hold. */
  readonly because: string;
}

/** Of the candidates, in the order tried, those that come before the answer and that the path alone would lead to. All of them when no Route answers. */
export function passedOver(
  candidates: readonly Route<null>[],
  head: RequestHead,
  answer: Route<null> | null,
  wording: Wording,
): readonly PassedRoute[] {
  const passed: PassedRoute[] = [];
  for (const route of candidates) {
    if (route.key === answer?.key) break;
    const because = pathMatches(route, head) ? reasonToPass(route, head, wording) : null;
    if (because !== null) passed.push({ route: routeText(route, wording), because });
  }
  return passed;
}

export function pathMatches({ match, regex }: Route<null>, head: RequestHead): boolean {
  const path = textOf(head.pathBytes, head.pathStart, head.pathEnd);
  switch (match.path.kind) {
    case "prefix":
      return match.path.caseSensitive
        ? path.startsWith(match.path.prefix)
        : folded(path).startsWith(folded(match.path.prefix));
    case "exact":
      return match.path.caseSensitive ? path === match.path.path : folded(path) === folded(match.path.path);
    case "regex":
      return regex?.matches(path) ?? false;
    case "grpc":
      return head.grpc && isGrpcPath(head) && namesDeployment(match, head);
  }
}

/** The gRPC Routes of other deployments have the same path, so the name counts as part of it. */
function namesDeployment(match: Match, head: RequestHead): boolean {
  const named = compileConditions({
    ...match,
    host: { kind: "any" },
    method: null,
    headers: match.headers.filter(({ name }) => name === "seldon"),
    query: [],
  });
  return named.ok && (named.conditions === null || conditionsHold(named.conditions, head));
}

/** ASCII letters in lower case, as paths without case are compared. */
function folded(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** The first condition that does not hold; where all hold it is that the Route has only shadows, or that a bare name does not go to claims. */
function reasonToPass({ match, hasLive }: Route<null>, head: RequestHead, wording: Wording): string {
  const none: Match = { path: match.path, host: { kind: "any" }, method: null, headers: [], query: [] };
  const parts: Match[] = [
    ...match.headers.map((header) => ({ ...none, headers: [header] })),
    { ...none, method: match.method },
    { ...none, host: match.host },
    ...match.query.map((parameter) => ({ ...none, query: [parameter] })),
  ];
  for (const part of parts) {
    const compiled = compileConditions(part);
    if (!compiled.ok) return compiled.reason;
    if (compiled.conditions !== null && !conditionsHold(compiled.conditions, head))
      return `not ${wording.conditions(part)}`;
  }
  return hasLive ? "a bare gRPC name is not open to claims" : "only shadows";
}

/** A Route in one line. */
export function routeText(route: Route<null>, { match }: Wording): string {
  const precedence = route.precedence === 0 ? "" : `  precedence ${route.precedence}`;
  return `${match(route.match)}${precedence}${route.space === route.namespace ? "" : `  of ${route.namespace}`}`;
}
