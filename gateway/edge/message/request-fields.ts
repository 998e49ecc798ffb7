// Which fields of a client's request go to an upstream, whatever protocol either side speaks.
import { kind } from "../fields/field-kind.ts";
import type { Front } from "../io/front.ts";
import { fromClient, fromClientWithId, fromTrustedProxy } from "../fields/field-rules.ts";
import type { WireRequestHead } from "./request-head.ts";

/** The allow-list, by `kind` of a field: 1, it passes, unless `forwarded` says otherwise. The same to upstreams of either protocol. */
export function forwardedUpstream({
  trustedHops,
  keepsRequestId,
}: Pick<Front, "trustedHops" | "keepsRequestId">): Uint8Array {
  return trustedHops > 0 ? fromTrustedProxy : keepsRequestId ? fromClientWithId : fromClient;
}

/** Which lines of a trusted proxy were kept, bits. */
export const keeps = { requestId: 1, proto: 2, host: 4 } as const;

/** `forwarded`: the field does not pass. */
export const dropped = -1;

/**
 * Does a field whose kind is not `other`, and which the allow-list passes, go upstream? `kept`: bits of what passed before it. Returns these
 * with its own, or `goes`.
 */
export function forwarded(
  head: WireRequestHead,
  field: number,
  fieldKind: number,
  kept: number,
  ownHost: boolean,
  rewritten: boolean,
): number {
  switch (fieldKind) {
    case kind.host:
      return ownHost ? dropped : kept;
    case kind.trailer:
      return head.framing === "chunked" ? kept : dropped;
    case kind.requestId:
      // One id, and a plain one: else it is no id.
      return (kept & keeps.requestId) === 0 && isPlainId(head.fields[field * 4 + 3]! - head.fields[field * 4 + 2]!)
        ? kept | keeps.requestId
        : dropped;
    case kind.forwardedProto:
      return kept | keeps.proto;
    case kind.forwardedHost:
      return kept | keeps.host;
    case kind.originalPath:
      return rewritten ? dropped : kept;
    default:
      return kept;
  }
}

/** Longest id that is kept. */
const mostIdBytes = 128;

function isPlainId(length: number): boolean {
  return length > 0 && length <= mostIdBytes;
}
