// What an upstream connection tells whoever uses it: an exchange, or a copy for a shadow.
import type { Failure } from '../failure.ts';
import type { FieldList } from '../http1/fields.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import type { UpstreamConnection } from './connection.ts';

/** Bytes and heads are valid only during the call. One connection calls one user at a time, and never after it was let go. */
export interface UpstreamUser {
  /** The request was HEAD: its response has no body. */
  readonly isHead: boolean;
  /** A dialled connection is ready for the request. */
  connected(connection: UpstreamConnection): void;
  /** A dialled connection did not come about; nothing was sent. */
  connectFailed(connection: UpstreamConnection, failure: Failure, reason: string): void;
  /** A 1xx response, never 100 or 101. */
  informational(head: ResponseHead): void;
  responseHead(head: ResponseHead): void;
  /** Decoded bytes of the body. */
  responseBody(bytes: Buffer, start: number, end: number): void;
  /** The body is complete. */
  responseEnd(trailers: FieldList | null): void;
  /** No more of the response in this read: send what was put together. */
  responseFlush(): void;
  /** The response is complete and flushed. The connection was let go when `reusable` or broken is decided. */
  responseOver(): void;
  /** The connection ended before the response did. */
  failed(failure: Failure, reason: string): void;
  /** The connection takes bytes again. */
  upstreamDrained(): void;
}
