// Change: one thing that changed, or was to change, as the log, the admin port and Events say it.
import type { FieldEdit, ObjectEdit } from "../../../k8s/translate/model/edit.ts";
import type { Change } from "../../api/changes.ts";
import type { fixed } from "../../shared/metrics/fixed.ts";

/** What became of it. The metric has their meanings. */
export type ChangeOutcome = keyof typeof fixed.changes;

/** A change that is to be served. */
export type Planned = Pick<Change, "object" | "field" | "from" | "to"> &
  Pick<FieldEdit, "refused"> & { readonly isStep: boolean };

export function plannedOf({ ref: object, kind, fields }: ObjectEdit): readonly Planned[] {
  const isStep = kind === "stepped";
  if (isStep || kind === "changed") return fields.map((field) => ({ object, ...field, isStep }));
  return [{ object, field: "", from: "", to: kind, refused: null, isStep }];
}
