// The manifests of the fuzzer: a deployment or a Mapping of each kind that treats requests in its own way, in front of calm and hostile origins.

interface OriginPorts {
  readonly http1: number;
  readonly http2: number;
}

export interface Origins {
  readonly calm: OriginPorts;
  readonly hostile: OriginPorts;
  /** Of HTTP/1.1 alone. */
  readonly dripping: number;
  /** An AuthService of HTTP, which is hostile about `guarded` alone. */
  readonly auth: number;
}

/** Nobody listens there. */
const closedPort = 1;

/** What the gateway asks about its health. */
export const wellPath = "/well";

/** More of the loopback than health checks ask at once in a namespace; hostile origins listen on all of them. */
const manyAddresses = Array.from({ length: 20 }, (_, index) => `127.0.1.${index + 1}`);

function service(name: string, ports: OriginPorts, { namespace = "prod", addresses = ["127.0.0.1"] } = {}): string {
  return `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  clusterIP: 10.0.0.1
  ports: [{ name: http, port: 8000, protocol: TCP }, { name: grpc, port: 5001, protocol: TCP }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: ${name}-1
  namespace: ${namespace}
  labels: { kubernetes.io/service-name: ${name}, endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io }
addressType: IPv4
ports: [{ name: http, port: ${ports.http1}, protocol: TCP }, { name: grpc, port: ${ports.http2}, protocol: TCP }]
endpoints: ${JSON.stringify(addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })))}
---`;
}

function deployment(
  name: string,
  annotations: Readonly<Record<string, string>>,
  ...predictors: readonly string[]
): string {
  return `
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: { name: ${name}, namespace: prod, annotations: ${JSON.stringify(annotations)} }
spec:
  predictors:
${predictors.map((predictor) => `    - { ${predictor}, graph: { name: classifier, implementation: SKLEARN_SERVER } }`).join("\n")}
---`;
}

function wordsOf(word: string): Readonly<Record<string, string>> {
  return {
    "sluice.io/rollout": `step 10% every 1${word}, p99 <= 1${word}`,
    "sluice.io/bandit": word,
    "sluice.io/auth": "none",
    "sluice.io/compare": word,
    "seldon.io/rest-timeout": word,
    [`seldon.io/${word}`]: word,
  };
}

function host(name: string, word: string): string {
  return `
apiVersion: getambassador.io/v2
kind: Host
metadata: { name: ${name}, namespace: prod }
spec: { hostname: ${name}.example, requestPolicy: { insecure: { action: ${word} } }, tls: { min_tls_version: ${word} } }
---`;
}

function mapping(name: string, fields: string, to = "hostile-default.prod:8000"): string {
  return `
apiVersion: getambassador.io/v2
kind: Mapping
metadata: { name: ${name}, namespace: prod }
spec: { prefix: /seldon/prod/${name}/, service: '${to}', ${fields} }
---`;
}

/** Of the gateway's own namespace, in a folder `default`. */
function platform(kind: string, spec: string): string {
  return `
apiVersion: getambassador.io/v2
kind: ${kind}
metadata: { name: the-${kind.toLowerCase()}, namespace: default }
spec: { ${spec} }
---`;
}

/** Nobody is asked about it, and a busy machine is no fault. */
function unguarded(name: string): string {
  return [
    "prefix: /seldon/prod/NAME/",
    "grpc: true\nprefix: /seldon.protos.Seldon/\nrewrite: ''\nheaders: { seldon: NAME, namespace: prod }",
  ]
    .map(
      (match, index) =>
        `apiVersion: getambassador.io/v2\nkind: Mapping\nname: ${name}-${index}\n${match.replaceAll("NAME", name)}\nservice: ${name}-default.prod:${index === 0 ? 8000 : 5001}\ntimeout_ms: 60000\nbypass_auth: true\n`,
    )
    .join("---\n");
}

export function manifestsOf({ calm, hostile, dripping, auth }: Origins): string {
  const single = (name: string, ports: OriginPorts, annotations: Readonly<Record<string, string>> = {}): string =>
    deployment(name, annotations, "name: default") + service(`${name}-default`, ports);
  return [
    single("iris", calm),
    single("canary", calm, { "seldon.io/ambassador-config": unguarded("canary") }),
    single("guarded", calm),
    service("many-default", hostile, { addresses: manyAddresses }),
    service("auth", { http1: auth, http2: closedPort }, { namespace: "default" }),
    platform("AuthService", "auth_service: 'auth:8000', timeout_ms: 300"),
    service("limits", { http1: closedPort, http2: hostile.http2 }, { namespace: "default" }),
    platform("RateLimitService", "service: 'limits:5001', timeout_ms: 300, failure_mode_deny: true"),
    mapping(
      "rated",
      "labels: { ambassador: [{ all: [{ generic_key: { value: heavy } }] }] }",
      "iris-default.prod:8000",
    ),
    ...["many", "iris"].map((name) =>
      mapping(
        `asked-${name}`,
        `health_checks: [{ interval: 0.2s, timeout: 0.5s, health_check: { http: { path: ${wellPath} } } }]`,
        `${name}-default.prod:8000`,
      ),
    ),
    single("hostile", hostile),
    single("dripping", { http1: dripping, http2: closedPort }, { "seldon.io/rest-timeout": "60000" }),
    single("closed", { http1: closedPort, http2: closedPort }),
    single("retried", hostile, { "seldon.io/ambassador-retries": "2", "seldon.io/rest-timeout": "300" }),
    deployment("shadowed", {}, "name: main, traffic: 100", "name: copy, shadow: true"),
    service("shadowed-main", calm),
    service("shadowed-copy", hostile),
    // Words that a plain object knows by itself, where people write.
    deployment(
      "constructor",
      wordsOf("constructor"),
      "name: constructor, traffic: 100",
      "name: tostring, shadow: true",
    ),
    service("constructor-constructor", calm),
    service("constructor-tostring", calm),
    ...["constructor", "__proto__", "toString", "valueOf", "hasOwnProperty"].flatMap((word, index) => [
      deployment(`word-${index}`, wordsOf(word), "name: default"),
      service(`word-${index}-default`, calm),
      mapping(
        `words-${index}`,
        `method: ${word}, headers: { ${word}: ${word} }, query_parameters: { ${word}: true }, retry_policy: { retry_on: ${word} }, load_balancer: { policy: ${word} }, ${word}: 1, add_request_headers: { ${word}: ${word} }, cors: { origins: ${word} }`,
      ),
      host(`host-${index}`, word),
    ]),
    mapping(
      "cors",
      'cors: { origins: [http://page.example], methods: [POST], headers: [x-a], credentials: true, max_age: "60" }',
    ),
    mapping("redirect", "host_redirect: true, path_redirect: /there"),
    mapping("socket", "allow_upgrade: [websocket]"),
    mapping("regex", "regex_rewrite: { pattern: '/seldon/prod/regex/(.*)/c', substitution: '/got/\\1' }"),
    mapping(
      "edited",
      'add_request_headers: { x-added: "%REQ(:path)%" }, remove_request_headers: [cookie], add_response_headers: { x-out: "1" }',
    ),
    mapping(
      "limited",
      "circuit_breakers: [{ max_connections: 2, max_pending_requests: 2, max_requests: 4 }], timeout_ms: 200, retry_policy: { retry_on: 5xx, num_retries: 2 }",
    ),
  ].join("");
}
