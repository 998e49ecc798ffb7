// A whole list of one resource: page after page, item by item as the bytes come.
import { objectKey } from "../../translate/model/object.ts";
import { reasonOf, type Api, type ApiFailure } from "../api/api.ts";
import type { ClusterObject } from "./cluster-object.ts";
import { ListScanner, type ListEnvelope } from "../api/list-scanner.ts";
import { parsedJson } from "../api/parsed-json.ts";

export interface ListRequest {
  readonly api: Api;
  /** Path of the collection with that query. */
  readonly pathOf: (query: string) => string;
  readonly idleMs: number;
  readonly signal: AbortSignal;
  /** null: it cannot be read. */
  readonly read: (value: unknown) => ClusterObject | null;
  /** The object that is known already where it is the same, so that a list that repeats what is known costs no memory. */
  readonly known: (key: string, object: ClusterObject) => ClusterObject;
}

export type Listed =
  | {
      readonly kind: "listed";
      /** By `objectKey`. */
      readonly objects: ReadonlyMap<string, ClusterObject>;
      readonly version: string;
      /** Items that were passed over. */
      readonly unreadable: number;
    }
  | ApiFailure;

/** Objects of one answer. */
const pageItems = 500;
/** Longest item that is read, bytes: etcd takes 1.5 MiB, and JSON may be longer than what is stored. */
export const objectBytes = 4 * 1024 * 1024;

/**
 * Lists everything. `since` null: etcd answers, in pages; else any server whose cache is at least at that version, which it does for a whole
 * list only (client-go does the same).
 */
export async function listAll(request: ListRequest, since: string | null): Promise<Listed> {
  const objects = new Map<string, ClusterObject>();
  let unreadable = 0;
  const page = (query: string): Promise<ListEnvelope | ApiFailure> =>
    readPage(request, query, objects, () => (unreadable += 1));
  let answer = await page(
    since === null
      ? `limit=${pageItems}`
      : `resourceVersion=${encodeURIComponent(since)}&resourceVersionMatch=NotOlderThan`,
  );
  while (!("kind" in answer) && answer.continueToken !== "") {
    answer = await page(`limit=${pageItems}&continue=${encodeURIComponent(answer.continueToken)}`);
    if ("kind" in answer && answer.kind === "refused" && answer.status === 410) {
      // The pages took longer than the server remembers: all at once then.
      objects.clear();
      unreadable = 0;
      answer = await page("");
    }
  }
  return "kind" in answer ? answer : { kind: "listed", objects, version: answer.resourceVersion, unreadable };
}

async function readPage(
  { api, pathOf, idleMs, signal, read, known }: ListRequest,
  query: string,
  objects: Map<string, ClusterObject>,
  unreadable: () => void,
): Promise<ListEnvelope | ApiFailure> {
  const opened = await api.open({ method: "GET", path: pathOf(query), body: null, idleMs, signal });
  if (opened.kind !== "opened") return opened;
  const scanner = new ListScanner(
    {
      item: (text) => {
        const object = read(parsedJson(text));
        if (object === null) return unreadable();
        const key = objectKey(object.ref);
        objects.set(key, known(key, object));
      },
      oversized: unreadable,
    },
    objectBytes,
  );
  try {
    for await (const chunk of opened.body as AsyncIterable<Buffer>) scanner.push(chunk);
  } catch (error) {
    return { kind: "unreachable", sentence: `the list was cut (${reasonOf(error)})` };
  }
  return scanner.end() ?? { kind: "unreachable", sentence: "the list is not complete" };
}
