// Previous predictors: Services of an SD that its spec no longer names, serving until a current predictor is ready (routing rule 7).
import type { Deployment } from "../model/deployment.ts";
import { portNamed, predictorCandidates, type Service } from "../backends/services.ts";
import type { Lookups } from "../meaning/meaning.ts";

/**
 * The Services that serve instead of `current`; [] while any of these is ready, and when there are none with ready Endpoints. Never beside a
 * current one.
 */
export function previousServices(
  deployment: Deployment,
  around: Lookups,
  current: readonly { readonly service: Service | null; readonly http: number; readonly grpc: number }[],
): readonly Service[] {
  const owned = around.servicesOf(deployment);
  if (owned.length === 0) return [];
  // Mostly every Service of an SD is the chosen one of a predictor, and no list of candidates is needed.
  const chosen = new Set(current.map(({ service }) => service));
  const unchosen = owned.filter((owner) => !chosen.has(owner));
  if (unchosen.length === 0) return [];
  const named = new Set(
    deployment.predictors.flatMap((predictor) => predictorCandidates(deployment, predictor).map(({ name }) => name)),
  );
  const left = unchosen.filter(
    (service) =>
      !named.has(service.name) &&
      !service.inner &&
      (portNamed(service, "http") !== null || portNamed(service, "grpc") !== null),
  );
  if (left.length === 0) return [];
  const isReady = ({ service, http, grpc }: (typeof current)[number]): boolean =>
    service !== null && (around.hasEndpoints(service, http) || around.hasEndpoints(service, grpc));
  // Every one is asked, so that a flip of any is told.
  const ready = current.filter(isReady);
  const before = left.filter((service) =>
    isReady({ service, http: portNamed(service, "http") ?? 0, grpc: portNamed(service, "grpc") ?? 0 }),
  );
  return ready.length > 0 ? [] : before;
}
