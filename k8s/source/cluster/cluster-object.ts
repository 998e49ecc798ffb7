// Cluster objects: what is kept of an object of the API server. Like a StoredObject it is the JSON text of what routing reads.
import type { ObjectRef } from "../../../routing/text/problem.ts";
import { trimmedObject } from "../../translate/deployments/trimmed-object.ts";
import type { SourceObject } from "../../translate/model/object.ts";
import { fieldOf, isRecord, recordOf, textOf } from "../../translate/values/value.ts";
import { deepestLevels, extentOf } from "../objects/extent.ts";
import type { StoredForm } from "../objects/last-good.ts";

export class ClusterObject implements SourceObject, StoredForm {
  readonly ref: ObjectRef;
  readonly apiVersion: string;
  readonly uid: string;
  readonly text: string;
  readonly origin = "";

  constructor({ ref, apiVersion, uid, text }: StoredForm) {
    this.ref = ref;
    this.apiVersion = apiVersion;
    this.uid = uid;
    this.text = text;
  }

  /** Parsed anew each time. */
  get object(): unknown {
    return JSON.parse(this.text);
  }

  /** true when translation would read the same from both. */
  isSame(other: ClusterObject): boolean {
    return this.text === other.text && this.apiVersion === other.apiVersion;
  }
}

/** null when `value` has no name, so that nothing could refer to it, or is nested deeper than readers follow it. */
export function readClusterObject(kind: string, apiVersion: string, value: unknown): ClusterObject | null {
  const metadata = recordOf(fieldOf(recordOf(value), "metadata"));
  const name = textOf(fieldOf(metadata, "name"));
  const namespace = textOf(fieldOf(metadata, "namespace"));
  if (!isRecord(value) || name === "" || namespace === "") return null;
  const object = trimmedObject(kind, value);
  if (extentOf(object, deepestLevels) === null) return null;
  return new ClusterObject({
    ref: { kind, namespace, name },
    apiVersion,
    uid: textOf(fieldOf(metadata, "uid")),
    text: JSON.stringify(object),
  });
}
