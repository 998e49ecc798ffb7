// What an upstream's side tells whoever uses it: a request that is forwarded, or a copy for a shadow.
import type { Failure } from '../message/failure.ts';
import type { ResponseTaker } from '../http1/response-reader.ts';
import type { EndpointView } from './endpoint-view.ts';
import type { UpstreamRequest } from './upstream-request.ts';

/** Bytes and heads are valid only during the call. One side calls one user at a time, and never after it was let go. */
export interface ResponseHandler extends ResponseTaker {
  /** What was waited for is there, ready for the request. */
  connected(side: UpstreamRequest): void;
  /** It did not come about; nothing was sent. `endpoint` null: there is none to connect to, and trying another is no use. */
  connectFailed(endpoint: EndpointView | null, failure: Failure, reason: string): void;
  /** No more of the response in this read: send what was put together. */
  responseFlush(): void;
  /** The response is complete and flushed. Whether the side is still `bound` is decided. */
  responseOver(): void;
  /**
   * The side ended before the response did. `unprocessed`: the upstream has certainly not worked on the request, which may be sent again
   * whatever its method (RFC 9113 §8.7).
   */
  failed(failure: Failure, reason: string, unprocessed: boolean): void;
  /** The side takes bytes again. */
  upstreamDrained(): void;
}
