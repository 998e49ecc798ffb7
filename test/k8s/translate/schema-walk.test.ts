// Every field of the schemas that people's manifests are written for is served or said: none is lost in silence. The names are those of the custom
// resource definitions of Ambassador (Mapping v2 and v3alpha1) and of Seldon (SeldonDeployment, as far as routing could care).
import { describe, expect, test } from "vitest";
import type { Problem } from "../../../routing/text/problem.ts";
import { object, translate } from "./objects.ts";
import { added, mappingFields as samples } from "./walked-fields.ts";

const both = [
  "ambassador_id",
  "prefix",
  "prefix_regex",
  "prefix_exact",
  "service",
  "add_request_headers",
  "add_response_headers",
  "add_linkerd_headers",
  "auto_host_rewrite",
  "case_sensitive",
  "docs",
  "enable_ipv4",
  "enable_ipv6",
  "dns_type",
  "respect_dns_ttl",
  "circuit_breakers",
  "keepalive",
  "cors",
  "retry_policy",
  "grpc",
  "host_redirect",
  "host_rewrite",
  "method",
  "method_regex",
  "path_redirect",
  "prefix_redirect",
  "regex_redirect",
  "redirect_response_code",
  "priority",
  "precedence",
  "cluster_tag",
  "remove_request_headers",
  "remove_response_headers",
  "resolver",
  "rewrite",
  "regex_rewrite",
  "shadow",
  "connect_timeout_ms",
  "cluster_idle_timeout_ms",
  "cluster_max_connection_lifetime_ms",
  "timeout_ms",
  "idle_timeout_ms",
  "tls",
  "use_websocket",
  "allow_upgrade",
  "weight",
  "bypass_auth",
  "auth_context_extensions",
  "modules",
  "host",
  "host_regex",
  "headers",
  "regex_headers",
  "labels",
  "envoy_override",
  "load_balancer",
  "query_parameters",
  "regex_query_parameters",
  "error_response_overrides",
  "bypass_error_response_overrides",
];

const schemas = {
  v2: [...both, "outlier_detection", "v3health_checks", "v3StatsName"],
  v3alpha1: [
    ...both,
    "hostname",
    "health_checks",
    "stats_name",
    "v2ExplicitTLS",
    "v2BoolHeaders",
    "v2BoolQueryParameters",
  ],
} as const;

interface Outcome {
  readonly served: string;
  readonly problems: readonly Problem[];
}

/** That a field means something else in Ambassador says that it is served: it is no Problem of this test. */
function outcomeOf(version: string, spec: Readonly<Record<string, unknown>>): Outcome {
  const mapping = object(
    "Mapping",
    "prod/m",
    JSON.stringify({ spec: { prefix: "/seldon/prod/m/", service: "model", hostname: "*", ...spec } }),
    `getambassador.io/${version}`,
  );
  const { mappings, upstreams, problems } = translate([
    mapping,
    object("Service", "prod/model", "{spec: {clusterIP: 10.0.0.7, ports: [{port: 80}]}}"),
    object("Service", "prod/other", "{spec: {ports: [{port: 80}]}}"),
  ]);
  return {
    served: JSON.stringify([[...mappings], [...upstreams]]),
    problems: problems.filter(({ subject, code }) => subject.kind === "Mapping" && code !== "differs"),
  };
}

describe.each(Object.entries(schemas))("Mapping %s", (version, names) => {
  test.each(names)("%s is served or said", (name) => {
    const [value, beside = {}] = samples[name]!;
    const without = outcomeOf(
      version,
      name === "host" || name === "host_regex" ? { ...beside, hostname: undefined } : beside,
    );
    const with_ = outcomeOf(
      version,
      name === "host" || name === "host_regex"
        ? { ...beside, hostname: undefined, [name]: value }
        : { ...beside, [name]: value },
    );
    const said = with_.problems.filter(({ field }) => field.startsWith(`spec.${name}`));
    expect(said.filter(({ code }) => code === "unknown-field")).toEqual([]);
    expect({ name, noticed: with_.served !== without.served || said.length > 0 }).toEqual({ name, noticed: true });
  });
});

