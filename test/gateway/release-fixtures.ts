// A SeldonDeployment of two predictors that is released, its Services and their Endpoints.

export interface ReleasedModel {
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** Name and port of each predictor, the first is main. */
  readonly predictors: readonly (readonly [name: string, port: number, image: string])[];
  /** Names of predictors without a ready pod. */
  readonly without?: readonly string[];
  /** Predictors that are shadows. */
  readonly shadows?: readonly string[];
}

/** In the namespace prod. */
export function releasedManifest({ name, annotations, predictors, without = [], shadows = [] }: ReleasedModel): string {
  const deployment = {
    apiVersion: "machinelearning.seldon.io/v1",
    kind: "SeldonDeployment",
    metadata: { name, namespace: "prod", annotations },
    spec: {
      predictors: predictors.map(([predictor, , image]) => ({
        name: predictor,
        shadow: shadows.includes(predictor),
        graph: { name: "classifier" },
        componentSpecs: [{ spec: { containers: [{ name: "classifier", image }] } }],
      })),
    },
  };
  const backends = predictors.flatMap(([predictor, port]) => {
    const service = `${name}-${predictor}`;
    return [
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: service, namespace: "prod" },
        spec: { clusterIP: "10.0.0.1", ports: [{ name: "http", port: 8000, protocol: "TCP" }] },
      },
      {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: {
          name: `${service}-1`,
          namespace: "prod",
          labels: {
            "kubernetes.io/service-name": service,
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
          },
        },
        addressType: "IPv4",
        ports: [{ name: "http", port, protocol: "TCP" }],
        endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: !without.includes(predictor) } }],
      },
    ];
  });
  return [deployment, ...backends].map((object) => JSON.stringify(object)).join("\n---\n");
}
