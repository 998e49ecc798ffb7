import { plainSettings } from "../../../routing/model/table-change.ts";
import { describe, expect, test } from "vitest";
import { Translator } from "../../../k8s/translate/translator.ts";
import {
  clusterSettings,
  codesOf,
  deployment,
  object,
  partsOf,
  pathOf,
  problemsOf,
  service,
  slice,
  translate,
} from "./objects.ts";

function shares(translation: ReturnType<typeof translate>, name: string): readonly unknown[] {
  return [...partsOf(translation, name)]
    .filter(([part]) => part.startsWith("http "))
    .map(([, { role }]) => (role.kind === "live" ? role.share : `shadow ${role.percent}`));
}

describe("Mappings of an SD", () => {
  test("REST under the namespace, gRPC by metadata, and the bare gRPC name", () => {
    const parts = partsOf(translate([deployment("prod/iris"), ...service("prod/iris-main")]), "prod/iris");
    expect([...parts.keys()]).toEqual(["http main", "grpc main", "grpc-bare main"]);
    const rest = parts.get("http main")!;
    expect(rest).toMatchObject({
      namespace: "prod",
      space: "prod",
      granted: false,
      member: "SeldonDeployment prod/iris",
      precedence: 0,
    });
    expect(rest.match.path).toEqual({ kind: "prefix", prefix: "/seldon/prod/iris/", caseSensitive: true });
    expect(rest.target).toMatchObject({
      upstream: "service prod/iris-main:8000 http1",
      rewrite: { kind: "prefix", with: "/" },
      timeout: { ms: 3000, setBy: null },
      idleTimeout: { ms: 300000, setBy: null },
    });
    const grpc = parts.get("grpc main")!;
    expect(grpc.match.headers.map(({ name, value }) => [name, value])).toEqual([
      ["seldon", { kind: "exact", value: "iris" }],
      ["namespace", { kind: "exact", value: "prod" }],
    ]);
    expect(grpc.target).toMatchObject({ upstream: "service prod/iris-main:5001 http2", rewrite: { kind: "none" } });
    expect(parts.get("grpc-bare main")).toMatchObject({ space: null, match: { headers: [{ name: "seldon" }] } });
  });

  test("nothing that Sluice makes by itself is a Problem", () => {
    expect(translate([deployment("prod/iris"), ...service("prod/iris-main")]).problems).toEqual([]);
  });

  test("a single namespace has the short forms and no bare names", () => {
    const translation = translate([deployment("prod/iris")], { singleNamespace: "prod", namespaces: ["prod"] });
    const parts = partsOf(translation, "prod/iris");
    expect([...parts.keys()]).toEqual(["http main", "http-short main", "grpc main", "grpc-short main"]);
    expect(pathOf(parts.get("http-short main"))).toBe("/seldon/iris/");
    expect(parts.get("grpc-short main")).toMatchObject({ space: "prod", match: { headers: [{ name: "seldon" }] } });
    expect(translation.settings).toEqual({ ...plainSettings, singleNamespace: "prod" });
  });

  test("objects outside the watched namespaces do not exist", () => {
    expect(translate([deployment("other/iris")], { namespaces: ["prod"] }).mappings.size).toBe(0);
  });

  test("a deployment that is being deleted ends for new requests", () => {
    expect(
      translate([
        object(
          "SeldonDeployment",
          "prod/iris",
          'metadata: {deletionTimestamp: "2026-01-01T00:00:00Z"}\nspec: {predictors: [{name: main}]}',
        ),
      ]).mappings.size,
    ).toBe(0);
  });

  test.each(["Creating", "Failed", "FAILED", "Available"])("status.state %s changes nothing", (state) => {
    const given = object(
      "SeldonDeployment",
      "prod/iris",
      `status: {state: ${state}}\nspec: {predictors: [{name: main}]}`,
    );
    expect(partsOf(translate([given]), "prod/iris").size).toBe(3);
  });

  test.each(["v1alpha1", "v1alpha2", "v1alpha3", "v1"])("version %s", (version) => {
    const spec =
      version === "v1alpha1"
        ? "componentSpec: {spec: {containers: [{name: classifier}]}}"
        : "componentSpecs: [{spec: {containers: [{name: classifier}]}}]";
    const given = object(
      "SeldonDeployment",
      "prod/iris",
      `spec: {name: iris, predictors: [{name: main, ${spec}, graph: {name: classifier}}]}`,
      `machinelearning.seldon.io/${version}`,
    );
    expect(pathOf(partsOf(translate([given]), "prod/iris").get("http main"))).toBe("/seldon/prod/iris/");
  });
});

