// Ambassador's Module: what of it Mappings have, whose it is, and what is lost with each key.
import { plainSettings } from "../../../../routing/model/table-change.ts";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareText } from "../../../../routing/text/problem.ts";
import type { ForwardTarget, Mapping } from "../../../../routing/model/mapping.ts";
import { moduleTable } from "../../../../k8s/translate/fields/module-fields.ts";
import type { SourceObject } from "../../../../k8s/translate/model/object.ts";
import type { TranslateSettings } from "../../../../k8s/translate/model/translation.ts";
import { Translator } from "../../../../k8s/translate/translator.ts";
import {
  clusterSettings,
  codesOf,
  contentOf,
  deployment,
  noGrant,
  object,
  partsOf,
  problemsOf,
  service,
  translate,
} from "../objects.ts";

const settings: Partial<TranslateSettings> = { gatewayNamespace: "ops" };

function moduleOf(
  config: unknown,
  name = "ops/ambassador",
  spec: Readonly<Record<string, unknown>> = {},
): SourceObject {
  return object("Module", name, JSON.stringify({ spec: { ...spec, config } }));
}

const raw = (fields: Readonly<Record<string, unknown>> = {}, name = "prod/raw"): SourceObject =>
  object("Mapping", name, JSON.stringify({ spec: { prefix: "/seldon/prod/raw/", service: "iris", ...fields } }));

function forwarded(mapping: Mapping | undefined): ForwardTarget {
  if (mapping?.target.kind !== "forward") throw new Error("it does not forward");
  return mapping.target;
}

interface Outcome {
  readonly target: ForwardTarget;
  readonly upstream: string;
}

/** What a Mapping, and one that Sluice makes, have with this Module. */
function served(
  config: unknown,
  fields: Readonly<Record<string, unknown>> = {},
  annotations: Readonly<Record<string, string>> = {},
): { readonly raw: Outcome; readonly made: Outcome } {
  const translation = translate(
    [moduleOf(config), raw(fields), deployment("prod/iris", ["main"], annotations), ...service("prod/iris-main")],
    settings,
  );
  const own = forwarded(translation.mappings.get("Mapping prod/raw"));
  const made = forwarded(partsOf(translation, "prod/iris").get("http main"));
  return { raw: { target: own, upstream: own.upstream }, made: { target: made, upstream: made.upstream } };
}

const add = (name: string, value: string, append = true): unknown => ({ name, value, append });

function keysThatAre(use: "idle" | "lost"): readonly string[] {
  return Object.entries(moduleTable.rows).flatMap(([name, row]) => (row.use.kind === use ? [name] : []));
}

