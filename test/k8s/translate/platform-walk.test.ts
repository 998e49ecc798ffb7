// Every field and container of the kinds that configure the gateway, moved out, in and beside, misspelt, of another case, type, null and doubled: at a start and as an
// edit, what comes of it lets in nobody whom the object as it was meant keeps out.
import { describe, expect, test } from "vitest";
import type { HostDeclaration } from "../../../routing/model/host-tls.ts";
import type { SourceObject } from "../../../k8s/translate/model/object.ts";
import type { PlatformKind } from "../../../k8s/translate/platform/platform.ts";
import { platformKeys } from "../../../k8s/translate/platform/shapes.ts";
import { Translator } from "../../../k8s/translate/translator.ts";
import { clusterSettings, object } from "./objects.ts";
import { platformFields as good, type Tree } from "./walked-fields.ts";

const settings = { ...clusterSettings, gatewayNamespace: "ops" };
const pem = (name: string): string => `-----BEGIN ${name}-----\n${name}\n-----END ${name}-----\n`;
const secrets = [
  object(
    "Secret",
    "ops/pair",
    JSON.stringify({ stringData: { "tls.crt": pem("CERTIFICATE"), "tls.key": pem("PRIVATE KEY") } }),
  ),
  object("Secret", "ops/ca", JSON.stringify({ stringData: { "ca.crt": pem("CERTIFICATE") } })),
];

function written(kind: PlatformKind, tree: Tree): SourceObject {
  const name = kind === "Module" ? "ambassador" : "one";
  const { metadata, ...others } = tree;
  return object(kind, `ops/${name}`, JSON.stringify({ ...others, metadata: metadata ?? {} }), "getambassador.io/v2");
}

/** What the gateway does by it. */
function meaningOf(translator: Translator): {
  readonly external: object;
  readonly front: object | null;
  readonly hosts: readonly HostDeclaration[];
  readonly misread: readonly string[];
} {
  const {
    settings: { external, front },
    hosts,
    problems,
  } = translator.current();
  return {
    external,
    front,
    hosts,
    misread: problems
      .filter(({ code, level }) => level === "error" && code !== "no-such-service")
      .map(({ code, field }) => `${code} ${field}`),
  };
}

type Meaning = ReturnType<typeof meaningOf>;

function hostsIn({ hosts }: HostDeclaration): readonly string[] {
  return hosts ?? [];
}

/** What nobody may get by a slip: words; null: nothing. */
function openedBy(kind: PlatformKind, meant: Meaning, is: Meaning): string | null {
  switch (kind) {
    case "Host":
    case "TLSContext": {
      const of = ({ hosts }: Meaning): HostDeclaration | undefined =>
        hosts.find((one) => hostsIn(one).includes("a.example")) ?? hosts.find((one) => hostsIn(one).includes("*"));
      const [was, now] = [of(meant)!, of(is)];
      if (now === undefined) return "its host is nobody's";
      if (now.identity !== null && "closed" in now.identity) return now.cleartext === "route" ? "cleartext" : null;
      const rank = (one: HostDeclaration): number => ["route", null, "redirect", "reject"].indexOf(one.cleartext);
      if (rank(now) < rank(was)) return `cleartext: ${now.cleartext}`;
      if (JSON.stringify(now.terms.client) !== JSON.stringify(was.terms.client)) return "other certificates of clients";
      if (now.terms.minVersion !== was.terms.minVersion) return "an older version";
      return hostsIn(now).join() === hostsIn(was).join() ? null : `hosts: ${hostsIn(now).join()}`;
    }
    case "Module": {
      const [was, now] = [meant.front as Tree, is.front as Tree | null];
      if (now === null) return "everything";
      const nobody = JSON.stringify(now["addresses"]).includes('"peer":[],"remote":[]');
      for (const [name, closed] of [
        ["underscores", "refuse"],
        ["refusesEscapedSlashes", true],
        ["trustedHops", "unknown"],
      ] as const)
        if (now[name] !== was[name] && now[name] !== closed) return name;
      return nobody || JSON.stringify(now["addresses"]) === JSON.stringify(was["addresses"]) ? null : "addresses";
    }
    case "AuthService":
    case "RateLimitService": {
      const of = ({ external }: Meaning): unknown => (external as Tree)[kind === "AuthService" ? "auth" : "rateLimit"];
      const now = of(is) as { readonly kind: string };
      return now.kind === "closed" || JSON.stringify(now) === JSON.stringify(of(meant))
        ? null
        : now.kind === "none"
          ? "nobody is asked"
          : "asked otherwise";
    }
  }
}

