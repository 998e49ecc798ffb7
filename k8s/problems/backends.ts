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
  "no-such-port": either(
    ["error", "warning", "info"],
    "A Service or its EndpointSlices do not have the port that requests need. Requests to it get 503, gRPC calls UNAVAILABLE. `warning`: the Service of a predictor or of an explainer has no port for REST. `info`: the Service of a predictor has no port for gRPC.",
    file(mappingTo("shop:8080")),
    "Write a port of the Service, which the sentence names. Name the port of a predictor or an explainer `http`, and that for gRPC `grpc`. For `info`: nothing, if the model does not speak gRPC.",
  ),
  "no-endpoint-slices": warning(
    "Services among the manifests have no EndpointSlice. A gateway that serves these manifests answers 503. `check`, `routes` and `explain` count the Services as ready.",
    file(mappingTo("shop:80")),
    "Export them as well: `kubectl get sdep,svc,endpointslices -n NAMESPACE -o yaml`.",
  ),
  "no-ready-address": info(
    "No EndpointSlice of the Service has a ready address. Requests get 503.",
    situation("The pods of a Service have not started, in a cluster or a folder that a gateway serves."),
    "Nothing, if its pods are starting.",
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
    "A Mapping, a predictor, a Host or a TLSContext names a Secret or a TLSContext that Sluice does not have. Requests are not sent, and never in plain text; hosts have no TLS. `warning`: the Secret is not among the manifests, which are mostly exported without Secrets.",
    mapping("tls: model-ca"),
    "Create the Secret or the TLSContext that the sentence names.",
  ),
  "dns-failed": either(
    ["error", "warning"],
    "A name cannot be resolved. Requests to it get 503. `warning`: Sluice uses its last addresses.",
    situation("A Mapping names a host outside the cluster, and the DNS server does not answer."),
    "Give the manifests of its Service, or a name that resolves.",
  ),
} as const satisfies Readonly<Record<string, ProblemEntry>>;
