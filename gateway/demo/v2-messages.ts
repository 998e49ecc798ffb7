// KServe's V2 protocol over gRPC (grpc_predict_v2.proto, package inference) as far as the demo's model takes and gives it: one input of rows of
// measurements, one output of probabilities, and whether it is there.
import { classNames, coefficients, featureNames, probabilities } from './classifier.ts';
import type { ModelVersion } from './classifier.ts';
import { describe, describeFile, describeService, nested, one, repeated, type } from './descriptors.ts';
import type { DescribedFile } from './descriptors.ts';
import { bytes, bytesOf, doublesOf, floatsOf, message, number, packedDoubles, packedVarints, readMessage, varintsOf } from './protobuf.ts';
import { modelName } from './seldon-protocol.ts';

const service = 'inference.GRPCInferenceService';
export const inferPath = `/${service}/ModelInfer`;

const inferRequest = { modelName: 1, modelVersion: 2, id: 3, inputs: 5, rawInputs: 7 } as const;
const inferResponse = { modelName: 1, modelVersion: 2, id: 3, outputs: 5 } as const;
const tensor = { name: 1, datatype: 2, shape: 3, contents: 5 } as const;
const contents = { fp32: 6, fp64: 7 } as const;
const noBytes = Buffer.alloc(0);

/** A ModelInferRequest with one FP64 tensor. */
export function inferMessage(rows: readonly (readonly number[])[]): Buffer {
  return Buffer.concat([
    bytes(inferRequest.modelName, modelName),
    message(
      inferRequest.inputs,
      bytes(tensor.name, 'predict'),
      bytes(tensor.datatype, 'FP64'),
      packedVarints(tensor.shape, [rows.length, rows[0]!.length]),
      message(tensor.contents, packedDoubles(contents.fp64, rows.flat())),
    ),
  ]);
}

/** The ModelInferResponse, or the sentence that says what is wrong with the request. */
export function infer(version: ModelVersion, request: Buffer): Buffer | string {
  const fields = readMessage(request);
  if (fields === null) return 'the message is not in the format of Protocol Buffers';
  const input = readMessage(bytesOf(fields, inferRequest.inputs) ?? noBytes) ?? [];
  const datatype = bytesOf(input, tensor.datatype)?.toString() ?? '';
  const [rows, columns] = varintsOf(input, tensor.shape);
  const values = valuesOf(datatype, readMessage(bytesOf(input, tensor.contents) ?? noBytes) ?? [], bytesOf(fields, inferRequest.rawInputs));
  if (values === null) return 'send one input of datatype FP32 or FP64';
  if (rows === undefined || columns !== featureNames.length || rows * columns !== values.length) return `send one input of shape [rows, ${featureNames.length}] with as many values`;
  const answers = Array.from({ length: rows }, (_, row) => probabilities(coefficients[version], values.slice(row * columns, (row + 1) * columns)));
  return Buffer.concat([
    bytes(inferResponse.modelName, bytesOf(fields, inferRequest.modelName) ?? modelName),
    bytes(inferResponse.modelVersion, version),
    bytes(inferResponse.id, bytesOf(fields, inferRequest.id) ?? ''),
    message(
      inferResponse.outputs,
      bytes(tensor.name, 'probabilities'),
      bytes(tensor.datatype, 'FP64'),
      packedVarints(tensor.shape, [rows, classNames.length]),
      message(tensor.contents, packedDoubles(contents.fp64, answers.flat())),
    ),
  ]);
}

/** The numbers of a tensor, from its contents or, where those are missing, from the raw bytes; null: another datatype. */
function valuesOf(datatype: string, given: ReturnType<typeof readMessage> & object, raw: Buffer | null): readonly number[] | null {
  switch (datatype) {
    case 'FP32':
      return floatsOf(raw === null ? given : [{ number: contents.fp32, value: raw }], contents.fp32);
    case 'FP64':
      return doublesOf(raw === null ? given : [{ number: contents.fp64, value: raw }], contents.fp64);
    default:
      return null;
  }
}

/** Which model version gave this answer; null: the answer does not say. */
export function inferVersionOf(answer: Buffer): ModelVersion | null {
  const said = bytesOf(readMessage(answer) ?? [], inferResponse.modelVersion)?.toString();
  return (['1', '2'] as const).find((version) => version === said) ?? null;
}

/** ServerLive, ServerReady and ModelReady: the demo's only model is there as soon as its server is. */
const yes = number(1, 1);
export const readyPaths: readonly string[] = ['ServerLive', 'ServerReady', 'ModelReady'].map((method) => `/${service}/${method}`);
export function sayReady(): Buffer {
  return yes;
}

const own = '.inference.';
const describedTensor = [one('name', tensor.name, type.string), one('datatype', tensor.datatype, type.string), repeated('shape', tensor.shape, type.int64), one('contents', tensor.contents, type.message, `${own}InferTensorContents`)];

export const v2File: DescribedFile = {
  name: 'grpc_predict_v2.proto',
  prefix: 'inference.',
  services: [service],
  descriptor: describeFile(
    'grpc_predict_v2.proto',
    'inference',
    [],
    describe('ServerLiveRequest'),
    describe('ServerLiveResponse', one('live', 1, type.bool)),
    describe('ServerReadyRequest'),
    describe('ServerReadyResponse', one('ready', 1, type.bool)),
    describe('ModelReadyRequest', one('name', 1, type.string), one('version', 2, type.string)),
    describe('ModelReadyResponse', one('ready', 1, type.bool)),
    describe(
      'ModelInferRequest',
      one('model_name', inferRequest.modelName, type.string),
      one('model_version', inferRequest.modelVersion, type.string),
      one('id', inferRequest.id, type.string),
      repeated('inputs', inferRequest.inputs, type.message, `${own}ModelInferRequest.InferInputTensor`),
      repeated('raw_input_contents', inferRequest.rawInputs, type.bytes),
      nested('InferInputTensor', ...describedTensor),
    ),
    describe(
      'ModelInferResponse',
      one('model_name', inferResponse.modelName, type.string),
      one('model_version', inferResponse.modelVersion, type.string),
      one('id', inferResponse.id, type.string),
      repeated('outputs', inferResponse.outputs, type.message, `${own}ModelInferResponse.InferOutputTensor`),
      nested('InferOutputTensor', ...describedTensor),
    ),
    describe('InferTensorContents', repeated('fp32_contents', contents.fp32, type.float), repeated('fp64_contents', contents.fp64, type.double)),
    describeService('GRPCInferenceService', ['ServerLive', 'ServerReady', 'ModelReady', 'ModelInfer'].map((name) => [name, `${own}${name}Request`, `${own}${name}Response`] as const)),
  ),
};
