// Events on objects of the cluster, written so that any number of replicas makes one: the name says which Problem it is, whoever finds it fresh
// leaves it alone, and an update counts only on the version that was read.
import type { ObjectRef } from "../../../routing/text/problem.ts";
import { fieldOf, integerOf, recordOf, textOf, type UnknownRecord } from "../../translate/values/value.ts";
import type { EventWriter, ProblemEvent } from "../objects/source.ts";
import type { Api, ApiAnswer } from "../api/api.ts";
import type { ClusterObject } from "./cluster-object.ts";

/** An event with the same words that was seen within this time is left alone. The API server keeps events for an hour. */
const freshMs = 1_500_000;
/** The API server holds 32 bits; a larger count would be refused for ever. */
const maxCount = 0x7fffffff;
const idleMs = 10_000;

type Written = Awaited<ReturnType<EventWriter["write"]>>;

export class ClusterEvents implements EventWriter {
  readonly #api: Api;
  readonly #find: (ref: ObjectRef) => ClusterObject | null;
  readonly #signal = new AbortController().signal;

  /** `find`: the object as it is known. */
  constructor(api: Api, find: (ref: ObjectRef) => ClusterObject | null) {
    this.#api = api;
    this.#find = find;
  }

  async write(event: ProblemEvent): Promise<Written> {
    const object = this.#find(event.subject);
    if (object === null) return "no-object";
    const collection = `/api/v1/namespaces/${event.subject.namespace}/events`;
    const known = await this.#ask("GET", `${collection}/${event.name}`, null);
    if (known.kind === "answer")
      return this.#renew(`${collection}/${event.name}`, event, object, recordOf(known.value));
    if (statusOf(known) !== 404) return outcomeOf(known);
    return outcomeOf(await this.#ask("POST", collection, newEvent(event, object)));
  }

  /** Whoever may write events in the namespace may have written this one: what it says about itself is believed only where it is as ours would be. */
  async #renew(path: string, event: ProblemEvent, object: ClusterObject, known: UnknownRecord): Promise<Written> {
    const lastMs = Date.parse(textOf(fieldOf(known, "lastTimestamp")));
    // A clock that jumped makes an event of the future, which is not fresh either.
    const ageMs = Date.now() - lastMs;
    const isFresh = ageMs > -freshMs && ageMs < freshMs;
    // An object that was made again has another uid, and kubectl describe shows only events of that.
    const isOfObject =
      textOf(fieldOf(recordOf(fieldOf(known, "involvedObject")), "uid")) === object.uid &&
      textOf(fieldOf(recordOf(fieldOf(known, "involvedObject")), "name")) === event.subject.name;
    if (
      isFresh &&
      isOfObject &&
      textOf(fieldOf(known, "message")) === event.message &&
      textOf(fieldOf(known, "type")) === event.type
    )
      return "fresh";
    const resourceVersion = textOf(fieldOf(recordOf(fieldOf(known, "metadata")), "resourceVersion"));
    const before = integerOf(fieldOf(known, "count")) ?? 1;
    const count = before >= 1 && before < maxCount ? before + 1 : 1;
    const { involvedObject, source, reportingComponent, type, reason, message, lastTimestamp } = newEvent(
      event,
      object,
    );
    return outcomeOf(
      await this.#ask("PATCH", path, {
        metadata: { resourceVersion },
        involvedObject,
        source,
        reportingComponent,
        type,
        reason,
        message,
        lastTimestamp,
        count,
      }),
    );
  }

  #ask(method: "GET" | "POST" | "PATCH", path: string, body: unknown): Promise<ApiAnswer> {
    return this.#api.ask({ method, path, body, idleMs, signal: this.#signal });
  }
}

function newEvent({ name, subject, type, reason, message }: ProblemEvent, { apiVersion, uid }: ClusterObject) {
  const now = timestamp();
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name, namespace: subject.namespace },
    involvedObject: { apiVersion, kind: subject.kind, namespace: subject.namespace, name: subject.name, uid },
    type,
    reason,
    message,
    source: { component: "sluice" },
    reportingComponent: "sluice",
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
  };
}

/** RFC 3339 in whole seconds, as metav1.Time is. */
function timestamp(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`;
}

/** A conflict means that another replica has written it. */
function outcomeOf(answer: ApiAnswer): Written {
  if (answer.kind === "answer") return "written";
  const status = statusOf(answer);
  if (status === 409) return "fresh";
  return status === 403 ? "forbidden" : status === 404 ? "no-object" : "failed";
}

function statusOf(answer: ApiAnswer): number {
  return answer.kind === "refused" ? answer.status : 0;
}
