// Whom the gateway asks: what all AuthServices, and all RateLimitServices, that count say together.
import { sameValue } from "../../../routing/text/diff.ts";
import {
  noExternalServices,
  type AuthService,
  type Consulted,
  type ExternalServices,
  type RateLimitService,
  type ServicePlace,
} from "../../../routing/model/external-services.ts";
import { compareText, type ObjectRef, type Problem } from "../../../routing/text/problem.ts";
import { objectKey } from "../model/object.ts";
import type { UpstreamPlan } from "../backends/upstreams.ts";
import type { ServiceKind, ServiceSaid } from "../backends/written-service.ts";

/** One of them, with its Upstream. */
export interface PlannedService {
  readonly kind: ServiceKind;
  readonly ref: ObjectRef;
  readonly name: string;
  readonly field: string;
  /** null: what it says cannot be read, or it may not be dialled. */
  readonly asked: { readonly said: ServiceSaid; readonly plan: UpstreamPlan; readonly authority: string } | null;
}

/** The field that names the service. */
export const serviceField = {
  AuthService: "auth_service",
  RateLimitService: "service",
} as const satisfies Readonly<Record<ServiceKind, string>>;

/** What becomes of requests while the service cannot answer. */
export function withoutAnswer(service: ServiceSaid): string {
  if (service.kind === "AuthService")
    return service.said.failureModeAllow
      ? "requests pass without its answer (failure_mode_allow)"
      : `every deployment is answered ${service.said.statusOnError}`;
  return service.said.failureModeDeny
    ? "requests with labels are answered 500 (failure_mode_deny)"
    : "requests pass without its limits";
}

/** The services that declarers declare, and what they mean together. */
export class ExternalBook {
  readonly #sourceCluster: string;
  /** By key of the object. */
  readonly #services = new Map<string, readonly PlannedService[]>();
  #current: ExternalServices = noExternalServices;
  problems: readonly Problem[] = [];

  /** `sourceCluster`: what the label of that name says. */
  constructor(sourceCluster: string) {
    this.#sourceCluster = sourceCluster;
  }

  /** What an object declares now. */
  set(ref: ObjectRef, services: readonly PlannedService[]): void {
    // Of nearly every object.
    if (services.length === 0 && this.#services.size === 0) return;
    const key = objectKey(ref);
    if (services.length === 0) this.#services.delete(key);
    else this.#services.set(key, services);
  }

  /** Who is asked, as it was decided last. */
  get current(): ExternalServices {
    return this.#current;
  }

  /** What is asked from now on: the same object where nothing has changed. */
  decide(): ExternalServices {
    const before = this.#current;
    if (this.#services.size === 0 && before === noExternalServices) return before;
    const all = [...this.#services].sort(([a], [b]) => compareText(a, b)).flatMap(([, services]) => services);
    const problems: Problem[] = [];
    const next: ExternalServices = {
      auth: authOf(
        all.filter(({ kind }) => kind === "AuthService"),
        problems,
      ),
      rateLimit: rateLimitOf(
        all.filter(({ kind }) => kind === "RateLimitService"),
        this.#sourceCluster,
        problems,
      ),
    };
    this.problems = problems;
    if (!sameValue(before, next)) this.#current = this.#services.size === 0 ? noExternalServices : next;
    return this.#current;
  }
}

/** Several that differ in nothing but the service are asked in equal shares (Ambassador). */
function authOf(services: readonly PlannedService[], problems: Problem[]): Consulted<AuthService> {
  if (services.length === 0) return { kind: "none" };
  const places: ServicePlace[] = [];
  let first: Omit<AuthService, "places"> | null = null;
  for (const { ref, field, asked } of services) {
    if (asked === null || asked.said.kind !== "AuthService") return { kind: "closed" };
    first ??= asked.said.said;
    if (!sameValue(first, asked.said.said)) {
      problems.push(
        contested(
          ref,
          field,
          "it differs from another AuthService in more than auth_service, so every request gets 500; make them alike, or remove one",
        ),
      );
      return { kind: "closed" };
    }
    places.push({ upstream: asked.plan.upstream.key, authority: asked.authority });
  }
  return { kind: "service", service: { ...first!, places } };
}

function rateLimitOf(
  services: readonly PlannedService[],
  sourceCluster: string,
  problems: Problem[],
): Consulted<RateLimitService> {
  const [first, second] = services;
  if (first === undefined) return { kind: "none" };
  if (second !== undefined) {
    problems.push(
      contested(
        second.ref,
        second.field,
        "there is another RateLimitService, and a gateway asks only one, so requests with labels get 500; remove one",
      ),
    );
    return { kind: "closed" };
  }
  const { asked } = first;
  if (asked === null || asked.said.kind !== "RateLimitService") return { kind: "closed" };
  return {
    kind: "service",
    service: {
      ...asked.said.said,
      place: { upstream: asked.plan.upstream.key, authority: asked.authority },
      sourceCluster,
    },
  };
}

function contested(subject: ObjectRef, field: string, sentence: string): Problem {
  return { code: "service-contested", level: "error", subject, field, sentence };
}
