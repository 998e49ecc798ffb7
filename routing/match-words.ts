// Matches in words: `/seldon/prod/iris/… with location: london`, for people. print.ts writes the same in signs.
import type { HostMatch, Match, NamedMatch, PathMatch, ValueMatch } from "./model/match.ts";
import { hostText } from "./model/match-precedence.ts";

/** A whole Match. */
export function matchWords(match: Match): string {
  const conditions = conditionWords(match);
  return conditions === "" ? pathWords(match.path) : `${pathWords(match.path)} with ${conditions}`;
}

/** `/seldon/prod/iris/…` for a prefix. */
export function pathWords(path: PathMatch): string {
  switch (path.kind) {
    case "prefix":
      return `${quoted(path.prefix)}…${path.caseSensitive ? "" : " in any letter case"}`;
    case "exact":
      return `exactly ${quoted(path.path)}${path.caseSensitive ? "" : " in any letter case"}`;
    case "regex":
      return `paths like the regex ${quoted(path.pattern)}`;
    case "grpc":
      return "gRPC calls";
  }
}

/** `host a.example, method GET, location: london, ?v=1`. */
export function conditionWords({ host, method, headers, query }: Match): string {
  const parts: string[] = [];
  if (host.kind !== "any") parts.push(hostWords(host));
  if (method !== null) parts.push(`method${valueWords(method, " ")}`);
  for (const header of headers) parts.push(namedWords(header, ": "));
  for (const parameter of query) parts.push(`?${namedWords(parameter, "=")}`);
  return parts.join(", ");
}

function hostWords(host: HostMatch): string {
  return host.kind === "regex" ? `host like the regex ${quoted(host.pattern)}` : `host ${quoted(hostText(host))}`;
}

function namedWords({ name, value }: NamedMatch, sign: string): string {
  return `${name}${valueWords(value, sign)}`;
}

function valueWords(value: ValueMatch, sign: string): string {
  return value.kind === "exact"
    ? `${sign}${quoted(value.value)}`
    : value.kind === "regex"
      ? ` like the regex ${quoted(value.pattern)}`
      : " present";
}

/** In quotes where the text would be read as something else. */
function quoted(text: string): string {
  return text === "" || /[\s",…]|[^\x20-\x7e]/.test(text) ? JSON.stringify(text) : text;
}