/** Paths to every key of the good one, outermost first: the keys below `spec`, and `spec`. */
function* pathsOf(tree: unknown, path: readonly string[]): Iterable<readonly string[]> {
  if (path.length > 0) yield path;
  if (typeof tree !== "object" || tree === null || Array.isArray(tree)) return;
  for (const [key, value] of Object.entries(tree)) yield* pathsOf(value, [...path, key]);
}

/** A copy in which the value at a path is given to `change`, with the map that it stands in and the one outside of that. */
function changed(
  tree: Tree,
  path: readonly string[],
  change: (map: Tree, key: string, value: unknown, outside: Tree | null, root: Tree) => void,
): Tree {
  const root = structuredClone(tree);
  let outside: Tree | null = null;
  let map = root;
  for (const key of path.slice(0, -1)) [outside, map] = [map, map[key] as Tree];
  const key = path.at(-1)!;
  change(map, key, map[key], outside, root);
  return root;
}

const renamed =
  (rename: (key: string) => string) =>
  (map: Tree, key: string, value: unknown): void => {
    delete map[key];
    map[rename(key)] = value;
  };
const set =
  (to: (value: unknown) => unknown) =>
  (map: Tree, key: string, value: unknown): void => {
    map[key] = to(value);
  };

const slips: Readonly<Record<string, Parameters<typeof changed>[2]>> = {
  "one level out": (map, key, value, outside) => {
    if (outside === null) return;
    delete map[key];
    outside[key] ??= value;
  },
  "beside spec": (map, key, value, _outside, root) => {
    delete map[key];
    root[key] ??= value;
  },
  "in metadata": (map, key, value, _outside, root) => {
    delete map[key];
    root["metadata"] = { [key]: value };
  },
  "one level in, below itself": (map, key, value) => {
    map[key] = { [key]: value };
  },
  "one level in, below another name": (map, key, value) => {
    delete map[key];
    map["ambassador"] = { [key]: value };
  },
  "in the map before it": (map, key, value) => {
    const before = Object.entries(map)
      .filter(([other, one]) => other !== key && typeof one === "object" && one !== null && !Array.isArray(one))
      .at(-1);
    if (before === undefined) return;
    delete map[key];
    (before[1] as Tree)[key] = value;
  },
  "a letter more": renamed((key) => `${key}s`),
  "a letter less": renamed((key) => (key.length < 5 ? `${key}${key.at(-1)!}` : key.slice(0, -1))),
  "two letters swapped": renamed((key) => `${key.slice(0, 1)}${key[2]!}${key[1]!}${key.slice(3)}`),
  "two letters wrong": renamed((key) => (key.length < 6 ? `${key}x` : `${key.slice(0, 2)}${key.slice(4)}`)),
  "another case": renamed((key) => `${key[0]!.toUpperCase()}${key.slice(1)}`),
  "with hyphens": renamed((key) => (key.includes("_") ? key.replaceAll("_", "-") : key.toUpperCase())),
  "in camel case": renamed((key) =>
    key.includes("_") ? key.replaceAll(/_(.)/g, (_all, letter: string) => letter.toUpperCase()) : `${key}_`,
  ),
  null: set(() => null),
  "a number": set(() => 7),
  "a list": set((value) => [value]),
  "a text": set(() => "x y"),
  "an empty map": set(() => ({})),
  "doubled, misspelt": (map, key, value) => {
    map[`${key}s`] = value;
  },
};

