// Redirects: `host_redirect` and its companions, answered here.
import { textOf } from "../../../routing/request/bytes.ts";
import type { RequestHead } from "../../../routing/request/head.ts";
import type { RedirectTarget } from "../../../routing/model/mapping.ts";
import type { PathMatch } from "../../../routing/model/match.ts";
import {
  compileRedirect,
  redirectPath,
  type CompiledRedirect,
  type RewriteRefusal,
} from "../../../routing/route/rewrite.ts";
import type { Answer } from "../message/answers.ts";
import { rewriteFailures } from "./rewrite-limits.ts";
import { requestStep, type Step } from "./step.ts";

/**
 * The answer of a redirect, or why there is none: scheme and, unless it names one, host are the request's. `mostLength` limits what a regex makes
 * of the path.
 */
function redirectAnswer(
  target: RedirectTarget,
  redirect: CompiledRedirect,
  head: RequestHead,
  secure: boolean,
  mostLength: number,
): Answer | RewriteRefusal {
  const path = textOf(head.pathBytes, head.pathStart, head.pathEnd);
  const query = textOf(head.pathBytes, head.queryStart, head.queryEnd);
  const host = target.host === "" ? textOf(head.bytes, head.authorityStart, head.authorityEnd) : target.host;
  const result = redirectPath(redirect, path, query, mostLength);
  if (result.kind !== "replaced") return result.kind;
  // Scheme and host of a request that names none are what the client knows.
  const location = host === "" ? pathOnly(result.text) : `${secure ? "https" : "http"}://${host}${result.text}`;
  return { code: target.code, contentType: "text/plain", body: "", fields: [["location", oneLine(location)]] };
}

/** As a reference that names no host: `//name/` would, to a browser also `/\name` (RFC 3986 §4.2), and what begins with no slash may be of any form. */
function pathOnly(path: string): string {
  return /^\/(?![/\\])/.test(path) ? path : `/./${path.replace(/^\//, "")}`;
}

/** Answers every request. `mostLength`: of the path that a regex makes. */
export function redirectStep(target: RedirectTarget, match: PathMatch, mostLength: number): Step {
  const redirect = compileRedirect(target, match);
  return requestStep("redirect", ({ head, secure }) => {
    const answer = redirectAnswer(target, redirect, head, secure, mostLength);
    return typeof answer === "string"
      ? { kind: "fail", failure: rewriteFailures[answer], detail: "" }
      : { kind: "answer", answer, counted: true };
  });
}

/** What may not stand in a header, percent-encoded: neither a path nor a manifest can begin another line. */
function oneLine(text: string): string {
  return text.toWellFormed().replace(/[^!-~]/gu, (character) => encodeURIComponent(character));
}