describe("defaults of Mappings", () => {
  const keys: readonly (readonly [
    key: string,
    config: unknown,
    there: Readonly<Record<string, unknown>>,
    own: Readonly<Record<string, unknown>>,
    after: Readonly<Record<string, unknown>>,
  ])[] = [
    [
      "cluster_request_timeout_ms",
      { cluster_request_timeout_ms: 7000 },
      { timeout: { ms: 7000, setBy: "cluster_request_timeout_ms of Module ops/ambassador" } },
      { timeout_ms: 5 },
      { timeout: { ms: 5, setBy: "timeout_ms of Mapping prod/raw" } },
    ],
    [
      "retry_policy",
      { retry_policy: { retry_on: "5xx", num_retries: 4 } },
      { retry: { retryOn: ["5xx"], numRetries: 4, perTryTimeoutMs: null } },
      { retry_policy: {} },
      { retry: null },
    ],
    [
      "load_balancer",
      { load_balancer: { policy: "round_robin" } },
      { loadBalancer: { kind: "round-robin" } },
      { load_balancer: {} },
      { loadBalancer: { kind: "least-request" } },
    ],
    [
      "cors",
      { cors: { origins: "https://a.example" } },
      { cors: expect.objectContaining({ origins: ["https://a.example"] }) },
      { cors: {} },
      { cors: null },
    ],
    [
      "resolver",
      { resolver: "kubernetes-service" },
      { dialService: true },
      { resolver: "endpoint" },
      { dialService: false },
    ],
    [
      "add_request_headers",
      { defaults: { httpmapping: { add_request_headers: { "X-A": "1" } } } },
      { requestHeaders: { remove: [], add: [add("x-a", "1")] } },
      { add_request_headers: {} },
      { requestHeaders: { remove: [], add: [] } },
    ],
    [
      "add_response_headers",
      { defaults: { httpmapping: { add_response_headers: { a: { value: "1", append: false } } } } },
      { responseHeaders: { remove: [], add: [add("a", "1", false)] } },
      { add_response_headers: { b: "2" } },
      { responseHeaders: { remove: [], add: [add("b", "2")] } },
    ],
    [
      "remove_request_headers",
      { defaults: { remove_request_headers: ["a"] } },
      { requestHeaders: { remove: ["a"], add: [] } },
      { remove_request_headers: ["b"] },
      { requestHeaders: { remove: ["b"], add: [] } },
    ],
    [
      "remove_response_headers",
      { defaults: { httpmapping: { remove_response_headers: "a" }, remove_response_headers: "b" } },
      { responseHeaders: { remove: ["a"], add: [] } },
      { remove_response_headers: [] },
      { responseHeaders: { remove: [], add: [] } },
    ],
  ];

  test.each(keys)(
    "%s holds where nothing else is said, and what a Mapping says takes its place whole",
    (_, config, there, own, after) => {
      const plain = served(config);
      expect(plain.raw.target).toMatchObject(there);
      expect(plain.made.target).toMatchObject(there);
      expect(served(config, own).raw.target).toMatchObject(after);
    },
  );

  test.each(keys)("%s: null says nothing", (_, config, there, own) => {
    expect(served(config, Object.fromEntries(Object.keys(own).map((key) => [key, null]))).raw.target).toMatchObject(
      there,
    );
  });

  test("the two halves of header edits are apart: what a Mapping adds leaves what the Module removes", () => {
    const config = { defaults: { httpmapping: { add_request_headers: { a: "1" }, remove_request_headers: ["b"] } } };
    expect(served(config, { add_request_headers: { c: "2" } }).raw.target.requestHeaders).toEqual({
      remove: ["b"],
      add: [add("c", "2")],
    });
  });

  test.each([
    [
      "circuit_breakers",
      { circuit_breakers: [{ max_requests: 7 }] },
      / breaker=default\/1024\/1024\/7\/3$/,
      { circuit_breakers: [] },
    ],
    ["cluster_idle_timeout_ms", { cluster_idle_timeout_ms: 500 }, / idle=500$/, { cluster_idle_timeout_ms: 0 }],
    [
      "cluster_max_connection_lifetime_ms",
      { cluster_max_connection_lifetime_ms: 900 },
      / lifetime=900$/,
      { cluster_max_connection_lifetime_ms: 0 },
    ],
  ])("%s is a limit of Upstreams", (_, config, limit, own) => {
    const plain = served(config);
    expect(plain.raw.upstream).toMatch(limit);
    expect(plain.made.upstream).toMatch(limit);
    expect(served(config, own).raw.upstream).not.toMatch(limit);
  });

  test("annotations of a SeldonDeployment come before it", () => {
    const config = {
      cluster_request_timeout_ms: 7000,
      retry_policy: { retry_on: "5xx" },
      circuit_breakers: [{ max_requests: 7 }],
    };
    const { made } = served(
      config,
      {},
      {
        "seldon.io/rest-timeout": "60",
        "seldon.io/ambassador-retries": "2",
        "seldon.io/ambassador-circuit-breakers-max-retries": "9",
      },
    );
    expect(made.target).toMatchObject({
      timeout: { ms: 60, setBy: "annotation seldon.io/rest-timeout" },
      retry: { retryOn: ["gateway-error"], numRetries: 2 },
    });
    expect(made.upstream).toMatch(/ breaker=default\/1024\/1024\/1024\/9$/);
    expect(served(config, {}, { "seldon.io/ambassador-retries": "0" }).made.target.retry).toBeNull();
  });

  test("a value of a Mapping that cannot be used counts as not written", () => {
    const config = {
      retry_policy: { retry_on: "5xx" },
      cluster_request_timeout_ms: 7000,
      circuit_breakers: [{ max_requests: 7 }],
    };
    const { raw: own } = served(config, {
      retry_policy: { retry_on: "never" },
      timeout_ms: "soon",
      circuit_breakers: "many",
    });
    expect(own.target).toMatchObject({ retry: { retryOn: ["5xx"] }, timeout: { ms: 7000 } });
    expect(own.upstream).toMatch(/breaker=/);
  });

  test.each([
    [{ retry_policy: { retry_on: "never" } }, { retry: null }],
    [{ cluster_request_timeout_ms: -1 }, { timeout: { ms: 3000, setBy: null } }],
    [{ load_balancer: { policy: "any" } }, { loadBalancer: { kind: "least-request" } }],
    [{ cors: { origins: [] } }, { cors: null }],
    [{ resolver: "consul" }, { dialService: false }],
    [{ defaults: { httpmapping: 7 } }, { requestHeaders: { remove: [], add: [] } }],
    [{ defaults: "x" }, { requestHeaders: { remove: [], add: [] } }],
    [{ server_name: "two\nlines" }, { responseHeaders: { remove: [], add: [] } }],
  ])("a wrong value in the Module is a warning, and what is built in holds: %j", (config, there) => {
    expect(served(config).made.target).toMatchObject(there);
    expect(codesOf(translate([moduleOf(config)], settings))).toEqual(["warning bad-value"]);
  });

  test("a redirect has none of them", () => {
    const translation = translate(
      [
        moduleOf({ cluster_request_timeout_ms: 1, server_name: "x" }),
        raw({ host_redirect: true, service: "a.example" }),
      ],
      settings,
    );
    expect(translation.mappings.get("Mapping prod/raw")!.target.kind).toBe("redirect");
  });
});

