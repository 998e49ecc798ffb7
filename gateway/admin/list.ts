// Lists of the admin API: a part at a time, in an order of their own. A `continue` names the item that the last part ended with, by its key, so that the next
// part goes on behind it whatever has come or gone meanwhile.
import { createHash } from "node:crypto";
import { visibleLines } from "../../routing/text/visible.ts";
import { compareText } from "../../routing/text/problem.ts";
import { maxCursorLength, maxItems, usualItems } from "../api/parameters.ts";
import { badRequest, jsonType, queryOf } from "./answers.ts";
import { cursorOf, readCursor, type Place } from "./cursor.ts";
import type { Handler } from "./endpoint.ts";
import { hasPeers, isOfSelf, joinedPage, maxJoinedItems, peersPages, type Joining, type Page } from "./joined.ts";
import { FewAtOnce } from "./sending/few-at-once.ts";
import { slicesOfThread, type Slices } from "../shared/slices.ts";
import { sortedInSlices } from "./sorting.ts";
import type { Viewer } from "../api/viewer.ts";

/** The parts of a list. `V`: an item as JSON. */
export interface Listed<T, V = unknown> {
  /** All items, in any order. */
  readonly gather: (slices: Slices) => readonly T[] | Promise<readonly T[]>;
  /** The list is in the order of this text. */
  readonly key: (item: T) => string;
  /** A viewer gets the items of the namespaces that the viewer sees. "": of none. */
  readonly namespace: (item: T) => string;
  /** undefined: it has gone. */
  readonly json: (item: T) => V | undefined;
  /** true: `json` gives a list, none or more of the answer's. */
  readonly rows?: boolean;
  /** The items that the query asks for; of what the viewer does not see it need not know. */
  readonly wanted: (query: URLSearchParams, viewer: Viewer) => ((item: T) => boolean) | Promise<(item: T) => boolean>;
  /** How the lists of several replicas are one; without it each replica has the same, and answers for itself. */
  readonly joining?: Joining<V>;
}

/** Items between two looks at the clock. */
const together = 64;
/** A list serves all who ask for so long, ms. */
const freshMs = 1000;

/** Answers `{ items, continue }`, what `beside` adds, and of lists that are joined `away`. */
export function listing<T, V = unknown>(
  { gather, key, namespace, json, rows = false, wanted, joining }: Listed<T, V>,
  beside: (viewer: Viewer) => Readonly<Record<string, unknown>> = () => ({}),
): Handler {
  const sorted = shared(async (): Promise<readonly Keyed<T>[]> => {
    const slices = slicesOfThread();
    const keyed: Keyed<T>[] = [];
    const items = await gather(slices);
    for (let from = 0; from < items.length; from += together) {
      for (const item of items.slice(from, from + together)) keyed.push({ key: boundedKey(key(item)), item });
      await slices.pause();
    }
    return sortedInSlices(keyed, (a, b) => compareText(a.key, b.key), slices);
  });
  const few = new FewAtOnce();
  return async (request, reply, viewer) => {
    const query = queryOf(request);
    const read = readPart(query);
    if (typeof read === "string") return badRequest(reply, read);
    if (!few.begin(reply, viewer)) return reply;
    const isWanted = await wanted(query, viewer);
    const isJoined = joining !== undefined && !isOfSelf(query) && hasPeers(joining);
    const asked = isJoined ? { ...read, limit: Math.min(read.limit, maxJoinedItems) } : read;
    const others = isJoined ? peersPages(joining, request.url, viewer, asked.limit) : null;
    const only = query.get("namespaces")?.split(",") ?? null;
    const slices = slicesOfThread();
    const all = await sorted();
    const seen: Keyed<T>[] = [];
    for (let at = 0; at < all.length; at++) {
      const space = namespace(all[at]!.item);
      if (viewer.sees(space) && (only === null || only.includes(space)) && isWanted(all[at]!.item)) seen.push(all[at]!);
      if (at % together === 0) await slices.pause();
    }
    const { part, next } = partOf(seen, asked);
    const items: { readonly key: string; readonly value: V }[] = [];
    for (const { key: of, item } of part) {
      const value = json(item);
      for (const one of rows ? (value as readonly (V | undefined)[]) : [value])
        if (one !== undefined) items.push({ key: of, value: one });
      await slices.pause();
    }
    let page: Page<V> = { items, next, beside: beside(viewer), away: [] };
    if (joining !== undefined && others !== null) page = joinedPage(page, await others, joining, viewer, asked.limit);
    const texts: string[] = [];
    for (const { value } of page.items) {
      texts.push(JSON.stringify(value));
      await slices.pause();
    }
    const rest = JSON.stringify({
      continue: page.next,
      ...page.beside,
      ...(joining === undefined ? {} : { away: page.away }),
      ...(isOfSelf(query) ? { keys: items.map(({ key }) => key) } : {}),
    });
    return reply.type(jsonType).send(visibleLines(`{"items":[${texts.join()}],${rest.slice(1)}`));
  };
}

/** What `make` makes, for all who ask within a second. */
function shared<T>(make: () => Promise<T>): () => Promise<T> {
  let newest: Promise<T> | null = null;
  return () => {
    if (newest !== null) return newest;
    const made = make();
    newest = made;
    const forget = (): void => {
      if (newest === made) newest = null;
    };
    made.then(() => setTimeout(forget, freshMs).unref(), forget);
    return made;
  };
}

export interface Keyed<T> {
  readonly key: string;
  readonly item: T;
}

/** A part of a list that somebody asks for. */
export interface AskedPart {
  readonly limit: number;
  /** null: from the beginning. */
  readonly after: Place | null;
}

/** The part, and the `continue` of the next one; null: there is none. */
export function partOf<T>(
  sorted: readonly Keyed<T>[],
  { limit, after }: AskedPart,
): { readonly part: readonly Keyed<T>[]; readonly next: string | null } {
  let from = after === null ? 0 : lowerBound(sorted, after.key);
  for (let left = after?.count ?? 0; left > 0 && sorted[from]?.key === after?.key; left--) from += 1;
  const part = sorted.slice(from, from + limit);
  const last = part.at(-1);
  if (last === undefined || from + part.length === sorted.length) return { part, next: null };
  return { part, next: cursorOf(last.key, from + part.length - lowerBound(sorted, last.key)) };
}

function lowerBound<T>(sorted: readonly Keyed<T>[], key: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareText(sorted[middle]!.key, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Characters of a key that stand in a `continue` as they are. */
const maxKeyLength = 200;

/** Equal for equal texts only, and of bounded length. */
function boundedKey(text: string): string {
  return text.length <= maxKeyLength
    ? text
    : text.slice(0, maxKeyLength) + createHash("sha256").update(text).digest("hex");
}

/** A sentence: what is wrong. */
export function readPart(query: URLSearchParams): AskedPart | string {
  const limit = query.get("limit");
  const from = query.get("continue");
  const number = limit === null ? usualItems : /^\d{1,5}$/.test(limit) ? Number(limit) : 0;
  if (number < 1 || number > maxItems) return `limit is no whole number from 1 to ${maxItems}: write one`;
  if (from === null || from === "") return { limit: number, after: null };
  const after = from.length > maxCursorLength ? null : readCursor(from);
  return after === null
    ? "continue is not from an answer of this list: write the text of the answer before, or leave it out"
    : { limit: number, after };
}
