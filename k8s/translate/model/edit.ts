// Edits: what a change of the Snapshot changed in what objects say, in words for people. Never a secret: a value that may hold one is not among them.
import type { ObjectRef } from "../../../routing/text/problem.ts";

/** `withdrawn`: the object is there and nothing of it is served any more: it cannot be read, or names another gateway. `stepped`: a rollout moved its traffic. */
export type EditKind = "created" | "changed" | "deleted" | "withdrawn" | "stepped";

/** One thing that an object says otherwise than before. */
export interface FieldEdit {
  /** `predictors[canary].traffic`, `annotation seldon.io/rest-timeout`. */
  readonly field: string;
  /** "": the value is not shown, as it may hold a secret. */
  readonly from: string;
  readonly to: string;
  /** The sentence of the Problem for which the new value does not hold; null: it holds. */
  readonly refused: string | null;
}

export interface ObjectEdit {
  readonly ref: ObjectRef;
  readonly kind: EditKind;
  /** Of an object that is `changed` or `stepped`: one or more, bounded. */
  readonly fields: readonly FieldEdit[];
}

/** What changed since the last call, bounded. */
export interface ObjectEdits {
  readonly edits: readonly ObjectEdit[];
  /** Further objects that changed, by namespace. */
  readonly more: ReadonlyMap<string, number>;
}
