// Messages of the model server to bytes and back, by tables of their fields: what `sluice model` needs of protobuf, without a package. What a table
// does not name is passed over.
import {
  entryField,
  fieldsOf,
  messageField,
  numberField,
  textField,
  varint,
  varintsOf,
  type ProtoField,
} from "../../routing/text/protobuf.ts";

/** `map`: of texts. A function gives the table of a message. */
type Kind = "text" | "bytes" | "double" | "float" | "integer" | "bool" | "map" | (() => Shape);

interface Field {
  readonly name: string;
  readonly kind: Kind;
  /** A list; it is there even where nothing was written. */
  readonly many: boolean;
}

/** By number. */
export type Shape = Readonly<Record<number, Field>>;
type Message = Readonly<Record<string, unknown>>;

const one = (name: string, kind: Kind): Field => ({ name, kind, many: false });
const many = (name: string, kind: Kind): Field => ({ name, kind, many: true });

const listValue: Shape = {
  1: many("values", () => ({ 2: one("numberValue", "double"), 6: one("listValue", () => listValue) })),
};
const tensor: Shape = { 1: many("shape", "integer"), 2: many("values", "double") };

/** Of protos/prediction.proto. */
export const seldonMessage: Shape = {
  2: one("meta", () => ({ 1: one("puid", "text"), 4: one("requestPath", "map") })),
  3: one("data", () => ({
    1: many("names", "text"),
    2: one("tensor", () => tensor),
    3: one("ndarray", () => listValue),
  })),
};

/** Inputs and outputs are alike. */
const v2Tensor: Shape = {
  1: one("name", "text"),
  2: one("datatype", "text"),
  3: many("shape", "integer"),
  5: one("contents", () => ({ 6: many("fp32_contents", "float"), 7: many("fp64_contents", "double") })),
};
const named: Shape = { 1: one("model_name", "text"), 2: one("model_version", "text"), 3: one("id", "text") };

/** Of protos/grpc_predict_v2.proto. */
export const inferRequest: Shape = {
  ...named,
  5: many("inputs", () => v2Tensor),
  7: many("raw_input_contents", "bytes"),
};
export const inferResponse: Shape = { ...named, 5: many("outputs", () => v2Tensor) };
export const liveResponse: Shape = { 1: one("live", "bool") };
export const readyResponse: Shape = { 1: one("ready", "bool") };

/** Deepest nesting of messages: a list in a list in data needs 6. */
const maxDepth = 16;

/** null: these bytes are not in the format of Protocol Buffers, or nested too deep. */
export function decode(shape: Shape, bytes: Buffer, depth = 0): Message | null {
  const fields = depth > maxDepth ? null : fieldsOf(bytes);
  if (fields === null) return null;
  const lists = Object.values(shape).filter((field) => field.many);
  const message: Record<string, unknown> = Object.fromEntries(lists.map(({ name }) => [name, []]));
  for (const field of fields) {
    const known = shape[field.number];
    if (known === undefined) continue;
    const values = valuesOf(known.kind, field, depth);
    if (values === null) return null;
    if (known.many) for (const value of values) (message[known.name] as unknown[]).push(value);
    else message[known.name] = values.at(-1);
  }
  return message;
}

function valuesOf(kind: Kind, { bytes, fixed, value }: ProtoField, depth: number): readonly unknown[] | null {
  switch (kind) {
    case "text":
      return [bytes.toString()];
    case "bytes":
      return [bytes];
    case "integer":
      return bytes.length === 0 ? [value] : varintsOf(bytes);
    case "bool":
      return [value !== 0];
    case "double":
      return numbersOf(fixed.length > 0 ? fixed : bytes, 8, (from, at) => from.readDoubleLE(at));
    case "float":
      return numbersOf(fixed.length > 0 ? fixed : bytes, 4, (from, at) => from.readFloatLE(at));
    case "map":
      return [];
    default: {
      const message = decode(kind(), bytes, depth + 1);
      return message === null ? null : [message];
    }
  }
}

function numbersOf(bytes: Buffer, size: number, read: (from: Buffer, at: number) => number): readonly number[] | null {
  if (bytes.length % size !== 0) return null;
  return Array.from({ length: bytes.length / size }, (_, index) => read(bytes, index * size));
}

/** The message has the values that the shape says; absent ones are not written. */
export function encode(shape: Shape, message: Message): Buffer {
  const parts = Object.entries(shape).flatMap(([number, { name, kind, many: isList }]) => {
    const value = message[name];
    if (value === undefined) return [];
    if (!isList && kind === "double") return [varint(Number(number) * 8 + 1), doubleOf(value as number)];
    return partsOf(Number(number), kind, isList ? (value as readonly unknown[]) : [value]);
  });
  return Buffer.concat(parts);
}

function partsOf(number: number, kind: Kind, values: readonly unknown[]): readonly Buffer[] {
  switch (kind) {
    case "text":
      return values.map((value) => textField(number, value as string));
    case "bytes":
      return values.map((value) => messageField(number, [value as Buffer]));
    case "bool":
      return values.map((value) => numberField(number, Number(value)));
    case "integer":
      return packed(
        number,
        values.map((value) => varint(value as number)),
      );
    case "double":
      return packed(
        number,
        values.map((value) => doubleOf(value as number)),
      );
    // The model answers none.
    case "float":
      return [];
    case "map":
      return values.flatMap((value) =>
        Object.entries(value as Readonly<Record<string, string>>).map(([key, text]) => entryField(number, key, text)),
      );
    default:
      return values.map((value) => messageField(number, [encode(kind(), value as Message)]));
  }
}

function packed(number: number, values: readonly Buffer[]): readonly Buffer[] {
  return values.length === 0 ? [] : [messageField(number, values)];
}

function doubleOf(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}
