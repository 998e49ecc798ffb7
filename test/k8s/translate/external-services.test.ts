// AuthServices and RateLimitServices: whose count, what they say, where they are, and what closes.
import { describe, expect, test } from "vitest";
import {
  mostIncludedBytes,
  type AuthService,
  type ExternalServices,
  type RateLimitService,
} from "../../../routing/model/external-services.ts";
import type { SourceObject } from "../../../k8s/translate/model/object.ts";
import { Translator } from "../../../k8s/translate/translator.ts";
import type { TranslateSettings } from "../../../k8s/translate/model/translation.ts";
import { clusterSettings, noGrant, object, service } from "./objects.ts";

const settings: TranslateSettings = { ...clusterSettings, gatewayNamespace: "ops" };
const group = "getambassador.io/v2";

function auth(spec: string, name = "ops/auth"): SourceObject {
  return object("AuthService", name, `spec: ${spec}`, group);
}

function limits(spec: string, name = "ops/limits"): SourceObject {
  return object("RateLimitService", name, `spec: ${spec}`, group);
}

function translator(objects: readonly SourceObject[], more: Partial<TranslateSettings> = {}): Translator {
  const made = new Translator({ ...settings, ...more });
  made.apply({ set: objects, removed: [] });
  return made;
}

function externalOf(objects: readonly SourceObject[], more: Partial<TranslateSettings> = {}): ExternalServices {
  return translator(objects, more).current().settings.external;
}

/** What one AuthService of these fields beside `auth_service` says; null: it closes. */
function saidBy(fields: string): AuthService | null {
  const { auth: consulted } = externalOf([auth(`{ auth_service: "auth:3000"${fields === "" ? "" : `, ${fields}`} }`)]);
  return consulted.kind === "service" ? consulted.service : null;
}

function limitedBy(fields: string): RateLimitService | null {
  const { rateLimit } = externalOf([limits(`{ service: "limits:8081"${fields === "" ? "" : `, ${fields}`} }`)]);
  return rateLimit.kind === "service" ? rateLimit.service : null;
}

function codes(objects: readonly SourceObject[], more: Partial<TranslateSettings> = {}): readonly string[] {
  return translator(objects, more)
    .current()
    .problems.map(({ level, code }) => `${level} ${code}`);
}