/** After these nobody can know what was there: as an edit the last good form holds. */
const destroys = /^(?:null|a number|a text|an empty map)$/;

/** What is said without a value says nothing, as with Ambassador: keys that are not there. Neither opens more than the object without them, which is what it says. */
const saysLess: readonly (readonly [kind: PlatformKind, path: RegExp, slip: RegExp])[] = [
  // Secrets, and what is asked, by another name of whoever writes names: nothing of the gateway's.
  ["AuthService", /^spec\.add_auth_headers/, /./],
  ["AuthService", /^spec\.status_on_error|^spec\.include_body/, /an empty map|null/],
  ["RateLimitService", /^spec\.grpc/, /./],
  ["Host", /^spec\.(?:requestPolicy|tls)/, /an empty map/],
  ["Host", /^spec\.requestPolicy\.insecure/, /an empty map/],
  ["Module", /retry_policy|diagnostics/, /./],
  // A map without keys, and a value of the right kind, are what they are.
  ["TLSContext", /^spec$/, /an empty map/],
  ["Host", /^spec$/, /an empty map/],
  ["Module", /^spec\.config$/, /an empty map/],
  ["Module", /xff_num_trusted_hops/, /a number|null/],
  ["Host", /^spec\.hostname$/, /a number/],
  ["AuthService", /auth_service|allowed_authorization_headers|max_bytes/, /a number/],
  ["RateLimitService", /service|domain/, /a number/],
  ["RateLimitService", /domain/, /a text/],
  // Their defaults keep out more, and a warning says where they stand.
  ["AuthService", /allow_partial|status_on_error\.code/, /beside spec|in metadata/],
];

describe.each(Object.keys(good) as PlatformKind[])("%s", (kind) => {
  const whole = { spec: good[kind] };
  const start = (tree: Tree): Translator => {
    const translator = new Translator(settings);
    translator.apply({ set: [...secrets, written(kind, tree)], removed: [] });
    return translator;
  };
  const meant = meaningOf(start(whole));
  const cases = [...pathsOf(whole, [])].flatMap((path) =>
    Object.keys(slips).map((slip) => [path.join("."), slip] as const),
  );
  const asked = cases.filter(
    ([path, slip]) => !saysLess.some(([of, at, which]) => of === kind && at.test(path) && which.test(slip)),
  );

  test("as it is meant it is served without a Problem", () => {
    expect(JSON.stringify(meant)).not.toContain('"closed"');
    expect(meant.misread).toEqual([]);
    expect(
      platformKeys[kind].object.unknownIn({
        apiVersion: "getambassador.io/v2",
        kind,
        metadata: { name: "one", annotations: { "a.b/c": "d" }, labels: { domain: "x" } },
        ...whole,
      }),
    ).toEqual([]);
    expect(
      platformKeys[kind].flat.unknownIn({ apiVersion: "getambassador.io/v2", kind, name: "one", ...good[kind] }),
    ).toEqual([]);
  });

  test.each(asked)("%s: %s", (path, slip) => {
    const slipped = changed(whole, path.split("."), slips[slip]!);
    if (JSON.stringify(slipped) === JSON.stringify(whole)) return;
    if (!destroys.test(slip)) expect(openedBy(kind, meant, meaningOf(start(slipped)))).toBeNull();
    const running = start(whole);
    running.apply({ set: [written(kind, slipped)], removed: [] });
    expect(openedBy(kind, meant, meaningOf(running))).toBeNull();
  });
});

