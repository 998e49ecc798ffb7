import { describe, expect, test } from "vitest";
import { decodeDeployment } from "../../../../k8s/translate/deployments/decode.ts";
import { decodeSlice } from "../../../../k8s/translate/backends/endpoints.ts";
import { trimmedObject } from "../../../../k8s/translate/deployments/trimmed-object.ts";
import { decodeService } from "../../../../k8s/translate/backends/services.ts";

const ref = { kind: "SeldonDeployment", namespace: "prod", name: "iris" };

const decode = (object: unknown): ReturnType<typeof decodeDeployment> =>
  decodeDeployment({ ref, apiVersion: "machinelearning.seldon.io/v1", object }, null);

const container = {
  name: "model",
  image: "registry/model:1",
  env: [{ name: "A", value: "x".repeat(1000) }],
  ports: [{ name: "http", containerPort: 7000 }],
};

const deployment = {
  apiVersion: "machinelearning.seldon.io/v1",
  kind: "SeldonDeployment",
  metadata: {
    name: "iris",
    creationTimestamp: "2026-01-01T00:00:00Z",
    annotations: {
      "seldon.io/rest-timeout": "5000",
      "kubectl.kubernetes.io/last-applied-configuration": "x".repeat(1000),
    },
    managedFields: [{ manager: "kubectl" }],
  },
  spec: {
    annotations: { "seldon.io/no-engine": "true" },
    predictors: [
      {
        name: "main",
        annotations: { "seldon.io/no-engine": "true" },
        graph: { name: "model", children: [] },
        componentSpecs: [
          { metadata: { labels: { a: "b" } }, spec: { containers: [container], volumes: [{ name: "v" }] } },
        ],
      },
      {
        name: "old",
        annotations: { "seldon.io/no-engine": "true" },
        graph: { name: "x" },
        componentSpec: { spec: { containers: [container, { name: "x" }] } },
      },
    ],
  },
  status: { state: "Available", deploymentStatus: { x: "y".repeat(1000) } },
};

describe("a trimmed object", () => {
  test("decodes as the object does, without what routing never reads", () => {
    const trimmed = trimmedObject("SeldonDeployment", deployment);
    const decoded = decode(deployment);
    const applied = "kubectl.kubernetes.io/last-applied-configuration";
    const { [applied]: _, ...annotations } = decoded.deployment!.annotations.metadata;
    expect(decode(trimmed)).toEqual({
      ...decoded,
      deployment: { ...decoded.deployment, annotations: { ...decoded.deployment!.annotations, metadata: annotations } },
    });
    expect(decoded.deployment!.predictors.map(({ ports }) => ports.http)).toEqual([7000, 9001]);
    expect(JSON.stringify(trimmed).length).toBeLessThan(1000);
  });

  test.each([
    [{}],
    [{ metadata: "x", spec: 7 }],
    [{ metadata: { annotations: ["x"] }, spec: { predictors: {} } }],
    [{ spec: { predictors: [{ name: "a", componentSpecs: "x", componentSpec: null }] } }],
  ])("%j is left as it is", (object) => {
    expect(trimmedObject("SeldonDeployment", object)).toEqual(object);
  });

  const metadata = {
    name: "a",
    namespace: "prod",
    uid: "u",
    resourceVersion: "7",
    generation: 2,
    creationTimestamp: "2026-01-01T00:00:00Z",
    managedFields: [{ manager: "m" }],
  };

  test("of a Service decodes as the Service does", () => {
    const service = {
      metadata: {
        ...metadata,
        labels: { "seldon-deployment-id": "iris", "seldon-app-svc": "x" },
        annotations: { "getambassador.io/config": "text" },
        ownerReferences: [{ kind: "SeldonDeployment", name: "iris", uid: "v" }],
      },
      spec: {
        type: "ExternalName",
        externalName: "example.com",
        clusterIP: "10.0.0.1",
        clusterIPs: ["10.0.0.1"],
        selector: { "seldon-app-svc": "x" },
        ports: [{ name: "http", port: 8000, targetPort: "http", protocol: "TCP" }],
        sessionAffinity: "None",
      },
      status: { loadBalancer: {} },
    };
    const trimmed = trimmedObject("Service", service);
    expect(decodeService("prod", "a", trimmed)).toEqual(decodeService("prod", "a", service));
    expect(JSON.stringify(trimmed)).not.toMatch(/resourceVersion|sessionAffinity|targetPort|managedFields/);
  });

  test("of an EndpointSlice decodes as the slice does", () => {
    const slice = {
      metadata: {
        ...metadata,
        labels: {
          "kubernetes.io/service-name": "a",
          "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        },
        annotations: { "endpoints.kubernetes.io/last-change-trigger-time": "now" },
      },
      addressType: "IPv4",
      ports: [{ name: "http", port: 9000, protocol: "TCP" }],
      endpoints: [
        {
          addresses: ["10.0.0.7"],
          conditions: { ready: true, serving: true, terminating: false },
          nodeName: "n",
          zone: "z",
          targetRef: { kind: "Pod", name: "p" },
        },
        { addresses: ["10.0.0.8"], conditions: { ready: false, serving: true, terminating: true } },
      ],
    };
    const decodeOne = (object: unknown): unknown =>
      decodeSlice(
        { kind: "EndpointSlice", namespace: "prod", name: "a-1" },
        object,
        { source: "cluster", forbiddenAddresses: [] },
        false,
      );
    const trimmed = trimmedObject("EndpointSlice", slice);
    expect(decodeOne(trimmed)).toEqual(decodeOne(slice));
    expect(decodeOne(trimmed)).toEqual({
      service: "a",
      problems: [],
      ports: [{ name: "http", port: 9000 }],
      addresses: "10.0.0.7,10.0.0.8 terminating",
      refused: [],
    });
    expect(JSON.stringify(trimmed)).not.toMatch(/trigger-time|nodeName|zone|targetRef/);
  });
});
