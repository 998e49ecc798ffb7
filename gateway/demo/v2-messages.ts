// KServe's V2 protocol over gRPC (protos/grpc_predict_v2.proto) as far as the demo's model takes and gives it: one input of rows of measurements,
// one output of probabilities, and whether it is there.
import { classNames, coefficients, featureNames, modelName, probabilities, type ModelVersion } from "./classifier.ts";

interface Contents {
  readonly fp32_contents?: readonly number[];
  readonly fp64_contents?: readonly number[];
}

interface Tensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly contents?: Contents;
}

export interface InferRequest {
  readonly model_name?: string;
  readonly id?: string;
  readonly inputs: readonly Tensor[];
  readonly raw_input_contents?: readonly Buffer[];
}

export interface InferResponse {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly outputs: readonly Tensor[];
}

/** What the model's metadata says of its one input and its one output. */
export const inferShapes = {
  input: { name: "predict", datatype: "FP64", shape: [-1, featureNames.length] },
  output: { name: "probabilities", datatype: "FP64", shape: [-1, classNames.length] },
};

/** A ModelInferRequest with one FP64 tensor. */
export function inferMessage(rows: readonly (readonly number[])[]): InferRequest {
  return {
    model_name: modelName,
    inputs: [
      {
        name: "predict",
        datatype: "FP64",
        shape: [rows.length, rows[0]!.length],
        contents: { fp64_contents: rows.flat() },
      },
    ],
  };
}

/** The ModelInferResponse, or the sentence that says what is wrong with the request. */
export function infer(version: ModelVersion, request: InferRequest): InferResponse | string {
  const input = request.inputs.at(-1);
  const values = input === undefined ? null : valuesOf(input, request.raw_input_contents?.at(-1));
  if (values === null) return "send one input of datatype FP32 or FP64";
  const [rows, columns] = input!.shape;
  if (rows === undefined || columns !== featureNames.length || rows * columns !== values.length)
    return `send one input of shape [rows, ${featureNames.length}] with as many values`;
  const answers = Array.from({ length: rows }, (_, row) =>
    probabilities(coefficients[version], values.slice(row * columns, (row + 1) * columns)),
  );
  return {
    model_name: request.model_name ?? modelName,
    model_version: version,
    id: request.id ?? "",
    outputs: [
      {
        name: "probabilities",
        datatype: "FP64",
        shape: [rows, classNames.length],
        contents: { fp64_contents: answers.flat() },
      },
    ],
  };
}

/** The numbers of a tensor, from the raw bytes or, where those are missing, from its contents; null: another datatype. */
function valuesOf({ datatype, contents }: Tensor, raw: Buffer | undefined): readonly number[] | null {
  switch (datatype) {
    case "FP32":
      return raw === undefined
        ? (contents?.fp32_contents ?? [])
        : Array.from({ length: Math.floor(raw.length / 4) }, (_, index) => raw.readFloatLE(index * 4));
    case "FP64":
      return raw === undefined
        ? (contents?.fp64_contents ?? [])
        : Array.from({ length: Math.floor(raw.length / 8) }, (_, index) => raw.readDoubleLE(index * 8));
    default:
      return null;
  }
}

/** Which model version gave this answer; null: the answer does not say. */
export function inferVersionOf(answer: InferResponse): ModelVersion | null {
  return (["1", "2"] as const).find((version) => version === answer.model_version) ?? null;
}