describe("what every Mapping has", () => {
  test("server_name and suppress_envoy_headers, whatever the Mapping says", () => {
    const config = { server_name: "100% edge", suppress_envoy_headers: true };
    const { raw: own, made } = served(config, { add_response_headers: { a: "1" }, remove_request_headers: ["b"] });
    const server = add("server", "100%% edge", false);
    expect(own.target.responseHeaders).toEqual({
      remove: ["x-envoy-upstream-service-time"],
      add: [add("a", "1"), server],
    });
    expect(own.target.requestHeaders).toEqual({ remove: ["b", "x-envoy-original-path"], add: [] });
    expect(made.target.responseHeaders).toEqual({ remove: ["x-envoy-upstream-service-time"], add: [server] });
  });

  test.each([
    [128, ""],
    [129, "warning bad-value"],
  ])("server_name of %i characters", (length, problem) => {
    expect(codesOf(translate([moduleOf({ server_name: "x".repeat(length) })], settings)).join()).toBe(problem);
  });

  test("add_linkerd_headers tells Linkerd where each goes, instead of what a client says of it", () => {
    const told = (value: string): unknown => ({ remove: [], add: [add("l5d-dst-override", value, false)] });
    const { raw: own, made } = served({ add_linkerd_headers: true });
    expect(own.target.requestHeaders).toEqual(told("iris.prod:80"));
    expect(made.target.requestHeaders).toEqual(told("iris-main.prod:8000"));
    expect(served({ add_linkerd_headers: true }, { add_linkerd_headers: false }).raw.target.requestHeaders.add).toEqual(
      [],
    );
    expect(served({}, { add_linkerd_headers: true }).raw.target.requestHeaders).toEqual(told("iris.prod:80"));
    const granted = { ...settings, grants: [{ ...noGrant, namespace: "prod", upstreams: ["*"] }] };
    for (const [service, value] of [
      ["http://[2001:db8::1]:81", "[2001:db8::1]:81"],
      ["a.example.com:82", "a.example.com:82"],
    ] as const) {
      expect(
        forwarded(
          translate([moduleOf({ add_linkerd_headers: true }), raw({ service })], granted).mappings.get(
            "Mapping prod/raw",
          ),
        ).requestHeaders,
      ).toEqual(told(value));
    }
  });

  test("default_labels come before the specs of each group of their domain", () => {
    const labels = { ambassador: [{ group: ["source_cluster"] }], other: [{ group: ["a"] }] };
    const { raw: own, made } = served({ default_labels: { ambassador: { defaults: ["remote_address"] } } }, { labels });
    expect(own.target.externalPolicy.labels).toEqual([
      { domain: "ambassador", labels: [{ kind: "remote-address" }, { kind: "source-cluster" }] },
      { domain: "other", labels: [{ kind: "generic", key: "generic_key", value: "a" }] },
    ]);
    expect(made.target.externalPolicy.labels).toBeNull();
  });
});

