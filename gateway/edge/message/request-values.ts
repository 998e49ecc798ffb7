// What header variables and hashing know of a request: where it came from and what it was sent in.
import { isIP } from "node:net";
import { readAddress } from "../../../routing/text/address.ts";
import { fieldNamed, fieldText } from "../../../routing/request/bytes.ts";
import type { RequestValues } from "../../../routing/request/header-template.ts";
import { comma } from "../fields/characters.ts";
import { kind } from "../fields/field-kind.ts";
import { fillEdits, type CompiledEdits } from "./header-edits.ts";
import type { WireRequestHead } from "./request-head.ts";
import type { ClientFacts } from "./client-facts.ts";

/**
 * Address of the client, without port: the one that the outermost of the believed proxies saw, which is the `trustedHops`-th of
 * x-forwarded-for from its end; the peer's where no proxy is believed, the list is shorter, or that place holds no address.
 */
export function clientAddress(head: WireRequestHead, facts: ClientFacts): string {
  const peer = facts.peer.toString("latin1");
  const first = facts.trustedHops === 0 ? -1 : fieldNamed(head, "x-forwarded-for", 0);
  if (first < 0) return peer;
  const told = fieldText(head, "x-forwarded-for", first).split(",").at(-facts.trustedHops)?.trim() ?? "";
  return isIP(told) === 0 ? peer : told;
}

/**
 * The same address as bytes, written into `into` (16 bytes): how many it has, 4 or 16. 0: whose it is cannot be known, since a believed proxy
 * wrote something else, nobody knows how many are to be believed, or the list is shorter than the proxies are that should have written it. Who must know is not told the peer then: that is
 * a proxy. Allocates nothing.
 */
export function readClientAddress(head: WireRequestHead, facts: ClientFacts, into: Uint8Array): 0 | 4 | 16 {
  const { peer, trustedHops } = facts;
  if (facts.front.addressUnknown) return 0;
  if (trustedHops === 0) return readAddress(peer, 0, peer.length, into);
  const { bytes, fields, kinds } = head;
  let hops = trustedHops;
  for (let field = head.fieldCount - 1; field >= 0; field--) {
    if (kinds[field] !== kind.forwardedFor) continue;
    const start = fields[field * 4 + 2]!;
    let end = fields[field * 4 + 3]!;
    for (let at = end; at > start; at--) {
      if (bytes[at - 1] !== comma) continue;
      if (--hops === 0) return readTrimmed(bytes, at, end, into);
      end = at - 1;
    }
    if (--hops === 0) return readTrimmed(bytes, start, end, into);
  }
  // Nobody wrote any: it came without a proxy.
  return hops === trustedHops ? readAddress(peer, 0, peer.length, into) : 0;
}

function readTrimmed(bytes: Uint8Array, from: number, to: number, into: Uint8Array): 0 | 4 | 16 {
  let start = from;
  let end = to;
  while (start < end && isBlank(bytes[start]!)) start++;
  while (end > start && isBlank(bytes[end - 1]!)) end--;
  return readAddress(bytes, start, end, into);
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09;
}

function requestValues(head: WireRequestHead, facts: ClientFacts): RequestValues {
  const protocol = head.neverIndexed !== null ? "HTTP/2" : head.http11 ? "HTTP/1.1" : "HTTP/1.0";
  return { address: clientAddress(head, facts), peer: facts.peer.toString("latin1"), protocol };
}

/** The edits of one request or of its answer: the Mapping's own, unless variables are to be filled in. */
export function editsFor(edits: CompiledEdits | null, head: WireRequestHead, facts: ClientFacts): CompiledEdits | null {
  return edits === null || edits.templates === null ? edits : fillEdits(edits, requestValues(head, facts));
}