/** As Ambassador documents them: nobody may be told that one is misplaced. */
const documented: Readonly<Record<PlatformKind, Tree>> = {
  Host: {
    ambassador_id: ["default"],
    hostname: "a.example",
    acmeProvider: {
      authority: "https://acme.example/directory",
      email: "a@b.c",
      privateKeySecret: { name: "k" },
      registration: "{}",
    },
    selector: { matchLabels: { app: "x", host: "y" } },
    mappingSelector: { matchLabels: { service: "x" }, matchExpressions: [{ key: "a", operator: "In", values: ["b"] }] },
    tlsSecret: { name: "pair", namespace: "ops" },
    tlsContext: { name: "ctx" },
    previewUrl: { enabled: true, type: "Path" },
    requestPolicy: { insecure: { action: "Route", additionalPort: 8080 } },
    tls: {
      ca_secret: "a",
      cacert_chain_file: "a",
      cert_chain_file: "a",
      private_key_file: "a",
      crl_secret: "a",
      crl_file: "a",
      alpn_protocols: "h2",
      cert_required: true,
      min_tls_version: "v1.2",
      max_tls_version: "v1.3",
      cipher_suites: ["a"],
      ecdh_curves: ["a"],
      redirect_cleartext_from: 8080,
      sni: "a",
    },
  },
  TLSContext: {
    ambassador_id: "default",
    hosts: ["a"],
    secret: "a",
    secret_namespacing: true,
    ca_secret: "a",
    cacert_chain_file: "a",
    cert_chain_file: "a",
    private_key_file: "a",
    crl_secret: "a",
    crl_file: "a",
    alpn_protocols: "h2",
    cert_required: true,
    min_tls_version: "v1.2",
    max_tls_version: "v1.3",
    cipher_suites: ["a"],
    ecdh_curves: ["a"],
    redirect_cleartext_from: 8080,
    sni: "a",
    v3CRLSecret: "a",
  },
  Module: {
    ambassador_id: "default",
    config: {
      add_linkerd_headers: true,
      admin_port: 8001,
      allow_chunked_length: true,
      buffer: { max_request_bytes: 1 },
      buffer_limit_bytes: 1,
      circuit_breakers: [{ priority: "default", max_connections: 1 }],
      cluster_idle_timeout_ms: 1,
      cluster_max_connection_lifetime_ms: 1,
      cluster_request_timeout_ms: 1,
      cors: { origins: "a", methods: "GET", headers: "a", credentials: true, exposed_headers: "b", max_age: "1" },
      debug_mode: true,
      default_label_domain: "ambassador",
      default_labels: { ambassador: { defaults: [{ remote_address: { key: "remote_address" } }] } },
      defaults: { httpmapping: { add_request_headers: { "x-a": { value: "a" } } } },
      diag_port: 1,
      diagnostics: { enabled: true, allow_non_local: true },
      enable_grpc_http11_bridge: true,
      enable_grpc_web: true,
      enable_http10: true,
      enable_ipv4: true,
      enable_ipv6: true,
      envoy_log_format: { host: "%HOST%", method: "%M%" },
      envoy_log_path: "/dev/fd/1",
      envoy_log_type: "json",
      envoy_validation_timeout: 1,
      error_response_overrides: [{ on_status_code: 404, body: { text_format: "a" } }],
      forward_client_cert_details: "SANITIZE",
      grpc_stats: { all_methods: true, upstream_stats: true },
      gzip: { min_content_length: 1, content_type: ["a"] },
      header_case_overrides: ["X-A"],
      headers_with_underscores_action: "ALLOW",
      ip_allow: [{ peer: "10.0.0.0/8" }, { remote: "10.0.0.1" }],
      ip_deny: [{ remote: "10.0.0.1" }],
      keepalive: { time: 1, interval: 1, probes: 1 },
      listener_idle_timeout_ms: 1,
      liveness_probe: { enabled: true, prefix: "/a", service: "x", rewrite: "/b" },
      load_balancer: { policy: "ring_hash", cookie: { name: "a", ttl: "1s", path: "/" } },
      lua_scripts: "a",
      max_request_headers_kb: 1,
      merge_slashes: true,
      preserve_external_request_id: true,
      proper_case: true,
      prune_unreachable_routes: true,
      readiness_probe: { enabled: true, prefix: "/a", service: "x" },
      regex_max_size: 200,
      regex_type: "safe",
      reject_requests_with_escaped_slashes: true,
      resolver: "endpoint",
      retry_policy: { retry_on: "5xx", num_retries: 1, per_try_timeout: "1s" },
      runtime_flags: { "a.b": "true" },
      server_name: "x",
      service_port: 1,
      set_current_client_cert_details: { subject: true, dns: true },
      statsd: { enabled: true, host: "a" },
      strip_matching_host_port: true,
      suppress_envoy_headers: true,
      use_ambassador_namespace_for_service_resolution: true,
      use_proxy_proto: true,
      use_remote_address: true,
      x_forwarded_proto_redirect: true,
      xff_num_trusted_hops: 1,
    },
  },
  AuthService: {
    ambassador_id: ["default"],
    auth_service: "a",
    path_prefix: "/a",
    tls: "ctx",
    proto: "http",
    protocol_version: "v3",
    timeout_ms: 1,
    connect_timeout_ms: 1,
    cluster_idle_timeout_ms: 30000,
    allowed_headers: ["a"],
    allowed_request_headers: ["a"],
    allowed_authorization_headers: ["a"],
    add_auth_headers: { "x-a": "b", service: "c" },
    allow_request_body: true,
    add_linkerd_headers: true,
    failure_mode_allow: true,
    include_body: { max_bytes: 1, allow_partial: true },
    status_on_error: { code: 403 },
    stats_name: "a",
    circuit_breakers: [{ priority: "high", max_requests: 1 }],
    v3StatsName: "a",
    v3CircuitBreakers: [{ max_requests: 1 }],
    v2ExplicitTLS: { serviceScheme: "https://", tls: "bool:true" },
  },
  RateLimitService: {
    ambassador_id: ["default"],
    service: "a",
    domain: "a",
    timeout_ms: 20,
    tls: "ctx",
    failure_mode_deny: true,
    protocol_version: "v3",
    grpc: { use_resource_exhausted_code: true },
    stats_name: "a",
    v2ExplicitTLS: { tls: "a" },
  },
};

