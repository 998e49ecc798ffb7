import { describe, expect, test } from "vitest";
import { isAuthority } from "../../../../gateway/edge/fields/authority.ts";
import { GRPC_PATTERN } from "../../../../routing/model/match.ts";
import type { Mapping } from "../../../../routing/model/mapping.ts";
import { isDifference } from "../../../../routing/text/problem.ts";
import {
  codesOf,
  deployment,
  faultsOf,
  noGrant,
  object,
  problemsOf,
  reportedOf,
  service,
  translate,
  clusterSettings,
} from "../objects.ts";
import type { Translation } from "../../../../k8s/translate/model/translation.ts";
import { Translator } from "../../../../k8s/translate/translator.ts";

/** The one Mapping that a Mapping object `prod/m` with these fields becomes in its own or shared space. */
function mappingOf(fields: string, settings: Parameters<typeof translate>[1] = {}): Mapping | undefined {
  return translate(
    [
      object("Mapping", "prod/m", `spec:\n  prefix: /m/\n  service: model\n${fields.replaceAll(/^/gm, "  ")}`),
      ...service("prod/model"),
    ],
    settings,
  ).mappings.get("Mapping prod/m");
}

function targetOf(fields: string): Readonly<Record<string, unknown>> {
  return mappingOf(fields)!.target as unknown as Readonly<Record<string, unknown>>;
}

const settings = clusterSettings;

