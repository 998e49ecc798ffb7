// Where the predictors and explainers of an SD are reached: the Service of each, its port, and TLS.
import type { Upstream, UpstreamTls } from "../../../routing/model/upstream.ts";
import type { DeploymentPolicy } from "./deployment-policy.ts";
import type { Deployment, Predictor } from "../model/deployment.ts";
import { isUpstreamGranted } from "../meaning/grant.ts";
import { limitsWith, type MappingDefaults } from "../meaning/module-defaults.ts";
import {
  explainerCandidate,
  portNamed,
  predictorCandidates,
  type Service,
  type ServiceCandidate,
} from "../backends/services.ts";
import { missingSecretLevel, plainTls, predictorTls } from "../backends/tls.ts";
import type { TranslateSettings } from "../model/translation.ts";
import { notReady, type Lookups, type MeaningBuilder } from "../meaning/meaning.ts";
import {
  absentServiceAddress,
  defaultUpstreamLimits,
  planUpstream,
  serviceAddress,
  type UpstreamLimits,
  type UpstreamPlan,
} from "../backends/upstreams.ts";

/** null: plain; `missing`: TLS is asked for and cannot be had. */
export type PredictorTls = UpstreamTls | "missing" | null;

/** The Service that a predictor is served by: null where none exists, with the name that it would have. */
export interface ChosenService {
  readonly service: Service | null;
  readonly name: string;
  readonly http: number;
  readonly grpc: number;
}

/** Id of the Mapping of this part of a Deployment. */
export function mappingId({ ref }: Deployment, part: string, predictor: string): string {
  return `SeldonDeployment ${ref.namespace}/${ref.name} ${part} ${predictor}`;
}

export class DeploymentServices {
  readonly #deployment: Deployment;
  readonly #around: Lookups;
  readonly #builder: MeaningBuilder;
  readonly #limits: UpstreamLimits;
  readonly #dial: TranslateSettings["dial"];
  readonly #namespace: string;
  readonly #explainers = new Map<Predictor, UpstreamPlan>();

