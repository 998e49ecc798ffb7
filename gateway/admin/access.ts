// Who may ask what: bound to loopback everything answers; bound beyond it, only health and /metrics answer without the token.
import { createHash, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import { operator, type Viewer } from "../api/viewer.ts";

/** Who asks, or why there is no answer. */
export type Access =
  | { readonly kind: "viewer"; readonly viewer: Viewer }
  | { readonly kind: "refused"; readonly status: 401 | 403; readonly error: string; readonly sentence: string };

/** `host` as bound. */
export function isLoopback(host: string): boolean {
  if (host === "localhost" || host === "::1") return true;
  return isIP(host) === 4 && host.startsWith("127.");
}

/** For every path but health and /metrics. `authorization`: the header's value, or undefined. */
export function accessTo(host: string, token: string | null, authorization: string | undefined): Access {
  if (isLoopback(host)) return { kind: "viewer", viewer: operator };
  if (token === null)
    return {
      kind: "refused",
      status: 403,
      error: "forbidden",
      sentence:
        "beyond loopback this needs a token: start with --admin-token or SLUICE_ADMIN_TOKEN, or bind --admin 127.0.0.1:8877",
    };
  const given = /^bearer +(\S+)$/i.exec(authorization ?? "")?.[1] ?? "";
  if (timingSafeEqual(digest(given), digest(token))) return { kind: "viewer", viewer: operator };
  return {
    kind: "refused",
    status: 401,
    error: "unauthorized",
    sentence: 'write the header "authorization: Bearer TOKEN" with the token of --admin-token',
  };
}

/** Equal length whatever was sent, so that comparing takes the same time. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
