// What cannot be understood never widens who gets traffic: every field of the table of kinds, with values that nobody can read.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { build } from "../../../gateway/tools/manifests.ts";
import { annotationKinds, guardAnnotations } from "../../../k8s/translate/fields/annotation-names.ts";
import { deploymentFields } from "../../../k8s/translate/fields/deployment-fields.ts";
import type { FieldKind } from "../../../k8s/translate/fields/field-kinds.ts";
import { mappingFields } from "../../../k8s/translate/fields/mapping-fields.ts";
import type { SourceObject } from "../../../k8s/translate/model/object.ts";
import { Translator } from "../../../k8s/translate/translator.ts";
import { decide } from "../../../routing/decide.ts";
import { headOf } from "../../../routing/request/head-text.ts";
import { clusterSettings, object, service } from "./objects.ts";

const draws = [0.01, 0.05, 0.5, 0.95];
const requests = ["/m/x", "/M/x", "/m/", "/m/x?debug=1", "/subject/x", "/other/x"].flatMap((path) =>
  (["POST", "GET"] as const).flatMap((method) =>
    ["a.com", "b.com"].flatMap((host) =>
      [[], [["x-user", "me"]]].map((headers) => ({
        method,
        host,
        headers: headers as [string, string][],
        path: path.startsWith("/other") ? path : `/seldon/p${path}`,
        grpc: false,
      })),
    ),
  ),
);

interface Outcome {
  /** `request draw`, of the requests that reach the subject; of its copies with `copy` before them. */
  readonly reached: ReadonlySet<string>;
  readonly errors: readonly string[];
  /** Fields that are there without a value, as Problems say. */
  readonly empty: readonly string[];
}

/** What the object named `subject` gets after these states of the world, one after the other. */
function outcomeOf(...states: readonly (readonly SourceObject[])[]): Outcome {
  const translator = new Translator(clusterSettings);
  for (const set of states) translator.apply({ set, removed: [] });
  const { table, problems } = build(translator.current(), []);
  const reached = new Set<string>();
  for (const [index, request] of requests.entries()) {
    for (const draw of draws) {
      const decision = decide(table, headOf(request), draw);
      if (decision.kind !== "forward") continue;
      if (decision.mapping.source.name === "subject") reached.add(`${index} ${draw}`);
      for (const { mapping, fraction, ready } of decision.shadows)
        if (mapping.source.name === "subject" && ready && fraction > 0) reached.add(`copy ${index} ${draw}`);
    }
  }
  const own = problems.filter(({ subject }) => subject.name === "subject");
  return {
    reached,
    errors: own.filter(({ level }) => level === "error").map(({ field }) => field),
    empty: own.filter(({ code }) => code === "empty-field").map(({ field }) => field),
  };
}

const around = [
  ...service("p/main"),
  ...service("p/other"),
  ...service("p/subject-a"),
  ...service("p/subject-b", ["10.1.0.2"]),
];

/** What they have come to is in the record of releases. "" cannot be read: a release under way does not end by a template that writes nothing. */
const ofReleases: ReadonlySet<string> = new Set(["sluice.io/rollout", "sluice.io/bandit"]);

function deciding(kinds: Readonly<Record<string, FieldKind>>): readonly string[] {
  return Object.keys(kinds).filter((name) => kinds[name] !== "how");
}

