// Refusals: requests that have a Route and are not forwarded.
import { isText, textOf } from '../../../routing/bytes.ts';
import { rewriteRefusal } from '../../../routing/rewrite.ts';
import type { RewriteRefusal } from '../../../routing/rewrite.ts';
import type { Attachment } from './compiled-mapping.ts';
import { failures } from '../message/failure.ts';
import type { Failure } from '../message/failure.ts';
import type { Http1RequestHead } from '../message/request-head.ts';

interface Refusal {
  readonly failure: Failure;
  readonly detail: string;
}

const noTunnels: Refusal = Object.freeze({ failure: failures.upgradeRefused, detail: '' });
const noTunnel: Refusal = Object.freeze({ failure: failures.upgradeRefused, detail: 'it takes a GET without a body, and an upstream that speaks HTTP/1.1' });
const tooLarge: Refusal = Object.freeze({ failure: failures.bodyTooLarge, detail: '' });
/** What becomes of a request whose path cannot be rewritten. */
export const rewriteFailures: Readonly<Record<RewriteRefusal, Failure>> = {
  climbs: failures.pathClimbs,
  'too-long': failures.rewriteTooLong,
  'too-much-work': failures.rewriteTooDear,
};

/** Limits of a request that has a Route. 0: any body. */
interface RefusalLimits {
  readonly bodyBytes: number;
  readonly requestLineBytes: number;
}

/** Why a request with a body of so many bytes, as far as that is known, is not forwarded; null: it is. */
export function refusalOf(head: Http1RequestHead, bodyBytes: number, attachment: Attachment, limits: RefusalLimits): Refusal | null {
  if (head.websocket) {
    if (!attachment.tunnels) return noTunnels;
    if (!mayTunnel(head, attachment)) return noTunnel;
  }
  if (limits.bodyBytes > 0 && bodyBytes > limits.bodyBytes) return tooLarge;
  if (!attachment.mayRefuse) return null;
  const refusal = rewriteRefusal(attachment.rewrite, textOf(head.pathBytes, head.pathStart, head.pathEnd), limits.requestLineBytes);
  return refusal === null ? null : { failure: rewriteFailures[refusal], detail: '' };
}

/** May this request for an upgrade become a tunnel (RFC 6455 §4.1)? */
function mayTunnel(head: Http1RequestHead, attachment: Attachment): boolean {
  if (attachment.pool!.upstream?.protocol !== 'http1') return false;
  return isText(head.bytes, head.methodStart, head.methodEnd, 'GET') && head.modern && !head.chunked && head.contentLength <= 0;
}
