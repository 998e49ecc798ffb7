// Seldon's gRPC messages (Seldon Core 1.18, proto/prediction.proto) as far as the demo's model takes and gives them: data as a tensor or as
// ndarray, and who answered.
import { classNames, coefficients, featureNames, probabilities } from './classifier.ts';
import type { ModelVersion } from './classifier.ts';
import { describe, describeFile, describeService, mapEntry, one, repeated, type } from './descriptors.ts';
import type { DescribedFile } from './descriptors.ts';
import { listOf, rowsOf, structFile } from './list-value.ts';
import { bytes, bytesOf, doublesOf, message, number, packedDoubles, packedVarints, readMessage, varintsOf } from './protobuf.ts';
import type { WireField } from './protobuf.ts';
import { modelImage, modelName } from './seldon-protocol.ts';

/** Fields of the messages. */
const seldonMessage = { meta: 2, data: 3 } as const;
const meta = { requestPath: 4 } as const;
const defaultData = { names: 1, tensor: 2, ndarray: 3 } as const;
const tensor = { shape: 1, values: 2 } as const;
const entry = { key: 1, value: 2 } as const;
/** A field of the first choice of its message. */
const ofOneof = number(9, 0);

/** A SeldonMessage with one tensor. */
export function tensorMessage(rows: readonly (readonly number[])[]): Buffer {
  return message(seldonMessage.data, tensorField(rows));
}

function tensorField(rows: readonly (readonly number[])[]): Buffer {
  return message(defaultData.tensor, packedVarints(tensor.shape, [rows.length, rows[0]?.length ?? 0]), packedDoubles(tensor.values, rows.flat()));
}

/** The same as a table of rows. */
export function ndarrayMessage(rows: readonly (readonly number[])[]): Buffer {
  return message(seldonMessage.data, message(defaultData.ndarray, ...listOf(rows)));
}

/** The answer to a SeldonMessage, or the sentence that says what is wrong with it. */
export function predictMessage(version: ModelVersion, request: Buffer): Buffer | string {
  const fields = readMessage(request);
  if (fields === null) return 'the message is not in the format of Protocol Buffers';
  const data = readMessage(bytesOf(fields, seldonMessage.data) ?? Buffer.alloc(0)) ?? [];
  const table = bytesOf(data, defaultData.ndarray);
  const rows = table === null ? tensorRows(data) : rowsOf(table);
  if (rows === null || !rows.every((row) => row.length === featureNames.length)) {
    return `send data.tensor of shape [rows, ${featureNames.length}] with as many values, or data.ndarray with rows of ${featureNames.length} numbers`;
  }
  const answers = rows.map((row) => probabilities(coefficients[version], row));
  return Buffer.concat([
    message(seldonMessage.meta, message(meta.requestPath, bytes(entry.key, modelName), bytes(entry.value, modelImage(version)))),
    message(
      seldonMessage.data,
      ...classNames.map((name) => bytes(defaultData.names, name)),
      table === null ? tensorField(answers) : message(defaultData.ndarray, ...listOf(answers)),
    ),
  ]);
}

/** The rows of `data.tensor`; null: its shape is no table, or not that of its values. */
function tensorRows(data: readonly WireField[]): readonly (readonly number[])[] | null {
  const given = readMessage(bytesOf(data, defaultData.tensor) ?? Buffer.alloc(0)) ?? [];
  const [rows, columns] = varintsOf(given, tensor.shape);
  const values = doublesOf(given, tensor.values);
  if (rows === undefined || columns !== featureNames.length || rows * columns !== values.length) return null;
  return Array.from({ length: rows }, (_, row) => values.slice(row * columns, (row + 1) * columns));
}

/** Which model version gave this answer; null: the answer does not say. */
export function versionOf(answer: Buffer): ModelVersion | null {
  const path = readMessage(bytesOf(readMessage(bytesOf(readMessage(answer) ?? [], seldonMessage.meta) ?? Buffer.alloc(0)) ?? [], meta.requestPath) ?? Buffer.alloc(0)) ?? [];
  const image = bytesOf(path, entry.value)?.toString();
  return (['1', '2'] as const).find((version) => modelImage(version) === image) ?? null;
}

export const predictPath = '/seldon.protos.Seldon/Predict';
const services: readonly string[] = ['seldon.protos.Seldon', 'seldon.protos.Model'];
export const predictPaths: readonly string[] = services.map((service) => `/${service}/Predict`);

const own = '.seldon.protos.';

export const seldonFile: DescribedFile = {
  name: 'prediction.proto',
  prefix: 'seldon.protos.',
  services,
  descriptor: describeFile(
    'prediction.proto',
    'seldon.protos',
    [structFile.name],
    describe('SeldonMessage', one('meta', seldonMessage.meta, type.message, `${own}Meta`), one('data', seldonMessage.data, type.message, `${own}DefaultData`)),
    describe('Meta', repeated('requestPath', meta.requestPath, type.message, `${own}Meta.RequestPathEntry`), mapEntry('RequestPathEntry', one('value', 2, type.string))),
    describe(
      'DefaultData',
      repeated('names', defaultData.names, type.string),
      one('tensor', defaultData.tensor, type.message, `${own}Tensor`, ofOneof),
      one('ndarray', defaultData.ndarray, type.message, '.google.protobuf.ListValue', ofOneof),
      message(8, bytes(1, 'data_oneof')),
    ),
    describe('Tensor', repeated('shape', tensor.shape, type.int32), repeated('values', tensor.values, type.double)),
    ...services.map((name) => describeService(name.slice(name.lastIndexOf('.') + 1), [['Predict', `${own}SeldonMessage`, `${own}SeldonMessage`]])),
  ),
};
