// Writes the request head that goes upstream: rebuilt from the raw fields by an allow-list, with runs of kept lines copied at once.
import type { CompiledRewrite } from '../../../routing/rewrite.ts';
import { textOf } from '../../../routing/bytes.ts';
import { allOwnLines } from '../policy/compiled-mapping.ts';
import type { Attachment, OwnLines } from '../policy/compiled-mapping.ts';
import type { OutBuffer } from '../io/out-buffer.ts';
import { requestIdBytes } from '../message/request-id.ts';
import { editsFor } from '../message/request-values.ts';
import { comma } from '../message/characters.ts';
import { upgradeLines } from './upgrade.ts';
import { kind } from '../message/field-kind.ts';
import { isGone } from '../message/header-edits.ts';
import type { Http1RequestHead } from '../message/request-head.ts';

/** What the connection of the client says about every request on it. */
export interface ClientFacts {
  /** Address of the peer. */
  readonly peer: Buffer;
  /** `x-forwarded-proto: http` and its line end. */
  readonly protoLine: Buffer;
  /** Proxies in front that are believed. */
  readonly trustedHops: number;
  /** All lines that are the same for every request while nobody in front is believed, with room for the id and up to the forwarded host. */
  readonly lines: Buffer;
  /** Fields that are the same for every request to an HTTP/2 upstream, encoded by whoever first needs them. */
  block: Buffer | null;
}

/** The facts of a client at this address. */
export function clientFacts(peer: string, secure: boolean, trustedHops: number): ClientFacts {
  const protoLine = `x-forwarded-proto: ${secure ? 'https' : 'http'}\r\n`;
  const lines = `x-request-id: ${' '.repeat(requestIdBytes)}\r\nx-forwarded-for: ${peer}\r\n${protoLine}x-forwarded-host: `;
  return { peer: Buffer.from(peer), protoLine: Buffer.from(protoLine), trustedHops, lines: Buffer.from(lines), block: null };
}

/** Fields that never pass. */
const never: readonly number[] = [kind.contentLength, kind.transferEncoding, kind.connection, kind.hop, kind.te, kind.upgrade, kind.expect, kind.twin];
/** Fields that a client may not say about itself. Written anew, or by a proxy in front that is believed. */
const claims: readonly number[] = [kind.requestId, kind.forwardedFor, kind.forwardedProto, kind.forwardedHost, kind.forwarded, kind.gateway, kind.originalPath, kind.original];

const passesUntrusted = Uint8Array.from({ length: 32 }, (_, fieldKind) => (never.includes(fieldKind) || claims.includes(fieldKind) ? 0 : 1));
const passesTrusted = Uint8Array.from({ length: 32 }, (_, fieldKind) => (never.includes(fieldKind) || fieldKind === kind.forwardedFor ? 0 : 1));

/** The allow-list, by `kind` of a field: 1, it passes, unless `keepsMeaning` says otherwise. The same to upstreams of either protocol. */
export function passesUpstream(trusted: boolean): Uint8Array {
  return trusted ? passesTrusted : passesUntrusted;
}

const version = Buffer.from(' HTTP/1.1\r\n');
const crlf = Buffer.from('\r\n');
const listComma = Buffer.from(', ');
const hostName = Buffer.from('host: ');
const requestIdName = Buffer.from('x-request-id: ');
const forwardedForName = Buffer.from('x-forwarded-for: ');
const forwardedHostName = Buffer.from('x-forwarded-host: ');
const originalPathName = Buffer.from('x-envoy-original-path: ');
const contentLengthName = Buffer.from('content-length: ');
const chunkedLine = Buffer.from('transfer-encoding: chunked\r\n');
const takesTrailersLine = Buffer.from('te: trailers\r\n');
const shadowSuffix = Buffer.from('-shadow');
/** Bytes of all names and line ends above, and to spare. */
const roomForNames = 512;

/**
 * Writes everything but the framing and the blank line. `requestId` is 36 bytes that are used unless a trusted proxy sent an id.
 * `shadow`: the Host gets Envoy's suffix.
 */
