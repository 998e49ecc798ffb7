// Own lines: what the gateway itself says in each request's head about where it came from, as lines of HTTP/1.1.
import type { OutBuffer } from "../io/out-buffer.ts";
import { comma } from "../fields/characters.ts";
import type { ClientFacts } from "./client-facts.ts";
import { kind } from "../fields/field-kind.ts";
import type { WireRequestHead } from "./request-head.ts";
import { keeps } from "./request-fields.ts";
import { requestIdBytes } from "../fields/request-id.ts";

/** Lines that the gateway writes into each request; false: the Mapping's edits take them out. */
export interface OwnLines {
  readonly requestId: boolean;
  readonly forwardedFor: boolean;
  readonly forwardedProto: boolean;
  readonly forwardedHost: boolean;
  readonly originalPath: boolean;
}

/** The one value for "all of them": the writer compares references. */
export const allOwnLines: OwnLines = Object.freeze({
  requestId: true,
  forwardedFor: true,
  forwardedProto: true,
  forwardedHost: true,
  originalPath: true,
});

const crlf = Buffer.from("\r\n");
const listComma = Buffer.from(", ");
const requestIdName = Buffer.from("x-request-id: ");
const forwardedForName = Buffer.from("x-forwarded-for: ");
const forwardedHostName = Buffer.from("x-forwarded-host: ");

/** The lines that the gateway writes itself, one by one: where a proxy in front is believed, or edits take some out. */
export function writeOwnLines(
  out: OutBuffer,
  head: WireRequestHead,
  ownLines: OwnLines,
  facts: ClientFacts,
  requestId: Buffer,
  kept: number,
): void {
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
  if (facts.certificateLine.length > 0) out.putAll(facts.certificateLine);
  if (ownLines.forwardedHost && (kept & keeps.host) === 0 && head.authorityStart < head.authorityEnd) {
    out.putAll(forwardedHostName);
    out.put(head.bytes, head.authorityStart, head.authorityEnd);
    out.putAll(crlf);
  }
}

/**
 * Writes what trusted proxies said about where the request came from: the last `hops` addresses of x-forwarded-for. What stands before
 * these was said by somebody who is not believed.
 */
function writeTrustedHops(out: OutBuffer, head: WireRequestHead, hops: number): void {
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
