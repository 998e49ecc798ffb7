// A request for a token (RFC 6749 §4.4, and §4.3 as Seldon's OAuth gateway had it), read: who asks, by what, or the one thing that is wrong with it.
import { fieldNamed, fieldText } from "../../../routing/request/bytes.ts";
import type { RequestHead } from "../../../routing/request/head.ts";
import { boundaryOf, multipartTexts } from "./multipart-form.ts";

/** A longer body is none of this kind. */
export const mostTokenRequestBytes = 8192;

export type TokenRequest = { readonly kind: "request"; readonly name: string; readonly secret: string } | TokenRefusal;

/** `error` is one of RFC 6749 §5.2; the description is for people, and repeats nothing that was sent. */
export interface TokenRefusal {
  readonly kind: "refused";
  readonly code: 400 | 401 | 405 | 413;
  readonly error:
    | "invalid_request"
    | "invalid_client"
    | "invalid_grant"
    | "unauthorized"
    | "unsupported_grant_type"
    | "method_not_allowed";
  readonly description: string;
}

type Credentials = { readonly name: string; readonly secret: string };

const known = new Set(["grant_type", "scope", "client_id", "client_secret", "username", "password"]);

/** `body`: all of it. */
export function readTokenRequest(head: RequestHead, body: Buffer): TokenRequest {
  const query = formOf(head.pathBytes.subarray(head.queryStart, head.queryEnd));
  const contentType = contentTypeOf(head);
  const boundary = boundaryOf(contentType);
  const form = boundary === null ? formOf(body) : multipartOf(body, boundary);
  const basic = basicOf(head);
  if (basic === "wrong")
    return wrong("invalid_request", "write one Authorization: Basic with the base64 of name:secret");
  if (query === null || form === null)
    return wrong(
      "invalid_request",
      "a parameter stands twice, or is no text in the encoding of its form: write each once",
    );
  if ([...query.keys()].some((name) => name !== "grant_type" && name !== "scope" && known.has(name)))
    return wrong(
      "invalid_request",
      "names and secrets do not belong in a URL: write them into Authorization: Basic, or into the body",
    );
  if (body.length > 0 && boundary === null && !formType.test(contentType))
    return wrong(
      "invalid_request",
      "write the body as application/x-www-form-urlencoded, or multipart/form-data with its boundary",
    );
  const grant = form.get("grant_type") ?? query.get("grant_type") ?? "";
  const inForm = form.has("client_id")
    ? { name: form.get("client_id")!, secret: form.get("client_secret") ?? "" }
    : null;
  const owner =
    form.has("username") || form.has("password")
      ? { name: form.get("username") ?? "", secret: form.get("password") ?? "" }
      : null;
  if (basic !== null && inForm !== null && (inForm.name !== basic.name || form.has("client_secret")))
    return wrong("invalid_request", "the client stands in Authorization and in the body: write it once");
  // Without a client of its own the password grant names it: the key is the user.
  const asks: Credentials | null = basic ?? inForm ?? (grant === "password" ? owner : null);
  if (asks === null || asks.name === "")
    return refusal(401, "unauthorized", "Full authentication is required to access this resource");
  switch (grant) {
    case "client_credentials":
      return { kind: "request", ...asks };
    case "password":
      // There are no users but the client itself.
      if (owner === null || owner.name !== asks.name || owner.secret !== asks.secret)
        return wrong("invalid_grant", "Bad credentials");
      return { kind: "request", ...asks };
    case "":
      return wrong("invalid_request", "Missing grant type");
    default:
      return wrong("unsupported_grant_type", "Unsupported grant type: write client_credentials");
  }
}

export function refusal(code: TokenRefusal["code"], error: TokenRefusal["error"], description: string): TokenRefusal {
  return { kind: "refused", code, error, description };
}

function wrong(error: TokenRefusal["error"], description: string): TokenRefusal {
  return refusal(400, error, description);
}

/** null: there is none; of another scheme counts as none. */
function basicOf(head: RequestHead): Credentials | null | "wrong" {
  let found: string | null = null;
  for (
    let field = fieldNamed(head, "authorization", 0);
    field >= 0;
    field = fieldNamed(head, "authorization", field + 1)
  ) {
    if (found !== null) return "wrong";
    found = fieldText(head, "authorization", field);
  }
  const [, encoded] = /^basic +([^ ]*)$/i.exec(found ?? "") ?? [];
  if (encoded === undefined) return found !== null && /^basic\b/i.test(found) ? "wrong" : null;
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) return "wrong";
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0 ? "wrong" : { name: text.slice(0, colon), secret: text.slice(colon + 1) };
}

const formType = /^application\/x-www-form-urlencoded *(?:;|$)/i;

/** "": there is none. */
function contentTypeOf(head: RequestHead): string {
  const field = fieldNamed(head, "content-type", 0);
  return field < 0 ? "" : fieldText(head, "content-type", field);
}

/** As `formOf`. */
function multipartOf(body: Buffer, boundary: string): ReadonlyMap<string, string> | null {
  const parameters = new Map<string, string>();
  for (const [name, value] of multipartTexts(body, boundary) ?? ([["", null]] as const)) {
    if (value === null) return null;
    if (!known.has(name)) continue;
    if (parameters.has(name)) return null;
    parameters.set(name, value);
  }
  return parameters;
}

/** null: one of what is read here stands twice, or cannot be read. */
function formOf(bytes: Uint8Array): ReadonlyMap<string, string> | null {
  const parameters = new Map<string, string>();
  if (bytes.length === 0) return parameters;
  for (const part of Buffer.from(bytes).toString("utf8").split("&")) {
    const equals = part.indexOf("=");
    const [name, value] = [
      decoded(equals < 0 ? part : part.slice(0, equals)),
      decoded(equals < 0 ? "" : part.slice(equals + 1)),
    ];
    if (name === null || !known.has(name)) continue;
    if (value === null || parameters.has(name)) return null;
    parameters.set(name, value);
  }
  return parameters;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return null;
  }
}
