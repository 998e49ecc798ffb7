// The origin's own reading of what the gateway sent: an HTTP/1.1 grammar written for the tests alone, with nothing of the gateway's code. It
// accepts every byte and says what is wrong with it.

/** One request as an origin understood it. */
export interface Heard {
  readonly method: string;
  readonly target: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Decoded. */
  readonly body: string;
  readonly trailers: readonly (readonly [name: string, value: string])[];
  /** What two servers could read in two ways, or what may not go upstream at all; empty for a clean request. */
  readonly faults: readonly string[];
}

export interface Hearing {
  readonly requests: readonly Heard[];
  /** An unfinished request, or what is none. */
  readonly rest: string;
  /** What is wrong with the rest, as far as it has come. */
  readonly faults: readonly string[];
}

/** Reads a connection's bytes (latin1) from a request's start. */
export function hear(text: string): Hearing {
  const requests: Heard[] = [];
  let at = 0;
  for (;;) {
    const blank = text.indexOf("\r\n\r\n", at);
    if (blank < 0) return { requests, rest: text.slice(at), faults: at < text.length ? ["a head without an end"] : [] };
    const head = readHead(text.slice(at, blank));
    const body = readBody(text, blank + 4, head.fields);
    if (body === null) return { requests, rest: text.slice(at), faults: head.faults };
    requests.push({ ...head, body: body.text, trailers: body.trailers, faults: [...head.faults, ...body.faults] });
    at = body.end;
    if (body.faults.length > 0) return { requests, rest: "", faults: [] };
  }
}

/** The values of a field, in order. */
export function valuesOf(heard: Heard, name: string): readonly string[] {
  return heard.fields.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value);
}

const requestLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\/[\x21\x22\x24-\x7e\x80-\xff]*) HTTP\/1\.1$/;
const fieldLine =
  /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[ \t]*$/;
const authority = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+;=-]+)(?::\d{0,5})?$/;

/** Fields that end at the gateway, or that only the gateway may frame. */
const neverUpstream = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authorization",
  "proxy-authenticate",
  "upgrade",
  "http2-settings",
  "expect",
  "forwarded",
  "x-real-ip",
  "x-rewrite-url",
];
/** Fields that must stand once where they stand at all. */
const singletons = [
  "host",
  "content-length",
  "transfer-encoding",
  "te",
  "x-request-id",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-envoy-original-path",
];
/** Names that must not be spelled with `_`: servers that speak CGI or WSGI read both as one. */
const unaliased = [
  ...neverUpstream,
  ...singletons,
  "content-type",
  "x-forwarded-port",
  "x-envoy-internal",
  "x-original-url",
  "proxy-foo",
];
/** A trailer may frame, route, vouch or change the meaning of nothing (RFC 9110 §6.5.1). */
const neverTrailers = [
  ...unaliased,
  "authorization",
  "cookie",
  "set-cookie",
  "content-encoding",
  "content-range",
  "cache-control",
  "range",
  "if-match",
  "if-none-match",
  "if-range",
  "trailer",
  "seldon",
  "namespace",
  "accept",
  "date",
];

function readHead(text: string): Pick<Heard, "method" | "target" | "fields" | "faults"> {
  const faults: string[] = [];
  const lines = text.split("\r\n");
  const line = requestLine.exec(lines[0]!);
  if (line === null) faults.push(`request line ${JSON.stringify(lines[0])}`);
  const fields = readFields(lines.slice(1), faults);
  const [, method = "", target = ""] = line ?? [];
  const path = target.split("?")[0]!;
  if (/%00|\\/.test(path) || path.split("/").some((segment) => /^(?:\.|%2e){1,2}$/i.test(segment)))
    faults.push(`path ${path}`);
  const values = (name: string): readonly string[] =>
    fields.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value);
  const [host] = values("host");
  if (host === undefined || !authority.test(host)) faults.push(`host ${JSON.stringify(host)}`);
  for (const name of singletons) if (values(name).length > 1) faults.push(`${name} more than once`);
  const [length] = values("content-length");
  const [coding] = values("transfer-encoding");
  if (length !== undefined && !/^(?:0|[1-9]\d{0,15})$/.test(length))
    faults.push(`content-length ${JSON.stringify(length)}`);
  if (coding !== undefined && coding !== "chunked") faults.push(`transfer-encoding ${JSON.stringify(coding)}`);
  if (length !== undefined && coding !== undefined) faults.push("two framings");
  if (values("te").some((value) => value !== "trailers")) faults.push("te");
  if (coding === undefined && values("trailer").length > 0) faults.push("trailer without chunks");
  for (const [name] of fields) {
    const lower = name.toLowerCase();
    if (neverUpstream.includes(lower) || /^(?:proxy-|x-original-)/.test(lower)) faults.push(`${name} upstream`);
    if (lower.startsWith("x-envoy-") && lower !== "x-envoy-original-path") faults.push(`${name} upstream`);
    if (lower.startsWith("x-forwarded-") && !singletons.includes(lower)) faults.push(`${name} upstream`);
    if (lower.includes("_") && unaliased.includes(lower.replaceAll("_", "-"))) faults.push(`${name}, a twin`);
  }
  return { method, target, fields, faults };
}

function readFields(lines: readonly string[], faults: string[]): readonly (readonly [string, string])[] {
  return lines.map((line) => {
    const field = fieldLine.exec(line);
    if (field === null) faults.push(`field line ${JSON.stringify(line)}`);
    return [field?.[1] ?? "", field?.[2] ?? ""] as const;
  });
}

interface Body {
  readonly text: string;
  readonly trailers: Heard["trailers"];
  readonly end: number;
  readonly faults: readonly string[];
}

/** null: it is not complete. */
function readBody(text: string, start: number, fields: Heard["fields"]): Body | null {
  const value = (name: string): string | undefined => fields.find(([one]) => one.toLowerCase() === name)?.[1];
  if (value("transfer-encoding") !== undefined) return readChunks(text, start);
  const length = Number.parseInt(value("content-length") ?? "0", 10) || 0;
  return text.length < start + length
    ? null
    : { text: text.slice(start, start + length), trailers: [], end: start + length, faults: [] };
}

function readChunks(text: string, start: number): Body | null {
  let body = "";
  for (let at = start; ;) {
    const line = text.indexOf("\r\n", at);
    if (line < 0) return null;
    const size = text.slice(at, line);
    if (!/^(?:0|[1-9a-f][0-9a-f]{0,12})$/.test(size))
      return { text: body, trailers: [], end: text.length, faults: [`chunk size ${JSON.stringify(size)}`] };
    const length = Number.parseInt(size, 16);
    at = line + 2;
    if (length === 0) return readTrailers(text, at, body);
    if (text.length < at + length + 2) return null;
    if (text.slice(at + length, at + length + 2) !== "\r\n")
      return { text: body, trailers: [], end: text.length, faults: ["a chunk without its end"] };
    body += text.slice(at, at + length);
    at += length + 2;
  }
}

function readTrailers(text: string, at: number, body: string): Body | null {
  if (text.startsWith("\r\n", at)) return { text: body, trailers: [], end: at + 2, faults: [] };
  const end = text.indexOf("\r\n\r\n", at);
  if (end < 0) return null;
  const faults: string[] = [];
  const trailers = readFields(text.slice(at, end).split("\r\n"), faults);
  for (const [name] of trailers) {
    if (neverTrailers.includes(name.toLowerCase().replaceAll("_", "-"))) faults.push(`trailer ${name}`);
  }
  return { text: body, trailers, end: end + 4, faults };
}
