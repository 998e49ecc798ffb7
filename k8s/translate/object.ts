// The objects that a Source delivers, not yet decoded.
import type { ObjectRef } from '../../routing/problem.ts';

export interface SourceObject {
  readonly ref: ObjectRef;
  /** `machinelearning.seldon.io/v1`, `v1`, `discovery.k8s.io/v1`, `getambassador.io/v2` … */
  readonly apiVersion: string;
  /** Where it was read, for people: `manifests/iris.yaml:12` or "" for a cluster. */
  readonly origin: string;
  /** The decoded JSON or YAML value: `unknown` on purpose, k8s/translate decodes it. */
  readonly object: unknown;
}

/** Key of an object inside a Snapshot. */
export function objectKey(ref: ObjectRef): string {
  return `${ref.kind} ${ref.namespace}/${ref.name}`;
}
