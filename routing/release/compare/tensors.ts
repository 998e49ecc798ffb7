// Tensors of V2 as bytes: the binary extension of REST, and `raw_output_contents` of gRPC.
import { bytesText } from "./bytes-text.ts";
import { wholeNumber } from "./read-json.ts";

const readers: Readonly<
  Record<string, { readonly bytes: number; readonly read: (view: DataView, at: number) => unknown }>
> = {
  BOOL: { bytes: 1, read: (view, at) => view.getUint8(at) !== 0 },
  UINT8: { bytes: 1, read: (view, at) => view.getUint8(at) },
  UINT16: { bytes: 2, read: (view, at) => view.getUint16(at, true) },
  UINT32: { bytes: 4, read: (view, at) => view.getUint32(at, true) },
  UINT64: { bytes: 8, read: (view, at) => wholeNumber(view.getBigUint64(at, true)) },
  INT8: { bytes: 1, read: (view, at) => view.getInt8(at) },
  INT16: { bytes: 2, read: (view, at) => view.getInt16(at, true) },
  INT32: { bytes: 4, read: (view, at) => view.getInt32(at, true) },
  INT64: { bytes: 8, read: (view, at) => wholeNumber(view.getBigInt64(at, true)) },
  FP16: { bytes: 2, read: (view, at) => half(view.getUint16(at, true)) },
  BF16: { bytes: 2, read: (view, at) => bfloat(view.getUint16(at, true)) },
  FP32: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  FP64: { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
};

/** null: the bytes are no tensor of this data type. */
export function readTensors(bytes: Uint8Array, datatype: string): readonly unknown[] | null {
  if (datatype === "BYTES") return readTexts(bytes);
  const reader = Object.hasOwn(readers, datatype) ? readers[datatype]! : null;
  if (reader === null || bytes.length % reader.bytes !== 0) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const values: unknown[] = [];
  for (let at = 0; at < bytes.length; at += reader.bytes) values.push(reader.read(view, at));
  return values;
}

/** Several of one name are a list there, so that rules of its path hold for each. */
export function put(named: Record<string, unknown>, name: string, output: unknown): void {
  const known = named[name];
  if (known === undefined) named[name] = output;
  else if (Array.isArray(known)) known.push(output);
  else named[name] = [known, output];
}

/** Each with its length before it. */
function readTexts(bytes: Uint8Array): readonly string[] | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const texts: string[] = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes.length - at < 4) return null;
    const length = view.getUint32(at, true);
    at += 4;
    if (length > bytes.length - at) return null;
    texts.push(bytesText(bytes.subarray(at, at + length)));
    at += length;
  }
  return texts;
}

/** IEEE 754 binary16. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const word = new DataView(new ArrayBuffer(4));

/** The upper half of a binary32. */
function bfloat(bits: number): number {
  word.setUint32(0, bits << 16);
  return word.getFloat32(0);
}
