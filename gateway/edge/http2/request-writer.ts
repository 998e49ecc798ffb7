// Writes the header block that goes to an HTTP/2 upstream: by HTTP/1.1's own rules of what passes, so that there is one list of them.
import { textOf } from "../../../routing/request/bytes.ts";
import { rewritePath, type CompiledRewrite } from "../../../routing/route/rewrite.ts";
import { hostLineOfNone, takesPuid, type HeadEdits } from "../message/head-edits.ts";
import { allOwnLines, writeOwnLines } from "../message/own-lines.ts";
import { fromClient, mergeableTrailers } from "../fields/field-rules.ts";
import { puidDigits, puidField, puidStart } from "../feedback/puid.ts";
import { dropped, forwarded } from "../message/request-fields.ts";
import { writeShadowHost } from "../message/shadow-host.ts";
import { kind } from "../fields/field-kind.ts";
import { fieldRoom, type FieldList } from "../fields/fields.ts";
import { isGone } from "../message/header-edits.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import type { ClientFacts } from "../message/client-facts.ts";
import { OutBuffer } from "../io/out-buffer.ts";
import { requestIdBytes } from "../fields/request-id.ts";
import { editsFor } from "../message/request-values.ts";
import { BlockWriter, staticEntry, staticName } from "../hpack/hpack-encode.ts";

const noBytes = Buffer.alloc(0);
const requestIdName = Buffer.from("x-request-id");
const forwardedHostName = Buffer.from("x-forwarded-host");
const puidName = Buffer.from(puidField);
const originalPathName = Buffer.from("x-envoy-original-path");
const get = Buffer.from("GET");
const post = Buffer.from("POST");
/** `name: ` of a host line, and its line end. */
const hostNameBytes = 6;
const crlfBytes = 2;

/** Where the id stands in the block of a client's facts: behind the literal's first byte, the name and both lengths. */
const factIdAt = 3 + requestIdName.length;

/** Numbers of the fields that pass, of the message that is being written. */
const passing = new Int32Array(fieldRoom + 2);

const takesTrailers = blockOf("te", "trailers");

function blockOf(name: string, value: string): Buffer {
  const writer = new BlockWriter();
  writer.fieldText(name, value);
  return writer.copy();
}

/** What every request of one client says about it while nobody in front is believed, with room for the id and up to the forwarded host. */
function factBlockOf(facts: ClientFacts): Buffer {
  if (facts.block !== null) return facts.block;
  const writer = new BlockWriter();
  writer.own(requestIdName, Buffer.alloc(requestIdBytes), 0, requestIdBytes);
  writer.fieldText("x-forwarded-for", facts.peer.toString("latin1"));
  writer.lines(facts.protoLine, 0, facts.protoLine.length);
  writer.lines(facts.certificateLine, 0, facts.certificateLine.length);
  writer.name(forwardedHostName);
  facts.block = writer.copy();
  return facts.block;
}

/** Lines that HTTP/1.1's writers make where this is rare enough to go through them. */
const scratch = new OutBuffer(4096);

/**
 * Writes the block but for content-length, which `putLength` adds. `requestId` is 36 bytes that are used unless a trusted proxy sent an id.
 * `secure`: the upstream is reached by TLS. `shadow`: the name of the host gets Envoy's suffix.
 */