describe("an AuthService", () => {
  test("says what Ambassador reads, with its defaults", () => {
    expect(saidBy("")).toMatchObject({
      proto: "http",
      timeoutMs: 5000,
      pathPrefix: "",
      body: null,
      statusOnError: 403,
      failureModeAllow: false,
      trustedHeaders: [],
      places: [{ authority: "auth:3000" }],
    });
    expect(
      saidBy(
        "proto: grpc, protocol_version: v3, timeout_ms: 250, failure_mode_allow: yes, status_on_error: {code: 503}",
      ),
    ).toMatchObject({ proto: "grpc", timeoutMs: 250, failureModeAllow: true, statusOnError: 503 });
    expect(saidBy("path_prefix: /check/, add_linkerd_headers: true, add_auth_headers: {X-A: 1}")).toMatchObject({
      pathPrefix: "/check",
      addLinkerdHeaders: true,
      addedHeaders: [["x-a", "1"]],
    });
    expect(saidBy("allow_request_body: true")).toMatchObject({ body: { maxBytes: 4096, allowPartial: true } });
    expect(
      saidBy("allowed_request_headers: [X-T], allowed_authorization_headers: [X-User, Authorization]"),
    ).toMatchObject({
      requestHeaders: expect.arrayContaining(["x-t", "authorization", "cookie", "x-forwarded-for"]),
      answerHeaders: expect.arrayContaining(["x-user", "set-cookie", "location"]),
      // What clients send themselves, and the service was shown, stays theirs.
      trustedHeaders: ["x-user"],
    });
  });

  test.each([
    ["include_body: {max_bytes: 1}", "include_body: {max_bytes: 0}"],
    [`include_body: {max_bytes: ${mostIncludedBytes}}`, `include_body: {max_bytes: ${mostIncludedBytes + 1}}`],
    ["include_body: {max_bytes: 9, allow_partial: true}", "include_body: {max_bytes: 9, allow_partial: maybe}"],
    ["include_body: {max_bytes: 9}", "include_body: {allow_partial: true}"],
    ["include_body: {max_bytes: 9}", "include_body: {max_byte: 9}"],
    ["timeout_ms: 0", "timeout_ms: -1"],
    ["connect_timeout_ms: 1", "connect_timeout_ms: 0"],
    ["cluster_idle_timeout_ms: 30000", "cluster_idle_timeout_ms: soon"],
    ["cluster_max_connection_lifetime_ms: 0", "cluster_max_connection_lifetime_ms: -1"],
    ["proto: grpc", "proto: GRPC"],
    ["proto: http", "proto: Http"],
    ["protocol_version: v3", "protocol_version: V3"],
    ["timeout_ms: 2147483647", "timeout_ms: 2147483648"],
    ["status_on_error: {code: 400}", "status_on_error: {code: 399}"],
    ["status_on_error: {code: 599}", "status_on_error: {code: 600}"],
    ["proto: http", "proto: tcp"],
    ["protocol_version: v3", "protocol_version: v2"],
    ["path_prefix: /a", "path_prefix: a"],
    ["path_prefix: /a", 'path_prefix: "/a b"'],
    ["path_prefix: /a", 'path_prefix: "/a?b"'],
    ["failure_mode_allow: false", "failure_mode_allow: flase"],
    ["failure_mode_allow: false", "failure_mode_alow: false"],
    [
      `allowed_request_headers: [${Array.from({ length: 64 }, (_, index) => `x-${index}`).join(", ")}]`,
      `allowed_request_headers: [${Array.from({ length: 65 }, (_, index) => `x-${index}`).join(", ")}]`,
    ],
    ["allowed_authorization_headers: [x-a]", 'allowed_authorization_headers: ["x a"]'],
    ["add_auth_headers: {x-a: b}", 'add_auth_headers: {x-a: "b\\r\\nx-b: c"}'],
    ["add_auth_headers: {x-a: b}", "add_auth_headers: {host: b}"],
    ["tls: true", "tls: [a]"],
  ])("%s is read, %s closes", (good, bad) => {
    expect(saidBy(good)).not.toBeNull();
    expect(saidBy(bad)).toBeNull();
    expect(codes([auth(`{ auth_service: "auth:3000", ${bad} }`)])).toContain("error bad-document");
  });

  test("its Upstream has the times that Ambassador reads", () => {
    const made = translator([
      ...service("ops/auth"),
      auth(
        '{ auth_service: "auth:8000", connect_timeout_ms: 100, cluster_idle_timeout_ms: 30000, cluster_max_connection_lifetime_ms: 60000 }',
      ),
    ]).current();
    expect(made.problems).toEqual([]);
    expect([...made.upstreams.values()]).toMatchObject([
      { connectTimeoutMs: 100, idleTimeoutMs: 30_000, maxLifetimeMs: 60_000 },
    ]);
  });

  test("allowed_headers, of which Ambassador makes nothing, close nothing", () => {
    expect(saidBy("allowed_headers: [x-user]")).toMatchObject({ trustedHeaders: [] });
    expect(codes([...service("ops/auth"), auth('{ auth_service: "auth:8000", allowed_headers: [x-user] }')])).toEqual([
      "warning field-lost",
    ]);
    expect(limitedBy("allowed_headers: [x-user]")).toBeNull();
  });

  test("circuit_breakers are ignored with a Problem; notes of conversions without one", () => {
    expect(
      codes([
        ...service("ops/auth"),
        auth('{ auth_service: "auth:8000", circuit_breakers: [{max_requests: 1}], v3StatsName: a }'),
      ]),
    ).toEqual(["warning field-lost"]);
  });

  test("an invalid one keeps its last good form; at a start it closes, and with it gone nobody is asked", () => {
    const running = translator([auth('{ auth_service: "auth:3000" }')]);
    running.apply({ set: [auth('{ auth_service: "auth:3000", timeout_ms: soon }')], removed: [] });
    expect(running.current().settings.external.auth.kind).toBe("service");
    expect(externalOf([auth("{ timeout_ms: soon }")]).auth.kind).toBe("closed");
    running.apply({ set: [], removed: ["AuthService ops/auth"] });
    expect(running.current().settings.external.auth.kind).toBe("none");
    expect(running.current().upstreams.size).toBe(0);
  });

  test.each([
    ["an unreadable id", auth('{ auth_service: "auth:3000", ambassador_id: {a: b} }')],
    [
      "an unknown apiVersion",
      object("AuthService", "ops/auth", 'spec: { auth_service: "auth:3000" }', "getambassador.io/v9"),
    ],
  ])("%s closes", (_what, given) => {
    expect(externalOf([given]).auth.kind).toBe("closed");
  });

  test("another ambassador-id is none of ours", () => {
    expect(externalOf([auth('{ auth_service: "auth:3000", ambassador_id: [other] }')]).auth.kind).toBe("none");
  });

  test("a text with one in it that is no YAML closes, and its last good form holds", () => {
    const annotated = (text: string): SourceObject =>
      object(
        "Service",
        "ops/auth",
        JSON.stringify({
          metadata: { annotations: { "getambassador.io/config": text } },
          spec: { ports: [{ port: 3000 }] },
        }),
      );
    const good = 'apiVersion: getambassador.io/v2\nkind: AuthService\nname: a\nauth_service: "auth:3000"\n';
    expect(externalOf([annotated(good)]).auth.kind).toBe("service");
    expect(externalOf([annotated(`${good}x: [`)]).auth.kind).toBe("closed");
    const running = translator([annotated(good)]);
    running.apply({ set: [annotated(`${good}x: [`)], removed: [] });
    expect(running.current().settings.external.auth.kind).toBe("service");
  });

  test("of another namespace it counts by a Grant, which does not let it name what it likes", () => {
    const foreign = auth('{ auth_service: "auth:8000" }', "team/auth");
    expect([externalOf([foreign]).auth.kind, codes([foreign])]).toEqual(["none", ["error not-granted"]]);
    const grants = [{ ...noGrant, namespace: "team", gateway: true }];
    expect(externalOf([...service("team/auth"), foreign], { grants }).auth.kind).toBe("service");
    const beyond = auth('{ auth_service: "auth.payments:8000" }', "team/auth");
    expect([externalOf([beyond], { grants }).auth.kind, codes([beyond], { grants })]).toEqual([
      "closed",
      ["error not-granted"],
    ]);
    // The operator may.
    expect(externalOf([auth('{ auth_service: "auth.payments:8000" }')]).auth.kind).toBe("service");
  });

  test("a tenant cannot close anybody by one of its own", () => {
    expect(
      externalOf([auth('{ auth_service: "auth:3000" }'), auth("{ timeout_ms: soon }", "team/auth")]).auth.kind,
    ).toBe("service");
  });
});

