// The external services of one worker at work: who is asked, by the table that was taken last.
import type {
  AuthService,
  Consulted,
  ExternalServices,
  RateLimitService,
  ServicePlace,
} from "../../../routing/model/external-services.ts";
import { fixed } from "../../shared/metrics/fixed.ts";
import type { UpstreamContext } from "../upstream/upstream-context.ts";
import type { UpstreamPool } from "../upstream/pool.ts";
import type { UpstreamRegistry } from "../upstream/registry.ts";
import { methodOf, type AskedRequest } from "./asked-request.ts";
import type { AuthVerdict } from "./auth-verdict.ts";
import { checkPath, checkRequest, grpcVerdict } from "./grpc-check.ts";
import { grpcBody, grpcHead } from "./grpc-question.ts";
import { httpHead, httpVerdict, type ShownBody } from "./http-check.ts";
import {
  rateLimitPath,
  rateLimitRequest,
  rateLimitVerdict,
  type Descriptor,
  type RateLimitVerdict,
} from "./rate-limit-messages.ts";
import { ServiceCall, type CallOutcome, type ServiceQuestion } from "./service-call.ts";

/** Gives a question up. */
export type Cancel = () => void;

/** Those of one table. Pools are found when they are first asked: the table names them. */
export class ExternalClients {
  readonly services: ExternalServices;
  readonly #upstream: UpstreamContext;
  readonly #pools: Pick<UpstreamRegistry, "liveOf">;

  constructor(services: ExternalServices, upstream: UpstreamContext, pools: Pick<UpstreamRegistry, "liveOf">) {
    this.services = services;
    this.#upstream = upstream;
    this.#pools = pools;
  }

  /** `told` is called once, unless the question is given up; maybe during the call. */
  authorize(
    service: AuthService,
    request: AskedRequest,
    extensions: Readonly<Record<string, string>>,
    body: ShownBody | null,
    told: (verdict: AuthVerdict) => void,
  ): Cancel {
    const { worker } = this.#upstream;
    const place = placeOf(service, worker.draw());
    const pool = this.#pools.liveOf(place.upstream);
    const { timeoutMs } = service;
    const shown = body?.bytes ?? noBody;
    const question: ServiceQuestion =
      service.proto === "http"
        ? {
            pool,
            head: httpHead(service, place, request, body),
            body: shown,
            isHead: methodOf(request.head) === "HEAD",
            timeoutMs,
            repeatable: true,
          }
        : {
            ...this.#call(pool, checkPath, place, timeoutMs),
            body: grpcBody(checkRequest(request, extensions, body, performance.timeOrigin + worker.nowMs)),
            repeatable: true,
          };
    return this.#ask("auth", question, (outcome) => {
      const verdict = service.proto === "http" ? httpVerdict(service, outcome) : grpcVerdict(outcome);
      this.#count("auth", verdict.kind);
      told(verdict);
    });
  }

  /** As `authorize`. */
  limit(
    service: RateLimitService,
    descriptors: readonly Descriptor[],
    told: (verdict: RateLimitVerdict) => void,
  ): Cancel {
    const pool = this.#pools.liveOf(service.place.upstream);
    const body = grpcBody(rateLimitRequest(service.domain, descriptors));
    // Sent twice, it would count twice.
    return this.#ask(
      "rate-limit",
      { ...this.#call(pool, rateLimitPath, service.place, service.timeoutMs), body, repeatable: false },
      (outcome) => {
        const verdict = rateLimitVerdict(outcome);
        this.#count(
          "rate-limit",
          verdict.kind === "within" ? "allowed" : verdict.kind === "over" ? "denied" : "failed",
        );
        told(verdict);
      },
    );
  }

  #call(
    pool: UpstreamPool,
    path: string,
    { authority }: ServicePlace,
    timeoutMs: number,
  ): Pick<ServiceQuestion, "pool" | "head" | "isHead" | "timeoutMs"> {
    return { pool, head: grpcHead(this.#upstream, path, authority, !pool.plain, timeoutMs), isHead: false, timeoutMs };
  }

  #ask(service: "auth" | "rate-limit", question: ServiceQuestion, told: (outcome: CallOutcome) => void): Cancel {
    const { worker } = this.#upstream;
    worker.counters.add(fixed.externalInFlight, 1);
    let open = true;
    const close = (): boolean => {
      const wasOpen = open;
      open = false;
      if (wasOpen) worker.counters.add(fixed.externalInFlight, -1);
      return wasOpen;
    };
    const call = new ServiceCall(worker, question, (outcome) => {
      if (close()) told(outcome);
    });
    call.begin();
    return () => {
      if (!close()) return;
      this.#count(service, "cancelled");
      call.cancel();
    };
  }

  #count(service: "auth" | "rate-limit", outcome: keyof typeof fixed.externalAuth): void {
    const cells = service === "auth" ? fixed.externalAuth : fixed.externalRateLimit;
    this.#upstream.worker.counters.add(cells[outcome], 1);
  }
}

const noBody = Buffer.alloc(0);

/** Equal shares. `draw` in [0, 1). */
function placeOf({ places }: AuthService, draw: number): ServicePlace {
  return places[Math.floor(draw * places.length)]!;
}

/** The service, where one is asked. */
export function serviceOf<S>(consulted: Consulted<S>): S | null {
  return consulted.kind === "service" ? consulted.service : null;
}