describe("fields of a raw Mapping", () => {
  test.each([
    ["rewrite, the default", "", { rewrite: { kind: "prefix", with: "/" } }],
    ['rewrite ""', 'rewrite: ""', { rewrite: { kind: "none" } }],
    ["rewrite", "rewrite: /v1/", { rewrite: { kind: "prefix", with: "/v1/" } }],
    [
      "regex_rewrite",
      "regex_rewrite: {pattern: '/a/(.*)', substitution: '/\\1'}",
      { rewrite: { kind: "regex", pattern: "/a/(.*)", substitution: "/\\1" } },
    ],
    ["host_rewrite", "host_rewrite: a.example.com", { hostRewrite: { kind: "literal", host: "a.example.com" } }],
    ["auto_host_rewrite", "auto_host_rewrite: true", { hostRewrite: { kind: "upstream" } }],
    ["timeout_ms", "timeout_ms: 1234", { timeout: { ms: 1234, setBy: "timeout_ms of Mapping prod/m" } }],
    ["timeout_ms 0", "timeout_ms: 0", { timeout: { ms: 0, setBy: "timeout_ms of Mapping prod/m" } }],
    ["idle_timeout_ms", "idle_timeout_ms: 7", { idleTimeout: { ms: 7, setBy: "idle_timeout_ms of Mapping prod/m" } }],
    [
      "add_request_headers, both shapes",
      "add_request_headers: {X-A: 1, x-b: {value: two, append: false}}",
      {
        requestHeaders: {
          remove: [],
          add: [
            { name: "x-a", value: "1", append: true },
            { name: "x-b", value: "two", append: false },
          ],
        },
      },
    ],
    [
      "remove_response_headers as text",
      "remove_response_headers: X-A",
      { responseHeaders: { remove: ["x-a"], add: [] } },
    ],
    [
      "retry_policy by gRPC statuses",
      'retry_policy: {retry_on: "unavailable, reset"}',
      { retry: { retryOn: ["unavailable", "reset"], numRetries: 1, perTryTimeoutMs: null } },
    ],
    [
      "retry_policy",
      "retry_policy: {retry_on: 5xx, num_retries: 4, per_try_timeout: 1.5s}",
      { retry: { retryOn: ["5xx"], numRetries: 4, perTryTimeoutMs: 1500 } },
    ],
    [
      "load_balancer",
      "load_balancer: {policy: ring_hash, header: X-User}",
      { loadBalancer: { kind: "hash", policy: "ring_hash", on: { kind: "header", name: "x-user" } } },
    ],
    [
      "load_balancer with a cookie",
      "load_balancer: {policy: maglev, cookie: {name: c, ttl: 60s, path: /}}",
      { loadBalancer: { kind: "hash", policy: "maglev", on: { kind: "cookie", name: "c", ttlMs: 60000, path: "/" } } },
    ],
    [
      "cors",
      'cors: {origins: "a,b", methods: [GET, POST], credentials: true, max_age: 60}',
      {
        cors: {
          origins: ["a", "b"],
          methods: "GET, POST",
          headers: "",
          exposedHeaders: "",
          credentials: true,
          maxAge: "60",
        },
      },
    ],
    ["allow_upgrade and use_websocket", "allow_upgrade: [WebSocket]\nuse_websocket: true", { upgrades: ["websocket"] }],
    [
      "bypass_auth, labels",
      "bypass_auth: true\nlabels: {ambassador: [{g: [remote_address]}]}\nauth_context_extensions: {a: b}",
      {
        externalPolicy: {
          bypassAuth: true,
          authContextExtensions: { a: "b" },
          labels: [{ domain: "ambassador", labels: [{ kind: "remote-address" }] }],
        },
      },
    ],
    ["priority", "priority: high", { priority: "high" }],
    ["resolver", "resolver: kubernetes-service", { dialService: true }],
  ])("%s", (_name, fields, expected) => {
    expect(targetOf(fields)).toMatchObject(expected);
  });

  test.each([
    [
      "headers",
      'headers: {X-A: b, x-c: true}\nregex_headers: {x-e: "f.*"}',
      {
        headers: [
          { name: "x-a", value: { kind: "exact", value: "b" } },
          { name: "x-c", value: { kind: "present" } },
          { name: "x-e", value: { kind: "regex", pattern: "f.*" } },
        ],
      },
    ],
    [
      "query_parameters",
      'query_parameters: {A: b, c: true}\nregex_query_parameters: {d: "e+"}',
      {
        query: [
          { name: "A", value: { kind: "exact", value: "b" } },
          { name: "c", value: { kind: "present" } },
          { name: "d", value: { kind: "regex", pattern: "e+" } },
        ],
      },
    ],
    ["method", "method: GET", { method: { kind: "exact", value: "GET" } }],
    ["method_regex", 'method: "GET|POST"\nmethod_regex: true', { method: { kind: "regex", pattern: "GET|POST" } }],
    [
      ":authority and :method as headers",
      'headers: {":authority": A.example.com:80, ":method": PUT}',
      { host: { kind: "exact", host: "a.example.com" }, method: { kind: "exact", value: "PUT" }, headers: [] },
    ],
    ["host", "host: foo.com", { host: { kind: "exact", host: "foo.com" } }],
    ["host_regex", 'host: "foo.*"\nhost_regex: true', { host: { kind: "regex", pattern: "foo.*" } }],
    ["hostname before host", 'hostname: "*.foo.com"\nhost: bar.com', { host: { kind: "suffix", suffix: ".foo.com" } }],
    ["hostname with a trailing star", 'hostname: "foo.*"', { host: { kind: "prefix", prefix: "foo." } }],
    ["hostname *", 'hostname: "*"', { host: { kind: "any" } }],
    ["prefix_exact", "prefix_exact: true", { path: { kind: "exact", path: "/m/", caseSensitive: true } }],
    ["case_sensitive", "case_sensitive: false", { path: { kind: "prefix", prefix: "/m/", caseSensitive: false } }],
  ])("%s", (_name, fields, expected) => {
    expect(mappingOf(fields)!.match).toMatchObject(expected);
  });

  test.each([
    "münchen.example",
    "*.münchen.example",
    "https://a.example",
    "a.example/x",
    "me@a.example",
    "a.example,b.example",
    "a%2eb",
    "a b",
    "模.example",
    "a:b",
    "a.example:",
    "::1",
    "a[b]",
    "[::1",
    "[x]",
  ])("the host %s is said to be none that a request can name", (host) => {
    for (const fields of [`hostname: ${JSON.stringify(host)}`, `headers: { ":authority": ${JSON.stringify(host)} }`]) {
      const translation = translate([
        object("Mapping", "prod/m", `spec: { prefix: /m/, service: model, ${fields} }`),
        ...service("prod/model"),
      ]);
      expect(translation.mappings.size).toBe(0);
      expect(translation.problems.find(({ code }) => code === "bad-value")?.sentence).toMatch(
        /^no request can name the host /,
      );
    }
  });

  test("a host may have what the authority of a request may have, and nothing else", () => {
    const differ = Array.from({ length: 256 }, (_, byte) => `a${String.fromCharCode(byte)}b`).filter((host) => {
      // A star is a glob; what follows a colon is a port.
      if (/[*:[\]]/.test(host)) return false;
      return (
        (mappingOf(`hostname: ${JSON.stringify(host)}`) !== undefined) !==
        isAuthority(Buffer.from(host), 0, Buffer.byteLength(host))
      );
    });
    expect(differ).toEqual([]);
    for (const glob of ["[fe80:*", "*:1]"]) expect(mappingOf(`hostname: ${JSON.stringify(glob)}`)).toBeDefined();
    for (const host of ["[::1]", "[::1]:80", "[FE80::1.2.3.4]", "a.example:80", "xn--mnchen-3ya.example"])
      expect([host, mappingOf(`hostname: ${JSON.stringify(host)}`)?.match.host.kind]).toEqual([host, "exact"]);
  });

  test.each([
    ["/m/模型/x%20y/", "/m/%E6%A8%A1%E5%9E%8B/x%20y/"],
    ["/m/\ud800/", "/m/%EF%BF%BD/"],
  ])("of the prefix %j it is said how clients send it", (prefix, escaped) => {
    for (const fields of ["", ", prefix_exact: true"]) {
      const translation = translate([
        object("Mapping", "prod/m", `spec: { prefix: ${JSON.stringify(prefix)}, service: model${fields} }`),
        ...service("prod/model"),
      ]);
      expect(translation.mappings.size).toBe(1);
      expect(translation.problems.filter(({ code }) => code === "unescaped-prefix")).toMatchObject([
        { level: "warning", field: "spec.prefix", sentence: expect.stringContaining(`; write "${escaped}"`) as string },
      ]);
    }
  });

  test.each(["/m/../x/", "/m/./x", "/m/%2E%2e/x", "/m/.%2e/", "/m/%00/x"])(
    "the prefix %s matches no canonical path",
    (prefix) => {
      const translation = translate([
        object("Mapping", "prod/m", `spec: { prefix: ${prefix}, service: model }`),
        ...service("prod/model"),
      ]);
      expect([translation.mappings.size, codesOf(translation)]).toEqual([
        0,
        expect.arrayContaining(["error bad-value"]),
      ]);
    },
  );

  test.each(["/m/..", "/m/.", "/m/..a/", "/m/a%2e%2e/"])(
    "the prefix %s matches some, and as a whole path only where it is one",
    (prefix) => {
      const found = (fields: string): number =>
        translate([
          object("Mapping", "prod/m", `spec: { prefix: ${prefix}, service: model${fields} }`),
          ...service("prod/model"),
        ]).mappings.size;
      expect([found(""), found(", prefix_exact: true")]).toEqual([1, /\/\.+$/.test(prefix) ? 0 : 1]);
    },
  );

  test("limits of the Upstream are part of it and of its key", () => {
    const translation = translate([
      object(
        "Mapping",
        "prod/m",
        "spec: {prefix: /m/, service: model, connect_timeout_ms: 500, cluster_idle_timeout_ms: 9, circuit_breakers: [{max_requests: 7}]}",
      ),
    ]);
    expect([...translation.upstreams.values()][0]).toMatchObject({
      key: "service prod/model:80 http1 connect=500 idle=9 breaker=default/1024/1024/7/3",
      connectTimeoutMs: 500,
      idleTimeoutMs: 9,
      breakers: [
        { priority: "default", maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 7, maxRetries: 3 },
      ],
    });
  });

  test.each([
    ["shadow", "shadow: true\nweight: 10", { kind: "shadow", percent: 10 }],
    ["shadow without weight", "shadow: true", { kind: "shadow", percent: 100 }],
    ["weight", "weight: 30", { kind: "live", weight: 30, share: 1 }],
    ["no weight", "", { kind: "live", weight: null, share: 1 }],
  ])("%s", (_name, fields, role) => {
    expect(mappingOf(fields)!.role).toEqual(role);
  });

  test.each([
    ["host_redirect: true\nservice: new.example.com", { host: "new.example.com", code: 301, path: { kind: "keep" } }],
    [
      "host_redirect: true\npath_redirect: /x\nredirect_response_code: 308",
      { code: 308, path: { kind: "path", path: "/x" } },
    ],
    ["host_redirect: true\nprefix_redirect: /x/", { path: { kind: "prefix", with: "/x/" } }],
    [
      "host_redirect: true\nregex_redirect: {pattern: '/a', substitution: /b}\nredirect_response_code: 999",
      { code: 301, path: { kind: "regex", pattern: "/a", substitution: "/b" } },
    ],
  ])("redirect %s", (fields, expected) => {
    const translation = translate([
      object(
        "Mapping",
        "prod/m",
        `spec:\n  prefix: /m/\n  service: x\n${fields.replaceAll(/^/gm, "  ")}`.replace(
          "  service: x\n  host_redirect: true\n  service",
          "  host_redirect: true\n  service",
        ),
      ),
    ]);
    expect(translation.mappings.get("Mapping prod/m")!.target).toMatchObject({ kind: "redirect", ...expected });
  });

  test.each(["num_retries: -1", "num_retries: many", "per_try_timeout: soon", "per_try_timeout: 0"])(
    "retry_policy with %s: the rest holds, with a Problem",
    (wrong) => {
      const translation = translate([
        object("Mapping", "prod/m", `spec: {prefix: /m/, service: model, retry_policy: {retry_on: 5xx, ${wrong}}}`),
        ...service("prod/model"),
      ]);
      expect(translation.mappings.get("Mapping prod/m")!.target).toMatchObject({
        retry: { retryOn: ["5xx"], numRetries: 1, perTryTimeoutMs: null },
      });
      expect(reportedOf(translation)).toMatchObject([
        { level: "warning", code: "bad-value", field: "spec.retry_policy" },
      ]);
    },
  );

  test("an upgrade to another protocol than WebSocket is not offered, with a Problem", () => {
    const translation = translate([
      object("Mapping", "prod/m", "spec: {prefix: /m/, service: model, allow_upgrade: [websocket, spdy/3.1]}"),
      ...service("prod/model"),
    ]);
    expect(translation.mappings.get("Mapping prod/m")!.target).toMatchObject({ upgrades: ["websocket"] });
    expect(reportedOf(translation)).toMatchObject([
      { level: "warning", code: "bad-value", field: "spec.allow_upgrade" },
    ]);
  });

  test("what steers services that the gateway does not have is no Problem, unless it cannot be read", () => {
    const given = (bypass: string): ReturnType<typeof translate> =>
      translate([
        object(
          "Mapping",
          "prod/m",
          `spec: {prefix: /m/, service: model, labels: {}, rate_limits: [], bypass_auth: ${bypass}, auth_context_extensions: {}}`,
        ),
        ...service("prod/model"),
      ]);
    expect(reportedOf(given("true"))).toEqual([]);
    expect(reportedOf(given("maybe"))).toMatchObject([
      { level: "warning", code: "bad-value", field: "spec.bypass_auth" },
    ]);
  });

  test.each([
    ['cors: {origins: "https://a.example, https://b.example", methods: [GET, POST], max_age: 600}', []],
    ['cors: {origins: ["*"], headers: "x-a\\r\\nx-b: 1"}', ["spec.cors"]],
    ["cors: {methods: GET}", ["spec.cors"]],
    ['cors: {origins: ["https://*.example.com"]}', ["spec.cors"]],
    ["cors: {origins: console.example}", ["spec.cors"]],
    ['cors: {origins: "https://console.example/"}', ["spec.cors"]],
    ['cors: {origins: "https://Console.example"}', ["spec.cors"]],
    ['cors: {origins: ["https://a.example:8443", "http://[::1]:80000", "null"]}', ["spec.cors"]],
    ['cors: {origins: ["https://a.example:8443", "http://[::1]:3000", "capacitor://localhost", "null"]}', []],
    ['cors: {origins: "*", methods: post}', ["spec.cors"]],
    ['cors: {origins: ["*"], max_age: soon}', ["spec.cors"]],
    [`cors: {origins: [${Array.from({ length: 64 }, (_, index) => `"https://o${index}"`).join(", ")}]}`, []],
    [`cors: {origins: [${Array.from({ length: 65 }, (_, index) => `"https://o${index}"`).join(", ")}]}`, ["spec.cors"]],
    [`cors: {origins: ["*"], headers: "${"h".repeat(1024)}"}`, []],
    [`cors: {origins: ["*"], headers: "${"h".repeat(1025)}"}`, ["spec.cors"]],
    ['add_request_headers: {x-a: "%PROTOCOL%", x-b: "100%%"}', []],
    ['add_response_headers: {x-a: "%REQ(a)%"}', ["spec.add_response_headers"]],
  ])("%.60s", (field, problems) => {
    const translation = translate([
      object("Mapping", "prod/m", `spec: {prefix: /m/, service: model, ${field}}`),
      ...service("prod/model"),
    ]);
    expect(translation.mappings.size).toBe(1);
    expect(
      reportedOf(translation)
        .filter((problem) => !isDifference(problem))
        .map((problem) => `${problem.code} ${problem.field}`),
    ).toEqual(problems.map((name) => `bad-value ${name}`));
  });

  test.each([
    ["/[a-z]*/api/", true],
    ["/api/.*", true],
    ["/(a|b)/", true],
    ["/v[1-3]/", true],
    ["/a(b)*c/", true],
    ["/v1.2/x+y/", false],
    ["/odata/Products(1)/", false],
    ["/*/~u/$a", false],
  ])("prefix %s: looks like a regex %j, and is served as written", (prefix, looks) => {
    const given = (more: string): Translation =>
      translate(
        [
          object(
            "Mapping",
            "prod/m",
            JSON.stringify({ spec: { prefix, service: "model", prefix_regex: more === "true" } }),
          ),
          ...service("prod/model"),
        ],
        { grants: [{ ...noGrant, namespace: "prod", prefixes: ["/"], regex: true }] },
      );
    const warned = (translation: Translation): readonly string[] =>
      reportedOf(translation).flatMap(({ code, field }) => (field === "spec.prefix" ? [code] : []));
    expect(given("").mappings.size).toBe(1);
    expect([warned(given("")), warned(given("true"))]).toEqual([looks ? ["bad-value"] : [], []]);
  });

  const check = (http: string, more = ""): string =>
    `health_checks: [{health_check: {http: {path: /ready${http}}}${more}}]`;
  const checkOf = (fields: string): unknown =>
    [
      ...translate([
        object("Mapping", "prod/m", `spec: {prefix: /m/, service: model, ${fields}}`),
        ...service("prod/model"),
      ]).upstreams.values(),
    ][0]!.healthCheck;

  test("health_checks: what is written, and the defaults of Ambassador", () => {
    const http = { kind: "http", path: "/ready", host: null, headers: [], statuses: [[200, 200]] };
    expect(checkOf(check(""))).toEqual({
      intervalMs: 5000,
      timeoutMs: 3000,
      unhealthyThreshold: 2,
      healthyThreshold: 1,
      probe: http,
    });
    expect(
      checkOf(
        check(
          ", hostname: a.b, add_request_headers: {X-A: 1, x-b: {value: two, append: true}}, expected_statuses: [{min: 200, max: 204}, {min: 301, max: 301}]",
          ", interval: 1m, timeout: 250ms, unhealthy_threshold: 4, healthy_threshold: 3",
        ),
      ),
    ).toEqual({
      intervalMs: 60_000,
      timeoutMs: 250,
      unhealthyThreshold: 4,
      healthyThreshold: 3,
      probe: {
        ...http,
        host: "a.b",
        headers: [
          ["x-a", "1"],
          ["x-b", "two"],
        ],
        statuses: [
          [200, 204],
          [301, 301],
        ],
      },
    });
    expect(
      checkOf("grpc: true, health_checks: [{health_check: {grpc: {upstream_name: my.Model, authority: m.example}}}]"),
    ).toMatchObject({ probe: { kind: "grpc", service: "my.Model", authority: "m.example" } });
  });

  test.each([
    [check(""), []],
    [check("", ", interval: 1s, timeout: 10ms, unhealthy_threshold: 1, healthy_threshold: 100"), []],
    [check("", ", interval: 999ms"), ["health_checks"]],
    [check("", ", timeout: 9ms"), ["health_checks"]],
    [check("", ", timeout: 61s"), ["health_checks"]],
    [check("", ", unhealthy_threshold: 0, healthy_threshold: 101"), ["health_checks", "health_checks"]],
    [check(" x"), ["health_checks"]],
    [check("x".repeat(1018)), []],
    [check("x".repeat(1019)), ["health_checks"]],
    [check(", expected_statuses: [{min: 99, max: 600}]"), ["health_checks"]],
    [
      check(', add_request_headers: {Host: a, "x y": b, x-c: "d\\ne"}'),
      ["health_checks", "health_checks", "health_checks"],
    ],
    [check(', hostname: "a b"'), ["health_checks"]],
    ["health_checks: [{health_check: {grpc: {}}}]", ["health_checks"]],
    ["health_checks: [{health_check: {http: {path: /}, grpc: {}}}]", ["health_checks"]],
    ["health_checks: [{}]", ["health_checks"]],
    ["load_balancer: {policy: maglev, source_ip: true}", []],
    ["load_balancer: {policy: fastest}", ["load_balancer"]],
    ["load_balancer: {policy: ring_hash}", ["load_balancer"]],
    ["load_balancer: {policy: ring_hash, source_ip: true, header: x}", ["load_balancer"]],
    ['load_balancer: {policy: ring_hash, header: "x y"}', ["load_balancer"]],
    ['load_balancer: {policy: ring_hash, cookie: {name: "a=b"}}', ["load_balancer"]],
    ["load_balancer: {policy: ring_hash, cookie: {name: a, ttl: soon}}", ["load_balancer"]],
    ['load_balancer: {policy: ring_hash, cookie: {name: a, path: "/;b"}}', ["load_balancer"]],
    [
      "circuit_breakers: [{priority: low}, {max_requests: -1}, {max_retries: 0, priority: high}]",
      ["circuit_breakers", "circuit_breakers"],
    ],
    [`circuit_breakers: [${Array.from({ length: 8 }, () => "{}").join(", ")}]`, []],
    [`circuit_breakers: [${Array.from({ length: 9 }, () => "{}").join(", ")}]`, ["circuit_breakers"]],
  ])("%.90s", (field, problems) => {
    const translation = translate([
      object("Mapping", "prod/m", `spec: {prefix: /m/, service: model, ${field}}`),
      ...service("prod/model"),
    ]);
    expect(translation.mappings.size).toBe(1);
    expect(
      reportedOf(translation)
        .filter((problem) => !isDifference(problem))
        .map((problem) => `${problem.code} ${problem.field}`),
    ).toEqual(problems.map((name) => `bad-value spec.${name}`));
  });

  test("unknown and lost fields are Problems and the rest holds", () => {
    const translation = translate([
      object("Mapping", "prod/m", "spec: {prefix: /m/, service: model, timeout: 5, keepalive: {}, timeout_ms: soon}"),
      ...service("prod/model"),
    ]);
    expect(translation.mappings.size).toBe(1);
    expect(reportedOf(translation).map(({ code, field }) => `${code} ${field}`)).toEqual([
      "field-lost spec.keepalive",
      "unknown-field spec.timeout",
      "bad-value spec.timeout_ms",
    ]);
  });

  test("headers that frame a message cannot be edited", () => {
    expect(
      targetOf('add_request_headers: {Content-Length: 3, x: "a\\nb"}\nremove_request_headers: [host, x-y]')[
        "requestHeaders"
      ],
    ).toEqual({ remove: ["x-y"], add: [] });
  });
});

