// Messages of protobuf as trees of values, by the fields that a schema knows; others are passed over. Bounded in depth and in values.
import { bytesText } from "./bytes-text.ts";
import { maxDepth, maxValues } from "./read-json.ts";
import { wholeNumber } from "./tensors.ts";

export interface Schema {
  /** By number. A function, because messages may hold themselves. */
  readonly fields: () => Readonly<Record<number, Field>>;
  /** What a message becomes in the tree. */
  readonly made: (tree: Record<string, unknown>) => unknown;
}

interface Field {
  readonly name: string;
  readonly kind: Scalar | Schema;
  readonly isRepeated?: true;
  /** Its keys are texts. */
  readonly isMap?: true;
}

/** `bytes` become a text, and `raw` ones stay. */
type Scalar = "text" | "bytes" | "raw" | "int" | "float" | "double" | "bool";

type Fields = ReturnType<Schema["fields"]>;
const knownFields = new WeakMap<Schema, Fields>();
const entries = new WeakMap<Field, Schema>();

function fieldsOf(schema: Schema): Fields {
  const known = knownFields.get(schema);
  if (known !== undefined) return known;
  const fields = schema.fields();
  knownFields.set(schema, fields);
  return fields;
}

/** An entry of a map, as protobuf writes it. */
function entryOf(field: Field): Schema {
  const known = entries.get(field);
  if (known !== undefined) return known;
  const { kind } = field;
  const entry: Schema = {
    fields: () => ({ 1: { name: "key", kind: "text" }, 2: { name: "value", kind } }),
    made: (tree) => tree,
  };
  entries.set(field, entry);
  return entry;
}

/** null: this is no such message. */
export function readMessage(bytes: Uint8Array, schema: Schema): { readonly value: unknown } | null {
  try {
    return { value: new Reader(bytes).message(0, bytes.length, schema, 0) };
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
}

class Malformed extends Error {}

const wireVarint = 0;
const wire64 = 1;
const wireBytes = 2;
const wire32 = 5;

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #values = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  message(start: number, end: number, schema: Schema, depth: number): unknown {
    if (depth > maxDepth) throw new Malformed();
    const fields = fieldsOf(schema);
    const tree: Record<string, unknown> = { __proto__: null };
    this.#at = start;
    while (this.#at < end) {
      const tag = this.#short(end);
      const [field, wire] = [fields[Math.floor(tag / 8)], tag % 8];
      const next = this.#end(wire, end);
      if (field !== undefined) this.#take(tree, field, wire, next, depth);
      this.#at = next;
    }
    return schema.made(tree);
  }

  /** Where the value that begins here ends; of one with a length, `#at` is behind that length then. */
  #end(wire: number, end: number): number {
    if (wire === wireVarint) {
      let at = this.#at;
      while (at < end && this.#bytes[at]! >= 0x80) at++;
      if (at >= end) throw new Malformed();
      return at + 1;
    }
    const length = wire === wire64 ? 8 : wire === wire32 ? 4 : wire === wireBytes ? this.#short(end) : end + 1;
    if (length > end - this.#at) throw new Malformed();
    return this.#at + length;
  }

  #take(tree: Record<string, unknown>, field: Field, wire: number, end: number, depth: number): void {
    const { name, kind, isRepeated, isMap } = field;
    if (isMap === true) {
      if (wire !== wireBytes) throw new Malformed();
      const made = this.message(this.#at, end, entryOf(field), depth + 1) as Record<string, unknown>;
      const map = (tree[name] ??= Object.create(null)) as Record<string, unknown>;
      map[(made["key"] as string | undefined) ?? ""] = made["value"] ?? null;
      return this.#count();
    }
    if (isRepeated !== true) {
      tree[name] = this.#value(kind, wire, end, depth);
      return this.#count();
    }
    const values = (tree[name] ??= []) as unknown[];
    if (wire !== wireBytes || typeof kind !== "string" || isBytes(kind)) {
      values.push(this.#value(kind, wire, end, depth));
      return this.#count();
    }
    // Packed.
    const own = kind === "float" ? wire32 : kind === "double" ? wire64 : wireVarint;
    while (this.#at < end) {
      const next = this.#end(own, end);
      values.push(this.#value(kind, own, next, depth));
      this.#count();
      this.#at = next;
    }
  }

  #count(): void {
    if (++this.#values > maxValues) throw new Malformed();
  }

  #value(kind: Field["kind"], wire: number, end: number, depth: number): unknown {
    if (typeof kind === "object") {
      if (wire !== wireBytes) throw new Malformed();
      return this.message(this.#at, end, kind, depth + 1);
    }
    const isFitting = isBytes(kind)
      ? wire === wireBytes
      : kind === "float"
        ? wire === wire32
        : kind === "double"
          ? wire === wire64
          : wire === wireVarint;
    if (!isFitting) throw new Malformed();
    switch (kind) {
      case "text":
      case "bytes":
        return bytesText(this.#bytes.subarray(this.#at, end));
      case "raw":
        return this.#bytes.subarray(this.#at, end);
      case "float":
        return this.#view.getFloat32(this.#at, true);
      case "double":
        return this.#view.getFloat64(this.#at, true);
      case "bool":
        return this.#bytes[this.#at] !== 0;
      case "int":
        return this.#int(end);
    }
  }

  /** A tag or a length. */
  #short(end: number): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 35 && this.#at < end; scale *= 128) {
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new Malformed();
  }

  #int(end: number): number | string {
    if (end - this.#at <= 5) return this.#short(end);
    let value = 0n;
    for (let shift = 0n; shift < 70n && this.#at < end; shift += 7n) {
      const byte = this.#bytes[this.#at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return wholeNumber(BigInt.asIntN(64, value));
    }
    throw new Malformed();
  }
}

function isBytes(kind: Scalar | Schema): boolean {
  return kind === "text" || kind === "bytes" || kind === "raw";
}
