// Deployment: the decoded part of a SeldonDeployment that routing reads, the same for v1alpha1 to v1.
import type { ObjectRef } from "../../../routing/text/problem.ts";
import type { DeploymentAnnotations } from "../fields/annotation.ts";
import type { AnnotationValues } from "../fields/annotations.ts";
import type { OAuthKey } from "./oauth-key.ts";

export interface Deployment {
  readonly ref: ObjectRef;
  /** RFC 3339 as the API server wrote it, or "": orders claims at a cold start. */
  readonly createdAt: string;
  /** `spec.name`, part of Service names up to Seldon 1.0, or "". */
  readonly specName: string;
  readonly annotations: DeploymentAnnotations;
  /** What they say. With documents of its own it is what decides alone. */
  readonly values: AnnotationValues;
  /** Its key for the OAuth gateway; null: none. */
  readonly oauth: OAuthKey | null;
  /** In the order written, names unique; one or more. */
  readonly predictors: readonly Predictor[];
  /** No predictor of live traffic has a replica, on purpose: it decides no request. */
  readonly isScaledToZero: boolean;
}

/** One named variant inside a Deployment. */
export interface Predictor {
  readonly name: string;
  /** Field of it, for Problems: `spec.predictors[1]`. */
  readonly field: string;
  /** Percent, 0 or more; null when absent or unusable. */
  readonly traffic: number | null;
  readonly shadow: boolean;
  readonly explainer: Explainer | null;
  /** Secret of `ssl.certSecretName`, or "". */
  readonly certSecretName: string;
  /** `seldon.io/svc-name`, or null. */
  readonly serviceName: string | null;
  /** Ports when the Service has none named `http` and `grpc`: the engine's 8000 and 5001, or those of the model container without an engine. */
  readonly ports: PredictorPorts;
  /** Of an SD with a rollout or a bandit: digest of its graph and pods. Another one is another model. Else "". */
  readonly model: string;
}

export interface PredictorPorts {
  readonly http: number;
  readonly grpc: number;
}

export interface Explainer {
  /** `explainer.endpoint.service_port`, default 9000. */
  readonly port: number;
}

/** The name in its paths. */
export function externalNameOf({ values, ref }: Deployment): string {
  return values.serviceName ?? ref.name;
}