  /** `builder` gets its Problems and choices. */
  constructor(
    deployment: Deployment,
    around: Lookups,
    policy: DeploymentPolicy,
    defaults: MappingDefaults,
    builder: MeaningBuilder,
  ) {
    this.#deployment = deployment;
    this.#around = around;
    this.#builder = builder;
    this.#limits = limitsWith(
      policy.breakers.length === 0 ? defaultUpstreamLimits : { ...defaultUpstreamLimits, breakers: policy.breakers },
      policy.said,
      defaults,
    );
    this.#dial = defaults.dial ?? around.settings.dial;
    this.#namespace = deployment.ref.namespace;
  }

  /** The first candidate that exists, else the first; and its ports. */
  choose(predictor: Predictor): ChosenService {
    const candidates = predictorCandidates(this.#deployment, predictor);
    const service = this.#find(candidates);
    const name = service?.name ?? candidates[0]!.name;
    this.#builder.choices.push({
      mapping: mappingId(this.#deployment, "http", predictor.name),
      predictor,
      chosen: name,
      exists: service !== null,
    });
    const http = service === null ? null : portNamed(service, "http");
    if (service !== null && http === null && !service.ports.some(({ port }) => port === predictor.ports.http)) {
      this.#builder.report(
        "warning",
        "no-such-port",
        predictor.field,
        `the Service ${name} has neither a port named http nor the port ${predictor.ports.http}, so for REST ${notReady}; name its port http`,
      );
    }
    const grpc = service === null ? null : portNamed(service, "grpc");
    if (
      service !== null &&
      service.externalName === "" &&
      grpc === null &&
      !service.ports.some(({ port }) => port === predictor.ports.grpc)
    ) {
      this.#builder.report(
        "info",
        "no-such-port",
        predictor.field,
        `the Service ${name} has neither a port named grpc nor the port ${predictor.ports.grpc}, so for gRPC ${notReady} (UNAVAILABLE); name its port grpc if it has one`,
      );
    }
    return { service, name, http: http ?? predictor.ports.http, grpc: grpc ?? predictor.ports.grpc };
  }

  #find(candidates: readonly ServiceCandidate[]): Service | null {
    let owned: ReadonlySet<string> | null = null;
    for (const { name, ownedOnly } of candidates) {
      if (ownedOnly) {
        owned ??= new Set(this.#around.servicesOf(this.#deployment).map((service) => service.name));
        if (!owned.has(name)) continue;
      }
      const service = this.#around.service(this.#namespace, name);
      if (service !== null) return service;
    }
    return null;
  }

  /** How a predictor is spoken to. */
  tlsOf(predictor: Predictor): PredictorTls {
    const { certSecretName } = predictor;
    if (certSecretName === "") return null;
    const result = predictorTls(certSecretName, this.#around.secret(this.#namespace, certSecretName));
    if (result.kind === "tls") return result.tls;
    this.#builder.report(
      result.isAbsent ? missingSecretLevel(this.#around.settings) : "error",
      "tls-missing",
      `${predictor.field}.ssl.certSecretName`,
      `TLS to the predictor ${result.reason}, so ${notReady}; create the Secret`,
    );
    return "missing";
  }

  /** What stands for a Service, or for the lack of one, as an Upstream. */
  plan(
    service: Service | null,
    name: string,
    port: number,
    protocol: Upstream["protocol"],
    tls: PredictorTls,
  ): UpstreamPlan {
    const { settings } = this.#around;
    const namespace = this.#namespace;
    if (tls === "missing")
      return planUpstream({ kind: "service", namespace, name, port }, "none", protocol, plainTls(), this.#limits);
    if (service !== null && service.externalName !== "") {
      if (isUpstreamGranted(this.#around.grantsOf(namespace), [service.externalName])) {
        return planUpstream({ kind: "dns", host: service.externalName, port }, "resolver", protocol, tls, this.#limits);
      }
      if (protocol === "http1")
        this.#builder.report(
          "error",
          "not-granted",
          "",
          `the Service ${name} is an ExternalName of ${service.externalName}, so it needs a Grant; ask the operator of the gateway for one with this name under upstreams`,
        );
      return planUpstream({ kind: "service", namespace, name, port }, "none", protocol, tls, this.#limits);
    }
    const { address, from } =
      service === null
        ? absentServiceAddress(namespace, name, port, settings.source)
        : serviceAddress(service, port, this.#dial);
    return planUpstream(address, from, protocol, tls, this.#limits);
  }

  /** Made once: today's path and the one of 0.4 to 1.0 share it. */
  explainer(predictor: Predictor): UpstreamPlan {
    const plan = this.#explainers.get(predictor) ?? this.#planExplainer(predictor);
    this.#explainers.set(predictor, plan);
    return plan;
  }

  #planExplainer(predictor: Predictor): UpstreamPlan {
    const candidate = explainerCandidate(this.#deployment, predictor);
    const service = this.#find([candidate]);
    const port = (service === null ? null : portNamed(service, "http")) ?? predictor.explainer!.port;
    if (service !== null && service.externalName === "" && !service.ports.some((known) => known.port === port)) {
      this.#builder.report(
        "warning",
        "no-such-port",
        `${predictor.field}.explainer`,
        `the Service ${service.name} has neither a port named http nor the port ${port}, so requests for the explainer get 503; name its port http`,
      );
    }
    const tls =
      predictor.certSecretName === ""
        ? null
        : predictorTls(predictor.certSecretName, this.#around.secret(this.#namespace, predictor.certSecretName));
    return this.plan(
      service,
      candidate.name,
      port,
      "http1",
      tls === null ? null : tls.kind === "tls" ? tls.tls : "missing",
    );
  }
}