export function writeRequestHead(out: OutBuffer, head: Http1RequestHead, attachment: Attachment, facts: ClientFacts, requestId: Buffer, shadow: boolean): void {
  const { bytes, authorityStart, authorityEnd } = head;
  const { rewrite, hostLine, ownLines } = attachment;
  const requestEdits = editsFor(attachment.requestEdits, head, facts);
  const trusted = facts.trustedHops > 0;
  // Room for all of it at once: every part of the client's head at most twice.
  out.reserve((head.fieldsEnd - head.start) * 2 + attachment.headBytes + facts.lines.length + roomForNames);
  out.append(bytes, head.methodStart, head.methodEnd + 1);
  const runStart = writePath(out, head, rewrite);
  const kept = writeKeptFields(out, head, attachment, trusted, shadow || hostLine !== null, runStart);
  if (shadow) writeShadowHost(out, head, hostLine);
  else if (hostLine !== null) out.append(hostLine, 0, hostLine.length);
  if (!trusted && ownLines === allOwnLines) {
    const idAt = out.length + requestIdName.length;
    out.append(facts.lines, 0, facts.lines.length);
    for (let i = 0; i < requestIdBytes; i++) out.bytes[idAt + i] = requestId[i]!;
    out.append(bytes, authorityStart, authorityEnd);
    out.append(crlf, 0, 2);
  } else {
    writeOwnLines(out, head, ownLines, facts, requestId, kept);
  }
  if (rewrite.kind !== 'none' && ownLines.originalPath) {
    out.append(originalPathName, 0, originalPathName.length);
    out.append(head.pathBytes, head.pathStart, head.queryEnd);
    out.append(crlf, 0, 2);
  }
  if (head.takesTrailers) out.append(takesTrailersLine, 0, takesTrailersLine.length);
  if (requestEdits !== null) out.putAll(requestEdits.lines);
}

/** The lines that the gateway writes itself, one by one: where a proxy in front is believed, or edits take some out. */
export function writeOwnLines(out: OutBuffer, head: Http1RequestHead, ownLines: OwnLines, facts: ClientFacts, requestId: Buffer, kept: number): void {
  if (ownLines.requestId && (kept & keeps.requestId) === 0) {
    out.putAll(requestIdName);
    out.put(requestId, 0, requestIdBytes);
    out.putAll(crlf);
  }
  if (ownLines.forwardedFor) {
    out.putAll(forwardedForName);
    if (facts.trustedHops > 0) writeTrustedHops(out, head, facts.trustedHops);
    out.putAll(facts.peer);
    out.putAll(crlf);
  }
  if (ownLines.forwardedProto && (kept & keeps.proto) === 0) out.putAll(facts.protoLine);
  if (ownLines.forwardedHost && (kept & keeps.host) === 0) {
    out.putAll(forwardedHostName);
    out.put(head.bytes, head.authorityStart, head.authorityEnd);
    out.putAll(crlf);
  }
}

/** Writes the framing of the body and the blank line. `length` −1: none; −2: chunked; −3: none, and an upgrade is asked for. */
export function writeFraming(out: OutBuffer, length: number): void {
  if (length >= 0) {
    out.putAll(contentLengthName);
    out.putNumber(length);
    out.putAll(crlf);
  } else if (length === chunkedLength) {
    out.putAll(chunkedLine);
  } else if (length === upgradeLength) {
    out.putAll(upgradeLines);
  }
  out.putAll(crlf);
}

export const chunkedLength = -2;
export const upgradeLength = -3;

/**
 * Writes path, query and version. Where these stand in the client's bytes just before the fields, they are left to the run of kept lines:
 * returns where the run begins, or −1 when all is written.
 */
function writePath(out: OutBuffer, head: Http1RequestHead, rewrite: CompiledRewrite): number {
  const { bytes, pathBytes, pathStart, pathEnd, queryEnd } = head;
  let restStart = pathEnd;
  switch (rewrite.kind) {
    case 'none':
      restStart = pathStart;
      break;
    case 'prefix':
      out.append(rewrite.withBytes, 0, rewrite.withBytes.length);
      restStart = pathStart + rewrite.cut;
      break;
    case 'whole':
      out.append(rewrite.withBytes, 0, rewrite.withBytes.length);
      break;
    case 'regex':
      out.putText(rewrite.replace(textOf(pathBytes, pathStart, pathEnd)));
      out.reserve((head.fieldsEnd - head.start) * 2 + roomForNames);
      break;
  }
  if (pathBytes === bytes && head.modern && head.fields[0] === queryEnd + version.length) return restStart;
  out.append(pathBytes, restStart, queryEnd);
  out.append(version, 0, version.length);
  return -1;
}

/** Which lines of a trusted proxy were kept, bits. */
const keeps = { requestId: 1, proto: 2, host: 4 } as const;

