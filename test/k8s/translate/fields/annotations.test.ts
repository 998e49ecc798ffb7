import { describe, expect, test } from "vitest";
import { parseHeaders, parseRegexHeaders } from "../../../../k8s/translate/fields/header-grammar.ts";
import { codesOf, deployment, object, partsOf, pathOf, problemsOf, service, translate } from "../objects.ts";

function targetWith(
  annotations: Readonly<Record<string, string>>,
  part = "http main",
): Readonly<Record<string, unknown>> {
  return partsOf(translate([deployment("prod/iris", ["main"], annotations)]), "prod/iris").get(part)!
    .target as unknown as Readonly<Record<string, unknown>>;
}

describe("time limits", () => {
  test.each([
    [{}, 3000, null],
    [{ "seldon.io/rest-timeout": "1000" }, 1000, "annotation seldon.io/rest-timeout"],
    [{ "seldon.io/rest-read-timeout": "7000" }, 7000, "annotation seldon.io/rest-read-timeout"],
    [{ "seldon.io/rest-timeout": "1", "seldon.io/rest-read-timeout": "7000" }, 1, "annotation seldon.io/rest-timeout"],
    [{ "seldon.io/rest-timeout": "0" }, 0, "annotation seldon.io/rest-timeout"],
    [{ "seldon.io/rest-timeout": "soon" }, 3000, null],
    [{ "seldon.io/rest-timeout": "-1" }, 3000, null],
    // As the operator reads numbers: it takes none of these.
    [{ "seldon.io/rest-timeout": " 100" }, 3000, null],
    [{ "seldon.io/rest-timeout": "100 " }, 3000, null],
    [{ "seldon.io/rest-timeout": "100.0" }, 3000, null],
    [{ "seldon.io/rest-timeout": "+100" }, 100, "annotation seldon.io/rest-timeout"],
    [{ "seldon.io/rest-timeout": "99999999999" }, 3000, null],
  ])("REST with %j", (annotations, ms, setBy) => {
    expect(targetWith(annotations)["timeout"]).toEqual({ ms, setBy });
  });

  test("gRPC has its own", () => {
    expect(
      targetWith({ "seldon.io/grpc-timeout": "40000", "seldon.io/rest-timeout": "1" }, "grpc main")["timeout"],
    ).toEqual({ ms: 40000, setBy: "annotation seldon.io/grpc-timeout" });
    expect(targetWith({ "seldon.io/grpc-read-timeout": "5" }, "grpc main")["timeout"]).toMatchObject({ ms: 5 });
  });

  test("the idle limit follows a timeout that is longer than it", () => {
    expect(targetWith({ "seldon.io/rest-timeout": "300000" })["idleTimeout"]).toEqual({ ms: 300000, setBy: null });
    expect(targetWith({ "seldon.io/rest-timeout": "300001" })["idleTimeout"]).toEqual({
      ms: 300001,
      setBy: "annotation seldon.io/rest-timeout",
    });
  });

  test("a bad one is a Problem with the remedy", () => {
    expect(problemsOf(translate([deployment("prod/iris", ["main"], { "seldon.io/rest-timeout": "soon" })]))).toEqual([
      'warning bad-value SeldonDeployment prod/iris metadata.annotations["seldon.io/rest-timeout"]: "soon" is not a number of milliseconds from 0 to 2147483647, so Sluice uses the default; write whole milliseconds, 0 for none',
    ]);
  });
});

describe("places", () => {
  test("spec.annotations before metadata.annotations, by presence, and what is hidden is told", () => {
    const given = object(
      "SeldonDeployment",
      "prod/iris",
      'metadata: {annotations: {seldon.io/rest-timeout: "1", seldon.io/ambassador-id: default}}\nspec: {annotations: {seldon.io/rest-timeout: "2", seldon.io/ambassador-id: ""}, predictors: [{name: main}]}',
    );
    const translation = translate([given]);
    expect(partsOf(translation, "prod/iris").get("http main")!.target).toMatchObject({ timeout: { ms: 2 } });
    expect(codesOf(translation)).toEqual([
      "warning annotation-hidden",
      "warning annotation-hidden",
      "warning empty-field",
      "info differs",
    ]);
  });

  test("on a predictor they are not read", () => {
    const given = object(
      "SeldonDeployment",
      "prod/iris",
      'spec: {predictors: [{name: main, annotations: {seldon.io/ambassador-shadow: "true", seldon.io/rest-timeout: "5"}}]}',
    );
    expect(codesOf(translate([given]))).toEqual(["error annotation-misplaced", "warning annotation-misplaced"]);
  });

  test("a misspelt one is told", () => {
    expect(
      codesOf(
        translate([
          deployment("prod/iris", ["main"], {
            "seldon.io/ambassador-wieght": "1",
            "sluice.io/trafic": "x",
            "seldon.io/other": "y",
          }),
        ]),
      ),
    ).toEqual(["error unknown-annotation", "error unknown-annotation"]);
  });
});

