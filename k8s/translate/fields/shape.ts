// Shapes: which keys may stand where in an object, and what each decides. Every kind that is read declares its own, out of the declarations of its
// fields; `Places` finds what stands elsewhere.
import type { FieldKind } from "./field-kinds.ts";

type Kinds = Readonly<Record<string, FieldKind>>;

/**
 * What a value may hold. `value`: a scalar, or what is nobody's business here. `keys`: a map whose keys are all known; what a key decides is in `kinds`, and
 * one that is not there decides nothing by itself. `named`: a map whose keys the writer chooses.
 */
export type Shape = "value" | Keys | Names | { readonly each: Shape };

export interface Keys {
  readonly keys: Readonly<Record<string, Shape>>;
  readonly kinds: Kinds;
}

export interface Names {
  readonly named: Shape;
  /** Names that are ours, as those of annotations are. */
  readonly words: Kinds;
  /** `texts`: a name may be any word, and its value is a text. `fields`: what stands under the name of a field of the object is that field, one indentation in. */
  readonly of: "texts" | "fields";
}

const none: Kinds = Object.freeze({ __proto__: null as never });

/** Keys that hold no keys themselves. */
export function values(...names: readonly string[]): Readonly<Record<string, Shape>> {
  return Object.fromEntries(names.map((name) => [name, "value"]));
}

/** A map with these keys, of which none decides but those in `kinds`. */
export function keysOf(keys: Readonly<Record<string, Shape>>, kinds: Kinds = none): Keys {
  return { keys: { __proto__: null as never, ...keys }, kinds: { __proto__: null as never, ...kinds } };
}

/** Labels, selectors and the like. */
export const anyTexts: Shape = { named: "value", words: none, of: "texts" };

/** A map of names below which a field of the object may have slipped. */
export const fieldNames: Shape = { named: "value", words: none, of: "fields" };

/** A map of annotations of which these are read. */
export function annotationsShape(words: Kinds): Names {
  return { named: "value", words: { __proto__: null as never, ...words }, of: "texts" };
}

const metadataFields = [
  "name",
  "generateName",
  "namespace",
  "selfLink",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "ownerReferences",
  "finalizers",
  "managedFields",
  "clusterName",
];

/** A Kubernetes object with this spec, of whose annotations these are read. */
export function objectShape(spec: Shape, annotations: Kinds): Keys {
  const metadata = keysOf({
    ...values(...metadataFields),
    labels: anyTexts,
    annotations: annotationsShape(annotations),
  });
  return keysOf({ ...values("apiVersion", "kind", "status"), metadata, spec });
}
