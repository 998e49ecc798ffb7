// Lists of all replicas as one: a part of each is asked for, and what they say alike is merged. One that is away costs its own items, and is named.
import { compareText } from "../../routing/text/problem.ts";
import { partReader, valueReader, type Away, type ReplicaPart } from "../api/joined.ts";
import type { Shape, Shaped } from "../api/shape.ts";
import type { Viewer } from "../api/viewer.ts";
import { cursorOf } from "./cursor.ts";
import type { PeersView } from "./view/peers-view.ts";

/** Items of one part, at most: replicas bound what they say to each other in bytes and in work. */
export const maxJoinedItems = 200;

/** One replica's word. `replica`: its name. */
export interface Said<V> {
  readonly replica: string;
  readonly value: V;
}

/** How lists of replicas are one. */
export interface Joining<V> {
  /** null: there are no others. */
  readonly peers: PeersView | null;
  readonly item: Shape;
  /** A viewer gets the items of the namespaces that the viewer sees. */
  readonly namespace: (value: V) => string;
  /** Items of several replicas that have one key. */
  readonly merge: (same: readonly Said<V>[]) => readonly V[];
}

/** A part of a list. */
export interface Page<V> {
  readonly items: readonly { readonly key: string; readonly value: V }[];
  /** null: it is the last one. */
  readonly next: string | null;
  readonly beside: Readonly<Record<string, unknown>>;
  /** Replicas that are not in it. */
  readonly away: Away;
}

type PeerPage<V> =
  | { readonly kind: "said"; readonly replica: string; readonly part: ReplicaPart<V> }
  | { readonly kind: "away"; readonly replica: string; readonly sentence: string };

export const ownName = "this replica";
const unread = "its answer is not of the shape that this version reads";

/** The question is about the replica that answers alone. */
export function isOfSelf(query: URLSearchParams): boolean {
  return query.get("replica") === "self";
}

export function hasPeers({ peers }: Pick<Joining<never>, "peers">): boolean {
  return peers !== null && peers.status.peers.length > 0;
}

/** Asks each other replica for the same part of its list. `url`: as a caller asked for it. Never rejects. */
export async function peersPages<V>(
  { peers, item }: Joining<V>,
  url: string,
  { only }: Viewer,
  limit: number,
): Promise<readonly PeerPage<V>[]> {
  const [path = "", query = ""] = url.split("?", 2);
  const asked = new URLSearchParams(query);
  asked.set("limit", String(limit));
  // Who sees some namespaces gets a part of those alone, and a `continue` that names nothing else.
  if (only !== null && !asked.has("namespace")) asked.set("namespaces", [...only].join(","));
  const read = await partReader<V>(item);
  const said = (await peers?.ask(`${path}?${asked.toString()}`)) ?? [];
  return said.map((one): PeerPage<V> => {
    const { name: replica } = one;
    if (one.kind === "away") return { kind: "away", replica, sentence: one.sentence };
    const part = one.kind === "said" ? read(one.value) : null;
    return part === null ? { kind: "away", replica, sentence: unread } : { kind: "said", replica, part };
  });
}

/** Parts of one limit, all behind one place, as one part. What is behind the end of a part is not known yet, and comes with the next. */
export function joinedPage<V>(
  own: Page<V>,
  others: readonly PeerPage<V>[],
  { namespace, merge }: Joining<V>,
  viewer: Viewer,
  limit: number,
): Page<V> {
  const parts = others.flatMap((one) => (one.kind === "said" ? [one] : []));
  const away = others.flatMap((one) => (one.kind === "away" ? [{ replica: one.replica, sentence: one.sentence }] : []));
  const all = [
    { replica: ownName, items: own.items, hasMore: own.next !== null },
    ...parts.map(({ replica, part }) => ({
      replica,
      items: part.items
        .map((value, at) => ({ key: part.keys[at]!, value }))
        .filter(({ value }) => viewer.sees(namespace(value))),
      hasMore: part.continue !== null,
    })),
  ];
  const ends = all.flatMap(({ items, hasMore }) => (hasMore && items.length > 0 ? [items.at(-1)!.key] : []));
  const end = ends.toSorted(compareText)[0] ?? null;
  const same = Map.groupBy(
    all.flatMap(({ replica, items }) => items.map(({ key, value }) => ({ key, said: { replica, value } }))),
    ({ key }) => key,
  );
  const keys = [...same.keys()].toSorted(compareText);
  const items: { readonly key: string; readonly value: V }[] = [];
  let taken = 0;
  for (const key of keys) {
    if (items.length >= limit || (end !== null && compareText(key, end) > 0)) break;
    for (const value of merge(same.get(key)!.map(({ said }) => said))) items.push({ key, value });
    taken += 1;
  }
  const last = keys[taken - 1];
  const isWhole = taken === keys.length && ends.length === 0;
  const most = Math.max(...all.map((one) => one.items.filter(({ key }) => key === last).length));
  return {
    items,
    next: isWhole || last === undefined ? null : cursorOf(last, most),
    beside: viewer.seesAll ? added([own.beside, ...parts.map(({ part }) => part)]) : own.beside,
    away: viewer.seesAll ? away : away.map(({ replica }) => ({ replica, sentence: "it does not answer" })),
  };
}

/** Asks each other replica for a path with its query; asks none where the query says `replica=self`. The asking endpoint keeps from its caller what the caller may not see. Never rejects. */
export async function othersSay<S extends Shape>(
  peers: PeersView | null,
  path: string,
  shape: S,
): Promise<{ readonly said: readonly Said<Shaped<S>>[]; readonly away: Away }> {
  if (peers === null || isOfSelf(new URLSearchParams(path.split("?", 2)[1]))) return { said: [], away: [] };
  const read = await valueReader(shape);
  const said: Said<Shaped<S>>[] = [];
  const away: Away[number][] = [];
  for (const one of await peers.ask(path)) {
    const { name: replica } = one;
    if (one.kind === "absent") continue;
    const value = one.kind === "said" ? read(one.value) : null;
    if (value !== null) said.push({ replica, value });
    else away.push({ replica, sentence: one.kind === "away" ? one.sentence : unread });
  }
  return { said, away };
}

/** Items of one key that are each replica's own. */
export function withReplica<V extends object>(same: readonly Said<V>[]): readonly V[] {
  return same.map(({ replica, value }) => ({ ...value, replica }));
}

/** Numbers of the first, with those of the others. */
function added(all: readonly object[]): Readonly<Record<string, unknown>> {
  const [first = {}, ...others] = all;
  return Object.fromEntries(
    Object.entries(first).map(([name, value]) => [
      name,
      typeof value === "number"
        ? others.reduce((sum: number, one) => sum + numberOf((one as Readonly<Record<string, unknown>>)[name]), value)
        : value,
    ]),
  );
}

function numberOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}
