// Who may ask what: bound to loopback everything answers; bound beyond it, only health and /metrics answer without a token. The admin token opens all, a
// viewer's token the namespaces of that viewer, and where the API server is asked a caller's own token what the caller may read there.
import { createHash, timingSafeEqual } from "node:crypto";
import { operator, tenant, type Viewer } from "../api/viewer.ts";
import type { Viewers } from "../callers/viewers.ts";
import { isLoopback } from "../options/option.ts";

/** Who asks, or why there is no answer. */
export type Access =
  | { readonly kind: "viewer"; readonly viewer: Viewer }
  | { readonly kind: "refused"; readonly status: 401 | 403 | 503; readonly error: string; readonly sentence: string };

/** Judges tokens of the cluster. */
export interface TokenReviews {
  /** `digest`: SHA-256 of the token, hex. `namespace` null: all. `address`: of the caller's connection. Never rejects. */
  accessOf(token: string, digest: string, namespace: string | null, address: string): Promise<Access>;
}

export interface Doors {
  /** As bound. */
  readonly host: string;
  /** Of the operator; null: there is none. */
  readonly token: string | null;
  /** Of the policy. */
  readonly viewers: () => Viewers;
  /** Asks the API server; null: nobody is asked. */
  readonly reviewed: TokenReviews | null;
}

/** A token that nobody has; a longer one is no token. */
const maxTokenLength = 16_384;

/** For every path but health and /metrics. `authorization`: the header's value, or undefined. `namespace`: the only one that is asked about; null: all. `address`: of the caller's connection. */
export async function accessTo(
  { host, token, viewers, reviewed }: Doors,
  authorization: string | undefined,
  namespace: string | null,
  address: string,
): Promise<Access> {
  if (isLoopback(host)) return { kind: "viewer", viewer: operator };
  if (token === null && viewers().size === 0 && reviewed === null)
    return refused(
      403,
      "forbidden",
      "beyond loopback this needs a token: start with --admin-token or SLUICE_ADMIN_TOKEN, or bind --admin 127.0.0.1:8877",
    );
  const given = /^bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
  // The hash of no token may be declared by mistake: it must not open to everybody.
  if (given === undefined) return unauthorized;
  const hash = digest(given);
  if (token !== null && timingSafeEqual(hash, digest(token))) return { kind: "viewer", viewer: operator };
  // Looked for by its hash, whose first letters tell nothing of the token's.
  const namespaces = viewers().get(hash.toString("hex"));
  if (namespaces !== undefined) return { kind: "viewer", viewer: tenant(namespaces) };
  if (reviewed !== null && given.length <= maxTokenLength)
    return reviewed.accessOf(given, hash.toString("hex"), namespace, address);
  return unauthorized;
}

export function refused(status: 401 | 403 | 503, error: string, sentence: string): Access {
  return { kind: "refused", status, error, sentence };
}

export const unauthorized = refused(
  401,
  "unauthorized",
  'write the header "authorization: Bearer TOKEN" with the token of --admin-token, or with that of a viewer',
);

/** Equal length whatever was sent, so that comparing takes the same time. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
