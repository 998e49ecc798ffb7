// Descriptions of messages and services (google/protobuf/descriptor.proto), so that tools which ask for them by reflection can write messages as
// JSON. By hand, as the messages are.
import { bytes, message, number } from './protobuf.ts';

/** One .proto file: its name, the names of its package's messages and services begin with `prefix`, and its FileDescriptorProto. */
export interface DescribedFile {
  readonly name: string;
  readonly prefix: string;
  /** Full names. */
  readonly services: readonly string[];
  readonly descriptor: Buffer;
}

/** Types of fields. */
export const type = { double: 1, float: 2, int64: 3, int32: 5, bool: 8, string: 9, message: 11, bytes: 12, enum: 14 } as const;
const label = { optional: 1, repeated: 3 } as const;

function field(name: string, fieldNumber: number, fieldLabel: number, fieldType: number, typeName: string, more: readonly Buffer[]): Buffer {
  const jsonName = name.replace(/_(.)/gu, (_, letter: string) => letter.toUpperCase());
  return message(2, bytes(1, name), bytes(10, jsonName), number(3, fieldNumber), number(4, fieldLabel), number(5, fieldType), ...(typeName === '' ? [] : [bytes(6, typeName)]), ...more);
}

/** A field of a message. `typeName`, with a dot before it, for messages and enums; `more` goes into its FieldDescriptorProto. */
export function one(name: string, fieldNumber: number, fieldType: number, typeName = '', ...more: readonly Buffer[]): Buffer {
  return field(name, fieldNumber, label.optional, fieldType, typeName, more);
}

export function repeated(name: string, fieldNumber: number, fieldType: number, typeName = ''): Buffer {
  return field(name, fieldNumber, label.repeated, fieldType, typeName, []);
}

/** A message of a file. */
export function describe(name: string, ...parts: readonly Buffer[]): Buffer {
  return message(4, bytes(1, name), ...parts);
}

/** A message within a message. */
export function nested(name: string, ...parts: readonly Buffer[]): Buffer {
  return message(3, bytes(1, name), ...parts);
}

/** The message that stands for `map<string, V>`: `value` is its second field. */
export function mapEntry(name: string, value: Buffer): Buffer {
  return nested(name, one('key', 1, type.string), value, message(7, number(7, 1)));
}

/** A service; each method has a name, the message that it takes and the one that it gives, with a dot before them. */
export function describeService(name: string, methods: readonly (readonly [name: string, takes: string, gives: string])[]): Buffer {
  return message(6, bytes(1, name), ...methods.map(([method, takes, gives]) => message(2, bytes(1, method), bytes(2, takes), bytes(3, gives))));
}

/** A file in proto3. */
export function describeFile(name: string, packageName: string, imports: readonly string[], ...parts: readonly Buffer[]): Buffer {
  return Buffer.concat([bytes(1, name), bytes(2, packageName), ...imports.map((file) => bytes(3, file)), ...parts, bytes(12, 'proto3')]);
}
