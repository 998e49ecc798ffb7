// UpstreamContext: what all Upstreams of a worker share.
import type { WorkerContext } from "../io/worker-context.ts";
import { ResponseHead } from "../message/response-head.ts";
import { Trailers } from "../http1/trailers.ts";
import { Http2UpstreamShared } from "./http2-shared.ts";

export class UpstreamContext {
  readonly worker: WorkerContext;
  /** Is told of DNS Upstreams that need addresses, or are still in use. */
  readonly used: (upstreamKeys: string[]) => void;
  /** What HTTP/2 connections to upstreams share. */
  readonly http2: Http2UpstreamShared;
  /** Filled anew for each response of HTTP/1.1: callbacks do not nest. */
  readonly responseHead = new ResponseHead();
  readonly trailers = new Trailers();

  constructor(worker: WorkerContext, used: (upstreamKeys: string[]) => void) {
    this.worker = worker;
    this.used = used;
    this.http2 = new Http2UpstreamShared(worker.limits, worker);
  }
}