describe("documents", () => {
  test("a document named as another has its part in the own space is a Mapping of its own", () => {
    const text = ["m", "m own", '"m own"']
      .map((name, index) =>
        JSON.stringify({
          apiVersion: "getambassador.io/v2",
          kind: "Mapping",
          name,
          prefix: ["/", "/x/", "/y/"][index],
          service: "x",
        }),
      )
      .join("\n---\n");
    const paths = [
      ...translate([deployment("prod/iris", ["main"], { "seldon.io/ambassador-config": text })]).mappings,
    ].map(([id, { match, space }]) => [id, match.path, space]);
    expect(paths.map(([id]) => id)).toEqual([
      "SeldonDeployment prod/iris config m",
      "SeldonDeployment prod/iris config m own",
      'SeldonDeployment prod/iris config "m own"',
      'SeldonDeployment prod/iris config "\\"m own\\""',
    ]);
    expect(new Set(paths.map((path) => JSON.stringify(path))).size).toBe(4);
  });

  const config = (text: string, annotations = {}): ReturnType<typeof deployment> =>
    deployment("prod/iris", ["main"], { "seldon.io/ambassador-config": text, ...annotations });
  const document = (name: string, more = ""): string =>
    `---\napiVersion: ambassador/v1\nkind: Mapping\nname: ${name}\nprefix: /${name}/\nservice: iris-main:8000\n${more}`;

  test("replace everything that Sluice would make", () => {
    const translation = translate([config(document("a") + document("b")), ...service("prod/iris-main")]);
    expect([...translation.mappings.keys()]).toEqual([
      "SeldonDeployment prod/iris config a",
      "SeldonDeployment prod/iris config b",
    ]);
    expect(translation.mappings.get("SeldonDeployment prod/iris config a")).toMatchObject({
      space: null,
      member: "SeldonDeployment prod/iris config a",
      target: { upstream: "service prod/iris-main:8000 http1" },
    });
  });

  test.each([
    "ambassador/v0",
    "ambassador/v1",
    "ambassador/v2",
    "getambassador.io/v1",
    "getambassador.io/v2",
    "getambassador.io/v3alpha1",
  ])("apiVersion %s", (version) => {
    expect(translate([config(document("a").replace("ambassador/v1", version))]).mappings.size).toBe(1);
  });

  test("shaped like a Kubernetes object", () => {
    const text = "apiVersion: getambassador.io/v2\nkind: Mapping\nmetadata: {name: a}\nspec: {prefix: /a/, service: x}";
    expect([...translate([config(text)]).mappings.keys()]).toEqual(["SeldonDeployment prod/iris config a"]);
  });

  test("equal ones collapse; of different ones with one name the last counts, with a Problem", () => {
    expect(faultsOf(translate([config(document("a") + document("a"))]))).toEqual([]);
    const differing = translate([config(document("a", "weight: 1\n") + document("a", "weight: 2\n"))]);
    expect(faultsOf(differing)).toEqual(["error declared-twice"]);
    expect(differing.mappings.get("SeldonDeployment prod/iris config a")).toMatchObject({ role: { weight: 2 } });
  });

  test.each(["Listener", "TracingService", "LogService", "TCPMapping", "DevPortal", "RateLimit", "Filter"])(
    "%s is a Problem that names what is lost",
    (kind) => {
      expect(faultsOf(translate([config(document("a") + document("x").replace("Mapping", kind))]))).toEqual([
        "warning kind-not-served",
      ]);
    },
  );

  test("an object with a kind that Ambassador does not have is not valid", () => {
    const made = translate([config(document("a") + document("x").replace("Mapping", "Mappin"))]);
    expect([faultsOf(made), made.mappings.size]).toEqual([["error unknown-kind"], 0]);
    const other = config(document("a") + document("x", "ambassador_id: other\n").replace("Mapping", "Mappin"));
    expect(translate([other]).mappings.size).toBe(1);
  });

  test("who may call stays when the kind that says it is misspelt", () => {
    const text = (kind: string): string =>
      `${document("a")}---\napiVersion: getambassador.io/v2\nkind: ${kind}\nname: auth\nauth_service: "auth:3000"\n`;
    const configured = (kind: string): ReturnType<typeof object> =>
      object("Service", "ops/s", `metadata: {annotations: {getambassador.io/config: ${JSON.stringify(text(kind))}}}`);
    const made = new Translator({ ...clusterSettings, gatewayNamespace: "ops" });
    made.apply({ set: [configured("AuthService")], removed: [] });
    const { auth } = made.current().settings.external;
    expect(auth.kind).toBe("service");
    for (const kind of ["AuthServic", "authservice", "Surprise"]) {
      made.apply({ set: [configured(kind)], removed: [] });
      expect(made.current().settings.external.auth).toEqual(auth);
      expect(made.current().mappings.size).toBe(1);
      expect(faultsOf(made.current())).toEqual(["error bad-document", "error unknown-kind"]);
    }
  });

  test.each([
    ["", ["default"], true],
    ["ambassador_id: mine\n", ["mine"], true],
    ["ambassador_id: [a, mine]\n", ["mine"], true],
    ["ambassadorId: mine\n", ["mine"], true],
    ["ambassador_id: mine\n", ["default"], false],
    ["ambassador_id: [--apiVersion-v3alpha1-only--mine]\n", ["mine"], true],
  ])("%j for %j", (more, ambassadorIds, exists) => {
    expect(translate([config(document("a", more))], { ambassadorIds }).mappings.size > 0).toBe(exists);
  });

  test.each([
    ['"1234…"', "error bad-document"],
    ["a: [", "error bad-yaml"],
    ["a: &x 1\nb: *x", "error bad-yaml"],
    ["x: ".repeat(70_000), "error bad-yaml"],
  ])("%.20s serves nothing", (text, code) => {
    const translation = translate([config(text)]);
    expect(translation.mappings.size).toBe(0);
    expect(faultsOf(translation)).toEqual([code]);
  });

  test("an invalid document keeps the last good form of all", () => {
    const translator = new Translator(settings);
    translator.apply({ set: [config(document("a", "weight: 1\n") + document("b", "weight: 1\n"))], removed: [] });
    const weights = (): readonly unknown[] =>
      [...translator.current().mappings.values()].map(({ role }) => (role.kind === "live" ? role.weight : null));
    translator.apply({
      set: [config(document("a", "weight: 2\n").replace("prefix: /a/", "prefix: a") + document("b", "weight: 2\n"))],
      removed: [],
    });
    expect(weights()).toEqual([1, 1]);
    expect(faultsOf(translator.current())).toEqual(["error bad-document", "error bad-value"]);
    translator.apply({ set: [config("{")], removed: [] });
    expect(weights()).toEqual([1, 1]);
    translator.apply({ set: [config(document("a", "weight: 3\n"))], removed: [] });
    expect(weights()).toEqual([3]);
    expect(faultsOf(translator.current())).toEqual([]);
  });

  test("on Services, except those that Seldon’s operator derives from an SD", () => {
    const annotated = (owner: object): ReturnType<typeof object> =>
      object(
        "Service",
        "prod/s",
        JSON.stringify({ metadata: { ...owner, annotations: { "getambassador.io/config": document("a") } } }),
      );
    expect([...translate([annotated({})]).mappings.keys()]).toEqual(["Service prod/s config a"]);
    expect(
      translate([annotated({ ownerReferences: [{ kind: "SeldonDeployment", name: "iris" }] })]).mappings.size,
    ).toBe(0);
    expect(translate([annotated({ labels: { "seldon-deployment-id": "iris" } })]).mappings.size).toBe(0);
    expect(translate([annotated({})], { mappings: false }).mappings.size).toBe(0);
  });

  test("the same for Mapping objects", () => {
    const given = (owner: string): ReturnType<typeof object> =>
      object("Mapping", "prod/m", `metadata: {${owner}}\nspec: {prefix: /m/, service: x}`);
    expect(translate([given("")]).mappings.size).toBe(1);
    expect(translate([given("ownerReferences: [{kind: SeldonDeployment, name: iris}]")]).mappings.size).toBe(0);
  });

  test("what Seldon 1.18 writes for gRPC is matched by metadata", () => {
    const given = object(
      "Mapping",
      "prod/m",
      `spec: {prefix: "${GRPC_PATTERN}", prefix_regex: true, grpc: true, rewrite: "", headers: {seldon: iris, namespace: prod}, service: "iris-main.prod:5001"}`,
    );
    expect(translate([given]).mappings.get("Mapping prod/m")).toMatchObject({
      space: "prod",
      match: { path: { kind: "grpc" } },
      target: { rewrite: { kind: "none" }, upstream: "service prod/iris-main:5001 http2" },
    });
  });
});

