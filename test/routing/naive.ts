// Routing as routing/RULES.md states it, with strings and loops: what lookup is compared with. Shares nothing with lookup but match precedence.
import { RE2JS } from "re2js";
import type { HeadText } from "../../routing/request/head-text.ts";
import { GRPC_PATTERN, type HostMatch, type PathMatch, type ValueMatch } from "../../routing/model/match.ts";
import type { RouteTable } from "../../routing/table.ts";
import type { Route } from "../../routing/route/decision.ts";

/** The Route that answers, "only-shadows" with the Route, or null. */
export function naiveRoute<T>(table: RouteTable<T>, head: HeadText): Route<T> | null {
  const space = naiveOwner(head, table.settings.singleNamespace);
  const bare =
    space === null &&
    head.grpc &&
    headerOf(head, "seldon") !== null &&
    pathMatches({ kind: "grpc" }, head.path.split("?")[0]!, head);
  const matching = table
    .routesInOrder()
    .filter((route) => route.space === space && routeMatches(route, head) && (!bare || mayTakeBareCall(route)));
  return matching.find((route) => hasLive(route)) ?? matching[0] ?? null;
}

/** Routing rule 2: a bare gRPC name goes to its declarer or to a Grant, never to a claim on the path. */
function mayTakeBareCall<T>({ granted, match }: Route<T>): boolean {
  return (
    granted ||
    (match.path.kind === "grpc" && match.headers.some(({ name, value }) => name === "seldon" && value.kind === "exact"))
  );
}

function hasLive<T>(route: Route<T>): boolean {
  return route.mappings.some((mapping) => mapping.role.kind === "live");
}

function naiveOwner(head: HeadText, singleNamespace: string | null): string | null {
  const path = head.path.split("?")[0]!;
  if (path.startsWith("/seldon/")) {
    if (singleNamespace !== null) return singleNamespace;
    const parts = path.split("/");
    return parts.length > 3 ? parts[2]! : null;
  }
  if (!head.grpc) return null;
  const namespace = headerOf(head, "namespace");
  return namespace ?? (singleNamespace !== null && headerOf(head, "seldon") !== null ? singleNamespace : null);
}

function routeMatches<T>({ match }: Route<T>, head: HeadText): boolean {
  const [path, query] = split(head.path, "?");
  if (hasBadRegex(match.path.kind === "regex" ? { kind: "regex", pattern: match.path.pattern } : null)) return false;
  for (const { value } of [...match.headers, ...match.query]) if (hasBadRegex(value)) return false;
  const parameters = query === null ? [] : query.split("&").map((one) => split(one, "="));
  return (
    pathMatches(match.path, path, head) &&
    hostMatches(match.host, head.host.replace(/:\d*$/, "").toLowerCase()) &&
    (match.method === null || valueMatches(match.method, head.method)) &&
    match.headers.every(({ name, value }) => valueMatches(value, headerOf(head, name))) &&
    match.query.every(({ name, value }) => {
      const parameter = parameters.find(([given]) => given === name);
      return valueMatches(value, parameter === undefined ? null : (parameter[1] ?? ""));
    })
  );
}

function pathMatches(match: PathMatch, path: string, head: HeadText): boolean {
  switch (match.kind) {
    case "prefix":
      return match.caseSensitive ? path.startsWith(match.prefix) : folded(path).startsWith(folded(match.prefix));
    case "exact":
      return match.caseSensitive ? path === match.path : folded(path) === folded(match.path);
    case "regex":
      return fullMatch(match.pattern, path);
    case "grpc":
      return (
        head.grpc &&
        (fullMatch(GRPC_PATTERN, path) ||
          (headerOf(head, "seldon") !== null && /^\/(grpc\.reflection\.|grpc\.health\.v1\.Health\/)/.test(path)))
      );
  }
}

/** Only ASCII letters have case. */
function folded(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function hostMatches(match: HostMatch, host: string): boolean {
  switch (match.kind) {
    case "any":
      return true;
    case "exact":
      return host === match.host;
    case "suffix":
      return host.endsWith(match.suffix) && host !== match.suffix;
    case "prefix":
      return host.startsWith(match.prefix) && host !== match.prefix;
    case "regex":
      return fullMatch(match.pattern, host);
  }
}

function valueMatches(match: ValueMatch, value: string | null): boolean {
  if (value === null) return false;
  return match.kind === "present" || (match.kind === "exact" ? match.value === value : fullMatch(match.pattern, value));
}

function headerOf(head: HeadText, name: string): string | null {
  const lines = head.headers.filter(([given]) => given.toLowerCase() === name).map(([, value]) => value);
  return lines.length === 0 ? null : lines.join(",");
}

function split(text: string, at: string): [string, string | null] {
  const mark = text.indexOf(at);
  return mark < 0 ? [text, null] : [text.slice(0, mark), text.slice(mark + 1)];
}

function hasBadRegex(value: ValueMatch | null): boolean {
  if (value === null || value.kind !== "regex") return false;
  try {
    RE2JS.compile(value.pattern);
    return false;
  } catch {
    return true;
  }
}

function fullMatch(pattern: string, text: string): boolean {
  return RE2JS.compile(`^(?:${pattern})$`).test(text);
}