describe("ambassador-id", () => {
  test.each([
    [undefined, ["default"], true],
    ["default", ["default"], true],
    ["mine", ["default"], false],
    ["mine", ["mine"], true],
    ["a, mine", ["mine"], true],
    ['[a, "mine"]', ["mine"], true],
    [undefined, ["mine"], false],
  ])("id %s for a gateway with %j", (id, ambassadorIds, exists) => {
    const translation = translate(
      [deployment("prod/iris", ["main"], id === undefined ? {} : { "seldon.io/ambassador-id": id })],
      { ambassadorIds },
    );
    expect(translation.mappings.size > 0).toBe(exists);
  });

  test("an SD for another gateway takes no name", () => {
    const translation = translate([
      deployment("a/iris"),
      deployment("b/iris", ["main"], { "seldon.io/ambassador-id": "other" }),
    ]);
    expect(partsOf(translation, "a/iris").has("grpc-bare main")).toBe(true);
  });
});

describe("service name, weight, retries, breakers", () => {
  test("the name replaces the path and the metadata, not the Service", () => {
    const parts = partsOf(
      translate([
        deployment("prod/canary", ["main"], {
          "seldon.io/ambassador-service-name": "iris/deep",
          "seldon.io/ambassador-weight": "25",
        }),
      ]),
      "prod/canary",
    );
    expect(pathOf(parts.get("http main"))).toBe("/seldon/prod/iris/deep/");
    expect(parts.get("http main")).toMatchObject({
      role: { weight: 25 },
      target: { upstream: "service prod/canary-main:8000 http1" },
    });
    expect(parts.get("grpc main")!.match.headers[0]!.value).toEqual({ kind: "exact", value: "iris/deep" });
  });

  test.each(["x/../../victim", "..", "a b", "a?b", "  ", "/x", "x/", "\u001b[2Jx"])(
    'with the name "%s" it is not served: it would take the requests of its own',
    (name) => {
      const translation = translate([deployment("prod/iris", ["main"], { "seldon.io/ambassador-service-name": name })]);
      expect(partsOf(translation, "prod/iris").size).toBe(0);
      expect(codesOf(translation)).toEqual(["error bad-value"]);
    },
  );

  test("an empty name counts as its own", () => {
    const translation = translate([deployment("prod/iris", ["main"], { "seldon.io/ambassador-service-name": "" })]);
    expect(pathOf(partsOf(translation, "prod/iris").get("http main"))).toBe("/seldon/prod/iris/");
    expect(codesOf(translation)).toEqual(["warning bad-value"]);
  });

  test.each(["some", "10%", "-5", "  "])('with the weight "%s" it is not served', (weight) => {
    const translation = translate([
      deployment("prod/iris", ["main"], { "seldon.io/ambassador-weight": weight }),
      ...service("prod/iris-main"),
    ]);
    expect(partsOf(translation, "prod/iris").size).toBe(0);
    expect(codesOf(translation)).toEqual(["error bad-value"]);
  });

  test("retries and breakers are served", () => {
    const annotations = {
      "seldon.io/ambassador-retries": "2",
      "seldon.io/ambassador-circuit-breakers-max-connections": "10",
      "seldon.io/ambassador-circuit-breakers-max-retries": "0",
    };
    const translation = translate([deployment("prod/iris", ["main"], annotations)]);
    expect(partsOf(translation, "prod/iris").get("http main")!.target).toMatchObject({
      retry: { retryOn: ["gateway-error"], numRetries: 2 },
    });
    expect([...translation.upstreams.values()][0]!.breakers).toEqual([
      { priority: "default", maxConnections: 10, maxPendingRequests: 1024, maxRequests: 1024, maxRetries: 0 },
    ]);
    expect(codesOf(translation)).toEqual(["info differs"]);
  });
});

