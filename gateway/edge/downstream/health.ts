// Health: what grpc.health.v1 is told about the gateway and about deployments. It tells no more than a prediction would: whether a name that
// the caller knows is served.
import { isText } from "../../../routing/request/bytes.ts";
import { decide } from "../../../routing/decide.ts";
import { headOf } from "../../../routing/request/head-text.ts";
import type { RequestHead } from "../../../routing/request/head.ts";
import type { RouteTable } from "../../../routing/table.ts";
import { Deadline, type Timed } from "../io/deadline.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import { serving } from "../message/grpc-message.ts";

/** Methods that are answered. */
export type HealthMethod = "Check" | "Watch" | "List";

/** Changes that come within this time are told once. */
const watchTickMs = 100;
/** Bytes of `<namespace>/<deployment>`: two names of Kubernetes. */
const mostNameBytes = 2 * 253 + 1;

/** Somebody who watches. */
export interface HealthWatch {
  /** Something may have changed. */
  healthChanged(): void;
}

/** What health is asked of. */
export interface HealthSource {
  readonly exchange: { readonly table: RouteTable<unknown>; readonly ready: boolean };
  readonly draining: boolean;
}

/** A service that is asked about, looked at again and again. */
export class HealthSubject {
  readonly #source: HealthSource;
  /** Calls that its deployment would have to serve; null: the gateway itself. */
  readonly #heads: readonly RequestHead[] | null;

  /** `service`: "" for the gateway, or `<namespace>/<deployment>`; with one namespace only, `<deployment>` too. */
  constructor(source: HealthSource, service: string) {
    this.#source = source;
    this.#heads = service === "" ? null : headsOf(service);
  }

  /** One of `serving`. */
  get status(): number {
    const { exchange, draining } = this.#source;
    const { table, ready } = exchange;
    if (draining) return serving.no;
    if (this.#heads === null) return ready && table.version > 0 ? serving.yes : serving.no;
    let status: number = serving.unknownService;
    for (const head of this.#heads) {
      const decision = decide(table, head, 0);
      if (decision.kind === "forward") return serving.yes;
      if (decision.reason !== "no-route" && decision.reason !== "namespace-needed") status = serving.no;
    }
    return status;
  }
}

/** A gRPC call and a prediction by REST: a deployment serves either. */
function headsOf(service: string): readonly RequestHead[] {
  const [namespace, deployment, ...more] = service.split("/");
  const isName = (text: string | undefined): text is string =>
    text !== undefined && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(text);
  if (service.length > mostNameBytes || !isName(namespace) || !isName(deployment) || more.length > 0) return [];
  const method = "POST";
  const host = "localhost";
  return [
    headOf({
      method,
      host,
      path: "/seldon.protos.Seldon/Predict",
      headers: [
        ["seldon", deployment],
        ["namespace", namespace],
      ],
      grpc: true,
    }),
    headOf({ method, host, path: `/seldon/${namespace}/${deployment}/api/v1.0/predictions`, headers: [], grpc: false }),
  ];
}

/** The method of grpc.health.v1.Health that is called; null: it is another service's, or no such method. */
export function healthMethodOf({ pathBytes, pathStart, pathEnd }: RequestHead): HealthMethod | null {
  // Most calls are of other packages.
  if (pathBytes[pathStart + 1] !== 0x67) return null;
  for (const method of ["Check", "Watch", "List"] as const)
    if (isText(pathBytes, pathStart, pathEnd, `/grpc.health.v1.Health/${method}`)) return method;
  return null;
}

/** Whoever watches, of one worker. */
export class HealthWatches implements Timed {
  readonly #worker: WorkerContext;
  readonly #watches = new Set<HealthWatch>();
  readonly #deadline = new Deadline(this);

  constructor(worker: WorkerContext) {
    this.#worker = worker;
  }

  add(watch: HealthWatch): void {
    this.#watches.add(watch);
  }

  remove(watch: HealthWatch): void {
    this.#watches.delete(watch);
  }

  /** A new table, another readiness, or a drain. */
  changed(): void {
    if (this.#watches.size > 0 && this.#deadline.dueMs === Infinity)
      this.#worker.wheel.set(this.#deadline, this.#worker.nowMs + watchTickMs);
  }

  expired(nowMs: number): void {
    this.#worker.nowMs = nowMs;
    for (const watch of this.#watches) watch.healthChanged();
  }
}
