// The upstream's side of a request, whatever protocol it speaks: what forwarding, and copies for shadows, need of a connection to an Endpoint.
import type { HeadEdits } from '../message/head-edits.ts';
import type { Failure } from '../message/failure.ts';
import type { FieldList } from '../message/fields.ts';
import type { RequestFraming } from '../message/framing.ts';
import type { WireRequestHead } from '../message/request-head.ts';
import type { ClientFacts } from '../message/client-facts.ts';
import type { EndpointView } from './endpoint-view.ts';

/** A head as it goes to an upstream, but for its framing: `bytes[0..length)`. */
export interface EncodedHead {
  readonly bytes: Buffer;
  readonly length: number;
}

/**
 * One request at one Endpoint. It begins with one of `beginRequest` and `sendHead`; what is sent leaves with `flush` at the latest. After
 * `abandon`, and after its user was told `failed`, it must be forgotten.
 *
 * `bodyBytes` is the length of the body where `framing` is `length`. Only HTTP/1.1 can be asked for a tunnel (`upgrade`).
 */
export interface UpstreamRequest {
  readonly kind: 'side';
  readonly endpoint: EndpointView;
  /** It serves its user still: false once request and response are complete, or nobody reads the rest of the request. */
  readonly bound: boolean;
  /** The upstream takes less than was sent: wait for `upstreamDrained`. */
  readonly congested: boolean;
  /** Encodes the head straight from the client's. `requestId` is used unless a trusted proxy sent an id. */
  beginRequest(head: WireRequestHead, edits: HeadEdits, facts: ClientFacts, requestId: Buffer, framing: RequestFraming, bodyBytes: number): void;
  /** Sends a head as `encodeHead` made it for this protocol: `bytes[0..length)`, which stay the caller's. */
  sendHead(bytes: Buffer, length: number, framing: RequestFraming, bodyBytes: number): void;
  sendBody(bytes: Buffer, start: number, end: number): void;
  /** Sends bytes that nobody will change: they may be kept by reference as long as need be. */
  giveBody(bytes: Buffer): void;
  /** The request is complete. */
  sendEnd(trailers: FieldList | null): void;
  flush(): void;
  pauseResponse(): void;
  resumeResponse(): void;
  /** The user needs it no longer: the request is cancelled. It tells the user nothing more. */
  abandon(): void;
}

/** A place in a queue for a side: a connection that is dialled, or addresses that are awaited. */
export interface Waiting {
  readonly kind: 'waiting';
  /** Where it is dialled, if that is decided. */
  readonly endpoint: EndpointView | null;
  /** Gives the place up. The user is told nothing more. */
  cancel(): void;
}

/** What became of asking for an Endpoint. `waiting`: `connected` or `connectFailed` follows, never during the call. */
export type Acquired = UpstreamRequest | Waiting | { readonly kind: 'failed'; readonly failure: Failure; readonly detail: string };