describe("whose Module counts", () => {
  const config = { cluster_request_timeout_ms: 7000 };
  const timeoutOf = (objects: readonly SourceObject[], more: Partial<TranslateSettings> = {}): number =>
    forwarded(translate([...objects, raw()], { ...settings, ...more }).mappings.get("Mapping prod/raw")).timeout.ms;

  test("that of the own namespace, or of one with a Grant", () => {
    expect(timeoutOf([moduleOf(config)])).toBe(7000);
    expect(timeoutOf([moduleOf(config, "prod/ambassador")])).toBe(3000);
    expect(codesOf(translate([moduleOf(config, "prod/ambassador")], settings))).toEqual(["error not-granted"]);
    expect(
      timeoutOf([moduleOf(config, "prod/ambassador")], { grants: [{ ...noGrant, namespace: "prod", gateway: true }] }),
    ).toBe(7000);
    expect(timeoutOf([moduleOf(config)], { gatewayNamespace: null })).toBe(3000);
  });

  test("written as a document of a Service too, and not where --mappings is off", () => {
    const text = JSON.stringify({ apiVersion: "ambassador/v1", kind: "Module", name: "ambassador", config });
    const annotated = object(
      "Service",
      "ops/ambassador",
      JSON.stringify({
        metadata: { annotations: { "getambassador.io/config": text } },
        spec: { ports: [{ port: 80 }] },
      }),
    );
    expect(timeoutOf([annotated])).toBe(7000);
    const made = (mappings: boolean): number =>
      forwarded(
        partsOf(translate([annotated, deployment("prod/iris")], { ...settings, mappings }), "prod/iris").get(
          "http main",
        ),
      ).timeout.ms;
    expect([made(true), made(false)]).toEqual([7000, 3000]);
  });

  test("only the one named ambassador", () => {
    expect(
      problemsOf(translate([moduleOf(config, "ops/other"), moduleOf({}, "ops/authentication")], settings)),
    ).toEqual([
      expect.stringMatching(/named "authentication": requests are not authenticated by it; write an AuthService/),
      expect.stringMatching(/named "other": nothing of it applies; name it ambassador/),
    ]);
  });

  test("for its ambassador-id", () => {
    const ids = { ambassadorIds: ["one", "two"] };
    const two = moduleOf(config, "ops/ambassador", { ambassador_id: ["two"] });
    const of = (id: string): number =>
      forwarded(translate([two, raw({ ambassador_id: id })], { ...settings, ...ids }).mappings.get("Mapping prod/raw"))
        .timeout.ms;
    expect([of("one"), of("two")]).toEqual([3000, 7000]);
    const made = forwarded(
      partsOf(
        translate([two, deployment("prod/iris", ["main"], { "seldon.io/ambassador-id": "two" })], {
          ...settings,
          ...ids,
        }),
        "prod/iris",
      ).get("http main"),
    );
    expect(made.timeout.ms).toBe(7000);
    expect(
      codesOf(translate([moduleOf(config, "ops/ambassador", { ambassador_id: "third" })], { ...settings, ...ids })),
    ).toEqual([]);
  });

  test("of several the one of the own namespace, the same in any order, and the others are errors", () => {
    const several = [moduleOf({ cluster_request_timeout_ms: 1 }, "edge/ambassador"), moduleOf(config)];
    const granted = { grants: [{ ...noGrant, namespace: "edge", gateway: true }] };
    for (const objects of [several, several.toReversed()]) {
      expect(timeoutOf(objects, granted)).toBe(7000);
      expect(problemsOf(translate(objects, { ...settings, ...granted }))).toEqual([
        expect.stringMatching(
          /^error several-modules Module edge\/ambassador.* Module of Module ops\/ambassador is for the same ambassador-id, default,/,
        ),
      ]);
    }
  });
});

