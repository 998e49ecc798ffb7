// An Endpoint and its Upstream, as connections and requests see them. Pools are made of connections, so connections know only this.
import type { SecureContext } from "node:tls";
import type { Upstream } from "../../../routing/model/upstream.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import type { Breaker } from "../balancing/breaker.ts";
import type { Candidate } from "../balancing/candidates.ts";
import type { UpstreamContext } from "./upstream-context.ts";

export interface UpstreamView {
  readonly context: UpstreamContext;
  /** null: named by a Mapping, not described yet. */
  readonly upstream: Upstream | null;
  /** Its connections are plain. */
  readonly plain: boolean;
  /** TLS context of its connections; null: plain. Throws on keys that OpenSSL does not read. */
  readonly secureContext: SecureContext | null;
  /** Grows when TLS or protocol change: connections of an older generation are not used again. */
  readonly generation: number;
  /** Connections may be so old, ms; null: any age. */
  readonly maxLifetimeMs: number | null;
  readonly connectTimeoutMs: number;
  /** `priority` is an index in `priorities`. */
  breakerOf(priority: number): Breaker;
  /** One of its connections was closed by an Endpoint after it had been idle for so long. */
  sawClose(idleMs: number, nowMs: number): void;
}

export interface EndpointView extends Candidate {
  readonly worker: WorkerContext;
  readonly upstream: UpstreamView;
  /** `ip:port`, for people. */
  readonly address: string;
  readonly ip: string;
  readonly port: number;
  /** First of the cells that count its answers and failures. */
  readonly cells: number;
  /** Exchanges that use it or wait for a connection to it: what least-request compares. */
  inFlight: number;
  /** No longer an Endpoint: running requests finish, nothing is kept. */
  readonly retired: boolean;
  /** How long an idle connection may wait and still be used, ms. */
  readonly reuseIdleMs: number;
  /** It answered with this status. */
  answered(status: number): void;
  /** It refused, did not connect, reset, or did not answer in time. */
  failed(): void;
  /** A request of this priority, which it carried on a connection of its own, is done. */
  left(priority: number): void;
}
