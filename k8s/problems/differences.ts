// Problem codes of what Sluice serves with another outcome than Seldon's operator and Ambassador. The cure restores the same outcome in both.
import { annotation, deployment, either, file, info, mapping, module, platform, type ProblemEntry } from "./entry.ts";

export const differenceProblems = {
  "differs-traffic": info(
    "The writers of Seldon's operator would split the requests otherwise.",
    deployment("spec.predictors[0].traffic: 100\nspec.predictors[1]: { name: b, graph: { name: b } }"),
    "Write the traffic of each predictor so that the sum is 100. The sentence names the numbers for the split of the operator.",
  ),
  "differs-traffic-annotation": info(
    "`sluice.io/traffic` changes the split. Seldon's operator and Ambassador do not read it. `sluice check --back` reports it, too.",
    deployment(
      'spec.predictors[0].traffic: 90\nspec.predictors[1]: { name: b, graph: { name: b }, traffic: 10 }\nmetadata.annotations["sluice.io/traffic"]: "main=50,b=50"',
    ),
    "Write the same numbers into `predictors[].traffic`.",
  ),
  "differs-shadow-traffic": info(
    "A shadow gets copies of another share of the requests than with Seldon's operator.",
    deployment("spec.predictors[1]: { name: next, graph: { name: next }, shadow: true }"),
    "Write the `traffic` that the sentence names for the copies of Ambassador, or keep the one that you want.",
  ),
  "differs-several-shadows": info(
    "Each shadow gets copies. Ambassador sends copies to one shadow only.",
    deployment(
      "spec.predictors[1]: { name: b, graph: { name: b }, shadow: true, traffic: 100 }\nspec.predictors[2]: { name: c, graph: { name: c }, shadow: true, traffic: 100 }",
    ),
    "Remove the other shadows.",
  ),
  "differs-weight": info(
    "`seldon.io/ambassador-weight` holds. Operators since 0.4 do not read it.",
    annotation('seldon.io/ambassador-weight: "10"'),
    "Remove it for the split of the operator.",
  ),
  "differs-shadow": info(
    "`seldon.io/ambassador-shadow` holds, so the SeldonDeployment gets copies. Operators since 1.1 do not read it and gave it live requests.",
    annotation('seldon.io/ambassador-shadow: "true"'),
    "Remove it for live requests.",
  ),
  "differs-ambassador-id": info(
    "`seldon.io/ambassador-id` is a list of ids. The operator took the whole text for one id, which no Ambassador had.",
    annotation("seldon.io/ambassador-id: default,blue"),
    "Write one id.",
  ),
  "differs-read-timeout": info(
    "`seldon.io/rest-read-timeout` or `seldon.io/grpc-read-timeout` holds. Operators since 1.1 do not read it and used 3000 ms.",
    annotation('seldon.io/rest-read-timeout: "5000"'),
    "Remove it for 3000 ms, or write it as `seldon.io/rest-timeout` or `seldon.io/grpc-timeout`.",
  ),
  "differs-grpc-timeout": either(
    ["warning", "info"],
    "gRPC calls have another timeout than with the operator's v2 writer, which gave them that of REST. `warning`: Sluice's is shorter, so calls that were answered are now cut.",
    deployment(
      'metadata.annotations["seldon.io/rest-timeout"]: "10000"\nmetadata.annotations["seldon.io/grpc-timeout"]: "2000"',
    ),
    "Write `seldon.io/grpc-timeout` with the limit that you want.",
  ),
  "differs-retries": info(
    "Sluice retries a request 25 times at most. Envoy retries as often as is written.",
    annotation('seldon.io/ambassador-retries: "40"'),
    "Write a number up to 25.",
  ),
  "differs-header": info(
    "A condition on a header is served as it is written. A writer of the operator reads it otherwise.",
    annotation('seldon.io/ambassador-header: "forwarded: for=1:2"'),
    'Write one `"name: value"` without another colon.',
  ),
  "differs-regex-header": info(
    "`seldon.io/ambassador-regex-header` holds. Operators since 0.4 read `seldon.io/ambassador-header` in its place, or failed on it.",
    annotation('seldon.io/ambassador-regex-header: "version: v.*"'),
    "Remove it for what the operator served.",
  ),
  "differs-breaker-zero": info(
    "A circuit breaker of 0 admits nothing. The operator's v1 writer dropped the 0 and left Ambassador's default.",
    annotation('seldon.io/ambassador-circuit-breakers-max-requests: "0"'),
    "Remove it for the default.",
  ),
  "differs-predictor-tls": info(
    "Requests go to the predictor by TLS. With Ambassador they went in plain text, because the operator named a TLSContext that did not exist.",
    deployment("spec.predictors[0].ssl: { certSecretName: model-ca }"),
    "Remove `ssl` for plain text.",
  ),
  "differs-explainer": info(
    "The explainer of a shadow answers. With Ambassador it answered 404.",
    deployment(
      "spec.predictors[1]: { name: next, graph: { name: next }, shadow: true, traffic: 100, explainer: { type: AnchorTabular } }",
    ),
    "Remove the explainer.",
  ),
  "differs-config": info(
    "`seldon.io/ambassador-config` replaces the paths of Seldon. The operator's v2 writer does not read it and serves those paths.",
    annotation(
      'seldon.io/ambassador-config: "{ apiVersion: ambassador/v1, kind: Mapping, name: iris, prefix: /seldon/models/iris/, service: iris-main:8000 }"',
    ),
    "Remove it for the paths of Seldon.",
  ),
  "differs-deleting": info(
    "The object is being deleted and takes no new requests. With the operator it took them until its Services were gone.",
    deployment('metadata.deletionTimestamp: "2026-01-01T00:00:00Z"'),
    "Nothing.",
  ),
  "differs-document-id": info(
    "A document in `seldon.io/ambassador-config` names no id and has that of its SeldonDeployment. Ambassador gives it the id `default`.",
    deployment(
      'metadata.annotations["seldon.io/ambassador-id"]: blue\nmetadata.annotations["seldon.io/ambassador-config"]: "{ apiVersion: ambassador/v1, kind: Mapping, name: iris, prefix: /seldon/models/iris/, service: iris-main:8000 }"',
      { options: "--ambassador-id blue" },
    ),
    "Write `ambassador_id` in the document.",
  ),
  "differs-api-version": info(
    "Sluice serves `ambassador/v0`. Emissary 2 and later refuse it.",
    annotation(
      'seldon.io/ambassador-config: "{ apiVersion: ambassador/v0, kind: Mapping, name: iris, prefix: /seldon/models/iris/, service: iris-main:8000 }"',
    ),
    "Write `getambassador.io/v2`.",
  ),
  "differs-hostname": info(
    "Sluice serves a Mapping of `v3alpha1` without `hostname` for every host. Emissary serves it for none.",
    file(`
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: { name: iris, namespace: models }
spec: { prefix: /seldon/models/iris/, service: "iris-main:8000" }
`),
    'Write `hostname: "*"`.',
  ),
  "differs-host-port": info(
    "Sluice compares hosts without their port. Ambassador matches only requests that name the port.",
    mapping('host: "models.example.com:8080"'),
    "Write the host without a port.",
  ),
  "differs-redirect-query": info(
    "A redirect holds only for requests with these query parameters. With Ambassador it holds for all.",
    mapping("host_redirect: true\nservice: other.example.com\nquery_parameters: { v: two }"),
    "Remove `query_parameters` for a redirect of all requests.",
  ),
  "differs-retry-on": info(
    "`retry_on` has several words, or words of Envoy. Sluice serves the Mapping, and Ambassador drops it.",
    mapping('retry_policy: { retry_on: "5xx,reset", num_retries: 2 }'),
    "Write one word of Ambassador, for example `5xx`.",
  ),
  "differs-load-balancer": info(
    "Sluice serves a `load_balancer`. Ambassador drops the Mapping unless its `resolver` is `endpoint`.",
    mapping("load_balancer: { policy: round_robin }"),
    "Write `resolver: endpoint`.",
  ),
  "differs-health-check": info(
    "Sluice runs the health checks of a Mapping. Ambassador runs them only with `resolver: endpoint`.",
    mapping("health_checks: [{ health_check: { http: { path: /ready } } }]"),
    "Write `resolver: endpoint`, or remove `health_checks`.",
  ),
  "differs-weight-fraction": info(
    "A weight with a fraction is exact. Ambassador rounds it.",
    mapping("weight: 33.3"),
    "Write a whole number.",
  ),
  "differs-grpc-prefix": info(
    "gRPC calls with the metadata `seldon` or `namespace` go to the deployment that these name, and never to this prefix. With Ambassador the prefix takes those that no deployment takes.",
    mapping("prefix: /seldon.protos.Seldon/\ngrpc: true", {
      grants: "grants:\n  - namespace: models\n    prefixes: [/seldon.protos.]",
    }),
    "Match on the headers `seldon` and `namespace` for the calls of one deployment.",
  ),
  "differs-group": info(
    "Mappings of one prefix differ in `case_sensitive`, `prefix_exact`, `prefix_regex` or the regex flag of a header, so they are Routes of their own. Ambassador takes them for one group, or refuses one.",
    file(`
apiVersion: getambassador.io/v2
kind: Mapping
metadata: { name: a, namespace: models }
spec: { prefix: /seldon/models/iris/, service: "iris-main:8000" }
---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: { name: b, namespace: models }
spec: { prefix: /seldon/models/iris/, service: "iris-next:8000", prefix_exact: true }
`),
    "Write the same flags, or other prefixes.",
  ),
  "differs-per-mapping": info(
    "Mappings share a Route and have different policy. Each keeps its own here. Ambassador gives all of them one, or refuses one.",
    file(`
apiVersion: getambassador.io/v2
kind: Mapping
metadata: { name: a, namespace: models }
spec: { prefix: /seldon/models/iris/, service: "iris-main:8000", weight: 90 }
---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: { name: b, namespace: models }
spec: { prefix: /seldon/models/iris/, service: "iris-next:8000", weight: 10, priority: high }
`),
    "Write the same in all of them.",
  ),
  "differs-two-levels": info(
    "Several SeldonDeployments share a Route. They share the requests first, and then the predictors of each do. Ambassador puts all predictors into one group.",
    file(`
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: { name: iris, namespace: models }
spec: { predictors: [{ name: a, graph: { name: m }, traffic: 50 }, { name: b, graph: { name: m }, traffic: 50 }] }
---
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: { name: next, namespace: models, annotations: { seldon.io/ambassador-service-name: iris, seldon.io/ambassador-weight: "10" } }
spec: { predictors: [{ name: main, graph: { name: m } }] }
`),
    "Write the weights that you want.",
  ),
  "differs-prefix-above": info(
    "A prefix such as `/seldon/` covers other namespaces. Here it takes only paths of its own namespace and of none. With Ambassador it took the paths of the others, too.",
    mapping("prefix: /seldon/"),
    "Write a Mapping for each of those namespaces, with a prefix such as `/seldon/OTHER/`, and ask the operator of the gateway for a Grant with these prefixes. A Grant alone changes nothing.",
  ),
  "differs-module-timeout": info(
    "`cluster_request_timeout_ms` of the Module holds for SeldonDeployments. With Ambassador it did not, because the operator wrote 3000 ms into their Mappings.",
    module("cluster_request_timeout_ms: 10000"),
    "Annotate `seldon.io/rest-timeout` and `seldon.io/grpc-timeout`.",
  ),
  "differs-tls-version": info(
    "Sluice serves TLS 1.2 and 1.3. Clients of older versions get no connection.",
    platform("Host", "tls: { min_tls_version: v1.0 }"),
    "Write `v1.2`.",
  ),
} as const satisfies Readonly<Record<string, ProblemEntry>>;
