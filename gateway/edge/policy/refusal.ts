// Refusals: requests that have a Route and are not forwarded.
import { isText, textOf } from '../../../routing/bytes.ts';
import { climbs } from '../../../routing/rewrite.ts';
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
const climbing: Refusal = Object.freeze({ failure: failures.pathClimbs, detail: '' });

/** Why a request with a body of so many bytes, as far as that is known, is not forwarded; null: it is. `mostBodyBytes` 0: any body. */
export function refusalOf(head: Http1RequestHead, bodyBytes: number, attachment: Attachment, mostBodyBytes: number): Refusal | null {
  if (head.websocket) {
    if (!attachment.tunnels) return noTunnels;
    if (!mayTunnel(head, attachment)) return noTunnel;
  }
  if (mostBodyBytes > 0 && bodyBytes > mostBodyBytes) return tooLarge;
  return attachment.mayClimb && climbs(attachment.rewrite, textOf(head.pathBytes, head.pathStart, head.pathEnd)) ? climbing : null;
}

/** May this request for an upgrade become a tunnel (RFC 6455 §4.1)? */
function mayTunnel(head: Http1RequestHead, attachment: Attachment): boolean {
  if (attachment.pool!.upstream?.protocol !== 'http1') return false;
  return isText(head.bytes, head.methodStart, head.methodEnd, 'GET') && head.modern && !head.chunked && head.contentLength <= 0;
}
