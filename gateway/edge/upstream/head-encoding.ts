// Request heads as an Upstream's protocol takes them, for requests that are kept: until there is a connection, for another try, for shadows.
import type { Upstream } from '../../../routing/upstream.ts';
import type { Attachment } from '../attachment.ts';
import type { Http1RequestHead } from '../http1/request-head.ts';
import { writeRequestHead } from '../http1/request-writer.ts';
import type { ClientFacts } from '../http1/request-writer.ts';
import type { OutBuffer } from '../out-buffer.ts';
import type { EncodedHead } from './upstream-side.ts';

/**
 * Encodes a head without its framing, which `sendHead` adds: a copy may be framed in another way than its original. What it gives is valid
 * until the next call; `scratch` is a buffer without a sink. `shadow`: the Host gets Envoy's suffix.
 */
export function encodeHead(
  protocol: Upstream['protocol'],
  scratch: OutBuffer,
  head: Http1RequestHead,
  attachment: Attachment,
  facts: ClientFacts,
  requestId: Buffer,
  shadow: boolean,
): EncodedHead {
  if (protocol === 'http2') throw new Error('requests to HTTP/2 upstreams are refused before they are encoded');
  scratch.drop();
  writeRequestHead(scratch, head, attachment, facts, requestId, shadow);
  return scratch;
}