describe("inner fields", () => {
  /** Each list of inner names at its place, with a value. */
  const inner: readonly (readonly [field: string, write: (key: string) => unknown, names: readonly string[]])[] = [
    [
      "circuit_breakers",
      (key) => [{ [key]: key === "priority" ? "high" : 7 }],
      ["priority", "max_connections", "max_pending_requests", "max_requests", "max_retries"],
    ],
    [
      "retry_policy",
      (key) => ({ retry_on: "5xx", [key]: key === "retry_on" ? "reset" : key === "num_retries" ? 3 : "2s" }),
      ["retry_on", "num_retries", "per_try_timeout"],
    ],
    [
      "cors",
      (key) => ({
        origins: "https://a.example",
        [key]:
          key === "credentials"
            ? "true"
            : key === "max_age"
              ? "5"
              : key === "origins"
                ? "https://b.example"
                : key === "methods"
                  ? "PUT"
                  : "x-a",
      }),
      ["origins", "methods", "headers", "credentials", "exposed_headers", "max_age"],
    ],
    [
      "load_balancer",
      (key) =>
        key === "policy"
          ? { policy: "round_robin" }
          : { policy: "ring_hash", [key]: key === "cookie" ? { name: "c" } : key === "header" ? "x-a" : true },
      ["policy", "cookie", "header", "source_ip"],
    ],
    [
      "load_balancer",
      (key) => ({
        policy: "ring_hash",
        cookie: { name: "c", [key]: key === "ttl" ? "5s" : key === "name" ? "d" : "/" },
      }),
      ["name", "path", "ttl"],
    ],
    [
      "health_checks",
      (key) => [{ health_check: { http: { path: "/h" } }, [key]: key.includes("threshold") ? 7 : "9s" }],
      ["interval", "timeout", "unhealthy_threshold", "healthy_threshold"],
    ],
    [
      "health_checks",
      (key) => [
        {
          health_check: {
            http: {
              path: "/h",
              [key]:
                key === "path"
                  ? "/i"
                  : key === "hostname"
                    ? "h"
                    : key === "expected_statuses"
                      ? [{ min: 200, max: 299 }]
                      : key === "add_request_headers"
                        ? added
                        : ["x-a"],
            },
          },
        },
      ],
      ["path", "hostname", "add_request_headers", "expected_statuses"],
    ],
    [
      "add_request_headers",
      (key) => ({ "x-a": { value: "b", [key]: key === "value" ? "c" : false } }),
      ["value", "append"],
    ],
    ["regex_rewrite", (key) => ({ pattern: "/a", [key]: "/b" }), ["pattern", "substitution"]],
  ];

  test.each(inner.flatMap(([field, write, names]) => names.map((name) => [field, name, write] as const)))(
    "%s: %s is served, and misspelt it is said",
    (field, name, write) => {
      const base = outcomeOf("v2", {}).served;
      const served = outcomeOf("v2", { [field]: write(name) });
      expect(served.problems).toEqual([]);
      expect(served.served).not.toBe(base);
      const wrong = name.slice(0, -1);
      const misspelt = outcomeOf("v2", {
        [field]: JSON.parse(JSON.stringify(write(name)).replaceAll(`"${name}":`, `"${wrong}":`)) as unknown,
      });
      const said = misspelt.problems.filter(({ code }) => code === "unknown-field");
      expect(said.map(({ field: at }) => at.startsWith(`spec.${field}`) && at.endsWith(wrong))).toEqual([true]);
      expect(said[0]!.sentence).toContain(`; write ${name}`);
    },
  );
});

describe("fields that say nothing without, or beside, another", () => {
  test.each([
    [{ path_redirect: "/x" }, "path_redirect"],
    [{ prefix_redirect: "/x" }, "prefix_redirect"],
    [{ regex_redirect: { pattern: "/a", substitution: "/b" } }, "regex_redirect"],
    [{ redirect_response_code: 302 }, "redirect_response_code"],
    [{ host_redirect: true, rewrite: "/x/" }, "rewrite"],
    [{ host_redirect: true, timeout_ms: 5 }, "timeout_ms"],
    [{ hostname: "a.example", host: "b.example" }, "host"],
    [{ method_regex: true }, "method_regex"],
    [{ prefix_regex: true, case_sensitive: false }, "case_sensitive"],
    [{ regex_rewrite: { pattern: "/a", substitution: "/b" }, rewrite: "/x/" }, "rewrite"],
    [{ host_rewrite: "a.example", auto_host_rewrite: true }, "auto_host_rewrite"],
  ])("%j", (spec, name) => {
    expect(outcomeOf("v2", spec).problems.map(({ level, code, field }) => `${level} ${code} ${field}`)).toEqual([
      `warning field-ignored spec.${name}`,
    ]);
  });

  test.each([
    { host_redirect: false, path_redirect: "" },
    { hostname: "a.example", host: "" },
    { prefix_regex: true, case_sensitive: true },
    { host_redirect: true, grpc: false },
  ])("%j is nothing to say", (spec) => {
    expect(outcomeOf("v2", spec).problems).toEqual([]);
  });
});

describe("misspelt fields of a Mapping", () => {
  test.each([
    ["haeders", { "x-a": "b" }, "headers"],
    ["wieght", 10, "weight"],
    ["shadwo", true, "shadow"],
    ["prefixRegex", true, "prefix_regex"],
    ["Method", "POST", "method"],
  ])("%s would widen who gets requests: not served", (wrong, value, right) => {
    const { served, problems } = outcomeOf("v2", { [wrong]: value });
    expect(
      problems.map(
        ({ level, code, field, sentence }) => `${level} ${code} ${field} ${/write (\w+)/.exec(sentence)?.[1]}`,
      ),
    ).toEqual([`error unknown-field spec.${wrong} ${right}`]);
    expect(served).not.toContain("Mapping prod/m");
  });

  test.each([
    ["timeout", 5, null],
    ["timout_ms", 5, "timeout_ms"],
    ["retryPolicy", {}, "retry_policy"],
    ["prefixx", "/x/", "prefix"],
  ])("%s is ignored with a warning", (wrong, value, right) => {
    const { served, problems } = outcomeOf("v2", { [wrong]: value });
    expect(problems.map(({ level, code }) => `${level} ${code}`)).toEqual(["warning unknown-field"]);
    if (right !== null) expect(problems[0]!.sentence).toContain(`write ${right}, or remove it`);
    expect(served).toContain("Mapping prod/m");
  });
});