/** `keepsMeaning`: the field does not pass. */
export const goes = -1;

/**
 * Does a field whose kind is not `other`, and which the allow-list passes, go upstream? `kept`: bits of what passed before it. Returns these
 * with its own, or `goes`.
 */
export function keepsMeaning(head: Http1RequestHead, field: number, fieldKind: number, kept: number, ownHost: boolean, rewritten: boolean): number {
  switch (fieldKind) {
    case kind.host:
      return ownHost ? goes : kept;
    case kind.trailer:
      return head.chunked ? kept : goes;
    case kind.requestId:
      // One id, and a plain one: else it is no id.
      return (kept & keeps.requestId) === 0 && isPlainId(head.fields[field * 4 + 3]! - head.fields[field * 4 + 2]!) ? kept | keeps.requestId : goes;
    case kind.forwardedProto:
      return kept | keeps.proto;
    case kind.forwardedHost:
      return kept | keeps.host;
    case kind.originalPath:
      return rewritten ? goes : kept;
    default:
      return kept;
  }
}

function writeKeptFields(out: OutBuffer, head: Http1RequestHead, attachment: Attachment, trusted: boolean, ownHost: boolean, runStart: number): number {
  const { bytes, fields, kinds, fieldCount, fieldsEnd } = head;
  const passes = passesUpstream(trusted);
  const { requestEdits, rewrite } = attachment;
  let kept = 0;
  for (let field = 0; field < fieldCount; field++) {
    const fieldKind = kinds[field]!;
    const lineStart = fields[field * 4]!;
    let keep = passes[fieldKind] === 1;
    if (fieldKind !== kind.other && keep) {
      const after = keepsMeaning(head, field, fieldKind, kept, ownHost, rewrite.kind !== 'none');
      if (after === goes) keep = false;
      else kept = after;
    }
    if (keep && requestEdits !== null) keep = !isGone(requestEdits, bytes, lineStart, fields[field * 4 + 1]!);
    if (keep) {
      if (runStart < 0) runStart = lineStart;
    } else if (runStart >= 0) {
      out.append(bytes, runStart, lineStart);
      runStart = -1;
    }
  }
  if (runStart >= 0) out.append(bytes, runStart, fieldsEnd);
  return kept;
}

/** Longest id that is kept. */
const mostIdBytes = 128;

function isPlainId(length: number): boolean {
  return length > 0 && length <= mostIdBytes;
}

/** The Host that the primary is sent, with `-shadow` after the name and before the port. */
export function writeShadowHost(out: OutBuffer, head: Http1RequestHead, hostLine: Buffer | null): void {
  const source = hostLine ?? head.bytes;
  const start = hostLine === null ? head.authorityStart : hostName.length;
  const end = hostLine === null ? head.authorityEnd : hostLine.length - crlf.length;
  let nameEnd = end;
  for (let at = end - 1; at >= start && source[at] !== 0x5d; at--) {
    if (source[at] === 0x3a) {
      nameEnd = at;
      break;
    }
  }
  out.putAll(hostName);
  out.put(source, start, nameEnd);
  out.putAll(shadowSuffix);
  out.put(source, nameEnd, end);
  out.putAll(crlf);
}

/**
 * Writes what trusted proxies said about where the request came from: the last `hops` addresses of x-forwarded-for. What stands before
 * these was said by somebody who is not believed.
 */
function writeTrustedHops(out: OutBuffer, head: Http1RequestHead, hops: number): void {
  const { bytes, fields, kinds, fieldCount } = head;
  let wanted = hops;
  let firstField = fieldCount;
  let firstAt = 0;
  for (let field = fieldCount - 1; field >= 0 && wanted > 0; field--) {
    if (kinds[field] !== kind.forwardedFor) continue;
    const start = fields[field * 4 + 2]!;
    let at = fields[field * 4 + 3]!;
    while (at > start && wanted > 0) {
      at--;
      if (bytes[at] === comma) wanted--;
    }
    firstField = field;
    firstAt = wanted === 0 ? at + 1 : start;
    if (wanted > 0) wanted--;
  }
  for (let field = firstField; field < fieldCount; field++) {
    if (kinds[field] !== kind.forwardedFor) continue;
    let start = field === firstField ? firstAt : fields[field * 4 + 2]!;
    const end = fields[field * 4 + 3]!;
    while (start < end && bytes[start] === 0x20) start++;
    if (start === end) continue;
    out.put(bytes, start, end);
    out.putAll(listComma);
  }
}
