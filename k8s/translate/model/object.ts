// The objects that a Source delivers, not yet decoded.
import type { ObjectRef } from "../../../routing/text/problem.ts";

export interface SourceObject {
  readonly ref: ObjectRef;
  /** `machinelearning.seldon.io/v1`, `v1`, `discovery.k8s.io/v1`, `getambassador.io/v2` … */
  readonly apiVersion: string;
  /** Where it was read, for people: `manifests/iris.yaml:12` or "" for a cluster. */
  readonly origin: string;
  /** The decoded JSON or YAML value: `unknown` on purpose, k8s/translate decodes it. */
  readonly object: unknown;
}

/** In place of an object of a platform kind that may be there and cannot be read. No API server takes it. */
export const unreadObject = Object.freeze({ unread: true });

export function isUnread(object: unknown): boolean {
  return JSON.stringify(object) === JSON.stringify(unreadObject);
}

/** Key of an object inside a Snapshot. */
export function objectKey(ref: ObjectRef): string {
  return `${ref.kind} ${ref.namespace}/${ref.name}`;
}

/** The object of a key. Kinds hold no space and namespaces no `/`. */
export function refOfKey(key: string): ObjectRef {
  const space = key.indexOf(" ");
  const slash = key.indexOf("/", space);
  return { kind: key.slice(0, space), namespace: key.slice(space + 1, slash), name: key.slice(slash + 1) };
}

/** The object that declares a Mapping: ids begin with its key, in which the name is the last word. */
export function refOfMapping(id: string): ObjectRef {
  const end = id.indexOf(" ", id.indexOf(" ") + 1);
  return refOfKey(end < 0 ? id : id.slice(0, end));
}
