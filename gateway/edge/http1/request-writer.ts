// Writes the request head that goes upstream: rebuilt from the raw fields by an allow-list, with runs of kept lines copied at once.
import { rewritePath, type CompiledRewrite } from "../../../routing/route/rewrite.ts";
import { textOf } from "../../../routing/request/bytes.ts";
import type { ClientFacts } from "../message/client-facts.ts";
import { puidLineBytes } from "../feedback/puid.ts";
import type { RequestFraming } from "../fields/framing.ts";
import { hostLineOfNone, takesPuid, type HeadEdits } from "../message/head-edits.ts";
import { allOwnLines, writeOwnLines } from "../message/own-lines.ts";
import { fromClient } from "../fields/field-rules.ts";
import { dropped, forwarded } from "../message/request-fields.ts";
import { writeShadowHost } from "../message/shadow-host.ts";
import type { OutBuffer } from "../io/out-buffer.ts";
import { requestIdBytes } from "../fields/request-id.ts";
import { editsFor } from "../message/request-values.ts";
import { upgradeLines } from "./upgrade.ts";
import { kind } from "../fields/field-kind.ts";
import { isGone } from "../message/header-edits.ts";
import type { WireRequestHead } from "../message/request-head.ts";

const version = Buffer.from(" HTTP/1.1\r\n");
const crlf = Buffer.from("\r\n");
const requestIdName = Buffer.from("x-request-id: ");
const originalPathName = Buffer.from("x-envoy-original-path: ");
const contentLengthName = Buffer.from("content-length: ");
const chunkedLine = Buffer.from("transfer-encoding: chunked\r\n");
const takesTrailersLine = Buffer.from("te: trailers\r\n");
/** Bytes of all names and line ends above, and to spare. */
const roomForNames = 512;

/**
 * Writes everything but the framing and the blank line. `requestId` is 36 bytes that are used unless a trusted proxy sent an id.
 * `shadow`: the Host gets Envoy's suffix.
 */
export function writeRequestHead(
  out: OutBuffer,
  head: WireRequestHead,
  edits: HeadEdits,
  facts: ClientFacts,
  requestId: Buffer,
  shadow: boolean,
): void {
  const { bytes, authorityStart, authorityEnd } = head;
  const { rewrite, ownLines } = edits;
  const hostLine = authorityStart < authorityEnd ? edits.hostLine : hostLineOfNone(edits);
  const requestEdits = editsFor(edits.requestEdits, head, facts);
  // Room for all of it at once: every part of the client's head at most twice.
  out.reserve(
    (head.fieldsEnd - head.start) * 2 +
      edits.headBytes +
      (hostLine === null ? 0 : hostLine.length) +
      facts.lines.length +
      roomForNames,
  );
  out.append(bytes, head.methodStart, head.methodEnd + 1);
  const runStart = writePath(out, head, rewrite);
  const kept = writeKeptFields(out, head, edits, facts.passes, shadow || hostLine !== null, runStart);
  if (shadow) writeShadowHost(out, head, hostLine);
  else if (hostLine !== null) out.append(hostLine, 0, hostLine.length);
  if (facts.passes === fromClient && ownLines === allOwnLines && authorityStart < authorityEnd) {
    const idAt = out.length + requestIdName.length;
    out.append(facts.lines, 0, facts.lines.length);
    for (let i = 0; i < requestIdBytes; i++) out.bytes[idAt + i] = requestId[i]!;
    out.append(bytes, authorityStart, authorityEnd);
    out.append(crlf, 0, 2);
  } else {
    writeOwnLines(out, head, ownLines, facts, requestId, kept);
  }
  if (rewrite.kind !== "none" && ownLines.originalPath) {
    out.append(originalPathName, 0, originalPathName.length);
    out.append(head.pathBytes, head.pathStart, head.queryEnd);
    out.append(crlf, 0, 2);
  }
  if (head.takesTrailers) out.append(takesTrailersLine, 0, takesTrailersLine.length);
  if (edits.puid !== null && takesPuid(head)) {
    out.reserve(puidLineBytes);
    edits.puid.writeLine(requestId, out.bytes, out.length);
    out.length += puidLineBytes;
  }
  if (requestEdits !== null) out.putAll(requestEdits.lines);
}

/** Writes the framing of the body, of this length where that is what frames it, and the blank line. */
export function writeFraming(out: OutBuffer, framing: RequestFraming, length: number): void {
  switch (framing) {
    case "none":
      break;
    case "length":
      out.putAll(contentLengthName);
      out.putNumber(length);
      out.putAll(crlf);
      break;
    case "chunked":
      out.putAll(chunkedLine);
      break;
    case "upgrade":
      out.putAll(upgradeLines);
  }
  out.putAll(crlf);
}

/**
 * Writes path, query and version. Where these stand in the client's bytes just before the fields, they are left to the run of kept lines:
 * returns where the run begins, or −1 when all is written.
 */
function writePath(out: OutBuffer, head: WireRequestHead, rewrite: CompiledRewrite): number {
  const { bytes, pathBytes, pathStart, pathEnd, queryEnd } = head;
  let restStart = pathEnd;
  switch (rewrite.kind) {
    case "none":
      restStart = pathStart;
      break;
    case "prefix":
      out.append(rewrite.withBytes, 0, rewrite.withBytes.length);
      restStart = pathStart + rewrite.cut;
      break;
    case "whole":
      out.append(rewrite.withBytes, 0, rewrite.withBytes.length);
      break;
    case "regex":
      out.putText(rewritePath(rewrite, textOf(pathBytes, pathStart, pathEnd)));
      out.reserve((head.fieldsEnd - head.start) * 2 + roomForNames);
      break;
  }
  if (pathBytes === bytes && head.http11 && head.fields[0] === queryEnd + version.length) return restStart;
  out.append(pathBytes, restStart, queryEnd);
  out.append(version, 0, version.length);
  return -1;
}

function writeKeptFields(
  out: OutBuffer,
  head: WireRequestHead,
  edits: HeadEdits,
  passes: Uint8Array,
  ownHost: boolean,
  runStart: number,
): number {
  const { bytes, fields, kinds, fieldCount, fieldsEnd } = head;
  const { requestEdits, rewrite } = edits;
  let kept = 0;
  for (let field = 0; field < fieldCount; field++) {
    const fieldKind = kinds[field]!;
    const lineStart = fields[field * 4]!;
    let keep = passes[fieldKind] === 1;
    if (fieldKind !== kind.other && keep) {
      const after = forwarded(head, field, fieldKind, kept, ownHost, rewrite.kind !== "none");
      if (after === dropped) keep = false;
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