describe("headers", () => {
  test.each([
    ["location: london", [["location", "exact", "london"]]],
    ["location:london", [["location", "exact", "london"]]],
    ["Location :  London ", [["location", "exact", "London"]]],
    ["location", [["location", "present", ""]]],
    [
      "a:b:c:d",
      [
        ["a", "exact", "b"],
        ["c", "exact", "d"],
      ],
    ],
    ["a: b:c", [["a", "exact", "b:c"]]],
    ["a: http://h:1", [["a", "exact", "http://h:1"]]],
    ["a: 10:30:00", [["a", "exact", "10:30:00"]]],
    [
      "a: 1\n  b: 2",
      [
        ["a", "exact", "1"],
        ["b", "exact", "2"],
      ],
    ],
    ["a: 1\nA: 2", [["a", "exact", "2"]]],
  ])("%j", (text, expected) => {
    const { pairs, wrong } = parseHeaders(text);
    expect(pairs.map(({ name, value }) => [name, value.kind, value.kind === "exact" ? value.value : ""])).toEqual(
      expected,
    );
    expect(wrong).toEqual([]);
  });

  test.each([": x", "a b: c", ":authority: x"])("%j has no usable name", (text) => {
    expect(parseHeaders(text)).toMatchObject({ pairs: [], wrong: ["has a header name that is empty or not a token"] });
  });

  test("regexes are cut at the first colon and must be RE2", () => {
    expect(parseRegexHeaders("location: lond.*:x").pairs).toEqual([
      { name: "location", value: { kind: "regex", pattern: "lond.*:x" } },
    ]);
    expect(parseRegexHeaders("location: (?=x)").pairs).toEqual([]);
  });

  test("apply to REST and gRPC alike", () => {
    const parts = partsOf(
      translate([deployment("prod/iris", ["main"], { "seldon.io/ambassador-header": "location: london" })]),
      "prod/iris",
    );
    expect(parts.get("http main")!.match.headers).toEqual([
      { name: "location", value: { kind: "exact", value: "london" } },
    ]);
    expect(parts.get("grpc main")!.match.headers.map(({ name }) => name)).toEqual(["seldon", "namespace", "location"]);
  });

  test("cannot match away the metadata of another namespace", () => {
    const translation = translate([
      deployment("evil/x", ["main"], {
        "seldon.io/ambassador-header": "namespace: victim",
        "seldon.io/ambassador-service-name": "iris",
      }),
    ]);
    for (const { match, space } of translation.mappings.values()) {
      if (match.path.kind !== "grpc") continue;
      expect(space).not.toBe("victim");
    }
    expect([...partsOf(translation, "evil/x").keys()]).toEqual(["http main"]);
    expect(codesOf(translation)).toEqual(["warning reserved-header"]);
  });

  test("a condition that cannot be used serves nothing rather than everybody", () => {
    const translation = translate([
      deployment("prod/iris"),
      deployment("prod/canary", ["main"], {
        "seldon.io/ambassador-service-name": "iris",
        "seldon.io/ambassador-regex-header": "location: (",
      }),
    ]);
    expect(partsOf(translation, "prod/canary").size).toBe(0);
    expect(codesOf(translation)).toEqual(["error bad-value"]);
  });

  test.each([
    ["32 lines", Array.from({ length: 32 }, (_, index) => `x-${index}: 1`).join("\n"), 3],
    ["33 lines", Array.from({ length: 33 }, (_, index) => `x-${index}: 1`).join("\n"), 0],
    ["32 conditions in one line", Array.from({ length: 32 }, (_, index) => `x-${index}:1`).join(":"), 3],
    ["33 conditions in one line", Array.from({ length: 33 }, (_, index) => `x-${index}:1`).join(":"), 0],
    ["8192 bytes", `x: ${"€".repeat(2729)}${"x".repeat(2)}`, 3],
    ["8193 bytes", `x: ${"€".repeat(2730)}`, 0],
  ])("%s", (_, text, mappings) => {
    const translation = translate([deployment("prod/iris", ["main"], { "seldon.io/ambassador-header": text })]);
    expect(translation.mappings.size).toBe(mappings);
    expect(codesOf(translation).filter((code) => code !== "info differs")).toEqual(
      mappings === 0 ? ["error bad-value"] : [],
    );
  });
});

describe("sluice.io/answered-by", () => {
  const said = { "sluice.io/answered-by": "true" };
  const named = { name: "x-sluice-predictor", value: "main", append: false };
  const addedBy = (annotations: Readonly<Record<string, string>>, answeredBy: boolean, part: string): unknown =>
    (
      partsOf(translate([deployment("prod/iris", ["main"], annotations)], { answeredBy }), "prod/iris").get(part)!
        .target as unknown as { readonly responseHeaders: { readonly add: unknown } }
    ).responseHeaders.add;

  test.each(["http main", "grpc main"])(
    "names the predictor of %s, as the annotation says, else the option",
    (part) => {
      expect(addedBy(said, false, part)).toEqual([named]);
      expect(addedBy({}, true, part)).toEqual([named]);
      expect(addedBy({ "sluice.io/answered-by": "false" }, true, part)).toEqual([]);
      expect(addedBy({}, false, part)).toEqual([]);
    },
  );

  test("what is neither true nor false is a warning, and the option holds", () => {
    const wrong = { "sluice.io/answered-by": "yes" };
    expect(codesOf(translate([deployment("prod/iris", ["main"], wrong)]))).toContain("warning bad-value");
    expect(addedBy(wrong, false, "http main")).toEqual([]);
    expect(addedBy(wrong, true, "http main")).toEqual([named]);
  });

  test.each([
    ["50%", "50%%"],
    ["a".repeat(253), "a".repeat(253)],
    ["a".repeat(254), null],
    ["two\r\nx-other: 1", null],
    ["größe", null],
  ])("a predictor named %j", (predictor, value) => {
    const parts = partsOf(translate([deployment("prod/iris", [predictor], said)]), "prod/iris");
    for (const [part, { target }] of parts)
      if (part.startsWith("http"))
        expect(
          (target as unknown as { readonly responseHeaders: { readonly add: unknown } }).responseHeaders.add,
        ).toEqual(value === null ? [] : [{ ...named, value }]);
  });
});
