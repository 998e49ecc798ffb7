// Who may ask what: bound to loopback everything answers; bound beyond it, only health and /metrics answer without the token.
import { createHash, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";

export type Access = "allowed" | "no-token-set" | "wrong-token";

/** `host` as bound. */
export function isLoopback(host: string): boolean {
  if (host === "localhost" || host === "::1") return true;
  return isIP(host) === 4 && host.startsWith("127.");
}

/** For every path but health and /metrics. `authorization`: the header's value, or undefined. */
export function accessTo(host: string, token: string | null, authorization: string | undefined): Access {
  if (isLoopback(host)) return "allowed";
  if (token === null) return "no-token-set";
  const given = /^bearer +(\S+)$/i.exec(authorization ?? "")?.[1] ?? "";
  return timingSafeEqual(digest(given), digest(token)) ? "allowed" : "wrong-token";
}

/** Equal length whatever was sent, so that comparing takes the same time. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
