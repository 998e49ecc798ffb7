// Field tables: each field of a kind of Ambassador, declared once. Its reader, near misses, unknown keys, reports, and the tables of the pages follow from it.
import type { ProblemLevel } from "../../../routing/text/problem.ts";
import type { FieldKind } from "./field-kinds.ts";
import { keysOf, type Keys, type Shape } from "./shape.ts";

/** Largest number of a field or annotation; in ms the longest timer that there is. */
export const maxNumber = 2_147_483_647;

/**
 * `elsewhere`: another reader takes it. `idle`: it changes nothing here. `lost`: Sluice does not have it, which is a Problem for a value that `asks` for it; an
 * error is a field that kept requests away.
 */
export type Use =
  | { readonly kind: "served" | "elsewhere" }
  | { readonly kind: "idle"; readonly because: string }
  | {
      readonly kind: "lost";
      readonly level: ProblemLevel;
      readonly sentence: string;
      readonly asks: (value: unknown) => boolean;
    };

export interface FieldRow {
  readonly decides: FieldKind | "none";
  readonly use: Use;
  /** What may stand in it. */
  readonly shape: Shape;
  /** Of a whole number, or of one inside it. */
  readonly min: number;
  readonly max: number;
  /**
   * A deciding field without a value. `told`: null is a warning. `text`: so is "", which Go's type `string` cannot tell from absence. `needed`: its reader
   * refuses it. `absent`: it says nothing. `closes`: without it more would be let in, so the object is not understood.
   */
  readonly empty: "told" | "text" | "needed" | "absent" | "closes";
  /** It says nothing without this field, or beside one of those. */
  readonly without: string | null;
  readonly beside: readonly string[];
  /** YAML for the page. */
  readonly example: string;
  readonly meaning: string;
}

export type FieldRows = Readonly<Record<string, FieldRow>>;

export interface FieldTable {
  readonly rows: FieldRows;
  /** As words: `a field of a Mapping`. */
  readonly word: string;
  /** What becomes of the object with a value that cannot be read, as words behind "so". */
  readonly outcome: string;
  /** No field has a default for a value that cannot be read, and none that is unknown is ignored. */
  readonly strict: boolean;
}

const plain: FieldRow = {
  decides: "none",
  use: { kind: "served" },
  shape: "value",
  min: 0,
  max: maxNumber,
  empty: "told",
  without: null,
  beside: [],
  example: "",
  meaning: "",
};

type Row = (example: string, meaning: string, more?: Partial<FieldRow>) => FieldRow;
const served =
  (decides: FieldRow["decides"]): Row =>
  (example, meaning, more) => ({ ...plain, decides, example, meaning, ...more });

export const which = served("which");
export const share = served("share");
export const where = served("where");
export const how = served("how");

/** The same row for each of these names. */
export function sameRows(row: FieldRow, ...names: readonly string[]): FieldRows {
  return Object.fromEntries(names.map((name) => [name, row]));
}

/** Fields that another reader takes. */
export function elsewhere(...names: readonly string[]): FieldRows {
  return sameRows({ ...plain, use: { kind: "elsewhere" } }, ...names);
}

/** Of every document that configures the gateway. */
export const documentRows: FieldRows = {
  ambassador_id: which("[sluice]", "the gateways that it is for", { empty: "absent" }),
  ...elsewhere("apiVersion", "kind", "name", "namespace", "generation", "ambassadorId", "metadata_labels"),
};
/** Notes of Ambassador's conversion between its versions. */
export const noteRows = elsewhere("v2ExplicitTLS", "v3StatsName", "stats_name");

export function idle(because: string, shape: Shape = "value"): FieldRow {
  return { ...plain, use: { kind: "idle", because }, shape };
}

const always = (): boolean => true;

export function lost(
  level: ProblemLevel,
  sentence: string,
  asks: (value: unknown) => boolean = always,
  shape: Shape = "value",
): FieldRow {
  return { ...plain, use: { kind: "lost", level, sentence, asks }, shape };
}

/** The map of these fields. */
export function fieldsShape(rows: FieldRows): Keys {
  return keysOf(columnOf(rows, "shape"), kindsOf(rows));
}

/** What each decides that decides something. */
export function kindsOf(rows: FieldRows): Readonly<Record<string, FieldKind>> {
  const kinds = Object.entries(columnOf(rows, "decides"));
  return Object.fromEntries(kinds.filter((kind): kind is [string, FieldKind] => kind[1] !== "none"));
}

function columnOf<C extends keyof FieldRow>(rows: FieldRows, column: C): Readonly<Record<string, FieldRow[C]>> {
  return Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, row[column]]));
}