describe("changes", () => {
  test("each edit of the Module gives what a fresh start gives, and its end takes all back", () => {
    const others = [
      raw(),
      raw({ prefix: "/seldon/prod/b/" }, "prod/b"),
      deployment("prod/iris", ["a:50", "b:50"]),
      ...service("prod/iris-a"),
      ...service("prod/iris-b"),
    ];
    const running = new Translator({ ...clusterSettings, ...settings });
    running.apply({ set: others, removed: [] });
    const configs = [
      { cluster_request_timeout_ms: 5 },
      { circuit_breakers: [{ max_retries: 1 }], server_name: "x" },
      { retry_policy: { retry_on: "5xx" }, add_linkerd_headers: true },
      null,
    ];
    for (const config of configs) {
      const change = running.apply(
        config === null ? { set: [], removed: ["Module ops/ambassador"] } : { set: [moduleOf(config)], removed: [] },
      );
      expect(change.mappings.map(({ id }) => id).sort(compareText)).toEqual(
        [...running.current().mappings.keys()].sort(compareText),
      );
      expect(contentOf(running.current())).toEqual(
        contentOf(translate([...others, ...(config === null ? [] : [moduleOf(config)])], settings)),
      );
    }
    expect(running.apply({ set: [moduleOf({})], removed: [] }).mappings).toEqual([]);
  });

  test("what Mappings have no part in translates none of them again", () => {
    const running = new Translator({ ...clusterSettings, ...settings });
    running.apply({ set: [moduleOf({ server_name: "x" }), raw()], removed: [] });
    const mapping = running.current().mappings.get("Mapping prod/raw");
    running.apply({ set: [moduleOf({ server_name: "x", xff_num_trusted_hops: 1, gzip: {} })], removed: [] });
    expect(running.current().settings.front?.trustedHops).toBe(1);
    expect(running.current().mappings.get("Mapping prod/raw")).toBe(mapping);
    running.apply({ set: [moduleOf({ server_name: "y" })], removed: [] });
    expect(running.current().mappings.get("Mapping prod/raw")).not.toBe(mapping);
  });

  test("a text that is not YAML keeps the last good Module, and so do ids that cannot be read", () => {
    const text = JSON.stringify({
      apiVersion: "ambassador/v1",
      kind: "Module",
      name: "ambassador",
      config: { cluster_request_timeout_ms: 7 },
    });
    const annotated = (config: string): SourceObject =>
      object(
        "Service",
        "ops/edge",
        JSON.stringify({
          metadata: { annotations: { "getambassador.io/config": config } },
          spec: { ports: [{ port: 80 }] },
        }),
      );
    for (const broken of ["{", text.replace('"name"', '"ambassador_id":{},"name"')]) {
      const running = new Translator({ ...clusterSettings, ...settings });
      running.apply({ set: [annotated(text), raw()], removed: [] });
      running.apply({ set: [annotated(broken)], removed: [] });
      expect(forwarded(running.current().mappings.get("Mapping prod/raw")).timeout.ms).toBe(7);
      expect(codesOf(running.current())).toContainEqual(expect.stringMatching(/^error bad-/));
    }
  });
});

