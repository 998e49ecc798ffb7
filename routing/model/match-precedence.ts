// Match precedence: which Route is tried first. Ambassador's comparison, element by element, made total (routing rule 10).
import { byteText } from "../request/bytes.ts";
import { GRPC_PATTERN, type HostMatch, type Match, type NamedMatch, type PathMatch, type ValueMatch } from "./match.ts";
import { compareText } from "../text/problem.ts";

/** A Route's match precedence, computed once, when the Route is built. */
export interface MatchPrecedence {
  readonly granted: boolean;
  /** Of the Mapping, as declared. */
  readonly precedence: number;
  /** Code points of the path's text; of a regex: of the pattern. */
  readonly pathLength: number;
  readonly headerSum: number;
  readonly querySum: number;
  /** Byte text, so that comparing it is comparing code points, as Python does. */
  readonly pathText: string;
  /** `name-value` of each header, then of :authority and :method, then of each query parameter: one list, as in Ambassador. */
  readonly elements: readonly string[];
  readonly namespace: string;
  /** The Route's key: different for every Route. */
  readonly tie: string;
}

/** Negative: `a` is tried before `b`. 0 only for one and the same Route. Both are Routes of one space. */
export function comparePrecedence(a: MatchPrecedence, b: MatchPrecedence): number {
  if (a === b) return 0;
  if (a.granted !== b.granted) return a.granted ? -1 : 1;
  return (
    b.precedence - a.precedence ||
    b.pathLength - a.pathLength ||
    b.headerSum - a.headerSum ||
    b.querySum - a.querySum ||
    compareText(b.pathText, a.pathText) ||
    compareElements(a.elements, b.elements) ||
    compareText(a.namespace, b.namespace) ||
    compareText(a.tie, b.tie)
  );
}

/** The later text first; of two lists that agree as far as the shorter goes, the longer first. */
function compareElements(a: readonly string[], b: readonly string[]): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const order = compareText(b[i]!, a[i]!);
    if (order !== 0) return order;
  }
  return b.length - a.length;
}

const anyHostElements: readonly string[] = Object.freeze([":authority-*"]);

export function matchPrecedence(
  match: Match,
  namespace: string,
  precedence: number,
  granted: boolean,
  tie: string,
): MatchPrecedence {
  const path = pathText(match.path);
  const named = [...match.headers, { name: ":authority", value: hostValue(match.host) }];
  if (match.method !== null) named.push({ name: ":method", value: match.method });
  const plain =
    match.headers.length === 0 && match.query.length === 0 && match.method === null && match.host.kind === "any";
  return Object.freeze({
    granted,
    precedence,
    pathLength: codePoints(path),
    headerSum: sumOf(named),
    querySum: sumOf(match.query),
    pathText: byteText(path),
    elements: plain ? anyHostElements : Object.freeze([...named, ...match.query].map(elementText)),
    namespace,
    tie,
  });
}

/** The text that Ambassador would hold in `prefix`. */
export function pathText(path: PathMatch): string {
  switch (path.kind) {
    case "prefix":
      return path.prefix;
    case "exact":
      return path.path;
    case "regex":
      return path.pattern;
    case "grpc":
      return GRPC_PATTERN;
  }
}

/** A hostname as Ambassador's glob; `any` is `*`, which Ambassador counts too. */
export function hostText(host: HostMatch): string {
  switch (host.kind) {
    case "any":
      return "*";
    case "exact":
      return host.host;
    case "suffix":
      return `*${host.suffix}`;
    case "prefix":
      return `${host.prefix}*`;
    case "regex":
      return host.pattern;
  }
}

function hostValue(host: HostMatch): ValueMatch {
  return host.kind === "regex" ? { kind: "regex", pattern: host.pattern } : { kind: "exact", value: hostText(host) };
}

/** Presence is the regex `.*`, as Ambassador 2 and later convert it. */
function valueText(value: ValueMatch): string {
  return value.kind === "exact" ? value.value : value.kind === "regex" ? value.pattern : ".*";
}

function sumOf(named: readonly NamedMatch[]): number {
  let sum = 0;
  for (const { name, value } of named) {
    // `len(value or "*")`: an empty value counts as one.
    sum += codePoints(name) + Math.max(1, codePoints(valueText(value))) + (value.kind === "exact" ? 0 : 1);
  }
  return sum;
}

function elementText({ name, value }: NamedMatch): string {
  return byteText(`${name}-${valueText(value)}`);
}

function codePoints(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0xdc00 || unit > 0xdfff) count++;
  }
  return count;
}
