// Problem codes of Services, EndpointSlices, Secrets and names: where requests go.
import { either, error, file, info, mapping, situation, warning, type ProblemEntry } from "./entry.ts";

const service = `
apiVersion: v1
kind: Service
metadata: { name: shop, namespace: models }
spec: { ports: [{ name: http, port: 80 }] }`;

const mappingTo = (to: string): string => `
apiVersion: getambassador.io/v2
kind: Mapping
metadata: { name: shop, namespace: models }
spec: { prefix: /seldon/models/shop/, service: "${to}" }
---${service}`;

const slice = (more: string, endpoint: string): string => `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: shop-1, namespace: models, labels: { kubernetes.io/service-name: shop${more} } }
addressType: IPv4
ports: [{ name: http, port: 8080 }]
endpoints: [${endpoint}]
`;

const managed = ", endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io";

export const backendProblems = {
  "no-such-service": either(
    ["warning", "error", "info"],
    "A Service does not exist. `warning`: it is not among the manifests, so its name is resolved by DNS. `error`: it is not in the cluster, so requests are not sent. `info`: Seldon has not made it yet.",
    file(mappingTo("shopp:80")),
    "Create the Service, or correct its name. For `info`: nothing, if this is a rollout.",
  ),
  "no-such-port": error(
    "The Service has no such port, so requests are not sent to it.",
    file(mappingTo("shop:8080")),
    "Write one of its ports, which the sentence names.",
  ),
  "no-endpoint-slices": warning(
    "Services among the manifests have no EndpointSlice. A gateway that serves these manifests answers 503. `check`, `routes` and `explain` count the Services as ready.",
    file(mappingTo("shop:80")),
    "Export them as well: `kubectl get sdep,svc,endpointslices -n NAMESPACE -o yaml`.",
  ),
  "no-endpoint-port": error(
    "No EndpointSlice of the Service has a port with the name of the Service's port. Requests get 503.",
    file(
      `${mappingTo("shop:80")}\n---${slice(managed, "{ addresses: [10.0.0.1] }").replace("name: http, port: 8080", "name: web, port: 8080")}`,
    ),
    "Give both ports the same name, or correct `targetPort`.",
  ),
  "no-ready-address": info(
    "No EndpointSlice of the Service has a ready address. Requests get 503.",
    situation("The pods of a Service have not started, in a cluster or a folder that a gateway serves."),
    "Nothing, if its pods are starting.",
  ),
  "slice-not-managed": error(
    "No controller of Kubernetes made this EndpointSlice. Sluice does not send requests to its addresses.",
    situation("An EndpointSlice in the cluster was written by hand, or mirrored from an Endpoints object."),
    "Ask the operator of the gateway for a Grant with `endpointSlices: true`.",
  ),
  "address-refused": error(
    "Sluice does not send requests to this address: it is of the gateway, of the node, of the API server, or of another range that no model has.",
    file(
      `${mappingTo("shop:80")}\n---${slice(managed, "{ addresses: [10.0.0.1] }, { addresses: [169.254.169.254] }")}`,
    ),
    "Remove it, or name a Service with other addresses.",
  ),
  "tls-missing": either(
    ["error", "warning"],
    "A Mapping or a predictor asks for TLS by a Secret or a TLSContext that Sluice does not have. Requests are not sent, and never in plain text. `warning`: the Secret is not among the manifests, which are mostly exported without Secrets.",
    mapping("tls: model-ca"),
    "Create the Secret or the TLSContext that the sentence names.",
  ),
  "bad-upstream-certificate": error(
    "TLS to a model has a certificate, key or authorities that cannot be used. Requests to it fail.",
    file(`
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: { name: iris, namespace: models }
spec: { predictors: [{ name: main, graph: { name: m }, ssl: { certSecretName: model-tls } }] }
---
apiVersion: v1
kind: Secret
metadata: { name: model-tls, namespace: models }
stringData:
  tls.crt: "-----BEGIN CERTIFICATE-----\\nbm9uZQ==\\n-----END CERTIFICATE-----"
  tls.key: "-----BEGIN PRIVATE KEY-----\\nbm9uZQ==\\n-----END PRIVATE KEY-----"
`),
    "Write a certificate and its key, or authorities, in PEM.",
  ),
  "dns-failed": either(
    ["error", "warning"],
    "A name cannot be resolved. Requests to it get 503. `warning`: Sluice uses its last addresses.",
    situation("A Mapping names a host outside the cluster, and the DNS server does not answer."),
    "Give the manifests of its Service, or a name that resolves.",
  ),
} as const satisfies Readonly<Record<string, ProblemEntry>>;