describe("several", () => {
  const one = auth('{ auth_service: "a:8000", timeout_ms: 100 }', "ops/a");

  test("AuthServices that differ in nothing but the service are asked in equal shares", () => {
    const { auth: consulted } = externalOf([one, auth('{ auth_service: "b:8000", timeout_ms: 100 }', "ops/b")]);
    expect(consulted).toMatchObject({
      kind: "service",
      service: { places: [{ authority: "a:8000" }, { authority: "b:8000" }] },
    });
  });

  test("AuthServices that differ otherwise close, and so does a second RateLimitService", () => {
    expect(externalOf([one, auth('{ auth_service: "b:8000", timeout_ms: 101 }', "ops/b")]).auth.kind).toBe("closed");
    const two = [limits('{ service: "l:8081" }', "ops/a"), limits('{ service: "l:8081" }', "ops/b")];
    expect([externalOf(two).rateLimit.kind, codes(two)]).toEqual([
      "closed",
      expect.arrayContaining(["error service-contested"]),
    ]);
  });
});

describe("where a service is", () => {
  const key = (objects: readonly SourceObject[], more: Partial<TranslateSettings> = {}): string => {
    const { auth: consulted } = externalOf(objects, more);
    return consulted.kind === "service" ? consulted.service.places[0]!.upstream : consulted.kind;
  };

  test("it has an Upstream of its own, with Endpoints, beside that of a Mapping to the same place", () => {
    const made = translator([
      ...service("ops/auth"),
      auth('{ auth_service: "auth:8000" }'),
      object("Mapping", "ops/m", 'spec: {prefix: /seldon/ops/m/, service: "auth:8000"}'),
    ]);
    const { upstreams, endpoints } = made.current();
    const keys = ["service ops/auth:8000 http1", "service ops/auth:8000 http1 for=AuthService"];
    expect([...upstreams.keys()].toSorted()).toEqual(keys);
    expect(endpoints.get(keys[1]!)).toMatchObject({ ready: true, endpoints: [{ ip: "10.1.0.1" }] });
  });

  test("gRPC, TLS by scheme, by true, by a TLSContext; without that context it is never dialled in plain text", () => {
    const grpc = translator([
      ...service("ops/auth"),
      auth('{ auth_service: "https://auth:5001", proto: grpc }'),
    ]).current();
    expect([...grpc.upstreams.values()]).toMatchObject([{ protocol: "http2", tls: { context: "https" } }]);
    expect(key([...service("ops/auth"), auth('{ auth_service: "auth:8000", tls: true }')])).toContain("tls=https");
    const missing = translator([
      ...service("ops/auth"),
      auth('{ auth_service: "auth:8000", tls: upstream }'),
    ]).current();
    expect([...missing.endpoints.values()]).toMatchObject([{ ready: false }]);
    expect(missing.problems).toMatchObject([{ code: "tls-missing" }]);
  });

  test("a Service that is not there is said", () => {
    expect(codes([auth('{ auth_service: "auth:8000" }')])).toEqual(["error no-such-service"]);
  });

  test("of a namespace that is not watched nothing is known but its name", () => {
    expect(key([auth('{ auth_service: "auth:8000" }')], { namespaces: ["models"] })).toBe(
      "dns auth.ops:8000 http1 for=AuthService",
    );
  });

  test.each(["169.254.169.254:80", "127.0.0.1:8500", "[::1]:8500", "localhost:8500"])(
    "at %s, which a cluster does not dial, it is away: the Problem has its field and what requests get",
    (at) => {
      const made = translator([
        auth(`{ auth_service: "${at}", status_on_error: { code: 504 } }`),
        limits(`{ service: "${at}" }`),
      ]).current();
      expect(made.settings.external).toMatchObject({ auth: { kind: "service" }, rateLimit: { kind: "service" } });
      if (!at.startsWith("localhost"))
        expect([...made.endpoints.values()]).toMatchObject([{ ready: false }, { ready: false }]);
      expect(made.problems).toMatchObject([
        {
          level: "error",
          field: "spec.auth_service",
          sentence: expect.stringContaining("every deployment is answered 504"),
        },
        {
          level: "error",
          field: "spec.service",
          sentence: expect.stringContaining("requests pass without its limits"),
        },
      ]);
    },
  );

  test("without a ready Endpoint the Problem says what requests get", () => {
    const objects = [...service("ops/auth", []), auth('{ auth_service: "auth:8000" }')];
    expect(translator(objects).current().problems).toMatchObject([
      {
        code: "service-unreachable",
        level: "error",
        field: "spec.auth_service",
        sentence: expect.stringContaining("has no ready Endpoint, so every deployment is answered 403"),
      },
    ]);
    expect(codes([...service("ops/auth"), auth('{ auth_service: "auth:8000" }')])).toEqual([]);
  });

  test("a gateway of a folder may have it beside itself", () => {
    const beside = [auth('{ auth_service: "127.0.0.1:8500" }')];
    expect(codes(beside, { source: "folder" })).toEqual([]);
    expect(codes(beside, { source: "folder", withoutSlices: "ready" })).toEqual(["warning service-unreachable"]);
  });
});

