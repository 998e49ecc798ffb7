// Protobuf on the wire, as far as the messages of external services and of model servers need it: a code generator and its runtime for some twenty
// messages would be the larger dependency. Bounds are the callers': a message is no longer than what was taken of an answer.

/**
 * One field of a message: `bytes` of a length-delimited one (else empty), `fixed` of one with 4 or 8 bytes (else empty), `value` of a number (else 0;
 * above 2^53 it is not exact). The value stands at `start` to `end` of the message.
 */
export interface ProtoField {
  readonly number: number;
  readonly wire: 0 | 1 | 2 | 5;
  readonly start: number;
  readonly end: number;
  readonly bytes: Buffer;
  readonly fixed: Buffer;
  readonly value: number;
}

const noBytes = Buffer.alloc(0);
const lengthDelimited = 2;

/** A whole number, 0 or more, below 2^53. */
export function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** 0 is absence. */
export function numberField(number: number, value: number): Buffer {
  return value === 0 ? noBytes : Buffer.concat([varint(number * 8), varint(value)]);
}

/** An empty text is absence. */
export function textField(number: number, text: string): Buffer {
  return text === "" ? noBytes : messageField(number, [Buffer.from(text)]);
}

/** A message, or bytes, of these parts. */
export function messageField(number: number, parts: readonly Buffer[]): Buffer {
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([varint(number * 8 + lengthDelimited), varint(bytes), ...parts]);
}

/** An entry of `map<string, string>`. */
export function entryField(number: number, key: string, value: string): Buffer {
  return messageField(number, [textField(1, key), textField(2, value)]);
}

/** The fields of a message in their order; null: this is no protobuf. Groups, which nobody writes any more, are none. */
export function fieldsOf(message: Buffer): readonly ProtoField[] | null {
  const fields: ProtoField[] = [];
  const reader = { at: 0 };
  while (reader.at < message.length) {
    const tag = readVarint(message, reader);
    const number = Math.floor(tag / 8);
    if (tag < 0 || number === 0) return null;
    const field = readField(message, reader, number, tag % 8);
    if (field === null) return null;
    fields.push(field);
  }
  return fields;
}

function readField(message: Buffer, reader: { at: number }, number: number, wire: number): ProtoField | null {
  let start = reader.at;
  if (wire === 0) {
    const value = readVarint(message, reader);
    return value < 0 ? null : { number, wire, start, end: reader.at, bytes: noBytes, fixed: noBytes, value };
  }
  if (wire !== 1 && wire !== 5 && wire !== lengthDelimited) return null;
  const length = wire === 1 ? 8 : wire === 5 ? 4 : readVarint(message, reader);
  if (length < 0 || length > message.length - reader.at) return null;
  start = reader.at;
  const end = (reader.at += length);
  const bytes = message.subarray(start, end);
  return wire === lengthDelimited
    ? { number, wire, start, end, bytes, fixed: noBytes, value: 0 }
    : { number, wire, start, end, bytes: noBytes, fixed: bytes, value: 0 };
}

/** Packed numbers; null: they end early. */
export function varintsOf(bytes: Buffer): readonly number[] | null {
  const values: number[] = [];
  for (const reader = { at: 0 }; reader.at < bytes.length;) {
    const value = readVarint(bytes, reader);
    if (value < 0) return null;
    values.push(value);
  }
  return values;
}

/** Signed numbers of 64 bits at `start` to `end`, one after the other: bigints beyond 2^53. null: they end early. */
export function signedVarints(message: Buffer, start: number, end: number): readonly (number | bigint)[] | null {
  const values: (number | bigint)[] = [];
  for (let at = start; at < end;) {
    const first = at;
    while (at < end && message[at]! >= 0x80) at++;
    if (at >= end || at - first >= 10) return null;
    at += 1;
    values.push(at - first <= 7 ? smallVarint(message, first, at) : longVarint(message, first, at));
  }
  return values;
}

/** Of 7 bytes, so below 2^49. */
function smallVarint(message: Buffer, start: number, end: number): number {
  let value = 0;
  for (let at = end - 1; at >= start; at--) value = value * 0x80 + (message[at]! & 0x7f);
  return value;
}

function longVarint(message: Buffer, start: number, end: number): number | bigint {
  let value = 0n;
  for (let at = end - 1; at >= start; at--) value = (value << 7n) | BigInt(message[at]! & 0x7f);
  const signed = BigInt.asIntN(64, value);
  return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
}

/** At most 10 bytes, as a negative int32 has; −1: there is none. */
function readVarint(message: Buffer, reader: { at: number }): number {
  let value = 0;
  for (let digit = 0; digit < 10; digit++) {
    const byte = message[reader.at++];
    if (byte === undefined) return -1;
    value += (byte & 0x7f) * 2 ** (7 * digit);
    if (byte < 0x80) return value;
  }
  return -1;
}

/** The last field of this number; null: there is none. */
export function lastField(fields: readonly ProtoField[], number: number): ProtoField | null {
  return fields.findLast((field) => field.number === number) ?? null;
}

/** The text of the last field of this number; "": there is none. */
export function textOfField(fields: readonly ProtoField[], number: number): string {
  return lastField(fields, number)?.bytes.toString() ?? "";
}

/** The number of the last field of this number; 0: there is none. */
export function numberOfField(fields: readonly ProtoField[], number: number): number {
  return lastField(fields, number)?.value ?? 0;
}