describe("traffic", () => {
  test.each([
    ["one predictor, any traffic", ["a:25"], [1], []],
    ["20/80", ["a:20", "b:80"], [0.2, 0.8], []],
    ["50/50", ["a:50", "b:50"], [0.5, 0.5], []],
    ["60/20/20", ["a:60", "b:20", "c:20"], [0.6, 0.2, 0.2], []],
    [
      "33/33/33: the first takes the remainder",
      ["a:33", "b:33", "c:33"],
      [0.34, 0.33, 0.33],
      ["warning traffic-remainder"],
    ],
    ["100/0: zero is zero (#4067)", ["a:100", "b:0"], [1, 0], ["info differs"]],
    ["0/100", ["a:0", "b:100"], [0, 1], []],
    ["declared beside absent: none", ["a:100", "b"], [1, 0], ["info differs"]],
    ["nothing declared: equal", ["a", "b"], [0.5, 0.5], ["info differs"]],
    [
      "over 100: scaled, the first gets none",
      ["a:50", "b:80", "c:120"],
      [0, 0.4, 0.6],
      ["info differs", "warning shares-scaled"],
    ],
  ])("%s", (_name, predictors, expected, codes) => {
    const translation = translate([deployment("prod/iris", predictors)]);
    expect(shares(translation, "prod/iris")).toEqual(expected);
    expect(codesOf(translation)).toEqual(codes);
  });

  test("as text, as old CRs hold it", () => {
    const given = object(
      "SeldonDeployment",
      "prod/iris",
      'spec: {predictors: [{name: a, traffic: "75"}, {name: b, traffic: "25"}]}',
    );
    expect(shares(translate([given]), "prod/iris")).toEqual([0.75, 0.25]);
  });

  test("a predictor whose traffic cannot be read keeps the whole from being served", () => {
    const given = object(
      "SeldonDeployment",
      "prod/iris",
      "spec: {predictors: [{name: a}, {name: b, traffic: many}, {name: c, traffic: -5}]}",
    );
    const translation = translate([given, ...service("prod/iris-a")]);
    expect(shares(translation, "prod/iris")).toEqual([]);
    expect(problemsOf(translation)).toEqual([
      'error bad-value SeldonDeployment prod/iris spec.predictors[1].traffic: "many" is not a number of 0 or more, so the SeldonDeployment is not served; write a percentage',
      'error bad-value SeldonDeployment prod/iris spec.predictors[2].traffic: "-5" is not a number of 0 or more, so the SeldonDeployment is not served; write a percentage',
    ]);
  });

  test("sluice.io/traffic overrides the spec; predictors that it does not name get none", () => {
    expect(
      shares(
        translate([deployment("prod/iris", ["main:100", "canary:0"], { "sluice.io/traffic": "main=75, canary=25" })]),
        "prod/iris",
      ),
    ).toEqual([0.75, 0.25]);
    expect(
      shares(
        translate([deployment("prod/iris", ["a:50", "b:50", "c:0"], { "sluice.io/traffic": "b=100" })]),
        "prod/iris",
      ),
    ).toEqual([0, 1, 0]);
  });

  test.each(["canary=x", "nobody=100", "main", "main=1=2", "main=-1", "main=50,main=50", ""])(
    'sluice.io/traffic "%s" is not served, or says nothing',
    (text) => {
      const translation = translate([deployment("prod/iris", ["main:90", "canary:10"], { "sluice.io/traffic": text })]);
      expect(shares(translation, "prod/iris")).toEqual(text === "" ? [0.9, 0.1] : []);
      expect(codesOf(translation)).toEqual([text === "" ? "warning empty-field" : "error bad-value"]);
    },
  );
});

