// DownstreamContext: what all client connections of a worker share. One object, made once.
import { Trailers } from "../http1/trailers.ts";
import type { ExchangeContext } from "../exchange/exchange-context.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import { WireRequestHead } from "../message/request-head.ts";
import { Admission } from "./admission.ts";
import type { ClientConnection } from "./client-connection.ts";
import { HealthWatches } from "./health.ts";
import { Lingering } from "./lingering.ts";
import { Http2Serving } from "./http2-serving.ts";

export class DownstreamContext {
  readonly worker: WorkerContext;
  readonly exchange: ExchangeContext;
  /** How many connections there may be. */
  readonly admission: Admission;
  readonly connections = new Set<ClientConnection>();
  readonly lingering: Lingering;
  /** What HTTP/2 clients share. */
  readonly http2: Http2Serving;
  /** Who watches the health of the gateway or of a deployment. */
  readonly healthWatches: HealthWatches;
  /** Filled anew for each request of HTTP/1.1: callbacks do not nest. */
  readonly requestHead = new WireRequestHead();
  readonly trailers = new Trailers();
  /** Every answer closes its connection. */
  draining = false;

  constructor(exchange: ExchangeContext) {
    const { worker } = exchange;
    this.worker = worker;
    this.exchange = exchange;
    this.admission = new Admission(worker);
    this.lingering = new Lingering(worker);
    this.http2 = new Http2Serving(worker, worker.limits, () => worker.front.connectionIdleMs);
    this.healthWatches = new HealthWatches(worker);
  }
}
