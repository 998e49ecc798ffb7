// Requests to explain, as the admin port is asked about them: in a query, or with credentials in a body.
import { namedCaller, type NamedCaller } from "../../callers/words.ts";
import type { ExplainRequest } from "../../explain/explanation.ts";

/** Longest text of a request to explain. */
const maxRequestLength = 16_384;
/** Of a body with it, bytes: a token is 16 KiB at most. */
export const maxExplainBytes = 65_536;
const maxFields = 100;

export interface AskedExplanation {
  readonly request: ExplainRequest;
  readonly as: NamedCaller | null;
  /** The text as `-o wide` prints it. */
  readonly wide: boolean;
}

/** Null without a path, or when a part is too long to be a request. */
export function askedByQuery(query: URLSearchParams): AskedExplanation | null {
  const path = query.get("path") ?? "";
  if (!path.startsWith("/") || query.toString().length > maxRequestLength) return null;
  const grpc = query.get("grpc") === "true";
  const headers = query.getAll("header").flatMap((header): [string, string][] => {
    const colon = header.indexOf(":");
    return colon > 0 ? [[header.slice(0, colon).trim(), header.slice(colon + 1).trim()]] : [];
  });
  const request = {
    method: query.get("method") ?? (grpc ? "POST" : "GET"),
    host: query.get("host") ?? "localhost",
    path,
    headers,
    grpc,
    secure: query.get("secure") === "true",
  };
  return { request, as: namedCaller(query.get("as") ?? ""), wide: query.get("wide") === "true" };
}

/** Of a body in JSON: `path`, and if they matter `method`, `host`, `headers` (a list of `[name, value]`), `grpc`, `secure`, `as`, `wide`. Null: it is something else, or has other members. */
export function askedByBody(body: unknown): AskedExplanation | null {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return null;
  const {
    path,
    method,
    host = "localhost",
    headers = [],
    grpc = false,
    secure = false,
    as = "",
    wide = false,
    ...rest
  } = body as Readonly<Record<string, unknown>>;
  const said = method ?? (grpc === true ? "POST" : "GET");
  if (
    Object.keys(rest).length > 0 ||
    !isText(path) ||
    !path.startsWith("/") ||
    !isText(said) ||
    !isText(host) ||
    !isText(as)
  )
    return null;
  if (typeof grpc !== "boolean" || typeof secure !== "boolean" || typeof wide !== "boolean") return null;
  if (!Array.isArray(headers) || headers.length > maxFields || !(headers as readonly unknown[]).every(isField))
    return null;
  return { request: { method: said, host, path, headers, grpc, secure }, as: namedCaller(as), wide };
}

/** No line of a head ends in it. */
function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= maxExplainBytes && !/[\r\n\0]/.test(value);
}

function isField(value: unknown): value is [string, string] {
  return (
    Array.isArray(value) && value.length === 2 && value.every(isText) && /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(value[0]!)
  );
}