describe("shadows", () => {
  test.each([
    ["unset: all", "", "shadow 100"],
    ["a percentage", ", traffic: 20", "shadow 20"],
    ["explicit 0: none", ", traffic: 0", "shadow 0"],
  ])("predictor.shadow, %s", (_name, traffic, expected) => {
    const given = object(
      "SeldonDeployment",
      "prod/iris",
      `spec: {predictors: [{name: a}, {name: b, shadow: true${traffic}}]}`,
    );
    expect(shares(translate([given]), "prod/iris")).toEqual([1, expected]);
  });

  test("seldon.io/ambassador-shadow makes every predictor a shadow, by share and weight", () => {
    const annotations = { "seldon.io/ambassador-shadow": "true", "seldon.io/ambassador-service-name": "iris" };
    expect(shares(translate([deployment("prod/copy", ["a"], annotations)]), "prod/copy")).toEqual(["shadow 100"]);
    expect(
      shares(
        translate([deployment("prod/copy", ["a:75", "b:25"], { ...annotations, "seldon.io/ambassador-weight": "40" })]),
        "prod/copy",
      ),
    ).toEqual(["shadow 30", "shadow 10"]);
  });

  test.each(["false", "0", "no", "False"])('seldon.io/ambassador-shadow "%s" is no shadow, with a warning', (text) => {
    const translation = translate([deployment("prod/iris", ["a"], { "seldon.io/ambassador-shadow": text })]);
    expect(shares(translation, "prod/iris")).toEqual([1]);
    expect(codesOf(translation)).toEqual(["warning differs"]);
  });
});

describe("Services", () => {
  test.each([
    ["the svc-name annotation first", ["prod/custom", "prod/iris-main"], "custom"],
    ["the name since 1.1", ["prod/iris-main", "prod/iris-old-main"], "iris-main"],
    ["the name of 0.4 to 1.0", ["prod/iris-old-main"], "iris-old-main"],
    ["none: the first candidate", [], "custom"],
  ])("%s", (_name, services, expected) => {
    const given = object(
      "SeldonDeployment",
      "prod/iris",
      "spec: {name: old, predictors: [{name: main, annotations: {seldon.io/svc-name: custom}}]}",
    );
    const translation = translate([given, ...services.flatMap((name) => service(name))]);
    expect(translation.choiceOf("SeldonDeployment prod/iris http main")).toMatchObject({
      chosen: expected,
      exists: services.length > 0,
      candidates: ["custom", "iris-main", "iris-old-main", "old-iris", "old"],
    });
  });

  test.each([
    ["labelled", "iris", true],
    ["labelled by 0.2.7", "old", true],
    ["somebody else’s", null, false],
  ])("the names of 0.2 and 0.3 count when the Service is %s", (_name, owner, counts) => {
    const given = object("SeldonDeployment", "prod/iris", "spec: {name: old, predictors: [{name: main}]}");
    const translation = translate([given, ...service("prod/old", ["10.1.0.1"], owner)]);
    expect(translation.choiceOf("SeldonDeployment prod/iris http main")!.chosen).toBe(counts ? "old" : "iris-main");
  });

  test("names over 63 bytes become seldon- and the MD5 of the whole", () => {
    const long = `iris-${"x".repeat(60)}`;
    expect(translate([deployment(`prod/${long}`)]).choiceOf(`SeldonDeployment prod/${long} http main`)!.chosen).toMatch(
      /^seldon-[0-9a-f]{32}$/,
    );
  });

  test("ports are found by name, else computed", () => {
    const given = object("Service", "prod/iris-main", "spec: {ports: [{name: http, port: 1234}]}");
    const parts = partsOf(translate([deployment("prod/iris"), given]), "prod/iris");
    expect([...parts.values()].map(({ target }) => (target.kind === "forward" ? target.upstream : ""))).toEqual([
      "service prod/iris-main:1234 http1",
      "service prod/iris-main:5001 http2",
      "service prod/iris-main:5001 http2",
    ]);
  });

  test("without an engine the ports are the container’s", () => {
    const predictors =
      '[{name: a, annotations: {seldon.io/no-engine: "True"}, graph: {name: m1}, componentSpecs: [{spec: {containers: [{name: m1}]}}]}, {name: b, annotations: {seldon.io/no-engine: "true"}, graph: {name: m2}, componentSpecs: [{spec: {containers: [{name: m2, ports: [{name: http, containerPort: 7000}]}]}}]}]';
    const parts = partsOf(
      translate([object("SeldonDeployment", "prod/iris", `spec: {predictors: ${predictors}}`)]),
      "prod/iris",
    );
    expect(
      [...parts.values()].map(({ target }) => (target.kind === "forward" ? target.upstream.split(" ")[1] : "")),
    ).toEqual([
      "prod/iris-a:9000",
      "prod/iris-a:9500",
      "prod/iris-a:9500",
      "prod/iris-b:7000",
      "prod/iris-b:9501",
      "prod/iris-b:9501",
    ]);
  });

  test("a Service that is not there is a name to resolve in a folder and nothing in a cluster", () => {
    const folder = translate([deployment("prod/iris")], { source: "folder" });
    expect([...folder.upstreams.values()][0]!.address).toEqual({ kind: "dns", host: "iris-main.prod", port: 8000 });
    expect([...folder.endpoints.values()][0]!.ready).toBe(true);
    const cluster = translate([deployment("prod/iris")]);
    expect([...cluster.endpoints.values()][0]).toEqual({
      key: "service prod/iris-main:8000 http1",
      ready: false,
      endpoints: [],
    });
  });
});

