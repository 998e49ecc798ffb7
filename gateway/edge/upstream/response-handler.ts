// What a request to an upstream tells whoever uses it: a request that is forwarded, or a copy for a shadow.
import type { Failure } from "../../failures.ts";
import type { MessageTaker } from "../message/message-taker.ts";
import type { ResponseHead } from "../message/response-head.ts";
import type { ResponseTaker } from "../http1/response-reader.ts";
import type { EndpointView } from "./endpoint-view.ts";
import type { UpstreamRequest } from "./upstream-request.ts";

/**
 * One request tells one handler at a time, and never after it was let go. `abort`: it ended before its response did. `unprocessed`: the upstream
 * has certainly not worked on it, and it may be sent again whatever its method (RFC 9113 §8.7).
 */
export interface ResponseHandler
  extends ResponseTaker, MessageTaker<[head: ResponseHead], [failure: Failure, reason: string, unprocessed: boolean]> {
  /** What was waited for is there, ready for the request. */
  connected(request: UpstreamRequest): void;
  /** It did not come about; nothing was sent. `endpoint` null: there is none to connect to, and trying another is no use. */
  connectFailed(endpoint: EndpointView | null, failure: Failure, reason: string): void;
  /** The response is complete and flushed. Whether the request is still `bound` is decided. */
  over(): void;
  /** The upstream takes bytes again. */
  drained(): void;
}
