// A request head with bytes of its own: one that outlives the read it came in, and one with other fields than the client sent.
import { isToken, isValue } from './characters.ts';
import { kindOf } from './field-kind.ts';
import { fieldRoom } from './fields.ts';
import { isEditable } from './header-edits.ts';
import { hasParameter, queryWithout } from './query.ts';
import { WireRequestHead } from './request-head.ts';

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
  const copy = new WireRequestHead();
  const { bytes, fields, fieldCount, fieldsEnd } = head;
  const parts: Buffer[] = [];
  let length = 0;
  const put = (part: Uint8Array): number => {
    parts.push(part as Buffer);
    length += part.length;
    return length - part.length;
  };
  copy.start = 0;
  copy.methodStart = put(bytes.subarray(head.methodStart, head.methodEnd));
  copy.methodEnd = length;
  put(space);
  copy.targetStart = put(bytes.subarray(head.targetStart, head.targetEnd));
  copy.targetEnd = length;
  copy.authorityStart = put(bytes.subarray(head.authorityStart, head.authorityEnd));
  copy.authorityEnd = length;
  putPath(copy, head, path, change.removeParameters, put);
  for (const name of change.remove) if (!isEditable(name)) throw new Error(`no request can lose a field named ${JSON.stringify(name)}`);
  const removed = new Set(change.remove.map(plainName));
  const neverIndexed = head.neverIndexed === null ? null : new Uint8Array(fieldRoom);
  for (let field = 0; field < fieldCount; field++) {
    const at = field * 4;
    const lineStart = fields[at]!;
    if (removed.size > 0 && removed.has(plainName((bytes as Buffer).toString('latin1', lineStart, fields[at + 1])))) continue;
    const lineEnd = field + 1 < fieldCount ? fields[at + 4]! : fieldsEnd;
    const shift = put(bytes.subarray(lineStart, lineEnd)) - lineStart;
    for (let i = 0; i < 4; i++) copy.fields[copy.fieldCount * 4 + i] = fields[at + i]! + shift;
    copy.kinds[copy.fieldCount] = head.kinds[field]!;
    if (neverIndexed !== null) neverIndexed[copy.fieldCount] = head.neverIndexed![field]!;
    copy.fieldCount += 1;
  }
  const kept = copy.fieldCount;
  for (const [name, value] of change.add) addField(copy, name, value, put);
  copy.fieldsEnd = length;
  copy.bytes = Buffer.concat(parts);
  copy.pathBytes = copy.bytes;
  // What Connection named stays of that kind: only fields that came anew are asked for theirs.
  for (let field = kept; field < copy.fieldCount; field++) copy.kinds[field] = kindOf(copy.bytes, copy.fields[field * 4]!, copy.fields[field * 4 + 1]!);
  // A head that waits is kept for long: it takes no more than it needs.
  copy.fields = copy.fields.slice(0, copy.fieldCount * 4);
  copy.kinds = copy.kinds.slice(0, copy.fieldCount);
  copy.neverIndexed = neverIndexed === null ? null : neverIndexed.slice(0, copy.fieldCount);
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

const space = Buffer.from(' ');

function plainName(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}

function putPath(copy: WireRequestHead, head: WireRequestHead, path: string | null, removeParameters: readonly string[], put: (part: Uint8Array) => number): void {
  const { pathBytes, pathStart, pathEnd, queryStart, queryEnd } = head;
  if (path !== null || (removeParameters.length > 0 && hasParameter(head, removeParameters))) {
    const bytes = path === null ? pathBytes.subarray(pathStart, pathEnd) : Buffer.from(path);
    copy.pathStart = put(bytes);
    copy.pathEnd = copy.pathStart + bytes.length;
    const query = queryWithout(head, removeParameters);
    // Without a parameter left there is no `?` either.
    copy.queryStart = query.length === 0 ? copy.pathEnd : put(questionMark) + 1;
    copy.queryEnd = query.length === 0 ? copy.pathEnd : put(query) + query.length;
    return;
  }
  const at = put(pathBytes.subarray(pathStart, Math.max(pathEnd, queryEnd)));
  copy.pathStart = at;
  copy.pathEnd = at + pathEnd - pathStart;
  copy.queryStart = at + queryStart - pathStart;
  copy.queryEnd = at + queryEnd - pathStart;
}

const questionMark = Buffer.from('?');

function addField(copy: WireRequestHead, name: string, value: string, put: (part: Uint8Array) => number): void {
  if (!isEditable(name) || !Buffer.from(name).every((byte) => isToken[byte] === 1)) throw new Error(`no request can be given a field named ${JSON.stringify(name)}`);
  if (!Buffer.from(value).every((byte) => isValue[byte] === 1)) throw new Error(`the value of ${name} holds a control character`);
  if (copy.fieldCount >= fieldRoom) throw new Error('the request has too many fields');
  const at = copy.fieldCount * 4;
  const start = put(Buffer.from(`${name}: ${value}\r\n`));
  const nameBytes = Buffer.byteLength(name);
  copy.fields[at] = start;
  copy.fields[at + 1] = start + nameBytes;
  copy.fields[at + 2] = start + nameBytes + 2;
  copy.fields[at + 3] = start + nameBytes + 2 + Buffer.byteLength(value);
  copy.fieldCount += 1;
}