describe("Mappings", () => {
  const main = object("Mapping", "p/main", 'spec: {prefix: /seldon/p/m/, service: "main:8000"}');
  const subject = (spec: object): readonly SourceObject[] => [
    ...around,
    main,
    object(
      "Mapping",
      "p/subject",
      JSON.stringify({ spec: { prefix: "/seldon/p/m/", service: "other:8000", weight: 10, ...spec } }),
    ),
  ];

  interface Case {
    /** Fields with values that can be read. */
    readonly good: object;
    readonly wrong: readonly unknown[];
    /** Can an arbitrary value be read? */
    readonly reads: (value: unknown) => boolean;
  }
  const isText = (value: unknown): boolean => ["string", "number", "boolean"].includes(typeof value);
  const isBoolean = (value: unknown): boolean =>
    typeof value === "boolean" || /^(?:true|false|yes|no|on|off|y|n)$/i.test(value as string);
  const isMap = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);
  const isNumber = (value: unknown): boolean =>
    (typeof value === "number" && Number.isFinite(value)) ||
    (typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value)));
  const conditions: Case = {
    good: {},
    wrong: [
      "debug",
      ["x-user"],
      [{ "x-user": "me" }],
      { "x-user": false },
      { "x-user": null },
      { "x-user": ["me"] },
      7,
    ],
    reads: isMap,
  };
  const headers: Case = {
    ...conditions,
    wrong: [
      ...conditions.wrong,
      { "x user": "me" },
      { "": "me" },
      { ":path": "/x" },
      { ":authority": true },
      { "x-user": "me", "x y": "z" },
    ],
  };
  const flag = (good: object): Case => ({ good, wrong: ["maybe", "ture", "", 1, [true], {}], reads: isBoolean });
  const text = (good: object, wrong: readonly unknown[]): Case => ({
    good,
    wrong: [["x"], { a: "b" }, ...wrong],
    reads: isText,
  });
  const regexes: Case = {
    good: {},
    wrong: [...conditions.wrong, { "x-user": "(" }, { "x-user": "(?=a)" }, { "x-user": "a".repeat(513) }],
    reads: isMap,
  };

  const cases: Readonly<Record<string, Case>> = {
    ambassador_id: {
      good: { ambassador_id: ["default"] },
      wrong: ["", [""], {}, [null], ["default", {}], [[]]],
      reads: (value) => isText(value) || (Array.isArray(value) && value.every(isText)),
    },
    prefix: text({}, ["", "seldon", "/seldon/p/m x", "/seldon/p/m\u001b", "/seldon/p/m?"]),
    prefix_exact: flag({ prefix_exact: true }),
    prefix_regex: flag({ prefix: "/seldon/p/m/.*", prefix_regex: true }),
    case_sensitive: flag({ case_sensitive: true }),
    hostname: text({ hostname: "a.com" }, ["  ", "a.*.com", ":80"]),
    host: text({ host: "a.com" }, ["*", "*.com", "  ", ":80"]),
    host_regex: flag({ host: "a.*", host_regex: true }),
    method: text({ method: "GET" }, ["POST, GET", " ", "a/b"]),
    method_regex: flag({ method: "G.*", method_regex: true }),
    headers: { ...headers, good: { headers: { "x-user": "me" } } },
    regex_headers: { ...regexes, good: { regex_headers: { "x-user": "m.*" } } },
    query_parameters: { ...conditions, good: { query_parameters: { debug: "1" } } },
    regex_query_parameters: { ...regexes, good: { regex_query_parameters: { debug: ".*" } } },
    precedence: { good: { precedence: 1 }, wrong: ["first", 1.5, [1], {}, "", 1e12], reads: isNumber },
    weight: { good: { weight: 10 }, wrong: ["10%", -5, "", [10], {}, true, "NaN", ".inf"], reads: isNumber },
    shadow: flag({ shadow: true }),
    auth_context_extensions: {
      good: { auth_context_extensions: { role: "user" } },
      wrong: ["user", ["user"], { role: ["user"] }, { role: {} }, { role: "a".repeat(257) }],
      reads: isMap,
    },
    labels: {
      good: {
        labels: {
          ambassador: [
            {
              group: [
                { generic_key: { value: "a" } },
                { request_headers: { key: "k", header_name: "x-user" } },
                "remote_address",
              ],
            },
          ],
        },
      },
      wrong: [
        "a",
        ["a"],
        { ambassador: "a" },
        { ambassador: ["a"] },
        { ambassador: [{ group: "a" }] },
        { ambassador: [{ group: [] }] },
        { ambassador: [{ group: [{ generic_key: {} }] }] },
        { ambassador: [{ group: [{ request_headers: { key: "k" } }] }] },
        { ambassador: [{ a: ["b"], c: ["d"] }] },
      ],
      reads: isMap,
    },
    rate_limits: {
      good: { rate_limits: [{ descriptor: "a", headers: ["x-user"] }] },
      wrong: ["a", { descriptor: "a" }, ["a"], [{ headers: ["x user"] }]],
      reads: Array.isArray,
    },
    host_redirect: flag({ host_redirect: false }),
    service: text({}, ["", "svc:abc", "ftp://svc", "svc:0", "a b", ".."]),
    tls: { good: { tls: false }, wrong: [["x"], {}], reads: isText },
    regex_rewrite: {
      good: { regex_rewrite: { pattern: "x", substitution: "y" } },
      wrong: [
        "/x",
        ["x"],
        { pattern: "" },
        { substitution: "/x" },
        { pattern: "(" },
        { pattern: ["x"] },
        { pattern: "x", substitution: ["y"] },
        { pattern: "x", substitution: 7 },
      ],
      reads: isMap,
    },
    regex_redirect: {
      good: { regex_redirect: { pattern: "x", substitution: "y" } },
      wrong: ["/x", ["x"], 7],
      reads: isMap,
    },
  };

  test("the table is whole", () => {
    expect(Object.keys(cases).sort()).toEqual([...deciding(mappingFields)].sort());
  });

  test.each(
    deciding(mappingFields).flatMap((name) =>
      cases[name]!.wrong.map((value) => [name, JSON.stringify(value), value] as const),
    ),
  )("%s: %s", (name, _text, value) => {
    const good = outcomeOf(subject(cases[name]!.good));
    expect(good.errors).toEqual([]);
    if (name !== "precedence") expect(good.reached.size).toBeGreaterThan(0);
    const bad = { ...cases[name]!.good, [name]: value };
    const outcome = outcomeOf(subject(bad));
    expect(outcome.errors).toContain(`spec.${name}`);
    expect([...outcome.reached]).toEqual([]);
    expect(outcomeOf(subject(cases[name]!.good), subject(bad)).reached).toEqual(good.reached);
  });

  test.each(deciding(mappingFields))("%s: any value is read, or the Mapping is not served with an error", (name) => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 2 }), (value) => {
        fc.pre(value !== null);
        const { reached, errors } = outcomeOf(subject({ ...cases[name]!.good, [name]: value }));
        if (errors.length > 0) expect([...reached]).toEqual([]);
        else expect(cases[name]!.reads(value)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  // Null is absence: in YAML that Ambassador reads, in a merge patch, and to an API server, which takes it out of what it stores.
  test.each(deciding(mappingFields).filter((name) => !["prefix", "service"].includes(name)))(
    "%s: null counts as not written, and is said",
    (name) => {
      const outcome = outcomeOf(subject({ [name]: null }));
      expect(outcome).toEqual({ ...outcomeOf(subject({ [name]: undefined })), empty: [`spec.${name}`] });
    },
  );

  // The text "" is what a text is in Ambassador that nobody wrote.
  test.each(["hostname", "host", "method", "tls"])('%s: "" counts as not written, and is said', (name) => {
    const outcome = outcomeOf(subject({ [name]: "" }));
    expect(outcome).toEqual({ ...outcomeOf(subject({ [name]: undefined })), empty: [`spec.${name}`] });
  });

  test.each(deciding(mappingFields).filter((name) => !["hostname", "host", "method", "tls"].includes(name)))(
    '%s: "" cannot be read, and nothing else is said of it',
    (name) => {
      const outcome = outcomeOf(subject({ [name]: "" }));
      expect([[...outcome.reached], outcome.errors, outcome.empty]).toEqual([[], [`spec.${name}`], []]);
    },
  );

  test.each(Object.keys(mappingFields).filter((name) => mappingFields[name] === "how"))(
    "%s cannot be read: the Mapping is served",
    (name) => {
      for (const value of [{ a: ["b"] }, ["\u001b"], "what"]) {
        const { reached, errors } = outcomeOf(subject({ [name]: value }));
        expect(errors).toEqual([]);
        expect(reached.size).toBeGreaterThan(0);
      }
    },
  );
});