describe("what is about every request", () => {
  const frontOf = (...objects: readonly SourceObject[]): unknown =>
    translate(objects, { ...settings, grants: [{ ...noGrant, namespace: "edge", gateway: true }] }).settings.front;
  const plain = {
    trustedHops: null,
    keepsRequestId: false,
    underscores: "allow",
    refusesEscapedSlashes: false,
    connectionIdleMs: null,
    addresses: [],
  };
  const closed = [{ kind: "allow", peer: [], remote: [] }];
  const many = (count: number): unknown =>
    Array.from({ length: count }, (_, index) => ({ remote: `10.${index >> 8}.${index & 255}.1` }));

  test.each([
    [{ xff_num_trusted_hops: 2 }, { trustedHops: 2 }],
    [{ xff_num_trusted_hops: "0" }, { trustedHops: 0 }],
    [{ preserve_external_request_id: true }, { keepsRequestId: true }],
    [{ headers_with_underscores_action: "DROP_HEADER" }, { underscores: "drop" }],
    [{ headers_with_underscores_action: "REJECT_REQUEST" }, { underscores: "refuse" }],
    [{ reject_requests_with_escaped_slashes: "yes" }, { refusesEscapedSlashes: true }],
    [{ listener_idle_timeout_ms: 30_000 }, { connectionIdleMs: 30_000 }],
    [
      { ip_allow: [{ peer: "10.0.0.0/8" }, { remote: "192.0.2.7" }] },
      { addresses: [{ kind: "allow", peer: ["10.0.0.0/8"], remote: ["192.0.2.7/32"] }] },
    ],
    [
      { ip_deny: [{ remote: "2001:DB8::/32" }] },
      { addresses: [{ kind: "deny", peer: [], remote: ["2001:db8::/32"] }] },
    ],
  ])("%j", (config, said) => {
    expect(frontOf(moduleOf(config))).toEqual({ ...plain, ...said });
    expect(translate([moduleOf(config)], settings).problems).toEqual([]);
  });

  test.each([
    {},
    { headers_with_underscores_action: "ALLOW" },
    { reject_requests_with_escaped_slashes: false, preserve_external_request_id: "no", xff_num_trusted_hops: null },
  ])("%j says nothing", (config) => {
    expect(frontOf(moduleOf(config))).toBeNull();
  });

  test.each([
    [{ xff_num_trusted_hops: 11 }, { trustedHops: "unknown" }],
    [{ xff_num_trusted_hops: -1 }, { trustedHops: "unknown" }],
    [{ xff_num_trusted_hops: "two" }, { trustedHops: "unknown" }],
    [{ xff_num_trusted_hops: 1.5 }, { trustedHops: "unknown" }],
    [{ xff_num_trustd_hops: 1 }, { trustedHops: "unknown" }],
    [{ ip_allow: [{ remote: "10.0.0.0/33" }] }, { addresses: closed }],
    [{ ip_allow: [{ remote: "10.0.0.0/8" }, { remot: "10.0.0.0/8" }] }, { addresses: closed }],
    [{ ip_allow: [{ remote: "10.0.0.0/8", peer: "10.0.0.0/8" }] }, { addresses: closed }],
    [{ ip_allow: [] }, { addresses: closed }],
    [{ ip_allow: "10.0.0.0/8" }, { addresses: closed }],
    [{ ip_deny: [{ peer: 7 }] }, { addresses: closed }],
    [{ ip_deny: ["10.0.0.0/8"] }, { addresses: closed }],
    [{ ip_deney: [{ peer: "10.0.0.0/8" }] }, { addresses: closed }],
    [{ ip_deny: many(1001) }, { addresses: closed }],
    [{ headers_with_underscores_action: "REJECT" }, { underscores: "refuse" }],
    [{ headers_with_underscores_action: "toString" }, { underscores: "refuse" }],
    [{ headers_with_underscores_action: {} }, { underscores: "refuse" }],
    [{ header_with_underscores_action: "DROP_HEADER" }, { underscores: "refuse" }],
    [{ reject_requests_with_escaped_slashes: "perhaps" }, { refusesEscapedSlashes: true }],
    [{ reject_requests_with_escaped_slash: true }, { refusesEscapedSlashes: true }],
  ])("%j cannot be read: an error, and nobody more is let in", (config, said) => {
    expect(frontOf(moduleOf(config))).toEqual({ ...plain, ...said });
    expect(codesOf(translate([moduleOf(config)], settings))).toEqual([
      expect.stringMatching(/^error (bad-value|unknown-field)$/),
    ]);
  });

  test.each([
    [{ listener_idle_timeout_ms: 0 }],
    [{ listener_idle_timeout_ms: 86_400_001 }],
    [{ preserve_external_request_id: "perhaps" }],
  ])("%j is a warning, and says nothing", (config) => {
    expect(frontOf(moduleOf(config))).toBeNull();
    expect(codesOf(translate([moduleOf(config)], settings))).toEqual(["warning bad-value"]);
  });

  test("bounds: 0 and 10 hops, 1 ms and a day, a thousand blocks", () => {
    for (const count of [1, 999, 1000])
      expect(frontOf(moduleOf({ ip_deny: many(count) }))).toMatchObject({ addresses: [{ remote: { length: count } }] });
    for (const hops of [0, 10])
      expect(frontOf(moduleOf({ xff_num_trusted_hops: hops }))).toMatchObject({ trustedHops: hops });
    for (const ms of [1, 86_400_000])
      expect(frontOf(moduleOf({ listener_idle_timeout_ms: ms }))).toMatchObject({ connectionIdleMs: ms });
  });

  test("where it was readable before, its last good form holds, all of it", () => {
    const running = new Translator({ ...clusterSettings, ...settings });
    const good = { xff_num_trusted_hops: 1, cluster_request_timeout_ms: 7 };
    running.apply({ set: [moduleOf(good), raw()], removed: [] });
    for (const bad of [{ xff_num_trusted_hops: "many" }, "no map", null]) {
      running.apply({ set: [moduleOf(bad)], removed: [] });
      expect(running.current().settings.front).toEqual({ ...plain, trustedHops: 1 });
      expect(forwarded(running.current().mappings.get("Mapping prod/raw")).timeout.ms).toBe(7);
      expect(codesOf(running.current())).toContain("error bad-document");
    }
    running.apply({ set: [moduleOf({})], removed: [] });
    expect(running.current().settings.front).toBeNull();
  });

  test("of several the strictest, and one of a namespace that does not count says nothing", () => {
    const one = moduleOf({
      xff_num_trusted_hops: 3,
      headers_with_underscores_action: "DROP_HEADER",
      preserve_external_request_id: true,
      listener_idle_timeout_ms: 9,
      ip_deny: [{ peer: "10.0.0.1" }],
    });
    const other = moduleOf(
      {
        xff_num_trusted_hops: 1,
        reject_requests_with_escaped_slashes: true,
        preserve_external_request_id: false,
        listener_idle_timeout_ms: 5,
        ip_allow: [{ peer: "10.0.0.0/8" }],
      },
      "edge/ambassador",
    );
    const addresses = [
      { kind: "deny", peer: ["10.0.0.1/32"], remote: [] },
      { kind: "allow", peer: ["10.0.0.0/8"], remote: [] },
    ];
    const strictest = {
      trustedHops: 1,
      keepsRequestId: false,
      underscores: "drop",
      refusesEscapedSlashes: true,
      connectionIdleMs: 5,
      addresses,
    };
    expect([frontOf(one, other), frontOf(other, one)]).toEqual([strictest, strictest]);
    expect(frontOf(one, moduleOf({ xff_num_trusted_hops: "x" }, "edge/ambassador"))).toMatchObject({
      trustedHops: "unknown",
    });
    expect(frontOf(moduleOf({ xff_num_trusted_hops: 3 }, "prod/ambassador"))).toBeNull();
    expect(frontOf(moduleOf({ xff_num_trusted_hops: 3 }, "ops/ambassador", { ambassador_id: "other" }))).toBeNull();
  });

  test("whatever stands there, what decides is read or closed with an error, and Mappings are served", () => {
    const written = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom("ALLOW", "yes", "3", 10, [{ peer: "::/0" }], [{ remote: "10.0.0.1" }]),
    );
    const key = fc.constantFrom(
      "xff_num_trusted_hops",
      "headers_with_underscores_action",
      "reject_requests_with_escaped_slashes",
      "ip_allow",
      "ip_deny",
      ...keysThatAre("lost"),
      "cors",
      "defaults",
      "retry_policy",
      "__proto__",
      "constructor",
    );
    fc.assert(
      fc.property(fc.dictionary(key, written, { maxKeys: 4 }), (config) => {
        const {
          settings: { front },
          problems,
          mappings,
        } = translate([moduleOf(config), raw()], settings);
        const wrong = (name: string): boolean =>
          problems.some(({ level, field }) => level === "error" && field === `spec.config.${name}`);
        expect(mappings.has("Mapping prod/raw")).toBe(true);
        if (wrong("xff_num_trusted_hops")) expect(front!.trustedHops).toBe("unknown");
        else
          expect(front?.trustedHops ?? null).toBe(
            (config["xff_num_trusted_hops"] ?? null) === null ? null : Number(config["xff_num_trusted_hops"]),
          );
        if (wrong("headers_with_underscores_action")) expect(front!.underscores).toBe("refuse");
        if (wrong("reject_requests_with_escaped_slashes")) expect(front!.refusesEscapedSlashes).toBe(true);
        for (const name of ["ip_allow", "ip_deny"]) {
          const rules = front?.addresses ?? [];
          if (wrong(name)) expect(rules).toContainEqual(closed[0]);
          else if ((config[name] ?? null) !== null) expect(rules.map(({ kind }) => `ip_${kind}`)).toContain(name);
        }
      }),
    );
  });

  test("settings are one object until something of them changes", () => {
    const running = new Translator({ ...clusterSettings, ...settings });
    running.apply({ set: [moduleOf({ xff_num_trusted_hops: 1 })], removed: [] });
    const before = running.current().settings;
    running.apply({ set: [moduleOf({ xff_num_trusted_hops: 1, gzip: {} }), raw()], removed: [] });
    expect(running.current().settings).toBe(before);
    running.apply({ set: [], removed: ["Module ops/ambassador"] });
    expect(running.current().settings).toEqual(plainSettings);
  });
});

