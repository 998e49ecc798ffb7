// Which requests are the OAuth gateway's own, where `--oauth` is given: no Route is looked for until a token has said whose they are. One rule for the data plane and
// `explain`. What is asked of every request allocates nothing.
import { fieldNamed, isText } from "../../routing/request/bytes.ts";
import type { RequestHead } from "../../routing/request/head.ts";

/** `call`: a gRPC call with metadata `oauth_token`. */
export type OAuthPlace = "token" | "api" | "call" | null;

const tokenPath = "/oauth/token";
const apiPaths: readonly string[] = [
  "/api/v0.1/predictions",
  "/api/v1.0/predictions",
  "/api/v0.1/feedback",
  "/api/v1.0/feedback",
];
export const tokenField = "oauth_token";
/** Where old clients write it (RFC 6750 §2.3). */
export const tokenParameter = "access_token";
/** Parameters of a URL that hold what its clients keep to themselves; where they write their secret there, they are refused. */
export const oauthSecrets: readonly string[] = [tokenParameter, "client_secret", "password"];
const [lowerA, lowerO] = [0x61, 0x6f];

/** null: it is for Routes, as any other. */
export function oauthPlaceOf(head: RequestHead): OAuthPlace {
  if (head.grpc) return fieldNamed(head, tokenField, 0) >= 0 ? "call" : null;
  const { pathBytes, pathStart, pathEnd } = head;
  const first = pathBytes[pathStart + 1];
  if (first === lowerO) return isText(pathBytes, pathStart, pathEnd, tokenPath) ? "token" : null;
  if (first !== lowerA) return null;
  for (const path of apiPaths) if (isText(pathBytes, pathStart, pathEnd, path)) return "api";
  return null;
}