describe("reach of a raw Mapping", () => {
  const given = (host: string): ReturnType<typeof object> =>
    object("Mapping", "prod/m", `spec: {prefix: /m/, service: "${host}"}`);
  const upstreams = (host: string, settings = {}): readonly string[] => [
    ...translate([given(host), ...service("prod/model"), ...service("other/x")], settings).upstreams.keys(),
  ];

  test.each([
    ["model", "service prod/model:80 http1"],
    ["model.prod:8000", "service prod/model:8000 http1"],
    ["model.prod.svc.cluster.local:8000", "service prod/model:8000 http1"],
    ["http://model", "service prod/model:80 http1"],
  ])("%s is of the own namespace", (host, key) => {
    expect(upstreams(host)).toEqual([key]);
  });

  test("https asks for TLS, unverified", () => {
    const translation = translate([given("https://model"), ...service("prod/model")]);
    expect([...translation.upstreams.values()][0]).toMatchObject({
      address: { port: 443 },
      tls: { context: "https", caPem: null, certificate: null, sni: null },
    });
  });

  test.each(["x.other", "api.example.com", "10.2.3.4:80", "localhost:80", "[fd00::1]:80", "kubernetes.default"])(
    "%s needs a Grant",
    (host) => {
      expect(upstreams(host)).toEqual([]);
      expect(codesOf(translate([given(host)]))).toEqual(["error not-granted"]);
    },
  );

  test("what nobody may reach is refused also with a Grant", () => {
    for (const grants of [[], [{ ...noGrant, namespace: "prod", upstreams: ["169.254.169.254"] }]]) {
      expect(upstreams("169.254.169.254", { grants })).toEqual([]);
      expect(codesOf(translate([given("169.254.169.254")], { grants }))).toEqual(["error address-refused"]);
    }
  });

  test.each([
    ["x.other:8000", "x.other", "service other/x:8000 http1"],
    ["api.example.com", "*.example.com", "dns api.example.com:80 http1"],
    ["10.2.3.4:81", "10.2.3.4", "address 10.2.3.4:81 http1"],
  ])("%s with a Grant for %s", (host, upstream, key) => {
    expect(upstreams(host, { grants: [{ ...noGrant, namespace: "prod", upstreams: [upstream] }] })).toEqual([key]);
  });

  test.each([
    ["10.1.*", "10.1.example.com"],
    ["10.*", "10.1.2.3.example.com"],
    ["10.1.*", "10.1."],
    ["1*", "1.example.com"],
    ["*.example.com", "xexample.com"],
    ["features.*", "features"],
  ])("a Grant of %s does not give %s", (upstream, host) => {
    expect(
      upstreams(host, { grants: [{ ...noGrant, namespace: "prod", upstreams: [upstream] }] }).filter(
        (key) => !key.includes("prod/"),
      ),
    ).toEqual([]);
  });

  test("a Grant does not reach forbidden addresses", () => {
    const grants = [{ ...noGrant, namespace: "prod", upstreams: ["*"] }];
    for (const host of ["169.254.169.254", "127.0.0.1:1", "[::ffff:127.0.0.1]:1", "10.0.0.99", "10.96.0.1:443"]) {
      expect(codesOf(translate([given(host)], { grants }))).toEqual(["error address-refused"]);
    }
    expect(upstreams("10.96.0.1:444", { grants })).toEqual(["address 10.96.0.1:444 http1"]);
  });

  test("an ExternalName needs a Grant", () => {
    const external = object("Service", "prod/out", "spec: {type: ExternalName, externalName: db.example.com}");
    expect(codesOf(translate([given("out"), external]))).toEqual(["error not-granted"]);
    const granted = translate([given("out"), external], {
      grants: [{ ...noGrant, namespace: "prod", upstreams: ["db.example.com"] }],
    });
    expect([...granted.upstreams.keys()]).toEqual(["dns db.example.com:80 http1"]);
  });

  test("a TLSContext that is not there leaves the Upstream unready; with its Secret it serves", () => {
    const mapping = object("Mapping", "prod/m", "spec: {prefix: /m/, service: model, tls: ctx}");
    const missing = translate([mapping, ...service("prod/model")]);
    expect(problemsOf(missing)).toEqual([
      "error tls-missing Mapping prod/m spec.tls: TLS needs the TLSContext ctx, which does not exist in the namespace, so it is not ready: the other ready members of its Route take its share, or requests get 503, and Sluice sends none in plain text; create it",
    ]);
    expect([...missing.endpoints.values()]).toMatchObject([{ ready: false }]);
    const secret = object(
      "Secret",
      "prod/pair",
      JSON.stringify({
        data: { "tls.crt": btoa("-----BEGIN CERTIFICATE-----"), "tls.key": btoa("-----BEGIN PRIVATE KEY-----") },
      }),
    );
    const context = object("TLSContext", "prod/ctx", "spec: {secret: pair, sni: model.internal}");
    const found = translate([mapping, context, secret]);
    expect([...found.upstreams.values()][0]!.tls).toMatchObject({
      context: "ctx",
      sni: "model.internal",
      caPem: null,
      certificate: { certPem: "-----BEGIN CERTIFICATE-----" },
    });
    expect(codesOf(found)).toEqual([]);
  });
});
