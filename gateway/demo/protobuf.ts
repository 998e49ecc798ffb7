// As much of Protocol Buffers' wire format as the demo's messages need (protobuf.dev/programming-guides/encoding), by hand: the gateway itself
// never looks into a message, so a library for the demo alone would be a dependency of nothing else.

/** One field as it stands on the wire: a varint, or bytes (fixed64 and fixed32 as bytes too). */
export interface WireField {
  readonly number: number;
  readonly value: number | Buffer;
}

const wireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** The fields of a message, in order; null: these bytes are no message. */
export function readMessage(bytes: Buffer): readonly WireField[] | null {
  const fields: WireField[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 64; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) return Number.NaN;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return Number.NaN;
  };
  while (at < bytes.length) {
    const key = varint();
    const number = Math.floor(key / 8);
    if (!(number > 0)) return null;
    let length: number;
    switch (key % 8) {
      case wireType.varint: {
        const value = varint();
        if (Number.isNaN(value)) return null;
        fields.push({ number, value });
        continue;
      }
      case wireType.fixed64:
        length = 8;
        break;
      case wireType.fixed32:
        length = 4;
        break;
      case wireType.bytes:
        length = varint();
        break;
      default:
        return null;
    }
    if (!(length <= bytes.length - at)) return null;
    fields.push({ number, value: bytes.subarray(at, at + length) });
    at += length;
  }
  return fields;
}

/** The last field with this number that holds bytes; null: there is none. */
export function bytesOf(fields: readonly WireField[], number: number): Buffer | null {
  const field = fields.findLast((one) => one.number === number);
  return field !== undefined && Buffer.isBuffer(field.value) ? field.value : null;
}

/** Numbers of a repeated int32 or enum, packed or one by one. */
export function varintsOf(fields: readonly WireField[], number: number): readonly number[] {
  return fields.filter((field) => field.number === number).flatMap(({ value }) => (Buffer.isBuffer(value) ? unpackVarints(value) : [value]));
}

function unpackVarints(bytes: Buffer): number[] {
  const values: number[] = [];
  let value = 0;
  let shift = 0;
  for (const byte of bytes) {
    value += (byte & 0x7f) * 2 ** shift;
    shift += 7;
    if (byte >= 0x80) continue;
    values.push(value);
    value = 0;
    shift = 0;
  }
  return values;
}

/** Numbers of a repeated double, packed or one by one. */
export function doublesOf(fields: readonly WireField[], number: number): readonly number[] {
  return fixedOf(fields, number, 8, (value, at) => value.readDoubleLE(at));
}

/** Numbers of a repeated float, packed or one by one. */
export function floatsOf(fields: readonly WireField[], number: number): readonly number[] {
  return fixedOf(fields, number, 4, (value, at) => value.readFloatLE(at));
}

function fixedOf(fields: readonly WireField[], number: number, size: number, read: (value: Buffer, at: number) => number): readonly number[] {
  return fields
    .filter((field) => field.number === number)
    .flatMap(({ value }) => (Buffer.isBuffer(value) ? Array.from({ length: Math.floor(value.length / size) }, (_, index) => read(value, index * size)) : []));
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80);
  return Buffer.from([...bytes, value]);
}

/** A field with a varint, 0 or more. */
export function number(field: number, value: number): Buffer {
  return Buffer.concat([varint(field * 8 + wireType.varint), varint(value)]);
}

/** A field with bytes: a string, a message, or packed numbers. */
export function bytes(field: number, value: Buffer | string): Buffer {
  const content = Buffer.from(value);
  return Buffer.concat([varint(field * 8 + wireType.bytes), varint(content.length), content]);
}

/** A field with a message that has these fields. */
export function message(field: number, ...fields: readonly Buffer[]): Buffer {
  return bytes(field, Buffer.concat(fields));
}

/** A field with a double. */
export function double(field: number, value: number): Buffer {
  const content = Buffer.alloc(8);
  content.writeDoubleLE(value);
  return Buffer.concat([varint(field * 8 + wireType.fixed64), content]);
}

/** A packed field. */
export function packedVarints(field: number, values: readonly number[]): Buffer {
  return bytes(field, Buffer.concat(values.map(varint)));
}

export function packedDoubles(field: number, values: readonly number[]): Buffer {
  const content = Buffer.alloc(values.length * 8);
  for (const [index, value] of values.entries()) content.writeDoubleLE(value, index * 8);
  return bytes(field, content);
}
