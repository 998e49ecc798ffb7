// Answers over gRPC: messages of seldon.protos and inference as the trees that the same answers are in JSON.
import { fieldsOf, signedVarints, type ProtoField } from "../../text/protobuf.ts";
import { bytesText } from "./bytes-text.ts";
import { maxDepth, unreadable, type ReadAnswer } from "./read-json.ts";
import { put, readTensors } from "./tensors.ts";

type Tree = Record<string, unknown>;

/** `bytes` become a text, and `raw` ones stay. `tftensor`: nothing reads it. */
type Scalar = "text" | "bytes" | "raw" | "int" | "float" | "double" | "bool" | "tftensor";

interface Field {
  readonly name: string;
  readonly kind: Scalar | Schema;
  /** Keys of a map are texts. */
  readonly many?: "list" | "map";
}

interface Schema {
  /** By number. A function, because messages may hold themselves. */
  readonly fields: () => ReadonlyMap<number, Field>;
  /** What a message becomes in the tree. */
  readonly made: (tree: Tree) => unknown;
}

type Row = readonly [number: number, name: string, kind: Field["kind"], many?: "list" | "map"];

function schema(rows: () => readonly Row[], made: Schema["made"] = (tree) => tree): Schema {
  let fields: ReadonlyMap<number, Field> | null = null;
  const read = (): ReadonlyMap<number, Field> =>
    new Map(
      rows().map(([number, name, kind, many]) => [number, many === undefined ? { name, kind } : { name, kind, many }]),
    );
  return { fields: () => (fields ??= read()), made };
}

const value: Schema = schema(
  () => [
    [1, "null", "int"],
    [2, "number", "double"],
    [3, "text", "text"],
    [4, "bool", "bool"],
    [5, "struct", struct],
    [6, "list", list],
  ],
  // A oneof has its last.
  (tree) => {
    const last = Object.entries(tree).at(-1);
    return last === undefined || last[0] === "null" ? null : last[1];
  },
);
const struct = schema(
  () => [[1, "fields", value, "map"]],
  (tree) => tree["fields"] ?? {},
);
const list = schema(
  () => [[1, "values", value, "list"]],
  (tree) => tree["values"] ?? [],
);

const status = schema(() => [
  [1, "code", "int"],
  [2, "info", "text"],
  [3, "reason", "text"],
  [4, "status", "int"],
]);
const meta = schema(() => [
  [1, "puid", "text"],
  [2, "tags", value, "map"],
  [3, "routing", "int", "map"],
  [4, "requestPath", "text", "map"],
  [5, "metrics", "bytes", "list"],
]);
const tensor = schema(() => [
  [1, "shape", "int", "list"],
  [2, "values", "double", "list"],
]);
const data = schema(() => [
  [1, "names", "text", "list"],
  [2, "tensor", tensor],
  [3, "ndarray", list],
  [4, "tftensor", "tftensor"],
]);
const seldonMessage = schema(() => [
  [1, "status", status],
  [2, "meta", meta],
  [3, "data", data],
  [4, "binData", "bytes"],
  [5, "strData", "text"],
  [6, "jsonData", value],
  [7, "customData", "bytes"],
]);

const contents = schema(
  () => [
    [1, "bool", "bool", "list"],
    [2, "int", "int", "list"],
    [3, "long", "int", "list"],
    [4, "uint", "int", "list"],
    [5, "ulong", "int", "list"],
    [6, "float", "float", "list"],
    [7, "double", "double", "list"],
    [8, "text", "bytes", "list"],
  ],
  (tree) => Object.values(tree).at(-1) ?? [],
);
const output = schema(() => [
  [1, "name", "text"],
  [2, "datatype", "text"],
  [3, "shape", "int", "list"],
  [5, "data", contents],
]);
const inferResponse = schema(
  () => [
    [1, "model_name", "text"],
    [2, "model_version", "text"],
    [3, "id", "text"],
    [5, "outputs", output, "list"],
    [6, "raw", "raw", "list"],
  ],
  ({ raw = [], outputs = [], ...rest }) => {
    const named: Tree = Object.create(null) as Tree;
    for (const [at, one] of (outputs as readonly Tree[]).entries()) {
      const bytes = (raw as readonly Uint8Array[])[at];
      const read = bytes === undefined ? (one["data"] ?? []) : readTensors(bytes, String(one["datatype"]));
      if (read === null) throw new Unreadable("has binary tensors that do not fit their sizes");
      put(named, (one["name"] as string | undefined) ?? String(at), { ...one, data: read });
    }
    return { ...rest, outputs: named };
  },
);

