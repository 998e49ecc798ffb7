// Which part of the callers of a sticky Route a request belongs to, in words. The key itself is not said: it may be a credential.
import { circle } from "../../routing/collections/key-hash.ts";
import { stickyText } from "../../routing/model/sticky.ts";
import { printShare } from "../../routing/print.ts";
import type { RequestHead } from "../../routing/request/head.ts";
import type { ForwardDecision, Route, StickySplit } from "../../routing/route/decision.ts";
import { noKey, pointOfHead, pointOfText } from "../../routing/route/sticky-key.ts";
import type { NamedCaller } from "../callers/words.ts";

/**
 * `by header x-user: the key falls at 71.42%, and main gets the keys from 0% to 30% and from 35% to 100%`. null: a draw decides each request of the Route. `asksWho`: a provider of identities is asked
 * who calls.
 */
export function stickyWords(
  route: Route<null>,
  head: RequestHead,
  as: NamedCaller | null,
  asksWho: boolean,
): string | null {
  const [first] = route.split.forwards;
  if (first === undefined || first.sticky === null) return null;
  const { sticky } = first;
  const { on } = sticky;
  if (on.kind === "client" && !asksWho)
    return "by client: no provider is asked who calls, so a draw decides; write sluice.io/auth";
  const point =
    on.kind === "client"
      ? as === null || as.client === ""
        ? noKey
        : pointOfText(sticky.seed, Buffer.from(`${as.provider}/${as.client}`).toString("latin1"))
      : pointOfHead(sticky, head);
  return `by ${stickyText(on)}: ${point === noKey ? withoutKey[on.kind] : groundWords(sticky, point)}`;
}

const withoutKey: Readonly<Record<StickySplit<null>["on"]["kind"], string>> = {
  header: "the request has no such header, so a draw decides; write it with -H",
  cookie: "the request has no such cookie, so the gateway sets one, and its value decides",
  query: "the request has no such parameter, so a draw decides",
  client: "the caller is not known, so a draw decides; write --as PROVIDER/CLIENT, or the credential with -H",
  address: "explain does not know the address of the client",
};

function groundWords({ untils, takers }: StickySplit<null>, point: number): string {
  const at = untils.findIndex((until) => point < until);
  const { id, series, source } = takers[at]!.mapping;
  const isOfOne = takers.every(({ mapping }) => mapping.source.name === source.name);
  const owner =
    series.predictor === "" ? source.name : isOfOne ? series.predictor : `${series.predictor} of ${source.name}`;
  return `the key falls at ${printShare(point / circle)}, and ${owner} gets the keys ${rangesOf(id, { untils, takers }, point)}`;
}

/** Ranges of one member that are all said. Of more only the one of the key is. */
const mostRanges = 4;

/** `from 0% to 30% and from 35% to 100%`: together they are the member's share. */
function rangesOf(
  id: ForwardDecision<null>["mapping"]["id"],
  { untils, takers }: Pick<StickySplit<null>, "untils" | "takers">,
  point: number,
): string {
  const ranges: { from: number; until: number }[] = [];
  for (const [at, until] of untils.entries()) {
    if (takers[at]!.mapping.id !== id) continue;
    const from = at === 0 ? 0 : untils[at - 1]!;
    const last = ranges.at(-1);
    if (last?.until === from) last.until = until;
    else ranges.push({ from, until });
  }
  const words = ({ from, until }: { from: number; until: number }): string =>
    `from ${printShare(from / circle)} to ${printShare(until / circle)}`;
  if (ranges.length <= mostRanges) return ranges.map(words).join(" and ");
  return `${words(ranges.find(({ from, until }) => from <= point && point < until)!)} and in ${ranges.length - 1} other ranges`;
}
