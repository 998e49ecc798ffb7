// What real manifests hold beside what is read here: nothing of it is near enough to something that decides.
import { load } from "js-yaml";
import { describe, expect, test } from "vitest";
import { deploymentKeys } from "../../../k8s/translate/fields/deployment-keys.ts";
import { mappingObject } from "../../../k8s/translate/mappings/mapping-keys.ts";
import type { UnknownRecord } from "../../../k8s/translate/values/value.ts";
import { deployment, object, problemsOf, service, translate } from "./objects.ts";

/** Keys of other tools, and those of Seldon that say nothing to routing. */
const annotations = [
  "kubectl.kubernetes.io/last-applied-configuration",
  "kubectl.kubernetes.io/restartedAt",
  "prometheus.io/scrape",
  "prometheus.io/path",
  "prometheus.io/port",
  "prometheus.io/scheme",
  "sidecar.istio.io/inject",
  "sidecar.istio.io/rewriteAppHTTPProbers",
  "traffic.sidecar.istio.io/excludeInboundPorts",
  "traffic.sidecar.istio.io/includeOutboundIPRanges",
  "proxy.istio.io/config",
  "linkerd.io/inject",
  "config.linkerd.io/skip-inbound-ports",
  "argocd.argoproj.io/sync-wave",
  "argocd.argoproj.io/sync-options",
  "argocd.argoproj.io/tracking-id",
  "helm.sh/hook",
  "meta.helm.sh/release-name",
  "meta.helm.sh/release-namespace",
  "fluxcd.io/automated",
  "checksum/config",
  "autoscaling.knative.dev/minScale",
  "cluster-autoscaler.kubernetes.io/safe-to-evict",
  "service.beta.kubernetes.io/aws-load-balancer-type",
  "cloud.google.com/neg",
  "external-dns.alpha.kubernetes.io/hostname",
  "cert-manager.io/cluster-issuer",
  "nginx.ingress.kubernetes.io/auth-url",
  "nginx.ingress.kubernetes.io/canary-weight",
  "traefik.ingress.kubernetes.io/router.tls",
  "vault.hashicorp.com/agent-inject",
  "project_name",
  "deployment_version",
  "author",
  "team",
  "owner",
  "description",
  "seldon.io/engine-separate-pod",
  "seldon.io/headless-svc",
  "seldon.io/rest-connection-timeout",
  "seldon.io/rest-retries",
  "seldon.io/grpc-max-message-size",
  "seldon.io/executor",
  "seldon.io/istio-gateway",
  "seldon.io/istio-host",
  "seldon.io/istio-retries",
  "seldon.io/istio-retries-timeout",
  "seldon.io/executor-logger-queue-size",
  "seldon.io/executor-logger-write-timeout-ms",
  "seldon.io/engine-java-opts",
  "seldon.io/engine-log-level",
  "getambassador.io/resource-changed",
  "getambassador.io/resource-downloaded",
  "consul.hashicorp.com/connect-inject",
  "sumologic.com/include",
];
const written = JSON.stringify(Object.fromEntries(annotations.map((key) => [key, "x"])));
const labels = JSON.stringify({
  app: "a",
  service: "b",
  method: "sklearn",
  weight: "heavy",
  traffic: "canary",
  shadow: "no",
  version: "v1",
  "app.kubernetes.io/name": "a",
  "seldon-deployment-id": "x",
  fluentd: "true",
  host: "a",
  labels: "b",
  tls: "c",
});

