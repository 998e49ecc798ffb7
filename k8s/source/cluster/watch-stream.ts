// The stream of one watch: events as lines, taken into the Collection, until it ends.
import { performance } from "node:perf_hooks";
import { objectKey } from "../../translate/model/object.ts";
import { fieldOf, recordOf, textOf } from "../../translate/values/value.ts";
import { reasonOf, type ApiFailure } from "../api/api.ts";
import type { ClusterObject } from "./cluster-object.ts";
import type { Collection, CollectionChange } from "./collection.ts";
import { LineSplitter } from "../api/lines.ts";
import { objectBytes } from "./listing.ts";
import { parsedJson } from "../api/parsed-json.ts";

/** Why a watch ended: the server closed it, its version is too old, or it failed. */
export type WatchEnd = { readonly kind: "done" } | { readonly kind: "expired" } | ApiFailure;

export interface WatchSink {
  readonly objects: Collection;
  /** null: it cannot be read. */
  read(value: unknown): ClusterObject | null;
  /** What changed, once for the bytes that came together; `heardMs`: performance.now() when they came. */
  changed(change: CollectionChange, heardMs: number): void;
  /** The next watch starts here. */
  moved(version: string): void;
  /** An event was passed over. The watch goes on. */
  missed(): void;
}

/** Reads until the end; `heardMs`: performance.now() at the last byte. Never rejects. */
export async function readWatch(
  body: AsyncIterable<Buffer> & { destroy(): void },
  sink: WatchSink,
): Promise<{ readonly end: WatchEnd; readonly heardMs: number }> {
  let end: WatchEnd = { kind: "done" };
  let heardMs = performance.now();
  let change = new Map<string, ClusterObject | null>();
  const splitter = new LineSplitter(
    {
      line: (text) => {
        if (end.kind !== "done") return;
        const event = recordOf(parsedJson(text));
        const value = fieldOf(event, "object");
        if (fieldOf(event, "type") === "ERROR") end = endOf(value);
        else takeEvent(sink, textOf(fieldOf(event, "type")), value, change);
      },
      oversized: () => sink.missed(),
    },
    objectBytes,
  );
  try {
    for await (const chunk of body) {
      heardMs = performance.now();
      splitter.push(chunk);
      if (change.size > 0) sink.changed(change, heardMs);
      change = new Map();
      if (end.kind !== "done") break;
    }
  } catch (error) {
    end = { kind: "unreachable", sentence: `the watch was cut (${reasonOf(error)})` };
  } finally {
    body.destroy();
  }
  return { end, heardMs };
}

function takeEvent(sink: WatchSink, type: string, value: unknown, change: Map<string, ClusterObject | null>): void {
  const version = textOf(fieldOf(recordOf(fieldOf(recordOf(value), "metadata")), "resourceVersion"));
  if (type === "BOOKMARK") {
    if (version !== "") sink.moved(version);
    return;
  }
  const object = ["ADDED", "MODIFIED", "DELETED"].includes(type) ? sink.read(value) : null;
  if (object === null) return sink.missed();
  if (version !== "") sink.moved(version);
  const key = objectKey(object.ref);
  if (type === "DELETED") {
    if (sink.objects.remove(key)) change.set(key, null);
  } else if (sink.objects.set(key, object)) {
    change.set(key, object);
  }
}

/** A Status in a watch: 410 means that the version is too old, everything else is a failure. */
function endOf(value: unknown): WatchEnd {
  const status = recordOf(value);
  const code = Number(fieldOf(status, "code"));
  const reason = textOf(fieldOf(status, "reason"));
  if (code === 410 || reason === "Expired" || reason === "Gone") return { kind: "expired" };
  const seconds = Number(fieldOf(recordOf(fieldOf(status, "details")), "retryAfterSeconds"));
  return {
    kind: "refused",
    status: Number.isInteger(code) ? code : 0,
    reason,
    sentence: `the watch ended: ${textOf(fieldOf(status, "message")).slice(0, 300)}`,
    retryAfterMs: seconds > 0 ? Math.min(seconds * 1000, 60_000) : null,
  };
}
