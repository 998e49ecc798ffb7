// A request head with bytes of its own: one that outlives the read it came in, and one with other fields than the client sent.
import { isValue, lowered } from "../fields/characters.ts";
import { kindOf } from "../fields/field-kind.ts";
import { fieldRoom } from "../fields/fields.ts";
import { isEditable } from "./header-edits.ts";
import { hasParameter, queryWithout } from "../../../routing/request/query.ts";
import { WireRequestHead } from "./request-head.ts";

/** What of a request becomes different. */
export interface HeadChange {
  /** Names of fields that are taken out, in any case, and with `_` for `-`: to many a server both spellings are one name. */
  readonly remove: readonly string[];
  /** Fields that come behind the others. */
  readonly add: readonly (readonly [name: string, value: string])[];
  /** Names of parameters that are taken out of the query. */
  readonly removeParameters: readonly string[];
}

export const noChange: HeadChange = Object.freeze({ remove: [], add: [], removeParameters: [] });

/**
 * A copy with the change made. Throws on a change that would break the message: a name, taken out or added, that is no token or that frames
 * the message, a value with CTL, more fields than there is room for. What framing, gRPC and limits read stays what the client said.
 * `path`: it has this path instead, in its canonical form; null: its own.
 */
export function copyOfHead(head: WireRequestHead, change: HeadChange, path: string | null = null): WireRequestHead {
  const { removed, added } = compiledOf(change);
  const { fields, fieldCount, fieldsEnd } = head;
  if (added.length > 0 && fieldCount + added.length > fieldRoom) throw new Error("the request has too many fields");
  // Room for no more fields than there are: a head that waits is kept for long.
  const copy = new WireRequestHead(fieldCount + added.length);
  const out = new Bytes(roomFor(head, added, path));
  copy.start = 0;
  copy.methodStart = out.put(head.bytes, head.methodStart, head.methodEnd);
  copy.methodEnd = out.length;
  out.put(separators, 0, 1);
  copy.targetStart = out.put(head.bytes, head.targetStart, head.targetEnd);
  copy.targetEnd = out.length;
  copy.authorityStart = out.put(head.bytes, head.authorityStart, head.authorityEnd);
  copy.authorityEnd = out.length;
  putPath(copy, head, path, change.removeParameters, out);
  const neverIndexed = head.neverIndexed === null ? null : new Uint8Array(fieldCount + added.length);
  // Lines that stay and stand together are copied together.
  for (let field = 0; field < fieldCount;) {
    if (isRemoved(head, field, removed)) {
      field += 1;
      continue;
    }
    let end = field + 1;
    while (end < fieldCount && !isRemoved(head, end, removed)) end++;
    const runStart = fields[field * 4]!;
    const shift = out.put(head.bytes, runStart, end < fieldCount ? fields[end * 4]! : fieldsEnd) - runStart;
    for (; field < end; field++) {
      const from = field * 4;
      const to = copy.fieldCount * 4;
      for (let i = 0; i < 4; i++) copy.fields[to + i] = fields[from + i]! + shift;
      copy.kinds[copy.fieldCount] = head.kinds[field]!;
      if (neverIndexed !== null) neverIndexed[copy.fieldCount] = head.neverIndexed![field]!;
      copy.fieldCount += 1;
    }
  }
  for (let i = 0; i < added.length; i++) addField(copy, added[i]!, out);
  copy.fieldsEnd = out.length;
  copy.bytes = out.taken();
  copy.pathBytes = copy.bytes;
  copy.neverIndexed = neverIndexed;
  copy.http11 = head.http11;
  copy.contentLength = head.contentLength;
  copy.framing = head.framing;
  copy.close = head.close;
  copy.expectsContinue = head.expectsContinue;
  copy.websocket = head.websocket;
  copy.grpc = head.grpc;
  copy.grpcTimeoutMs = head.grpcTimeoutMs;
  copy.takesTrailers = head.takesTrailers;
  copy.wantsJson = head.wantsJson;
  copy.grpcWeb = head.grpcWeb;
  copy.isHead = head.isHead;
  return copy;
}

/** Bytes that a copy takes. */
export function copyBytes({ bytes, fields, kinds }: WireRequestHead): number {
  return bytes.length + fields.byteLength + kinds.length;
}

const separators = Buffer.from(" ?");

/** Bytes that are put one after the other. */
class Bytes {
  readonly #all: Buffer;
  length = 0;

  constructor(room: number) {
    this.#all = Buffer.allocUnsafe(room);
  }

