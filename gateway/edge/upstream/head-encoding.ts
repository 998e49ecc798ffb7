// Request heads as an Upstream's protocol takes them, for requests that are kept: until there is a connection, for another try, for shadows.
import type { Upstream } from "../../../routing/model/upstream.ts";
import type { HeadEdits } from "../message/head-edits.ts";
import type { UpstreamContext } from "./upstream-context.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import { writeRequestHead } from "../http1/request-writer.ts";
import type { ClientFacts } from "../message/client-facts.ts";
import { writeRequestBlock } from "../http2/request-writer.ts";
import type { EncodedHead } from "./upstream-request.ts";

/**
 * Encodes a head without its framing, which `head` of a request adds: a copy may be framed in another way than its original. What it gives is valid
 * until the next call. `secure`: HTTP/2 goes over TLS. `shadow`: the Host gets Envoy's suffix.
 */
export function encodeHead(
  protocol: Upstream["protocol"],
  context: UpstreamContext,
  head: WireRequestHead,
  edits: HeadEdits,
  facts: ClientFacts,
  requestId: Buffer,
  secure: boolean,
  shadow: boolean,
): EncodedHead {
  if (protocol === "http2") {
    const { writer } = context.http2;
    writeRequestBlock(writer, head, edits, facts, requestId, secure, shadow);
    return writer;
  }
  const { kept } = context.worker;
  kept.drop();
  writeRequestHead(kept, head, edits, facts, requestId, shadow);
  return kept;
}
