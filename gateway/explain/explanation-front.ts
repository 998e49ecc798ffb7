// What becomes of a request before a Route is looked for, by what the configuration says of every request. As gateway/edge/message/front-look.ts and
// gateway/edge/tls/door.ts do it.
import type { FrontSettings } from "../../routing/model/table-change.ts";
import { servedInCleartext, turnedAway } from "../shared/cleartext.ts";
import { cleartextOf, type HostBook } from "./host-words.ts";
import { failures, type Failure } from "../failures.ts";

/** The parts of a request that are looked at. */
interface Seen {
  /** As sent, with its query. */
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
}

/** The request as Routes see it, or why they do not. `front` null: it is as sent. */
export function throughFront<R extends Seen>(request: R, front: FrontSettings | null): R | Failure {
  if (front === null) return request;
  if (front.refusesEscapedSlashes && /%(?:2f|5c)/i.test(request.path.split("?", 1)[0]!)) return failures.escapedSlash;
  if (front.underscores === "allow" || !request.headers.some(([name]) => name.includes("_"))) return request;
  return front.underscores === "refuse"
    ? failures.underscoreName
    : { ...request, headers: request.headers.filter(([name]) => !name.includes("_")) };
}

/** A request as the door sees it. */
interface AtDoor {
  readonly method: string;
  readonly host: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly grpc: boolean;
  /** It comes by TLS. */
  readonly secure: boolean;
}

/** Why a request in cleartext goes no further: the code of a redirect, or a failure; null: it passes. `path`: canonical, without the query. `hops`: proxies that are believed. */
export function atDoor(
  { method, host, headers, grpc, secure }: AtDoor,
  path: string,
  hosts: HostBook,
  hops: number,
): 301 | 308 | Failure | null {
  const said = cleartextOf(host, hosts);
  if (
    secure ||
    said === "route" ||
    servedInCleartext.some((served) => (served.whole ? path === served.path : path.startsWith(served.path)))
  )
    return null;
  const last = headers.findLast(([name]) => name.toLowerCase() === "x-forwarded-proto")?.[1] ?? "";
  return hops > 0 && last.trim().toLowerCase() === "https" ? null : turnedAway(said, method, grpc);
}
