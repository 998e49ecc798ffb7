// What a classifier says in its answer, row by row: the largest of its outputs, or the label that it gives.
import { cutText } from "./cut-text.ts";

/** Rows of one answer that are looked at. */
export const maxRows = 1000;
/** Characters of a label. */
const maxLabelLength = 64;
/** Largest number of a class that is one by its number. */
const maxClass = 1_000_000;

type Values = Readonly<Record<string, unknown>>;

/** A label for each row; null: the answer has none. */
export function labelsOf(tree: unknown): readonly string[] | null {
  const answer = recordOf(tree);
  if (answer === null) return null;
  if (typeof answer["strData"] === "string") return [label(answer["strData"])];
  const data = recordOf(answer["data"]);
  if (data !== null) return labelsOfData(data);
  const outputs = recordOf(answer["outputs"]);
  if (outputs !== null) return labelsOfOutputs(outputs);
  return Array.isArray(answer["predictions"]) ? labelsOfRows(answer["predictions"] as readonly unknown[], []) : null;
}

/** Seldon's `data`. */
function labelsOfData(data: Values): readonly string[] | null {
  const names = Array.isArray(data["names"]) ? (data["names"] as readonly unknown[]) : [];
  const tensor = recordOf(data["tensor"]) ?? recordOf(data["tftensor"]);
  if (tensor !== null) return labelsOfTensor(tensor["shape"], tensor["values"], names);
  return Array.isArray(data["ndarray"]) ? labelsOfRows(data["ndarray"] as readonly unknown[], names) : null;
}

/** The first output of V2, by name, that has labels. */
function labelsOfOutputs(outputs: Values): readonly string[] | null {
  for (const name in outputs) {
    const output = recordOf(outputs[name]);
    const labels = output === null ? null : labelsOfTensor(output["shape"], output["data"], []);
    if (labels !== null) return labels;
  }
  return null;
}

/** Values in rows, the last dimension of the shape wide. */
function labelsOfTensor(shape: unknown, values: unknown, names: readonly unknown[]): readonly string[] | null {
  if (!Array.isArray(shape) || !Array.isArray(values)) return null;
  const flat = values as readonly unknown[];
  const width = shape.length < 2 ? 1 : (shape as readonly unknown[]).at(-1);
  if (typeof width !== "number" || !Number.isInteger(width) || width < 1 || flat.length % width !== 0) return null;
  if (Array.isArray(flat[0])) return labelsOfRows(flat, names);
  const count = Math.min(flat.length / width, maxRows);
  return labelsOfRows(
    Array.from({ length: count }, (_, row) => flat.slice(row * width, (row + 1) * width)),
    names,
  );
}

function labelsOfRows(rows: readonly unknown[], names: readonly unknown[]): readonly string[] | null {
  const labels: string[] = [];
  for (const row of rows.slice(0, maxRows)) {
    const one = labelOfRow(row, names);
    if (one === null) return null;
    labels.push(one);
  }
  return labels.length === 0 ? null : labels;
}

function labelOfRow(row: unknown, names: readonly unknown[]): string | null {
  if (!Array.isArray(row)) return labelOfValue(row);
  const values = row as readonly unknown[];
  if (values.length === 1) return labelOfValue(values[0]);
  let best = -1;
  for (let at = 0; at < values.length; at++) {
    const value = values[at];
    if (typeof value !== "number" || Number.isNaN(value)) return null;
    if (best < 0 || value > (values[best] as number)) best = at;
  }
  if (best < 0) return null;
  const name = names[best];
  return typeof name === "string" ? label(name) : String(best);
}

/** A text is a label, and a whole number a class; any other number is a measure. */
function labelOfValue(value: unknown): string | null {
  if (typeof value === "string") return label(value);
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= maxClass ? String(value) : null;
}

function label(text: string): string {
  return cutText(text, maxLabelLength);
}

function recordOf(value: unknown): Values | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Values) : null;
}