export function writeRequestBlock(
  writer: BlockWriter,
  head: WireRequestHead,
  edits: HeadEdits,
  facts: ClientFacts,
  requestId: Buffer,
  secure: boolean,
  shadow: boolean,
): void {
  const { bytes, fields, kinds, fieldCount } = head;
  const { rewrite, ownLines } = edits;
  const hostLine = head.authorityStart < head.authorityEnd ? edits.hostLine : hostLineOfNone(edits);
  const requestEdits = editsFor(edits.requestEdits, head, facts);
  const rewritten = rewrite.kind !== "none";
  writer.clear();
  putMethod(writer, head);
  writer.indexed(secure ? staticEntry.schemeHttps : staticEntry.schemeHttp);
  putPath(writer, head, rewrite);
  putAuthority(writer, head, hostLine, shadow);
  const { passes } = facts;
  let kept = 0;
  let passed = 0;
  for (let field = 0; field < fieldCount; field++) {
    const fieldKind = kinds[field]!;
    const slot = field * 4;
    if (passes[fieldKind] !== 1) continue;
    if (fieldKind !== kind.other) {
      const after = forwarded(head, field, fieldKind, kept, true, rewritten);
      if (after === dropped) continue;
      kept = after;
    }
    if (requestEdits !== null && isGone(requestEdits, bytes, fields[slot]!, fields[slot + 1]!)) continue;
    passing[passed++] = field;
  }
  writer.fields(head, passing, passed);
  if (passes === fromClient && ownLines === allOwnLines && head.authorityStart < head.authorityEnd) {
    const idAt = writer.length + factIdAt;
    writer.raw(factBlockOf(facts));
    for (let i = 0; i < requestIdBytes; i++) writer.bytes[idAt + i] = requestId[i]!;
    writer.string(bytes, head.authorityStart, head.authorityEnd);
  } else {
    writeOwnLines(scratch, head, ownLines, facts, requestId, kept);
    putScratch(writer);
  }
  if (rewritten && ownLines.originalPath) writer.own(originalPathName, head.pathBytes, head.pathStart, head.queryEnd);
  if (head.takesTrailers) writer.raw(takesTrailers);
  if (edits.puid !== null && takesPuid(head))
    writer.own(puidName, edits.puid.lineFor(requestId), puidStart, puidStart + puidDigits);
  if (requestEdits !== null) writer.lines(requestEdits.lines, 0, requestEdits.lines.length);
}

/** Adds the length of the body, 0 or more: it is kept where the client gave one (RFC 9113 §8.1.1). */
export function putLength(writer: BlockWriter, length: number): void {
  writer.namedNumber(staticName.contentLength, length);
}

/** Writes the trailers that are only trailers, as HTTP/1.1 does (http1/trailers.ts). False: there are none. */
export function writeTrailerBlock(writer: BlockWriter, list: FieldList): boolean {
  const { kinds, fieldCount } = list;
  writer.clear();
  let passed = 0;
  for (let field = 0; field < fieldCount; field++)
    if (mergeableTrailers[kinds[field]!] === 1) passing[passed++] = field;
  writer.fields(list, passing, passed);
  return writer.length > 0;
}

function putMethod(writer: BlockWriter, { bytes, methodStart, methodEnd }: WireRequestHead): void {
  if (equals(bytes, methodStart, methodEnd, post)) writer.indexed(staticEntry.methodPost);
  else if (equals(bytes, methodStart, methodEnd, get)) writer.indexed(staticEntry.methodGet);
  else writer.named(staticName.method, bytes, methodStart, methodEnd);
}

function equals(bytes: Uint8Array, start: number, end: number, word: Buffer): boolean {
  if (end - start !== word.length) return false;
  for (let i = 0; i < word.length; i++) if (bytes[start + i] !== word[i]) return false;
  return true;
}

function putPath(writer: BlockWriter, head: WireRequestHead, rewrite: CompiledRewrite): void {
  const { pathBytes, pathStart, pathEnd, queryEnd } = head;
  switch (rewrite.kind) {
    case "none":
      writer.named(staticName.path, pathBytes, pathStart, queryEnd);
      return;
    case "prefix":
      writer.namedJoined(
        staticName.path,
        rewrite.withBytes,
        0,
        rewrite.withBytes.length,
        pathBytes,
        pathStart + rewrite.cut,
        queryEnd,
      );
      return;
    case "whole":
      writer.namedJoined(staticName.path, rewrite.withBytes, 0, rewrite.withBytes.length, pathBytes, pathEnd, queryEnd);
      return;
    case "regex": {
      const path = Buffer.from(rewritePath(rewrite, textOf(pathBytes, pathStart, pathEnd)), "latin1");
      writer.namedJoined(staticName.path, path, 0, path.length, pathBytes, pathEnd, queryEnd);
    }
  }
}

function putAuthority(writer: BlockWriter, head: WireRequestHead, hostLine: Buffer | null, shadow: boolean): void {
  if (shadow) {
    writeShadowHost(scratch, head, hostLine);
    writer.named(staticName.authority, scratch.bytes, hostNameBytes, scratch.length - crlfBytes);
    scratch.drop();
  } else if (hostLine === null) {
    writer.named(staticName.authority, head.bytes, head.authorityStart, head.authorityEnd);
  } else {
    writer.named(staticName.authority, hostLine, hostNameBytes, hostLine.length - crlfBytes);
  }
}

function putScratch(writer: BlockWriter): void {
  const lines = scratch.length === 0 ? noBytes : scratch.view();
  writer.lines(lines, 0, lines.length);
  scratch.drop();
}
