// What the OAuth gateway answers, in the words of Seldon's (Spring Security OAuth 2): names, statuses and bodies as its clients know them.
import type { ExtraFields } from "../message/header-edits.ts";
import { failures, type Failure } from "../../failures.ts";
import { sentenceOf, type Answer } from "../message/answers.ts";
import type { TokenRefusal } from "./token-request.ts";

const json = "application/json;charset=UTF-8";
const unkept: Answer["fields"] = [
  ["cache-control", "no-store"],
  ["pragma", "no-cache"],
];
/** Its filter let every page ask, which sends no credentials but the token that it has. */
const anyOrigin: Answer["fields"][number] = ["access-control-allow-origin", "*"];

/** Its clock had gone on by less than a second. */
const toldSeconds = 43_199;

export function tokenAnswer(token: string): Answer {
  return {
    code: 200,
    contentType: json,
    body: `{"access_token":"${token}","token_type":"bearer","expires_in":${toldSeconds},"scope":"read write"}`,
    fields: [...unkept, anyOrigin],
  };
}

/** A request for a token that gets none. */
export function refusalAnswer({ code, error, description }: TokenRefusal): Answer {
  const fields: [string, string][] = [];
  if (code === 401) fields.push(["www-authenticate", 'Basic realm="oauth2/client"']);
  if (code === 405) fields.push(["allow", "POST"]);
  return { code, contentType: json, body: bodyOf(error, description), fields: [...unkept, ...fields, anyOrigin] };
}

/** A request with a token, or without one, that does not reach its deployment. */
export function bearerAnswer(
  code: 400 | 401,
  error: "unauthorized" | "invalid_token" | "invalid_request",
  description: string,
): Answer {
  const challenge = `Bearer realm="prediction-client", error="${error}", error_description="${description}"`;
  return {
    code,
    contentType: json,
    body: bodyOf(error, description),
    fields: [...unkept, ["www-authenticate", challenge], anyOrigin],
  };
}

/** Tokens cannot be told, or not be given, now. */
export function unavailableAnswer(sentence: string): Answer {
  return {
    code: 503,
    contentType: json,
    body: bodyOf("temporarily_unavailable", sentence),
    fields: [...unkept, ["retry-after", "1"], anyOrigin],
  };
}

/** What the OAuth gateway said to every page. */
const anyPage: ExtraFields = Object.freeze({ instead: [anyOrigin[0]], fields: [anyOrigin] });

/** Answers to a request whose token was good. */
export const seldonForm = Object.freeze({
  origin: anyPage,
  failed: (failure: Failure, detail: string, retried: boolean): Answer | null =>
    isToldAsSeldon(failure) ? seldonFailure(failure, detail, retried) : null,
});

/**
 * A request whose token was good, and that failed. Differs: the status stays what it is everywhere here; Seldon's said 500 of what a client may try
 * again.
 */
function seldonFailure(failure: Failure, detail: string, retried: boolean): Answer {
  const { code, reason } = noDeployment.has(failure)
    ? { code: 104, reason: "No Running Deployment" }
    : { code: 103, reason: "Microservice error" };
  const body = JSON.stringify({ code, info: sentenceOf(failure, detail, retried), reason, status: "FAILURE" });
  return {
    code: failure.httpStatus,
    contentType: json,
    body,
    fields: failure === failures.overflow ? [["x-envoy-overloaded", "true"]] : [],
  };
}

const noDeployment: ReadonlySet<Failure> = new Set([failures.noRoute, failures.noHealthyUpstream, failures.noAddress]);

/** Seldon's statuses know no fault of the request's own but its JSON, which only the model reads. */
function isToldAsSeldon(failure: Failure): boolean {
  return failure.httpStatus >= 500 || noDeployment.has(failure);
}

/** To a page that asks whether it may ask. */
export const preflightAnswer: Answer = Object.freeze({
  code: 200,
  contentType: "",
  body: "",
  fields: [
    anyOrigin,
    ["access-control-allow-methods", "POST, GET, OPTIONS, DELETE"],
    ["access-control-max-age", "3600"],
    ["access-control-allow-headers", "API-Key, accept, Content-Type, x-requested-with, authorization"],
  ] as const,
});

function bodyOf(error: string, description: string): string {
  return JSON.stringify({ error, error_description: description });
}