describe("keys that do not hold", () => {
  const values: Readonly<Record<string, unknown>> = {
    use_remote_address: false,
    enable_ipv4: false,
    liveness_probe: { enabled: false },
    readiness_probe: { enabled: false },
  };

  test.each(keysThatAre("lost"))("%s names what is lost, and what to write", (key) => {
    const problems = translate([moduleOf({ [key]: values[key] ?? true })], settings).problems;
    expect(problems.map(({ code, field }) => [code, field])).toEqual([["field-lost", `spec.config.${key}`]]);
    expect(problems[0]!.sentence).toMatch(/^[^;]+; .*(write|remove|let|correct|read|keep|change) /);
  });

  test.each([
    ["use_proxy_proto", false],
    ["use_remote_address", true],
    ["merge_slashes", "no"],
    ["regex_max_size", 200],
    ["liveness_probe", { enabled: true }],
    ["envoy_log_path", "/dev/fd/1"],
    ["forward_client_cert_details", "SANITIZE_SET"],
    ["lua_scripts", ""],
  ])("%s: %j asks for nothing that is lost", (key, value) => {
    expect(translate([moduleOf({ [key]: value })], settings).problems).toEqual([]);
  });

  test.each(keysThatAre("idle"))("%s changes nothing here", (key) => {
    expect(codesOf(translate([moduleOf({ [key]: true })], settings))).toEqual(["info field-without-effect"]);
  });

  test("others are unknown, with the one that was meant", () => {
    expect(
      problemsOf(
        translate(
          [
            moduleOf({
              retry_polcy: {},
              nothing: 1,
              defaults: { httpmapping: { timeout_ms: 1 } },
              cors: { origins: "*", orgins: "a" },
            }),
          ],
          settings,
        ),
      ),
    ).toEqual([
      expect.stringMatching(/^warning unknown-field .* spec\.config\.cors\.orgins: .*write origins/),
      expect.stringMatching(/^warning unknown-field .* spec\.config\.defaults\.httpmapping\.timeout_ms: /),
      expect.stringMatching(/^warning unknown-field .* spec\.config\.nothing: Sluice does not read this .*; correct/),
      expect.stringMatching(/^warning unknown-field .* spec\.config\.retry_polcy: .*write retry_policy/),
    ]);
  });

  test("a field of Mappings that a Module does not have takes nothing from those that it has", () => {
    const problems = translate([moduleOf({ host_redirect: true, cors: { origins: "*" } })], settings).problems;
    expect(problems.map(({ code, field }) => [code, field])).toEqual([["unknown-field", "spec.config.host_redirect"]]);
  });

  test("a Module without a config that can be read is an error", () => {
    for (const config of [null, "x", []])
      expect(codesOf(translate([moduleOf(config)], settings))).toEqual(["error bad-value"]);
  });
});
