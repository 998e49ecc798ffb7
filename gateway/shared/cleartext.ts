// Requests in cleartext to a host that says what becomes of them: one rule for the door of the data plane and for `explain`.
import type { Cleartext } from "../../routing/model/host-tls.ts";
import { failures, type Failure } from "../failures.ts";

/** What is served in cleartext whatever its host says: proofs of an authority that gives certificates (RFC 8555 §8.3; a prefix), and the gateway's own probes. */
export const servedInCleartext: readonly { readonly path: string; readonly whole: boolean }[] = [
  { path: "/.well-known/acme-challenge/", whole: false },
  { path: "/ambassador/v0/check_alive", whole: true },
  { path: "/ambassador/v0/check_ready", whole: true },
];

/** What a request in cleartext gets there: the code of a redirect, or a failure. Differs: Ambassador answers 301 whatever the method, and clients make a GET of a POST then. */
export function turnedAway(said: Exclude<Cleartext, "route">, method: string, grpc: boolean): 301 | 308 | Failure {
  if (said === "reject") return failures.noRoute;
  if (grpc) return failures.tlsNeeded;
  return method === "GET" || method === "HEAD" ? 301 : 308;
}
