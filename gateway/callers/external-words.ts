// External services in words for people: who is asked, and what holds where nobody answers.
import type { AuthService, Consulted } from "../../routing/model/external-services.ts";
import type { LimitsAsked } from "./terms.ts";

/** Who is asked whether the request may come; null: nobody, or what is asked cannot be read. */
export function authWords(auth: Consulted<AuthService>): string | null {
  if (auth.kind !== "service") return null;
  const { proto, places, timeoutMs, failureModeAllow, statusOnError, body } = auth.service;
  const shown = body === null ? "" : `, with ${body.maxBytes} bytes of the body${body.allowPartial ? "" : " at most"}`;
  const away = failureModeAllow ? "the request goes on" : `it is answered ${statusOnError}`;
  return `as the AuthService says (${proto} ${places.map(({ authority }) => authority).join(", ")}${shown}; without an answer${timeoutMs === 0 ? "" : ` in ${timeoutMs} ms`} ${away})`;
}

/** Who is asked how many may come; null: nobody, or what is asked cannot be read. */
export function limitServiceWords(rateLimit: LimitsAsked): string | null {
  if (rateLimit.kind !== "service") return null;
  const { place, domain, timeoutMs, failureModeDeny } = rateLimit.service;
  return `as the RateLimitService says (${place.authority}, domain ${domain}; without an answer in ${timeoutMs} ms ${failureModeDeny ? "it is answered 500" : "the request goes on"})`;
}