const seldon = `
metadata: { name: a, namespace: p, generation: 3, labels: ${labels}, annotations: ${written}, managedFields: [], ownerReferences: [], finalizers: [x] }
spec:
  name: a
  protocol: v2
  transport: rest
  replicas: 2
  serverType: rpc
  oauth_key: k
  oauth_secret: s
  annotations: ${written}
  predictors:
  - name: main
    replicas: 1
    traffic: 100
    progressDeadlineSeconds: 600
    labels: ${labels}
    annotations: ${written}
    engineResources: { limits: { cpu: 1 }, requests: { cpu: 1 }, claims: [] }
    svcOrchSpec: { resources: { limits: {} }, env: [{ name: A, value: b }], replicas: 1 }
    explainer: { type: AnchorTabular, modelUri: x, serviceAccountName: s, containerSpec: { name: e, image: i, resources: {}, env: [], args: [] }, config: { a: b }, endpoint: { type: REST, service_host: h, service_port: 9000, httpPort: 1, grpcPort: 2 }, envSecretRefName: e, storageInitializerImage: i, replicas: 1, initParameters: x }
    ssl: { certSecretName: c }
    graph:
      name: m
      type: MODEL
      implementation: SKLEARN_SERVER
      methods: [TRANSFORM_INPUT]
      modelUri: gs://x
      serviceAccountName: s
      envSecretRefName: e
      storageInitializerImage: i
      endpoint: { type: REST, service_host: h, service_port: 9000, httpPort: 1, grpcPort: 2 }
      logger: { url: http://x, mode: all }
      parameters: [{ name: method, type: STRING, value: predict }]
      children: [{ name: n, type: TRANSFORMER, children: [] }]
    componentSpecs:
    - metadata: { labels: ${labels}, annotations: ${written}, creationTimestamp: null }
      replicas: 1
      hpaSpec: { minReplicas: 1, maxReplicas: 2, metrics: [] }
      kedaSpec: { minReplicaCount: 1, triggers: [] }
      pdbSpec: { minAvailable: 1 }
      spec: { hostname: h, subdomain: s, nodeName: n, nodeSelector: { a: b }, hostNetwork: true, hostAliases: [], tolerations: [], affinity: {}, serviceAccountName: s, securityContext: {}, terminationGracePeriodSeconds: 20, volumes: [], initContainers: [], imagePullSecrets: [], priorityClassName: p, dnsPolicy: x, containers: [{ name: m, image: i, env: [{ name: A, value: b }], ports: [{ name: http, containerPort: 1 }] }] }
`;

const mapping = `
metadata: { name: a, namespace: p, labels: ${labels}, annotations: ${written}, managedFields: [], creationTimestamp: null }
spec:
  prefix: /x/
  service: x
  hostname: a.example
  labels: { ambassador: [{ group: [{ generic_key: { value: x } }, { request_headers: { key: x, header_name: y } }] }] }
  cors: { origins: [x], methods: [GET], headers: [x], credentials: true, exposed_headers: [x], max_age: "5" }
  load_balancer: { policy: ring_hash, cookie: { name: a, path: /, ttl: 5s } }
  health_checks: [{ health_check: { http: { path: /, hostname: h, expected_statuses: [{ min: 200, max: 201 }] } } }]
  add_request_headers: { x-service: a, X-Host: b, Host: c, x-method: { value: d, append: true } }
  add_response_headers: { x-weight: "1", server: a }
  keepalive: { idle_time: 1, interval: 2, probes: 3 }
  docs: { path: /d, ignored: true, display_name: x, timeout_ms: 5, url: u }
  error_response_overrides: [{ on_status_code: 404, body: { text_format: x, headers: {} } }]
  envoy_override: { weight: 5, method: x }
`;

describe("legitimate keys", () => {
  test("of a SeldonDeployment", () => {
    expect(deploymentKeys.unknownIn(load(seldon) as UnknownRecord)).toEqual([]);
  });

  test("of a Mapping", () => {
    expect(mappingObject.unknownIn(load(mapping) as UnknownRecord)).toEqual([]);
  });

  test.each([
    "clusterIPs: [x]",
    "sessionAffinity: ClientIP",
    "sessionAffinityConfig: {clientIP: {timeoutSeconds: 5}}",
    "loadBalancerSourceRanges: [10.0.0.0/8]",
    `selector: ${labels}`,
  ])("of a Service with %s, nothing is said", (field) => {
    const made = object(
      "Service",
      "prod/other",
      `{metadata: {labels: ${labels}, annotations: ${written}}, spec: {ports: [{port: 80, targetPort: 8000, nodePort: 30000, appProtocol: http}], ${field}}}`,
    );
    expect(problemsOf(translate([made]))).toEqual([]);
  });

  test("of other tools are no Problems of what is served", () => {
    const made = deployment("prod/iris", ["main"], JSON.parse(written) as Record<string, string>);
    expect(problemsOf(translate([made, ...service("prod/iris-main")]))).toEqual([]);
  });
});