  /** Where they stand. */
  put(bytes: Uint8Array, start: number, end: number): number {
    const at = this.length;
    this.length += (bytes as Buffer).copy(this.#all, at, start, end);
    return at;
  }

  taken(): Buffer {
    return this.#all.subarray(0, this.length);
  }
}

function roomFor(
  {
    methodStart,
    methodEnd,
    targetStart,
    targetEnd,
    authorityStart,
    authorityEnd,
    pathStart,
    pathEnd,
    queryEnd,
    fields,
    fieldCount,
    fieldsEnd,
  }: WireRequestHead,
  added: readonly AddedField[],
  path: string | null,
): number {
  const own =
    methodEnd -
    methodStart +
    targetEnd -
    targetStart +
    authorityEnd -
    authorityStart +
    Math.max(pathEnd, queryEnd) -
    pathStart;
  let room =
    own +
    separators.length +
    (path === null ? 0 : Buffer.byteLength(path)) +
    (fieldCount === 0 ? 0 : fieldsEnd - fields[0]!);
  for (let i = 0; i < added.length; i++) room += added[i]!.line.length;
  return room;
}

/** A field that comes: its line, and what its name means. */
interface AddedField {
  readonly line: Buffer;
  readonly nameBytes: number;
  readonly kind: number;
}

interface CompiledChange {
  /** In lower case, with `-` for `_`. */
  readonly removed: readonly Uint8Array[];
  readonly added: readonly AddedField[];
}

/** Changes that were found to be right: many a one is made of many requests. */
const compiledChanges = new WeakMap<HeadChange, CompiledChange>();

function compiledOf(change: HeadChange): CompiledChange {
  const known = compiledChanges.get(change);
  if (known !== undefined) return known;
  for (const name of change.remove)
    if (!isEditable(name)) throw new Error(`no request can lose a field named ${JSON.stringify(name)}`);
  const compiled = {
    removed: change.remove.map((name) => Buffer.from(name.toLowerCase().replaceAll("_", "-"))),
    added: change.add.map(([name, value]) => addedOf(name, value)),
  };
  compiledChanges.set(change, compiled);
  return compiled;
}

function addedOf(name: string, value: string): AddedField {
  if (!isEditable(name)) throw new Error(`no request can be given a field named ${JSON.stringify(name)}`);
  if (!Buffer.from(value).every((byte) => isValue[byte] === 1))
    throw new Error(`the value of ${name} holds a control character`);
  const line = Buffer.from(`${name}: ${value}\r\n`);
  return { line, nameBytes: name.length, kind: kindOf(line, 0, name.length) };
}

/** ASCII letters in lower case and `_` as `-`. */
const plainByte = Uint8Array.from({ length: 256 }, (_, byte) => (byte === 0x5f ? 0x2d : lowered[byte]!));

function isRemoved({ bytes, fields }: WireRequestHead, field: number, removed: readonly Uint8Array[]): boolean {
  const start = fields[field * 4]!;
  const length = fields[field * 4 + 1]! - start;
  for (let i = 0; i < removed.length; i++) {
    const name = removed[i]!;
    if (name.length !== length) continue;
    let at = 0;
    while (at < length && plainByte[bytes[start + at]!] === name[at]) at++;
    if (at === length) return true;
  }
  return false;
}

function putPath(
  copy: WireRequestHead,
  head: WireRequestHead,
  path: string | null,
  removeParameters: readonly string[],
  out: Bytes,
): void {
  const { pathBytes, pathStart, pathEnd, queryStart, queryEnd } = head;
  if (path !== null || (removeParameters.length > 0 && hasParameter(head, removeParameters))) {
    const bytes = path === null ? pathBytes.subarray(pathStart, pathEnd) : Buffer.from(path);
    copy.pathStart = out.put(bytes, 0, bytes.length);
    copy.pathEnd = out.length;
    const query = queryWithout(head, removeParameters);
    // Without a parameter left there is no `?` either.
    copy.queryStart = query.length === 0 ? copy.pathEnd : out.put(separators, 1, 2) + 1;
    copy.queryEnd = query.length === 0 ? copy.pathEnd : out.put(query, 0, query.length) + query.length;
    return;
  }
  const at = out.put(pathBytes, pathStart, Math.max(pathEnd, queryEnd));
  copy.pathStart = at;
  copy.pathEnd = at + pathEnd - pathStart;
  copy.queryStart = at + queryStart - pathStart;
  copy.queryEnd = at + queryEnd - pathStart;
}

function addField(copy: WireRequestHead, { line, nameBytes, kind }: AddedField, out: Bytes): void {
  const at = copy.fieldCount * 4;
  const start = out.put(line, 0, line.length);
  copy.fields[at] = start;
  copy.fields[at + 1] = start + nameBytes;
  copy.fields[at + 2] = start + nameBytes + 2;
  copy.fields[at + 3] = start + line.length - 2;
  copy.kinds[copy.fieldCount] = kind;
  copy.fieldCount += 1;
}
