// Seldon's gRPC messages (Seldon Core 1.18, proto/prediction.proto) as far as the demo's model takes and gives them: data as a tensor, and who
// answered. With a description of them, so that tools which ask for one by reflection can write them as JSON.
import { classNames, coefficients, featureNames, probabilities } from './classifier.ts';
import type { ModelVersion } from './classifier.ts';
import { bytes, bytesOf, doublesOf, message, number, packedDoubles, packedVarints, readMessage, varintsOf } from './protobuf.ts';
import { modelImage, modelName } from './seldon-protocol.ts';

/** Fields of the messages. */
const seldonMessage = { meta: 2, data: 3 } as const;
const meta = { requestPath: 4 } as const;
const defaultData = { names: 1, tensor: 2 } as const;
const tensor = { shape: 1, values: 2 } as const;
const entry = { key: 1, value: 2 } as const;

/** A SeldonMessage with one tensor. */
export function tensorMessage(rows: readonly (readonly number[])[]): Buffer {
  return message(seldonMessage.data, message(defaultData.tensor, packedVarints(tensor.shape, [rows.length, rows[0]!.length]), packedDoubles(tensor.values, rows.flat())));
}

/** The answer to a SeldonMessage, or the sentence that says what is wrong with it. */
export function predictMessage(version: ModelVersion, request: Buffer): Buffer | string {
  const fields = readMessage(request);
  if (fields === null) return 'the message is not in the format of Protocol Buffers';
  const data = readMessage(bytesOf(fields, seldonMessage.data) ?? Buffer.alloc(0)) ?? [];
  const given = readMessage(bytesOf(data, defaultData.tensor) ?? Buffer.alloc(0)) ?? [];
  const [rows, columns] = varintsOf(given, tensor.shape);
  const values = doublesOf(given, tensor.values);
  if (rows === undefined || columns !== featureNames.length || rows * columns !== values.length) return `send data.tensor of shape [rows, ${featureNames.length}] with as many values`;
  const answers = Array.from({ length: rows }, (_, row) => probabilities(coefficients[version], values.slice(row * columns, (row + 1) * columns)));
  return Buffer.concat([
    message(seldonMessage.meta, message(meta.requestPath, bytes(entry.key, modelName), bytes(entry.value, modelImage(version)))),
    message(
      seldonMessage.data,
      ...classNames.map((name) => bytes(defaultData.names, name)),
      message(defaultData.tensor, packedVarints(tensor.shape, [rows, classNames.length]), packedDoubles(tensor.values, answers.flat())),
    ),
  ]);
}

/** Which model version gave this answer; null: the answer does not say. */
export function versionOf(answer: Buffer): ModelVersion | null {
  const path = readMessage(bytesOf(readMessage(bytesOf(readMessage(answer) ?? [], seldonMessage.meta) ?? Buffer.alloc(0)) ?? [], meta.requestPath) ?? Buffer.alloc(0)) ?? [];
  const image = bytesOf(path, entry.value)?.toString();
  return (['1', '2'] as const).find((version) => modelImage(version) === image) ?? null;
}

export const services: readonly string[] = ['seldon.protos.Seldon', 'seldon.protos.Model'];
export const predictPath = '/seldon.protos.Seldon/Predict';

// What follows is google/protobuf/descriptor.proto: numbers of its fields, and of types of fields.
const type = { double: 1, int32: 5, string: 9, message: 11 } as const;
const label = { optional: 1, repeated: 3 } as const;

function field(name: string, fieldNumber: number, fieldLabel: number, fieldType: number, typeName = ''): Buffer {
  return message(2, bytes(1, name), number(3, fieldNumber), number(4, fieldLabel), number(5, fieldType), ...(typeName === '' ? [] : [bytes(6, typeName)]));
}

function describe(name: string, ...parts: readonly Buffer[]): Buffer {
  return message(4, bytes(1, name), ...parts);
}

const ownPackage = '.seldon.protos.';
/** `map<string, string>` is a repeated message of this form. */
const requestPathEntry = message(3, bytes(1, 'RequestPathEntry'), field('key', 1, label.optional, type.string), field('value', 2, label.optional, type.string), message(7, number(7, 1)));

function describeService(name: string): Buffer {
  return message(6, bytes(1, name), message(2, bytes(1, 'Predict'), bytes(2, `${ownPackage}SeldonMessage`), bytes(3, `${ownPackage}SeldonMessage`)));
}

/** The FileDescriptorProto of these messages and services. */
export const descriptor: Buffer = Buffer.concat([
  bytes(1, 'prediction.proto'),
  bytes(2, 'seldon.protos'),
  describe('SeldonMessage', field('meta', seldonMessage.meta, label.optional, type.message, `${ownPackage}Meta`), field('data', seldonMessage.data, label.optional, type.message, `${ownPackage}DefaultData`)),
  describe('Meta', field('requestPath', meta.requestPath, label.repeated, type.message, `${ownPackage}Meta.RequestPathEntry`), requestPathEntry),
  describe('DefaultData', field('names', defaultData.names, label.repeated, type.string), field('tensor', defaultData.tensor, label.optional, type.message, `${ownPackage}Tensor`)),
  describe('Tensor', field('shape', tensor.shape, label.repeated, type.int32), field('values', tensor.values, label.repeated, type.double)),
  ...services.map((name) => describeService(name.slice(name.lastIndexOf('.') + 1))),
  bytes(12, 'proto3'),
]);