describe("Endpoints", () => {
  const given = [
    deployment("prod/iris"),
    object("Service", "prod/iris-main", "spec: {ports: [{name: http, port: 8000}]}"),
  ];
  const http = (slices: Parameters<typeof translate>[0], settings = {}): unknown =>
    translate([...given, ...slices], settings).endpoints.get("service prod/iris-main:8000 http1");

  test("slices are merged, sorted and each address is there once; ready beats terminating", () => {
    const one = slice("prod/s1", "iris-main", [
      { addresses: ["10.1.0.9"] },
      { addresses: ["10.1.0.2"], conditions: { ready: false, serving: true, terminating: true } },
    ]);
    const two = slice("prod/s2", "iris-main", [
      { addresses: ["10.1.0.2"] },
      { addresses: ["fd00:0::1"] },
      { addresses: ["10.1.0.3"], conditions: { ready: false } },
    ]);
    expect(http([one, two])).toEqual({
      key: "service prod/iris-main:8000 http1",
      ready: true,
      endpoints: [
        { ip: "10.1.0.2", port: 9000, state: "ready" },
        { ip: "10.1.0.9", port: 9000, state: "ready" },
        { ip: "fd00::1", port: 9000, state: "ready" },
      ],
    });
  });

  test("serving and terminating is ready enough when nothing else is", () => {
    expect(
      http([
        slice("prod/s1", "iris-main", [
          { addresses: ["10.1.0.2"], conditions: { ready: false, serving: true, terminating: true } },
        ]),
      ]),
    ).toMatchObject({ ready: true, endpoints: [{ state: "terminating" }] });
  });

  test("a slice of a Service that no object names is nobody's fault: each cluster has that of its API server", () => {
    const written = slice("default/kubernetes", "kubernetes", [{ addresses: ["10.1.0.2"] }], "me");
    expect(codesOf(translate([...given, written]))).toEqual(codesOf(translate(given)));
  });

  test("a slice that no Kubernetes controller computes needs a Grant in a cluster, not in a folder", () => {
    const written = slice("prod/s1", "iris-main", [{ addresses: ["10.1.0.2"] }], "me");
    expect(http([written])).toMatchObject({ ready: false });
    expect(codesOf(translate([...given, written]))).toEqual(["error not-granted"]);
    expect(http([written], { source: "folder" })).toMatchObject({ ready: true });
    const grant = {
      namespace: "prod",
      prefixes: [],
      hosts: [],
      grpcNames: [],
      upstreams: [],
      regex: false,
      precedence: false,
      open: false,
      endpointSlices: true,
      anonymous: false,
      gateway: false,
    };
    expect(http([written], { grants: [grant] })).toMatchObject({ ready: true });
  });

  test("addresses out of reach are left out with a Problem", () => {
    const translation = translate([
      ...given,
      slice("prod/s1", "iris-main", [
        { addresses: ["127.0.0.1"] },
        { addresses: ["169.254.169.254"] },
        { addresses: ["10.1.0.2"] },
      ]),
    ]);
    expect(translation.endpoints.get("service prod/iris-main:8000 http1")!.endpoints).toEqual([
      { ip: "10.1.0.2", port: 9000, state: "ready" },
    ]);
    expect(problemsOf(translation)).toEqual([
      "error address-refused EndpointSlice prod/s1 endpoints: the address 127.0.0.1 is a loopback address, so Sluice does not connect to it; remove it",
      "error address-refused EndpointSlice prod/s1 endpoints: the address 169.254.169.254 is a link-local address, so Sluice does not connect to it; remove it",
    ]);
  });
});

