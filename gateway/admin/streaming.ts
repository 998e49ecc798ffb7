// Answers that are streams of what comes from now on.
import { badRequest, queryOf } from "./answers.ts";
import type { EndpointParts, Handler } from "./endpoint.ts";

/** What a stream tells of. */
export interface Streamed<T> {
  /** The name of its events. */
  readonly event: string;
  /** Calls `take` with each item from now on, until the returned function is called. */
  readonly follow: (take: (item: T) => void) => () => void;
  /** A viewer gets the items of the namespaces that the viewer sees. */
  readonly namespace: (item: T) => string;
  readonly json: (item: T) => unknown;
  /** The items that the query asks for; a sentence: the query is wrong. */
  readonly wanted: (query: URLSearchParams) => ((item: T) => boolean) | string;
}

/** The `events` of `byForm`. */
export function streaming<T>(
  { streams, peers }: Pick<EndpointParts, "streams" | "peers">,
  { event, follow, namespace, json, wanted }: Streamed<T>,
): Handler {
  return (request, reply, viewer) => {
    const isWanted = wanted(queryOf(request));
    if (typeof isWanted === "string") return badRequest(reply, isWanted);
    const reader = streams.open(reply, viewer);
    if (reader === null) return reply;
    const others = peers?.status.peers.length ?? 0;
    if (others > 0)
      reader.send("note", () => ({
        sentence: `of this replica alone: ${others} ${others === 1 ? "other has its own" : "others have their own"}`,
      }));
    reader.onClose(
      follow((item) => {
        if (reader.viewer.sees(namespace(item)) && isWanted(item)) reader.send(event, () => json(item));
      }),
    );
    return reply;
  };
}
