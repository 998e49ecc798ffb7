// A whole list of one resource, page after page.
import { objectKey } from "../../translate/model/object.ts";
import { arrayOf, fieldOf, recordOf, textOf } from "../../translate/values/value.ts";
import { reasonOf, type Api, type ApiFailure } from "../api/api.ts";
import { parsedJson } from "../api/parsed-json.ts";
import { textOfBody } from "../http/http-call.ts";
import type { ClusterObject } from "./cluster-object.ts";

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

interface Page {
  readonly kind: "page";
  readonly items: readonly unknown[];
  readonly resourceVersion: string;
  /** Token of the next page, or "". */
  readonly continueToken: string;
}

/** Objects of one page, unless these are too large for one. */
const pageItems = 500;
/** Longest page, bytes: some of the largest objects that etcd takes, at 1.5 MiB each. */
export const pageBytes = 16 * 1024 * 1024;
/** Longest object that is read: bytes of a watch event, characters of what is kept of an object of a list. JSON may be longer than what etcd stores. */
export const objectBytes = 4 * 1024 * 1024;

/** Lists everything. `since` null: etcd answers; else any server that has at least that version. */
export async function listAll(request: ListRequest, since: string | null): Promise<Listed> {
  const objects = new Map<string, ClusterObject>();
  let unreadable = 0;
  let limit = pageItems;
  let place = since === null ? "" : `&resourceVersion=${encodeURIComponent(since)}&resourceVersionMatch=NotOlderThan`;
  for (;;) {
    const page = await readPage(request, `limit=${limit}${place}`);
    if (page.kind === "too-long" && limit > 1) {
      limit = Math.max(1, Math.floor(limit / 8));
      continue;
    }
    if (page.kind === "too-long")
      return { kind: "unreachable", sentence: `one object of the list has more than ${pageBytes} bytes` };
    if (page.kind !== "page") return page;
    for (const item of page.items) {
      const object = request.read(item);
      if (object === null || object.text.length > objectBytes) {
        unreadable += 1;
        continue;
      }
      const key = objectKey(object.ref);
      objects.set(key, request.known(key, object));
    }
    if (page.continueToken === "") return { kind: "listed", objects, version: page.resourceVersion, unreadable };
    place = `&continue=${encodeURIComponent(page.continueToken)}`;
  }
}

async function readPage(
  { api, pathOf, idleMs, signal }: ListRequest,
  query: string,
): Promise<Page | { readonly kind: "too-long" } | ApiFailure> {
  const opened = await api.open({ method: "GET", path: pathOf(query), body: null, idleMs, signal });
  if (opened.kind !== "opened") return opened;
  let text: string | null;
  try {
    text = await textOfBody(opened.body, pageBytes);
  } catch (error) {
    return { kind: "unreachable", sentence: `the list was cut (${reasonOf(error)})` };
  }
  if (text === null) return { kind: "too-long" };
  const list = recordOf(parsedJson(text));
  const metadata = recordOf(fieldOf(list, "metadata"));
  const resourceVersion = textOf(fieldOf(metadata, "resourceVersion"));
  return resourceVersion === ""
    ? { kind: "unreachable", sentence: "the answer is not a list" }
    : {
        kind: "page",
        items: arrayOf(fieldOf(list, "items")),
        resourceVersion,
        continueToken: textOf(fieldOf(metadata, "continue")),
      };
}