describe("serving-previous-predictor", () => {
  const owned = (name: string, addresses: readonly string[]): ReturnType<typeof service> =>
    service(name, addresses, "iris");

  test("Services that the spec no longer names serve until a current predictor is ready, never beside one", () => {
    const before = translate([
      deployment("prod/iris", ["new"]),
      ...owned("prod/iris-old", ["10.1.0.1"]),
      ...owned("prod/iris-new", []),
    ]);
    const rest = [...before.mappings.values()].filter(({ match }) => match.path.kind === "prefix");
    expect(rest.map(({ id, role }) => [id, role])).toEqual([
      ["SeldonDeployment prod/iris http new", { kind: "live", weight: null, share: 0 }],
      ["SeldonDeployment prod/iris http-previous iris-old", { kind: "live", weight: null, share: 1 }],
    ]);
    expect(codesOf(before)).toEqual(["warning serving-previous-predictor"]);
    const after = translate([
      deployment("prod/iris", ["new"]),
      ...owned("prod/iris-old", ["10.1.0.1"]),
      ...owned("prod/iris-new", ["10.1.0.2"]),
    ]);
    expect(shares(after, "prod/iris")).toEqual([1]);
    expect(codesOf(after)).toEqual([]);
  });

  test("follows Endpoints, and ends with its Service", () => {
    const translator = new Translator(clusterSettings);
    const served = (): readonly string[] =>
      [...partsOf(translator.current(), "prod/iris").keys()].filter((part) => part.startsWith("http"));
    translator.apply({
      set: [deployment("prod/iris", ["new"]), ...owned("prod/iris-old", ["10.1.0.1"]), ...owned("prod/iris-new", [])],
      removed: [],
    });
    expect(served()).toEqual(["http new", "http-previous iris-old"]);
    translator.apply({ set: [owned("prod/iris-new", ["10.1.0.2"])[1]!], removed: [] });
    expect(served()).toEqual(["http new"]);
    translator.apply({ set: [], removed: ["EndpointSlice prod/iris-new-1"] });
    expect(served()).toEqual(["http new", "http-previous iris-old"]);
    translator.apply({ set: [], removed: ["Service prod/iris-old"] });
    expect(served()).toEqual(["http new"]);
    translator.apply({ set: [owned("prod/iris-old", [])[0]!], removed: [] });
    expect(served()).toEqual(["http new", "http-previous iris-old"]);
    translator.apply({ set: [service("prod/iris-old", [], "other")[0]!], removed: [] });
    expect(served()).toEqual(["http new"]);
  });

  test("Services of containers and explainers are never predictors", () => {
    const inner = object(
      "Service",
      "prod/iris-old-classifier",
      "metadata: {labels: {seldon-deployment-id: iris, seldon-app-svc: x}}\nspec: {ports: [{name: http, port: 9000}]}",
    );
    const translation = translate([
      deployment("prod/iris", ["new"]),
      inner,
      slice("prod/s", "iris-old-classifier", [{ addresses: ["10.1.0.1"] }]),
      ...owned("prod/iris-old-explainer", ["10.1.0.3"]),
    ]);
    expect(codesOf(translation)).toEqual([]);
  });
});

