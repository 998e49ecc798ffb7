// Conditions: what a Match asks beside the path (host, method, headers, query), compiled for reading bytes.
import {
  byteText,
  fieldBytes,
  fieldIs,
  fieldNamed,
  fieldText,
  isText,
  standsAt,
  standsFoldedAt,
  textOf,
} from "../request/bytes.ts";
import type { RequestHead } from "../request/head.ts";
import { isMatch, mayMatch } from "../regex/matching.ts";
import type { HostMatch, Match, NamedMatch, ValueMatch } from "../model/match.ts";
import { compileRegex, type Regex } from "../regex/regex.ts";

/** A value to compare with. Neither text nor regex: presence. */
export interface Condition {
  /** Byte text: header names in lower case, query names as written; "" for the method. */
  readonly name: string;
  readonly text: string | null;
  readonly regex: Regex | null;
}

interface HostCondition {
  readonly kind: "exact" | "suffix" | "prefix" | "regex";
  /** Byte text, lower case. */
  readonly text: string;
  readonly regex: Regex | null;
}

export interface Conditions {
  readonly host: HostCondition | null;
  readonly method: Condition | null;
  readonly headers: readonly Condition[];
  readonly query: readonly Condition[];
  /** Those that are regexes, which are in none of the others; null: there are none. */
  readonly regexes: Conditions | null;
}

export type ConditionsResult =
  | { readonly ok: true; readonly conditions: Conditions | null }
  | { readonly ok: false; readonly reason: string };

/** Does a Match ask for anything beside the path? */
export function hasConditions({ host, method, headers, query }: Match): boolean {
  return host.kind !== "any" || method !== null || headers.length > 0 || query.length > 0;
}

/** What is wrong with the conditions of a Match, or null. Compiles regexes only. */
export function conditionsRefusal(match: Match): string | null {
  const { host, method, headers, query } = match;
  const isRegex = ({ value }: NamedMatch): boolean => value.kind === "regex";
  if (host.kind !== "regex" && method?.kind !== "regex" && !headers.some(isRegex) && !query.some(isRegex)) return null;
  const compiled = compileConditions(match);
  return compiled.ok ? null : compiled.reason;
}

/** The conditions of a Match, null when it has none; a bad regex gives what is wrong with it. */
export function compileConditions(match: Match): ConditionsResult {
  if (!hasConditions(match)) return { ok: true, conditions: null };
  const reasons: string[] = [];
  const regexOf = (pattern: string, where: string): Regex | null => {
    const result = compileRegex(pattern);
    if (result.ok) return result.regex;
    reasons.push(`the regex of ${where} ${result.reason}`);
    return null;
  };
  const valueOf = (name: string, value: ValueMatch, where: string): Condition =>
    Object.freeze({
      name: byteText(name),
      text: value.kind === "exact" ? byteText(value.value) : null,
      regex: value.kind === "regex" ? regexOf(value.pattern, where) : null,
    });
  const namedOf = (named: readonly NamedMatch[], what: string): readonly Condition[] =>
    Object.freeze(named.map((one) => valueOf(one.name, one.value, `${what} ${one.name}`)));
  const conditions = splitConditions({
    host: hostCondition(match.host, regexOf),
    method: match.method === null ? null : valueOf("", match.method, "the method"),
    headers: namedOf(match.headers, "header"),
    query: namedOf(match.query, "query parameter"),
    regexes: null,
  });
  return reasons.length === 0 ? { ok: true, conditions } : { ok: false, reason: reasons.join("; ") };
}

/** The same conditions, regexes apart. */
function splitConditions(all: Conditions): Conditions {
  const of = (isRegex: boolean, regexes: Conditions | null): Conditions =>
    Object.freeze({
      host: all.host !== null && (all.host.kind === "regex") === isRegex ? all.host : null,
      method: all.method !== null && (all.method.regex !== null) === isRegex ? all.method : null,
      headers: Object.freeze(all.headers.filter(({ regex }) => (regex !== null) === isRegex)),
      query: Object.freeze(all.query.filter(({ regex }) => (regex !== null) === isRegex)),
      regexes,
    });
  const regexes = of(true, null);
  const none =
    regexes.host === null && regexes.method === null && regexes.headers.length === 0 && regexes.query.length === 0;
  return none ? Object.freeze(all) : of(false, regexes);
}

