// Seldon's gRPC messages (protos/prediction.proto) as far as the demo's model takes and gives them: data as a tensor or as ndarray, and who
// answered.
import {
  classNames,
  coefficients,
  featureNames,
  modelImage,
  modelName,
  probabilities,
  type ModelVersion,
} from "./classifier.ts";

type Rows = readonly (readonly number[])[];

/** google.protobuf.ListValue, in which Seldon's messages carry `ndarray`. */
interface ListValue {
  readonly values: readonly { readonly numberValue?: number; readonly listValue?: ListValue }[];
}

export interface SeldonMessage {
  readonly meta?: { readonly puid: string; readonly requestPath: Readonly<Record<string, string>> };
  readonly data?: {
    readonly names?: readonly string[];
    readonly tensor?: { readonly shape: readonly number[]; readonly values: readonly number[] };
    readonly ndarray?: ListValue;
  };
}

/** A SeldonMessage with one tensor. */
export function tensorMessage(rows: Rows): SeldonMessage {
  return { data: { tensor: tensorOf(rows) } };
}

/** The same as a table of rows. */
export function ndarrayMessage(rows: Rows): SeldonMessage {
  return { data: { ndarray: listOf(rows) } };
}

/** The answer to a SeldonMessage, in the form in which it was asked, under this puid; or the sentence that says what is wrong with it. */
export function predictMessage(version: ModelVersion, { data }: SeldonMessage, puid: string): SeldonMessage | string {
  const rows = data?.ndarray === undefined ? tensorRows(data?.tensor) : rowsOf(data.ndarray);
  if (rows === null || !rows.every((row) => row.length === featureNames.length)) {
    return `send data.tensor of shape [rows, ${featureNames.length}] with as many values, or data.ndarray with rows of ${featureNames.length} numbers`;
  }
  const answers = rows.map((row) => probabilities(coefficients[version], row));
  const table = data?.ndarray === undefined ? { tensor: tensorOf(answers) } : { ndarray: listOf(answers) };
  return { meta: { puid, requestPath: { [modelName]: modelImage(version) } }, data: { names: classNames, ...table } };
}

/** Which model version gave this answer; null: the answer does not say. */
export function versionOf({ meta }: SeldonMessage): ModelVersion | null {
  return (["1", "2"] as const).find((version) => meta?.requestPath[modelName] === modelImage(version)) ?? null;
}

function tensorOf(rows: Rows): { readonly shape: readonly number[]; readonly values: readonly number[] } {
  return { shape: [rows.length, rows[0]?.length ?? 0], values: rows.flat() };
}

/** null: the shape is no table of measurements, or not that of the values. */
function tensorRows(
  tensor: { readonly shape: readonly number[]; readonly values: readonly number[] } | undefined,
): Rows | null {
  const [rows, columns] = tensor?.shape ?? [];
  if (
    tensor === undefined ||
    rows === undefined ||
    columns !== featureNames.length ||
    rows * columns !== tensor.values.length
  )
    return null;
  return Array.from({ length: rows }, (_, row) => tensor.values.slice(row * columns, (row + 1) * columns));
}

function listOf(rows: Rows): ListValue {
  return { values: rows.map((row) => ({ listValue: { values: row.map((numberValue) => ({ numberValue })) } })) };
}

/** null: it is something else than lists of numbers. */
function rowsOf({ values }: ListValue): Rows | null {
  const rows = values.map(({ listValue }) => listValue?.values.map(({ numberValue }) => numberValue));
  return rows.every((row) => row?.every((item) => item !== undefined) === true) ? (rows as Rows) : null;
}