describe("explainers", () => {
  const spec =
    "spec: {predictors: [{name: p1, traffic: 80, explainer: {type: anchor_tabular}}, {name: p2, traffic: 20}]}";

  test("their own path, all of the traffic, port 9000, and the path of 0.4 to 1.0", () => {
    const parts = partsOf(translate([object("SeldonDeployment", "prod/iris", spec)]), "prod/iris");
    expect(pathOf(parts.get("explainer p1"))).toBe("/seldon/prod/iris-explainer/p1/");
    expect(parts.get("explainer p1")).toMatchObject({
      role: { kind: "live", weight: null, share: 1 },
      target: { upstream: "service prod/iris-p1-explainer:9000 http1" },
    });
    expect(pathOf(parts.get("explainer-alias p1"))).toBe("/seldon/prod/iris-explainer/api/");
  });

  test("no old path beside an SD of that name, or with two explainers", () => {
    const taken = translate([object("SeldonDeployment", "prod/iris", spec), deployment("prod/iris-explainer")]);
    expect(partsOf(taken, "prod/iris").has("explainer-alias p1")).toBe(false);
    const two = object(
      "SeldonDeployment",
      "prod/iris",
      "spec: {predictors: [{name: p1, explainer: {type: a}}, {name: p2, explainer: {type: a}}]}",
    );
    expect(partsOf(translate([two]), "prod/iris").has("explainer-alias p1")).toBe(false);
  });
});

describe("ssl", () => {
  const given = object(
    "SeldonDeployment",
    "prod/iris",
    "spec: {predictors: [{name: main, ssl: {certSecretName: pair}}]}",
  );
  const secret = (key: string, ca = ""): ReturnType<typeof object> =>
    object(
      "Secret",
      "prod/pair",
      JSON.stringify({
        stringData: {
          "tls.crt": "-----BEGIN CERTIFICATE-----\nc",
          "tls.key": `-----BEGIN PRIVATE KEY-----\n${key}`,
          ...(ca === "" ? {} : { "ca.crt": ca }),
        },
      }),
    );

  test("the Secret’s certificate, no verification; its key is in no name or Problem", () => {
    const translation = translate([given, ...service("prod/iris-main"), secret("very-secret")]);
    const upstream = [...translation.upstreams.values()][0]!;
    expect(upstream.tls).toMatchObject({ context: "pair", sni: null, caPem: null });
    expect(
      JSON.stringify([...translation.upstreams.keys(), ...translation.mappings.values(), translation.problems]),
    ).not.toContain("very-secret");
  });

  test("a rotated key is a new Upstream, and ca.crt verifies the peer", () => {
    const keys = (key: string): readonly string[] => [...translate([given, secret(key)]).upstreams.keys()];
    expect(keys("one")).not.toEqual(keys("two"));
    expect(
      [...translate([given, secret("one", "-----BEGIN CERTIFICATE-----\nca")]).upstreams.values()][0]!.tls!.caPem,
    ).toContain("ca");
  });

  test("without the Secret it is unready and never plain", () => {
    const translation = translate([given, ...service("prod/iris-main")]);
    for (const upstream of translation.upstreams.values()) expect(upstream.tls).not.toBeNull();
    for (const endpoints of translation.endpoints.values())
      expect(endpoints).toMatchObject({ ready: false, endpoints: [] });
    expect(codesOf(translation)).toEqual(["info differs", "error tls-missing"]);
  });
});
