// Shapes: which keys may stand where in an object, and what each decides. Every kind that is read declares its own, out of the declarations of its
// fields; `KnownKeys` finds what is in none of its maps.
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
  /** Any other key makes the object invalid. */
  readonly isStrict: boolean;
  /** Keys that begin with `x-` are anybody's. */
  readonly isOpen: boolean;
  /** Keys that make the object invalid. */
  readonly never?: readonly string[];
}

export interface Names {
  readonly named: Shape;
  /** Names that are read. */
  readonly words: Kinds;
  /**
   * `texts`: a name may be any word, and its value is a text. `conditions`: any word, and any value. `fields`: what stands under the name of a field of the map
   * around is that field, one indentation in.
   */
  readonly of: "annotations" | "texts" | "conditions" | "fields";
  /** Names that make the object invalid. */
  readonly never?: readonly string[];
}

const none: Kinds = Object.freeze({ __proto__: null as never });

/** Keys that hold no keys themselves. */
export function values(...names: readonly string[]): Readonly<Record<string, Shape>> {
  return Object.fromEntries(names.map((name) => [name, "value"]));
}

/** A map with these keys, of which none decides but those in `kinds`. */
export function keysOf(keys: Readonly<Record<string, Shape>>, kinds: Kinds = none): Keys {
  return {
    keys: { __proto__: null as never, ...keys },
    kinds: { __proto__: null as never, ...kinds },
    isStrict: false,
    isOpen: false,
  };
}

/** Labels, selectors and the like. */
export const anyTexts: Shape = { named: "value", words: none, of: "texts" };

/** Conditions, and what is asked about requests. */
export const conditions: Shape = { named: "value", words: none, of: "conditions" };

/** A map of names below which a field of the object may have slipped. */
export const fieldNames: Shape = { named: "value", words: none, of: "fields" };

/** A map of annotations of which these are read. */
export function annotationsShape(words: Kinds): Names {
  return { named: "value", words: { __proto__: null as never, ...words }, of: "annotations" };
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
  const fields = keysOf({ ...values("apiVersion", "kind", "status"), metadata: { ...metadata, isOpen: true }, spec });
  return { ...fields, isOpen: true };
}

/** The same, of which every map of known keys is strict. */
export function strictly(shape: Keys): Keys {
  const strict = (below: Shape): Shape =>
    below === "value" || "named" in below ? below : "each" in below ? { each: strict(below.each) } : strictly(below);
  const keys = Object.fromEntries(Object.entries(shape.keys).map(([key, below]) => [key, strict(below)]));
  return { ...shape, keys: { __proto__: null as never, ...keys }, isStrict: true };
}