describe("SeldonDeployments", () => {
  const main = object("SeldonDeployment", "p/m", "spec: {predictors: [{name: a}]}");
  const ready = [...around, ...service("p/m-a"), main];
  const subject = (annotations: unknown, second: object = {}, spec: object = {}): readonly SourceObject[] => [
    ...ready,
    object(
      "SeldonDeployment",
      "p/subject",
      JSON.stringify({
        metadata: { annotations },
        spec: {
          predictors: [
            { name: "a", traffic: 90 },
            { name: "b", traffic: 10, ...second },
          ],
          ...spec,
        },
      }),
    ),
  ];
  const sharing = { "seldon.io/ambassador-service-name": "m", "seldon.io/ambassador-weight": "10" };
  const noTexts = [["x"], { a: "b" }, null];

  const annotations: Readonly<Record<string, { readonly good: string; readonly wrong: readonly unknown[] }>> = {
    "seldon.io/ambassador-id": { good: "default", wrong: noTexts },
    "seldon.io/ambassador-config": {
      good: "apiVersion: ambassador/v1\nkind: Mapping\nname: x\nprefix: /seldon/p/m/\nservice: other:8000\nweight: 10\n",
      wrong: [...noTexts, "{{{", "apiVersion: [x"],
    },
    "seldon.io/ambassador-service-name": { good: "m", wrong: [...noTexts, "..", "  ", "a b", "m/"] },
    "seldon.io/ambassador-header": {
      good: "x-user: me",
      wrong: [...noTexts, "   ", ": me", "x-user: me\n: you", "x user: me"],
    },
    "seldon.io/ambassador-regex-header": {
      good: "x-user: m.*",
      wrong: [...noTexts, "   ", "x-user: (", "x-user: me\nx-b: ("],
    },
    "seldon.io/ambassador-weight": { good: "10", wrong: [...noTexts, "10%", "-5", "  ", "some"] },
    "seldon.io/ambassador-shadow": { good: "true", wrong: noTexts },
    "sluice.io/traffic": { good: "a=90,b=10", wrong: [...noTexts, "lots", "a=90,b=10%", "a=90,c=10", "b=-1", "  "] },
    "sluice.io/rollout": { good: "b", wrong: [...noTexts, "", "  ", "to b; steps many", "b; every never", "100%"] },
    "sluice.io/bandit": { good: "policy thompson", wrong: [...noTexts, "", "  ", "policy lucky", "floor 500%"] },
    "sluice.io/allow": {
      good: "10.0.0.0/8, 2001:db8::7",
      wrong: [
        ...noTexts,
        "",
        "  ",
        ",",
        "office",
        "10.0.0.0/33",
        "10.0.0.1/8",
        "10.0.0.0/8;11.0.0.0/8",
        "*",
        "all",
        Array.from({ length: 101 }, (_, index) => `10.0.0.${index}`).join(","),
      ],
    },
    "sluice.io/deny": { good: "10.0.0.0/8", wrong: [...noTexts, "", "  ", "10.0.0.0/8, 10", "::1/129", "none"] },
    "sluice.io/rate-limit": {
      good: "100/s burst 200; 5000/h per client",
      wrong: [
        ...noTexts,
        "",
        "  ",
        "none",
        "100",
        "0/s",
        "100/s;",
        "100/s per user",
        "100/s; many",
        Array.from({ length: 9 }, (_, at) => `${at + 1}/s`).join(";"),
      ],
    },
    "sluice.io/auth": {
      good: "corp, keys",
      wrong: [
        ...noTexts,
        "",
        "  ",
        "corp,,keys",
        "corp, none",
        "corp,corp",
        "Corp",
        "a b",
        "x".repeat(64),
        "corp;keys",
        Array.from({ length: 17 }, (_, index) => `p${index}`).join(","),
      ],
    },
  };

  test("the table of annotations is whole", () => {
    expect(Object.keys(annotations).sort()).toEqual([...deciding(annotationKinds)].sort());
  });

  test.each(
    deciding(annotationKinds).flatMap((key) =>
      annotations[key]!.wrong.map((value) => [key, JSON.stringify(value), value] as const),
    ),
  )("%s: %s", (key, _text, value) => {
    // A release shares its name with no other SeldonDeployment.
    const given = (text: unknown): readonly SourceObject[] =>
      subject({ ...(ofReleases.has(key) ? {} : sharing), [key]: text });
    const good = outcomeOf(given(annotations[key]!.good));
    expect(good.errors).toEqual([]);
    expect(good.reached.size).toBeGreaterThan(0);
    const outcome = outcomeOf(given(value));
    expect(outcome.errors.some((field) => field.startsWith(`metadata.annotations["${key}"]`))).toBe(true);
    // A release moves traffic within the SeldonDeployment.
    expect([...outcome.reached]).toEqual(ofReleases.has(key) ? [...good.reached] : []);
    expect(outcomeOf(given(annotations[key]!.good), given(value)).reached).toEqual(good.reached);
  });

  test.each(["  ", "\n", "# nothing"])("a configuration that holds nothing, %j, leaves nothing", (text) => {
    const outcome = outcomeOf(subject({ ...sharing, "seldon.io/ambassador-config": text }));
    expect([[...outcome.reached], outcome.errors]).toEqual([
      [],
      ['metadata.annotations["seldon.io/ambassador-config"]'],
    ]);
  });

  // What says who may call is not Seldon's, and "" does not say it.
  // As in Seldon's operator, which asks each for "" before it reads it, and as templates write what has no value. A bad service name is said otherwise.
  test.each(
    deciding(annotationKinds).filter(
      (key) => key !== "seldon.io/ambassador-service-name" && !guardAnnotations.has(key) && !ofReleases.has(key),
    ),
  )('%s: "" counts as not written, and is said', (key) => {
    const outcome = outcomeOf(subject({ ...sharing, [key]: "" }));
    const { [key as keyof typeof sharing]: _, ...rest } = sharing;
    expect(outcome).toEqual({ ...outcomeOf(subject(rest)), empty: [`metadata.annotations["${key}"]`] });
  });

  test.each<[string, object]>([
    ["traffic", { traffic: null }],
    ["shadow", { shadow: null }],
    ["ssl", { ssl: null }],
    ["ssl.certSecretName", { ssl: {} }],
    ["ssl.certSecretName", { ssl: { certSecretName: null } }],
    ["ssl.certSecretName", { ssl: { certSecretName: "" } }],
  ])("of a predictor, %s: %j counts as not written, and is said", (field, second) => {
    const without = Object.keys(second)[0] === "traffic" ? { traffic: undefined } : {};
    expect(outcomeOf(subject(sharing, second))).toEqual({
      ...outcomeOf(subject(sharing, without)),
      empty: [`spec.predictors[1].${field}`],
    });
  });

  const fields: Readonly<
    Record<string, { readonly wrong: readonly unknown[]; readonly of: (value: unknown) => readonly SourceObject[] }>
  > = {
    "metadata.annotations": { wrong: ["x", ["x"], 7], of: (value) => subject(value) },
    "spec.annotations": { wrong: ["x", ["x"], 7], of: (value) => subject({}, {}, { annotations: value }) },
  };
  const parts: Readonly<
    Record<string, { readonly wrong: readonly unknown[]; readonly of: (value: unknown) => object }>
  > = {
    name: {
      wrong: ["Main_v2", "a/b", "..", "\u001b[2J", "a\r\nb", "-b", "b-", "b".repeat(254), ["b"], {}, 7],
      of: (name) => ({ name }),
    },
    traffic: { wrong: ["10%", [10], {}, true, -5, ""], of: (traffic) => ({ traffic }) },
    shadow: { wrong: ["ture", [true], {}, 1, ""], of: (shadow) => ({ shadow }) },
    "ssl.certSecretName": { wrong: [["x"], {}, 7, true], of: (certSecretName) => ({ ssl: { certSecretName } }) },
    'annotations["seldon.io/svc-name"]': {
      wrong: ["..", "Main_v2", "a/b", "a.b", "", "x".repeat(64), ["x"], null],
      of: (name) => ({ annotations: { "seldon.io/svc-name": name } }),
    },
  };

  test("the table of fields is whole", () => {
    expect([...Object.keys(fields), ...Object.keys(parts)].sort()).toEqual(
      deciding(
        Object.fromEntries(
          Object.entries(deploymentFields).map(([path, { decides }]) => [
            path.replace("predictors[].", ""),
            decides ?? "how",
          ]),
        ),
      ).toSorted(),
    );
  });

  test.each(
    Object.entries(fields).flatMap(([name, { wrong, of }]) =>
      wrong.map((value) => [name, JSON.stringify(value), of(value)] as const),
    ),
  )("%s: %s", (name, _text, objects) => {
    expect(outcomeOf(subject({})).reached.size).toBeGreaterThan(0);
    const outcome = outcomeOf(objects);
    expect(outcome.errors).toContain(name);
    expect([...outcome.reached]).toEqual([]);
  });

  test.each(
    Object.entries(parts).flatMap(([name, { wrong, of }]) =>
      wrong.map((value) => [name, JSON.stringify(value).slice(0, 40), of(value)] as const),
    ),
  )("of a predictor, %s: %s", (name, _text, second) => {
    const bad = subject(sharing, second);
    const translator = new Translator(clusterSettings);
    translator.apply({ set: bad, removed: [] });
    const { problems, translation } = build(translator.current(), []);
    expect(
      problems.some(
        ({ level, field }) =>
          level === "error" &&
          field.startsWith(`spec.predictors[1]`) &&
          (field.endsWith(name.split(".")[0]!) || field.endsWith(name) || field === "spec.predictors[1]"),
      ),
    ).toBe(true);
    const served = [...translation.mappings.values()].filter(
      ({ source, target }) =>
        source.name === "subject" && target.kind === "forward" && translation.endpoints.get(target.upstream)!.ready,
    );
    expect(served.every(({ series, role }) => series.predictor === "a" && role.kind === "live")).toBe(true);
  });

  test.each([252, 253, 254])("a predictor name of %i characters", (length) => {
    const outcome = outcomeOf(subject(sharing, { name: "b".repeat(length) }));
    expect(outcome.errors).toEqual(length > 253 ? ["spec.predictors[1].name"] : []);
  });

  test.each([62, 63, 64])("a svc-name of %i characters", (length) => {
    const outcome = outcomeOf(subject(sharing, { annotations: { "seldon.io/svc-name": "s".repeat(length) } }));
    expect(outcome.errors).toEqual(length > 63 ? ['spec.predictors[1].annotations["seldon.io/svc-name"]'] : []);
  });
});
