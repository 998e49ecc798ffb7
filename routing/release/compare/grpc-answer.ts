// Answers over gRPC: messages of seldon.protos, inference and tensorflow.serving as the trees that the same answers are in JSON.
import { boundedTree, unreadable, type ReadAnswer } from "./read-json.ts";
import { readMessage, type Schema } from "./protobuf.ts";
import { readTensors } from "./tensors.ts";

type Tree = Record<string, unknown>;

const value: Schema = {
  fields: () => ({
    1: { name: "null", kind: "int" },
    2: { name: "number", kind: "double" },
    3: { name: "text", kind: "text" },
    4: { name: "bool", kind: "bool" },
    5: { name: "struct", kind: struct },
    6: { name: "list", kind: list },
  }),
  // A oneof has its last.
  made: (tree) => {
    const last = Object.entries(tree).at(-1);
    return last === undefined || last[0] === "null" ? null : last[1];
  },
};

const struct: Schema = {
  fields: () => ({ 1: { name: "fields", kind: value, isMap: true } }),
  made: (tree) => tree["fields"] ?? {},
};

const list: Schema = {
  fields: () => ({ 1: { name: "values", kind: value, isRepeated: true } }),
  made: (tree) => tree["values"] ?? [],
};

const tftensor: Schema = {
  fields: () => ({
    1: { name: "dtype", kind: "int" },
    2: { name: "shape", kind: tensorShape },
    4: { name: "content", kind: "raw" },
    5: { name: "floats", kind: "float", isRepeated: true },
    6: { name: "doubles", kind: "double", isRepeated: true },
    7: { name: "ints", kind: "int", isRepeated: true },
    8: { name: "texts", kind: "text", isRepeated: true },
    10: { name: "longs", kind: "int", isRepeated: true },
    11: { name: "bools", kind: "bool", isRepeated: true },
  }),
  made: (tree) => {
    const { dtype, shape = [], content, floats, doubles, ints, texts, longs, bools } = tree;
    const type = tensorTypes[typeof dtype === "number" ? dtype : 0];
    const packed =
      content instanceof Uint8Array && content.length > 0
        ? type === undefined
          ? [Buffer.from(content).toString("hex")]
          : readTensors(content, type)
        : null;
    return { dtype, shape, values: packed ?? floats ?? doubles ?? ints ?? texts ?? longs ?? bools ?? [] };
  },
};

/** By number of TensorFlow's DataType, those that a tensor may hold as bytes. */
const tensorTypes: Readonly<Record<number, string>> = {
  1: "FP32",
  2: "FP64",
  3: "INT32",
  4: "UINT8",
  5: "INT16",
  6: "INT8",
  9: "INT64",
  10: "BOOL",
  14: "BF16",
  17: "UINT16",
  19: "FP16",
  22: "UINT32",
  23: "UINT64",
};

const tensorShape: Schema = {
  fields: () => ({ 2: { name: "dim", kind: dimension, isRepeated: true } }),
  made: (tree) => tree["dim"] ?? [],
};

const dimension: Schema = { fields: () => ({ 1: { name: "size", kind: "int" } }), made: (tree) => tree["size"] ?? 0 };

function plain(fields: Schema["fields"]): Schema {
  return { fields, made: (tree) => tree };
}

const seldonMessage = plain(() => ({
  1: { name: "status", kind: status },
  2: { name: "meta", kind: meta },
  3: { name: "data", kind: defaultData },
  4: { name: "binData", kind: "bytes" },
  5: { name: "strData", kind: "text" },
  6: { name: "jsonData", kind: value },
  7: { name: "customData", kind: "bytes" },
}));

const status = plain(() => ({
  1: { name: "code", kind: "int" },
  2: { name: "info", kind: "text" },
  3: { name: "reason", kind: "text" },
  4: { name: "status", kind: "int" },
}));

const meta = plain(() => ({
  1: { name: "puid", kind: "text" },
  2: { name: "tags", kind: value, isMap: true },
  3: { name: "routing", kind: "int", isMap: true },
  4: { name: "requestPath", kind: "text", isMap: true },
  5: { name: "metrics", kind: "bytes", isRepeated: true },
}));

const defaultData = plain(() => ({
  1: { name: "names", kind: "text", isRepeated: true },
  2: { name: "tensor", kind: tensor },
  3: { name: "ndarray", kind: list },
  4: { name: "tftensor", kind: tftensor },
}));

const tensor = plain(() => ({
  1: { name: "shape", kind: "int", isRepeated: true },
  2: { name: "values", kind: "double", isRepeated: true },
}));

const contents: Schema = {
  fields: () => ({
    1: { name: "bool", kind: "bool", isRepeated: true },
    2: { name: "int", kind: "int", isRepeated: true },
    3: { name: "long", kind: "int", isRepeated: true },
    4: { name: "uint", kind: "int", isRepeated: true },
    5: { name: "ulong", kind: "int", isRepeated: true },
    6: { name: "float", kind: "float", isRepeated: true },
    7: { name: "double", kind: "double", isRepeated: true },
    8: { name: "text", kind: "text", isRepeated: true },
  }),
  made: (tree) => Object.values(tree).at(-1) ?? [],
};

const output = plain(() => ({
  1: { name: "name", kind: "text" },
  2: { name: "datatype", kind: "text" },
  3: { name: "shape", kind: "int", isRepeated: true },
  5: { name: "data", kind: contents },
}));

const inferResponse: Schema = {
  fields: () => ({
    1: { name: "model_name", kind: "text" },
    2: { name: "model_version", kind: "text" },
    3: { name: "id", kind: "text" },
    5: { name: "outputs", kind: output, isRepeated: true },
    6: { name: "raw", kind: "raw", isRepeated: true },
  }),
  made: (tree) => {
    const { raw, outputs, ...rest } = tree;
    const contents = Array.isArray(raw) ? (raw as readonly Uint8Array[]) : [];
    const named: Tree = Object.create(null) as Tree;
    for (const [at, one] of (Array.isArray(outputs) ? (outputs as readonly Tree[]) : []).entries()) {
      const bytes = contents[at];
      const data = bytes === undefined ? one["data"] : readTensors(bytes, String(one["datatype"]));
      named[(one["name"] as string | undefined) ?? String(at)] = { ...one, data: data ?? [] };
    }
    return { ...rest, outputs: named };
  },
};

const predictResponse = plain(() => ({ 1: { name: "outputs", kind: tftensor, isMap: true } }));

const schemas: readonly (readonly [string, Schema])[] = [
  ["/seldon.protos.", seldonMessage],
  ["/inference.GRPCInferenceService/ModelInfer", inferResponse],
  ["/tensorflow.serving.PredictionService/Predict", predictResponse],
];

const frameBytes = 5;

/** The one message of a unary call. */
export function readGrpcAnswer(body: Uint8Array, path: string): ReadAnswer {
  const schema = schemas.find(([prefix]) => path.startsWith(prefix))?.[1];
  if (schema === undefined) return unreadable("is of a gRPC method whose messages Sluice does not know");
  if (body.length < frameBytes) return unreadable("has no message");
  if (body[0] !== 0) return unreadable("is compressed");
  const length = new DataView(body.buffer, body.byteOffset).getUint32(1);
  if (length > body.length - frameBytes) return unreadable("is a message that ends early");
  if (length < body.length - frameBytes) return unreadable("has several messages");
  const tree = readMessage(body.subarray(frameBytes), schema);
  return tree === null ? unreadable("is not the protobuf message of its method") : boundedTree(tree.value);
}
