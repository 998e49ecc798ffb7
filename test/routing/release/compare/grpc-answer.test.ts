// Answers over gRPC are the trees that the same answers are in JSON: messages as protobuf's own library writes them.
import { fileURLToPath } from "node:url";
import { loadSync, type ServiceDefinition } from "@grpc/proto-loader";
import { describe, expect, test } from "vitest";
import { readGrpcAnswer } from "../../../../routing/release/compare/grpc-answer.ts";

const folder = fileURLToPath(new URL("../../../../gateway/demo/protos/", import.meta.url));
const definitions = loadSync(["prediction.proto", "grpc_predict_v2.proto"], { includeDirs: [folder], keepCase: true });

function framed(service: string, method: string, message: object): Buffer {
  const bytes = (definitions[service] as ServiceDefinition)[method]!.responseSerialize(message);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}

function treeOf(body: Buffer, path: string): unknown {
  const read = readGrpcAnswer(body, path);
  if (read.kind === "unreadable") throw new Error(read.reason);
  return structuredClone(read.tree);
}

const predict = "/seldon.protos.Seldon/Predict";
const infer = "/inference.GRPCInferenceService/ModelInfer";
const number = (value: number): object => ({ numberValue: value });
const row = (...values: readonly number[]): object => ({ listValue: { values: values.map(number) } });

describe("seldon.protos", () => {
  const seldon = (message: object): unknown => treeOf(framed("seldon.protos.Seldon", "Predict", message), predict);

  test("ndarray, names and meta", () => {
    const tree = seldon({
      meta: { puid: "p", tags: { on: { boolValue: true }, none: { nullValue: 0 } }, requestPath: { c: "img" } },
      data: { names: ["a", "b"], ndarray: { values: [row(0.25, 0.75), row(1, 0)] } },
    });
    expect(tree).toEqual({
      meta: { puid: "p", tags: { on: true, none: null }, requestPath: { c: "img" } },
      data: {
        names: ["a", "b"],
        ndarray: [
          [0.25, 0.75],
          [1, 0],
        ],
      },
    });
  });

  test("tensor, texts and JSON", () => {
    expect(seldon({ data: { tensor: { shape: [1, 2], values: [-1.5, 3] } } })).toEqual({
      data: { tensor: { shape: [1, 2], values: [-1.5, 3] } },
    });
    expect(seldon({ strData: "größe" })).toEqual({ strData: "größe" });
    expect(seldon({ jsonData: { structValue: { fields: { a: row(1), b: { stringValue: "x" } } } } })).toEqual({
      jsonData: { a: [1], b: "x" },
    });
  });
});

describe("inference", () => {
  const v2 = (message: object): unknown =>
    treeOf(framed("inference.GRPCInferenceService", "ModelInfer", message), infer);

  test("contents, and raw contents of the same, are one tree", () => {
    const output = { name: "p", datatype: "FP32", shape: [1, 2] };
    const expected = { model_name: "m", outputs: { p: { ...output, data: [0.5, 2] } } };
    expect(v2({ model_name: "m", outputs: [{ ...output, contents: { fp32_contents: [0.5, 2] } }] })).toEqual(expected);
    const raw = Buffer.from(new Float32Array([0.5, 2]).buffer);
    expect(v2({ model_name: "m", outputs: [output], raw_output_contents: [raw] })).toEqual(expected);
  });

  test("whole numbers of 64 bits, also below zero", () => {
    const output = { name: "p", datatype: "INT64", shape: [3] };
    expect(v2({ outputs: [{ ...output, contents: { int64_contents: [-1, 7, "9007199254740993"] } }] })).toEqual({
      outputs: { p: { ...output, data: [-1, 7, 9007199254740993n] } },
    });
  });
});

test.each([
  ["a frame that ends early", Buffer.from([0, 0, 0, 0, 9, 1]), predict, "is a message that ends early"],
  ["two messages", Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), predict, "has several messages"],
  ["no message", Buffer.alloc(0), predict, "has no message"],
  ["a compressed one", Buffer.from([1, 0, 0, 0, 0]), predict, "is compressed"],
  ["another method", Buffer.from([0, 0, 0, 0, 0]), "/x/Y", "is of a gRPC method whose messages Sluice does not know"],
])("%s cannot be read", (_what, body, path, reason) => {
  expect(readGrpcAnswer(body, path)).toEqual({ kind: "unreadable", reason });
});
