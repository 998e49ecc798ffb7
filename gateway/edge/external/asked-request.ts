// What an external service is told of a request: its own fields, as an upstream would get them, and where it came from. What a client says of
// that is left out, unless a proxy in front is believed.
import { fieldNamed, fieldText, textOf } from "../../../routing/request/bytes.ts";
import type { ClientFacts } from "../message/client-facts.ts";
import { kind } from "../fields/field-kind.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import type { ServiceField } from "./service-call.ts";

/** A request that somebody is asked about. */
export interface AskedRequest {
  readonly head: WireRequestHead;
  readonly facts: ClientFacts;
  readonly secure: boolean;
  /** Length of the body, 0 for none; below 0: not known. */
  readonly bodyBytes: number;
}

export function methodOf({ bytes, methodStart, methodEnd }: WireRequestHead): string {
  return textOf(bytes, methodStart, methodEnd);
}

/** "": the request names none. */
export function hostOf({ bytes, authorityStart, authorityEnd }: WireRequestHead): string {
  return textOf(bytes, authorityStart, authorityEnd);
}

/** With its query. */
export function pathOf({ pathBytes, pathStart, queryEnd }: WireRequestHead): string {
  return textOf(pathBytes, pathStart, queryEnd);
}

/** The value of a field, several lines joined; null: there is none. */
export function valueOf(head: WireRequestHead, name: string): string | null {
  const first = fieldNamed(head, name, 0);
  return first < 0 ? null : fieldText(head, name, first);
}

/** Fields of the request, and the gateway's own about its client. Names in lower case; values with a character a byte; several lines of one name are several entries. */
export function shownFields({ head, facts, secure }: AskedRequest): readonly ServiceField[] {
  const { bytes, fields, fieldCount, kinds } = head;
  const trusted = facts.trustedHops > 0;
  const shown: ServiceField[] = [];
  for (let field = 0; field < fieldCount; field++) {
    const fieldKind = kinds[field]!;
    if (fieldKind === kind.host || facts.passes[fieldKind] !== 1) continue;
    const at = field * 4;
    shown.push([
      textOf(bytes, fields[at]!, fields[at + 1]!).toLowerCase(),
      (bytes as Buffer).toString("latin1", fields[at + 2], fields[at + 3]),
    ]);
  }
  shown.push(["x-forwarded-for", forwardedFor(head, facts)]);
  if (!trusted || fieldNamed(head, "x-forwarded-proto", 0) < 0)
    shown.push(["x-forwarded-proto", secure ? "https" : "http"]);
  if (hostOf(head) !== "" && (!trusted || fieldNamed(head, "x-forwarded-host", 0) < 0))
    shown.push(["x-forwarded-host", hostOf(head)]);
  if (facts.certificateLine.length > 0) {
    const line = facts.certificateLine.toString("latin1");
    shown.push([line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]);
  }
  return shown;
}

/** What the believed proxies saw, and the peer. */
function forwardedFor(head: WireRequestHead, { peer, trustedHops }: ClientFacts): string {
  const own = peer.toString("latin1");
  if (trustedHops === 0) return own;
  const seen = (valueOf(head, "x-forwarded-for") ?? "")
    .split(",")
    .map((hop) => hop.trim())
    .filter((hop) => hop !== "");
  return [...seen.slice(-trustedHops), own].join(", ");
}
