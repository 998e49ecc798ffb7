// Request heads as an Upstream's protocol takes them, for requests that are kept: until there is a connection, for another try, for shadows.
import type { Upstream } from '../../../routing/upstream.ts';
import type { Attachment } from '../policy/compiled-mapping.ts';
import type { Edge } from '../edge.ts';
import type { Http1RequestHead } from '../message/request-head.ts';
import { writeRequestHead } from '../http1/request-writer.ts';
import type { ClientFacts } from '../http1/request-writer.ts';
import { writeRequestBlock } from '../http2/request-writer.ts';
import type { EncodedHead } from './upstream-request.ts';

/**
 * Encodes a head without its framing, which `sendHead` adds: a copy may be framed in another way than its original. What it gives is valid
 * until the next call. `shadow`: the Host gets Envoy's suffix.
 */
export function encodeHead(
  protocol: Upstream['protocol'],
  edge: Edge,
  head: Http1RequestHead,
  attachment: Attachment,
  facts: ClientFacts,
  requestId: Buffer,
  shadow: boolean,
): EncodedHead {
  if (protocol === 'http2') {
    const { writer } = edge.sessionShared;
    writeRequestBlock(writer, head, attachment, facts, requestId, !attachment.pool!.plain, shadow);
    return writer;
  }
  const { kept } = edge;
  kept.drop();
  writeRequestHead(kept, head, attachment, facts, requestId, shadow);
  return kept;
}