test.each(Object.entries(documented) as [PlatformKind, Tree][])(
  "every documented field of %s stands where it belongs",
  (kind, fields) => {
    const metadata = {
      name: "one",
      namespace: "ops",
      labels: { hosts: "x" },
      annotations: { "kubectl.kubernetes.io/last-applied-configuration": "{}" },
      managedFields: [{ fieldsV1: { "f:spec": { "f:hostname": {} } } }],
    };
    expect(
      platformKeys[kind].object.unknownIn({
        apiVersion: "getambassador.io/v2",
        kind,
        metadata,
        spec: fields,
        status: { state: "Ready", tlsCertificateSource: "Other" },
      }),
    ).toEqual([]);
    expect(
      platformKeys[kind].flat.unknownIn({
        apiVersion: "ambassador/v1",
        kind,
        name: "one",
        namespace: "ops",
        ...fields,
      }),
    ).toEqual([]);
  },
);

test("an upstream of a TLSContext that cannot be understood is not reached without what it says", () => {
  const mapping = object("Mapping", "ops/m", 'spec: { prefix: /seldon/ops/m/, service: "m:8000", tls: one }');
  const context = (fields: string): SourceObject => object("TLSContext", "ops/one", fields);
  const translator = new Translator(settings);
  translator.apply({ set: [...secrets, mapping, context("specs: { secret: pair, ca_secret: ca }")], removed: [] });
  expect(translator.current().problems.map(({ code }) => code)).toContain("tls-missing");
  expect([...translator.current().endpoints.values()]).toMatchObject([{ ready: false }]);
  translator.apply({ set: [context("spec: { secret: pair, ca_secret: ca }")], removed: [] });
  const [before] = [...translator.current().upstreams.values()];
  expect(before!.tls).toMatchObject({ context: "one", caPem: expect.stringContaining("CERTIFICATE") as string });
  translator.apply({ set: [context("specs: { secret: pair, ca_secret: ca }")], removed: [] });
  expect([...translator.current().upstreams.values()]).toEqual([before]);
});
