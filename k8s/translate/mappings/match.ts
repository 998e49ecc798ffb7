// The Match of a raw Mapping: path, host, method, headers, query.
import {
  GRPC_PATTERN,
  type HostMatch,
  type Match,
  type NamedMatch,
  type PathMatch,
  type ValueMatch,
} from "../../../routing/model/match.ts";
import { compileRegex } from "../../../routing/regex/regex.ts";
import { sameValue } from "../../../routing/text/diff.ts";
import type { Fields } from "../fields/fields.ts";
import { parseHostGlob } from "../meaning/grant.ts";
import { quoted, scalarText } from "../values/value.ts";

/** Of a host that a request can name: what RFC 3986 §3.2.2 has in names, but percent-encoded bytes, which no request may have there; or an address in brackets, of which a glob has one. */
const hostPattern = /^(?:[A-Za-z0-9._~!$&'()*+;=-]*|\[[0-9A-Fa-f:.]*(?:\]|\*)|\*[0-9A-Fa-f:.]*\])$/;

const namePattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** null: the document is not valid, which has been reported. */
export function decodeMatch(fields: Fields): Match | null {
  const path = decodePath(fields);
  const headers: NamedMatch[] = [];
  let authority: string | null = null;
  let method: ValueMatch | null = decodeMethod(fields);
  for (const key of ["headers", "regex_headers"] as const) {
    const record = bounded(fields, key);
    for (const [name, written] of Object.entries(record ?? {})) {
      const text = scalarText(written);
      const value: ValueMatch =
        written === true
          ? { kind: "present" }
          : key === "headers"
            ? { kind: "exact", value: text ?? "" }
            : { kind: "regex", pattern: text ?? "" };
      if (
        text === null ||
        written === false ||
        (!namePattern.test(name) && name !== ":authority" && name !== ":method")
      ) {
        fields.refuse(
          "bad-value",
          key,
          `${quoted(name)} is not a header with a text${written === false ? " (false is no condition)" : ""}, and the Mapping is not served without its condition; write "name: value"`,
        );
      } else if (value.kind === "regex" && !fields.regex(key, value.pattern)) continue;
      else if (name === ":authority" && value.kind === "exact" && value.value === "")
        fields.refuse(
          "bad-value",
          key,
          '":authority" has no text, and the Mapping is not served without its condition; write a host',
        );
      else if (name === ":authority" && value.kind === "exact") authority = value.value;
      else if (name === ":method" && method !== null && value.kind === "present") continue;
      else if (name === ":method" && method !== null && !sameValue(method, value))
        fields.refuse(
          "bad-value",
          key,
          'method and ":method" ask for different methods, and no request has both; write one of them',
        );
      else if (name === ":method")
        method =
          value.kind === "exact"
            ? methodOf(fields, key, value.value)
            : value.kind === "regex"
              ? methodPattern(fields, key, value.pattern)
              : value;
      else if (name === ":authority") fields.bad(key, name, "the host into the field hostname");
      else headers.push({ name: name.toLowerCase(), value });
    }
  }
  const query = decodeQuery(fields);
  const host = decodeHost(fields, authority);
  return path === null || host === null || fields.unreadable.size > 0 ? null : { path, host, method, headers, query };
}

/** Conditions of one kind that a Mapping may have: each is looked for among all headers of a request. */
const mostConditions = 32;

function bounded(fields: Fields, key: string): ReturnType<Fields["record"]> {
  const record = fields.record(key);
  const count = Object.keys(record ?? {}).length;
  if (count <= mostConditions) return record;
  fields.refuse(
    "bad-value",
    key,
    `${count} conditions are more than ${mostConditions}, and the Mapping is not served without them; write fewer`,
  );
  return null;
}

/** What no canonical path has (`routing/request/path.ts`): what is refused in one, and dot segments, which are removed. */
const neverInPaths = /[\0-\x20#?\\\x7f]|%00|\/(?:\.|%2e){1,2}(?:\/|$)/i;
/** The last segment may go on. */
const neverInPrefixes = /[\0-\x20#?\\\x7f]|%00|\/(?:\.|%2e){1,2}\//i;

/** What paths hardly have and regexes do: classes, `.*`, groups that repeat, alternatives, escapes. */
const plainlyRegex = /\[[^\]]+\]|\.[*+]|\(\?|\)[*+?{]|\([^)]*\||\\[.dDwWsS/-]/;

function decodePath(fields: Fields): PathMatch | null {
  const prefix = fields.text("prefix");
  const exact = fields.boolean("prefix_exact");
  const regex = fields.boolean("prefix_regex");
  const caseSensitive = fields.boolean("case_sensitive") || !fields.has("case_sensitive");
  if (prefix === null || prefix === "") {
    fields.refuse("bad-value", "prefix", "the Mapping has no prefix; write one that begins with /");
    return null;
  }
  if (regex) {
    if (prefix === GRPC_PATTERN) return { kind: "grpc" };
    return fields.regex("prefix", prefix) ? { kind: "regex", pattern: prefix } : null;
  }
  if (!prefix.startsWith("/") || prefix.length > 2048 || (exact ? neverInPaths : neverInPrefixes).test(prefix)) {
    fields.refuse(
      "bad-value",
      "prefix",
      `${quoted(prefix)} matches no path; write one that begins with / and has neither spaces, ?, # nor dot segments`,
    );
    return null;
  }
  if (plainlyRegex.test(prefix))
    fields.report(
      "warning",
      "bad-value",
      "prefix",
      `${quoted(prefix)} looks like a regex, and matches only paths with these very characters; write prefix_regex: true as well, or a prefix without them`,
    );
  const escaped = prefix.toWellFormed().replaceAll(/[^\0-\x7f]+/g, encodeURIComponent);
  if (escaped !== prefix)
    fields.report(
      "warning",
      "unescaped-prefix",
      "prefix",
      `paths are compared as they are sent, and nearly all clients send these letters escaped, which this prefix does not match; write ${quoted(escaped)}`,
    );
  return exact ? { kind: "exact", path: prefix, caseSensitive } : { kind: "prefix", prefix, caseSensitive };
}

function decodeMethod(fields: Fields): ValueMatch | null {
  const method = fields.text("method");
  const regex = fields.boolean("method_regex");
  if (method === null || method === "") return null;
  if (regex) return fields.regex("method", method) ? methodPattern(fields, "method", method) : null;
  return methodOf(fields, "method", method);
}

const methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE"];

/** Methods are compared letter by letter (RFC 9110 §9.1), as Envoy does: `get` is none that a client sends. */
function methodOf(fields: Fields, key: string, method: string): ValueMatch {
  const upper = method.toUpperCase();
  if (!namePattern.test(method)) fields.bad(key, method, "one method, such as POST");
  else if (method !== upper && methods.includes(upper)) fields.bad(key, method, `${upper}, as clients send it`);
  return { kind: "exact", value: method };
}

/** Of a regex that RE2 takes. */
function methodPattern(fields: Fields, key: string, pattern: string): ValueMatch {
  const compiled = compileRegex(pattern);
  const fits = (names: readonly string[]): boolean => compiled.ok && names.some((name) => compiled.regex.matches(name));
  if (!fits(methods) && fits(methods.map((name) => name.toLowerCase())))
    fields.bad(key, pattern, "methods in capitals, as clients send them");
  return { kind: "regex", pattern };
}

/** `hostname` before `host` before the header `:authority`; "" is none (Go's `string`). A port is not part of a host here. */
function decodeHost(fields: Fields, authority: string | null): HostMatch | null {
  const hostname = presentText(fields, "hostname");
  const host = presentText(fields, "host");
  const isRegex = fields.boolean("host_regex");
  const [name, text] =
    hostname !== null
      ? (["hostname", hostname] as const)
      : host !== null
        ? (["host", host] as const)
        : (["headers", authority ?? ""] as const);
  if (
    authority !== null &&
    name !== "headers" &&
    ((isRegex && name === "host") || hostText(text) !== hostText(authority))
  ) {
    fields.refuse(
      "bad-value",
      "headers",
      `":authority" asks for another host than ${name}, which alone would count, and the Mapping is not served without its condition; write one of them`,
    );
    return null;
  }
  if (hostname === null && host !== null && isRegex)
    return fields.regex("host", host) ? { kind: "regex", pattern: host } : null;
  const bare = text.replace(/:\d+$/, "");
  const match = parseHostGlob(bare);
  const globAllowed = name === "hostname";
  const isBlank = text !== "" && bare.trim() === "";
  if (!isBlank && !hostPattern.test(bare.trim())) {
    fields.refuse(
      "bad-value",
      name,
      `no request can name the host ${quoted(text)}; write a name without scheme and path, its letters as DNS has them (xn--…)`,
    );
    return null;
  }
  if (match !== null && !isBlank && (globAllowed || text === "" || match.kind === "exact")) return match;
  fields.refuse(
    "bad-value",
    name,
    `${quoted(text)} is not a host; write a name, or a hostname with one star at its beginning or end`,
  );
  return null;
}

function hostText(text: string): string {
  return text.replace(/:\d+$/, "").trim().toLowerCase();
}

function presentText(fields: Fields, name: string): string | null {
  const text = fields.text(name);
  return text === "" ? null : text;
}

function decodeQuery(fields: Fields): readonly NamedMatch[] {
  const query: NamedMatch[] = [];
  for (const key of ["query_parameters", "regex_query_parameters"] as const) {
    for (const [name, written] of Object.entries(bounded(fields, key) ?? {})) {
      const text = scalarText(written);
      if (text === null || written === false) {
        fields.refuse(
          "bad-value",
          key,
          `${quoted(name)} has no text${written === false ? " (false is no condition)" : ""}, and the Mapping is not served without its condition; write "name: value"`,
        );
      } else if (written === true) query.push({ name, value: { kind: "present" } });
      else if (key === "query_parameters") query.push({ name, value: { kind: "exact", value: text } });
      else if (fields.regex(key, text)) query.push({ name, value: { kind: "regex", pattern: text } });
    }
  }
  return query;
}