const schemas: readonly (readonly [string, Schema])[] = [
  ["/seldon.protos.", seldonMessage],
  ["/inference.GRPCInferenceService/ModelInfer", inferResponse],
];

const frameBytes = 5;

/** The one message of a unary call. */
export function readGrpcAnswer(body: Uint8Array, path: string): ReadAnswer {
  const found = schemas.find(([prefix]) => path.startsWith(prefix))?.[1];
  if (found === undefined) return unreadable("is of a gRPC method whose messages Sluice does not know");
  if (body.length < frameBytes) return unreadable("has no message");
  if (body[0] !== 0) return unreadable("is compressed");
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  const length = bytes.readUInt32BE(1);
  if (length > body.length - frameBytes) return unreadable("is a message that ends early");
  if (length < body.length - frameBytes) return unreadable("has several messages");
  try {
    return { kind: "tree", tree: messageOf(bytes.subarray(frameBytes), found, 0) };
  } catch (error) {
    if (error instanceof Unreadable) return unreadable(error.message);
    throw error;
  }
}

/** Its message follows "its answer ". */
class Unreadable extends Error {}

const malformed = "is not the protobuf message of its method";

function messageOf(bytes: Buffer, { fields, made }: Schema, depth: number): unknown {
  if (depth > maxDepth) throw new Unreadable(`has more than ${maxDepth} levels`);
  const found = fieldsOf(bytes);
  if (found === null) throw new Unreadable(malformed);
  const known = fields();
  const tree: Tree = {};
  const last = new Map(found.map((field) => [field.number, field]));
  for (const field of found) {
    const one = known.get(field.number);
    // Of a field that has one value the last one counts.
    if (one !== undefined && (one.many !== undefined || last.get(field.number) === field))
      take(tree, one, bytes, field, depth);
  }
  return made(tree);
}

function take(tree: Tree, { name, kind, many }: Field, message: Buffer, field: ProtoField, depth: number): void {
  if (many === undefined) {
    tree[name] = valuesOf(kind, message, field, depth)[0];
  } else if (many === "list") {
    const values = (tree[name] ??= []) as unknown[];
    for (const one of valuesOf(kind, message, field, depth)) values.push(one);
  } else {
    const entry = field.wire === 2 ? fieldsOf(field.bytes) : null;
    if (entry === null) throw new Unreadable(malformed);
    const map = (tree[name] ??= Object.create(null)) as Tree;
    const [key, said] = [entry.findLast((one) => one.number === 1), entry.findLast((one) => one.number === 2)];
    map[key === undefined ? "" : bytesText(key.bytes)] =
      said === undefined ? null : valuesOf(kind, field.bytes, said, depth)[0];
  }
}

/** One, or those of a packed list. */
function valuesOf(kind: Field["kind"], message: Buffer, field: ProtoField, depth: number): readonly unknown[] {
  const { wire, start, end, bytes } = field;
  if (typeof kind === "object") {
    if (wire !== 2) throw new Unreadable(malformed);
    return [messageOf(bytes, kind, depth + 1)];
  }
  switch (kind) {
    case "tftensor":
      throw new Unreadable("has a tftensor, which Sluice does not compare");
    case "text":
    case "bytes":
    case "raw":
      if (wire !== 2) throw new Unreadable(malformed);
      return [kind === "raw" ? bytes : bytesText(bytes)];
    case "int":
    case "bool": {
      const values = wire === 0 || wire === 2 ? signedVarints(message, start, end) : null;
      if (values === null) throw new Unreadable(malformed);
      return kind === "int" ? values : values.map((one) => one !== 0);
    }
    case "float":
    case "double": {
      const size = kind === "float" ? 4 : 8;
      if ((wire !== 2 && wire !== (kind === "float" ? 5 : 1)) || (end - start) % size !== 0)
        throw new Unreadable(malformed);
      const values: number[] = [];
      for (let at = start; at < end; at += size)
        values.push(kind === "float" ? message.readFloatLE(at) : message.readDoubleLE(at));
      return values;
    }
  }
}