function hostCondition(
  host: HostMatch,
  regexOf: (pattern: string, where: string) => Regex | null,
): HostCondition | null {
  switch (host.kind) {
    case "any":
      return null;
    case "exact":
      return Object.freeze({ kind: host.kind, text: byteText(host.host.toLowerCase()), regex: null });
    case "suffix":
      return Object.freeze({ kind: host.kind, text: byteText(host.suffix.toLowerCase()), regex: null });
    case "prefix":
      return Object.freeze({ kind: host.kind, text: byteText(host.prefix.toLowerCase()), regex: null });
    case "regex":
      return Object.freeze({ kind: host.kind, text: "", regex: regexOf(host.pattern, "the host") });
  }
}

/** Do all conditions hold for this request? */
export function conditionsHold(conditions: Conditions, head: RequestHead): boolean {
  const { method, host } = conditions;
  for (const header of conditions.headers) if (!headerHolds(header, head)) return false;
  if (method !== null && !methodHolds(method, head)) return false;
  if (host !== null && !hostHolds(host, head)) return false;
  for (const parameter of conditions.query) if (!parameterHolds(parameter, head)) return false;
  return conditions.regexes === null || regexesHold(conditions.regexes, head);
}

/** Regexes come when everything else holds: those of other hosts and methods cost a request nothing. */
function regexesHold({ headers, method, host, query }: Conditions, head: RequestHead): boolean {
  if (method !== null && !methodHolds(method, head)) return false;
  if (host !== null && !hostHolds(host, head)) return false;
  for (const header of headers) if (!headerHolds(header, head)) return false;
  for (const parameter of query) if (!parameterHolds(parameter, head)) return false;
  return true;
}

function headerHolds(header: Condition, head: RequestHead): boolean {
  const first = fieldNamed(head, header.name, 0);
  if (first < 0) return false;
  if (header.text !== null) return fieldIs(head, header.name, first, header.text);
  const { regex } = header;
  if (regex === null) return true;
  return (
    mayMatch(regex, head, fieldBytes(head, header.name, first)) &&
    isMatch(regex, head, fieldText(head, header.name, first))
  );
}

function methodHolds(method: Condition, head: RequestHead): boolean {
  const { bytes, methodStart, methodEnd } = head;
  if (method.text !== null) return isText(bytes, methodStart, methodEnd, method.text);
  return method.regex === null || rangeMatches(method.regex, head, bytes, methodStart, methodEnd);
}

function hostHolds(host: HostCondition, head: RequestHead): boolean {
  const { bytes, authorityStart: start } = head;
  const end = portStart(bytes, start, head.authorityEnd);
  const length = end - start;
  // A request without a host, of HTTP/1.0, is for none that anybody names.
  if (length === 0) return false;
  const text = host.text;
  switch (host.kind) {
    case "exact":
      return length === text.length && standsFoldedAt(bytes, start, text);
    case "suffix":
      // The star stands for at least one character.
      return length > text.length && standsFoldedAt(bytes, end - text.length, text);
    case "prefix":
      return length > text.length && standsFoldedAt(bytes, start, text);
    case "regex":
      return (
        host.regex !== null &&
        mayMatch(host.regex, head, length) &&
        isMatch(host.regex, head, textOf(bytes, start, end).toLowerCase())
      );
  }
}

function rangeMatches(regex: Regex, head: RequestHead, bytes: Uint8Array, start: number, end: number): boolean {
  return mayMatch(regex, head, end - start) && isMatch(regex, head, textOf(bytes, start, end));
}

/** Where the host ends: at the `:` of a port, which an IPv6 literal's own colons are not. */
function portStart(bytes: Uint8Array, start: number, end: number): number {
  for (let i = end - 1; i >= start; i--) {
    const byte = bytes[i]!;
    if (byte === 0x3a) return i;
    if (byte < 0x30 || byte > 0x39) return end;
  }
  return end;
}

/** The raw value, not decoded, of the first parameter of that name (Envoy). */
function parameterHolds(parameter: Condition, head: RequestHead): boolean {
  const { pathBytes: bytes, queryEnd } = head;
  const name = parameter.name;
  for (let start = head.queryStart; start < queryEnd;) {
    let end = start;
    while (end < queryEnd && bytes[end] !== 0x26) end++;
    let nameEnd = start;
    while (nameEnd < end && bytes[nameEnd] !== 0x3d) nameEnd++;
    if (nameEnd - start === name.length && standsAt(bytes, start, name)) {
      const valueStart = Math.min(nameEnd + 1, end);
      if (parameter.text !== null) return isText(bytes, valueStart, end, parameter.text);
      return parameter.regex === null || rangeMatches(parameter.regex, head, bytes, valueStart, end);
    }
    start = end + 1;
  }
  return false;
}