describe("a RateLimitService", () => {
  test("says what Ambassador reads, with its defaults", () => {
    expect(limitedBy("")).toEqual({
      domain: "ambassador",
      timeoutMs: 20,
      failureModeDeny: false,
      resourceExhausted: false,
      sourceCluster: "default-ops",
      place: { upstream: expect.stringMatching(/ http2.* for=RateLimitService$/), authority: "limits:8081" },
    });
    expect(
      limitedBy("domain: models, timeout_ms: 50, failure_mode_deny: on, grpc: {use_resource_exhausted_code: true}"),
    ).toMatchObject({ domain: "models", timeoutMs: 50, failureModeDeny: true, resourceExhausted: true });
  });

  test.each([
    'domain: ""',
    "timeout_ms: 0",
    "grpc: {use_resource_exhausted_cod: true}",
    "failure_mode_deny: maybe",
    "protocol_version: v2",
    "domian: a",
  ])("%s closes", (fields) => {
    expect(limitedBy(fields)).toBeNull();
  });
});

describe("labels", () => {
  const read = (labels: string): boolean => {
    const made = translator([
      ...service("p/m"),
      object("Mapping", "p/m", `spec: {prefix: /seldon/p/m/, service: "m:8000", labels: ${labels}}`),
    ]);
    return made.current().mappings.size === 1;
  };
  const groups = (count: number): string => `{d: [${Array.from({ length: count }, () => "{g: [a]}").join(", ")}]}`;
  const entries = (count: number): string => `{d: [{g: [${Array.from({ length: count }, () => "a").join(", ")}]}]}`;
  const texts = (length: number): string => `{d: [{g: [{generic_key: {value: ${"a".repeat(length)}}}]}]}`;

  test.each([
    ["groups", groups(31), groups(32), groups(33)],
    ["labels of a group", entries(15), entries(16), entries(17)],
    ["characters", texts(255), texts(256), texts(257)],
  ])("%s: below, at and above the bound", (_what, below, at, above) => {
    expect([read(below), read(at), read(above)]).toEqual([true, true, false]);
  });
});
