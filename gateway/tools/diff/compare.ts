// Which requests would go elsewhere between two tables: compared Route by Route, whatever files and objects they come from.
import { cleartextLines, declaredHosts } from "../../explain/host-words.ts";
import { routeWords } from "../../explain/route-blocks.ts";
import type { Route } from "../../../routing/route/decision.ts";
import { compareText } from "../../../routing/text/problem.ts";
import type { Settings } from "../../options/settings.ts";
import type { Served } from "../manifests.ts";
import { aspectsOf, type AspectWorld } from "./aspects.ts";

/** One thing that changes, for these requests of a deployment. */
export interface Change {
  /** `shares`, `timeout`. */
  readonly aspect: string;
  readonly before: string;
  readonly after: string;
  /** `REST /seldon/prod/iris/…`: how the requests are sent; empty: all of them. */
  readonly requests: readonly string[];
}

export interface Difference {
  /** `prod/iris`, or a path that no deployment has. */
  readonly title: string;
  /** `appears` and `vanishes`: no Route of it was there before, or is there afterwards. */
  readonly kind: "appears" | "vanishes" | "changes";
  readonly changes: readonly Change[];
}

export interface Comparison {
  /** By title. */
  readonly differences: readonly Difference[];
  /** Titles of which nothing changes. */
  readonly same: number;
}

/** What there is no more, or was not there. */
const nothing = "no Route";

type Side = Pick<Served, "table" | "translation" | "policy" | "unread">;

export function compareServed(before: Side, after: Side, settings: Settings): Comparison {
  const [old, next] = [routesOf(before, settings), routesOf(after, settings)];
  const titles = new Map<string, Change[]>();
  for (const key of new Set([...old.keys(), ...next.keys()])) {
    const [was, becomes] = [old.get(key), next.get(key)];
    const { title, address } = (becomes ?? was)!;
    const changes = titles.get(title) ?? [];
    titles.set(title, changes);
    const requests = [address];
    if (was === undefined || becomes === undefined) {
      const [from, to] = [was?.aspects[0]!.words ?? nothing, becomes?.aspects[0]!.words ?? nothing];
      changes.push({ aspect: "shares", before: from, after: to, requests });
      continue;
    }
    for (const [index, { name, compared, words }] of was.aspects.entries()) {
      const other = becomes.aspects[index]!;
      if (other.compared === compared) continue;
      const isSaid = other.words !== words;
      changes.push({ aspect: name, before: words, after: isSaid ? other.words : `${words}, changed`, requests });
    }
  }
  const has = (routes: ReadonlyMap<string, Compared>): ReadonlySet<string> =>
    new Set(Array.from(routes.values(), ({ title }) => title));
  const [titlesBefore, titlesAfter] = [has(old), has(next)];
  const differences = [...titles].flatMap(([title, changes]): Difference[] => {
    if (changes.length === 0) return [];
    const kind = !titlesBefore.has(title) ? "appears" : !titlesAfter.has(title) ? "vanishes" : "changes";
    return [{ title, kind, changes: oneOfEach(changes) }];
  });
  const everywhere = ofEveryRequest(before, after);
  if (everywhere.length > 0) differences.push({ title: "every request", kind: "changes", changes: everywhere });
  differences.sort((a, b) => compareText(a.title, b.title));
  return { differences, same: titles.size - differences.filter(({ title }) => titles.has(title)).length };
}

interface Compared {
  readonly title: string;
  readonly address: string;
  readonly aspects: ReturnType<typeof aspectsOf>;
}

function routesOf(
  { table, translation, policy, unread }: Side,
  { trustedHops }: Settings,
): ReadonlyMap<string, Compared> {
  const { external, front, singleNamespace } = table.settings;
  const world: AspectWorld = { policy, external, front, trustedHops, unread, upstreams: translation.upstreams };
  const compared = (route: Route<unknown>): Compared => ({
    ...routeWords(route, singleNamespace),
    aspects: aspectsOf(route, world),
  });
  return new Map(table.routesInOrder().map((route) => [`${route.granted} ${route.key}`, compared(route)]));
}

/** What holds whatever Route a request takes. */
function ofEveryRequest(before: Side, after: Side): readonly Change[] {
  const changes: Change[] = [];
  const lines = ({ translation }: Side): string => cleartextLines(declaredHosts(translation.hosts)).join("; ");
  if (lines(before) !== lines(after))
    changes.push({ aspect: "cleartext", before: lines(before), after: lines(after), requests: [] });
  const front = ({ table }: Side): string => JSON.stringify(table.settings.front);
  if (front(before) !== front(after))
    changes.push({
      aspect: "Module",
      before: "as it was",
      after: "changed: sluice routes -o wide prints it",
      requests: [],
    });
  return changes;
}

/** REST and gRPC have Routes of their own, and mostly change alike. */
function oneOfEach(changes: readonly Change[]): readonly Change[] {
  const groups = Map.groupBy(changes, ({ aspect, before, after }) => JSON.stringify([aspect, before, after]));
  return Array.from(groups.values(), (group) => ({
    ...group[0]!,
    requests: group.flatMap(({ requests }) => requests),
  }));
}
