// /api/v1/failures, /api/v1/requests/{id} and /api/v1/logs: requests that failed, and requests as they come.
import { loggedShape, requestStoryShape } from "../../api/failures.ts";
import type { AccessEntry } from "../../shared/access-fields.ts";
import { storyOf } from "../../explain/request-story.ts";
import { answer, notFound } from "../answers.ts";
import type { EndpointParts, Handler } from "../endpoint.ts";
import { othersSay, withReplica } from "../joined.ts";
import { listing } from "../list.ts";
import { streaming } from "../streaming.ts";
import type { KeptRequest } from "../view/view.ts";

/** More than any number of failures or of ms. */
const most = 10 ** 15;

/** Sorts the largest first. */
function fallingKey(number: number): string {
  return String(most - number).padStart(16, "0");
}

export function failures({ requests, peers }: EndpointParts): Handler {
  return listing<KeptRequest, AccessEntry>(
    {
      gather: () => [...requests.failures],
      // The newest first.
      key: ({ number, entry }) => `${fallingKey(entry.atMs)} ${fallingKey(number)}`,
      namespace: ({ entry }) => entry.namespace,
      json: ({ entry }) => entry,
      wanted: (query) => {
        const isWanted = wantedBy(query);
        return ({ entry }) => isWanted(entry);
      },
      joining: { peers, item: loggedShape, namespace: ({ namespace }) => namespace, merge: withReplica },
    },
    ({ seesAll }) => ({ leftOut: seesAll ? requests.leftOut : 0 }),
  );
}

/** The replica that kept it says it. */
export function requestStory({ requests, peers }: EndpointParts): Handler {
  return async (request, reply, viewer) => {
    const { id } = request.params as { readonly id: string };
    const entry = requests.find(id, (namespace) => viewer.sees(namespace));
    const others = entry === null ? await othersSay(peers, request.url, requestStoryShape) : { said: [], away: [] };
    const found = others.said.find(({ value }) => viewer.sees(value.request.namespace))?.value ?? null;
    const story = entry === null ? found : storyOf(entry);
    if (story !== null)
      return answer(
        request,
        reply,
        () => story,
        () => "",
      );
    const [away] = others.away;
    return notFound(
      reply,
      `no failure has this request id. Sluice keeps the last 1000 failures, and of requests that succeed it keeps nothing: their lines are in the log with --access-log all${away === undefined ? "" : `. It may be one of ${away.replica}, which cannot be asked: ${away.sentence}`}`,
    );
  };
}

export function logs(parts: EndpointParts): Handler {
  const { requests } = parts;
  return streaming<AccessEntry>(parts, {
    event: "request",
    follow: (take) => requests.follow(take),
    namespace: ({ namespace }) => namespace,
    json: (entry) => entry,
    wanted: (query) => {
      const isWanted = wantedBy(query);
      // Of no request: how many are not shown.
      return (entry) => (entry.peer === "" && entry.code === 0) || isWanted(entry);
    },
  });
}

/** The requests that a query asks for by `namespace`, `deployment` and `flag`. */
function wantedBy(query: URLSearchParams): (entry: AccessEntry) => boolean {
  const flag = query.get("flag");
  const namespace = query.get("namespace");
  const named = query.get("deployment");
  const slash = named?.indexOf("/") ?? -1;
  return (entry) =>
    (namespace === null || entry.namespace === namespace) &&
    (named === null ||
      (slash < 0
        ? entry.deployment === named
        : entry.namespace === named.slice(0, slash) && entry.deployment === named.slice(slash + 1))) &&
    (flag === null || (flag === "-" ? entry.flag === "" : entry.flag.split(",").includes(flag)));
}
