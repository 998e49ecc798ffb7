// Guards, conditions and shares under keys that nobody knows: at a start the object is not served, and as an edit its last good form stays as a whole.
import { describe, expect, test } from "vitest";
import { parseManifest } from "../../../k8s/source/manifest/manifest.ts";
import { trimmedObject } from "../../../k8s/translate/deployments/trimmed-object.ts";
import type { SourceObject } from "../../../k8s/translate/model/object.ts";
import { Translator } from "../../../k8s/translate/translator.ts";
import type { Translation } from "../../../k8s/translate/model/translation.ts";
import { clusterSettings, contentOf, object, service } from "./objects.ts";

type Tree = Readonly<Record<string, unknown>>;

/** A subject by its YAML, as a Source keeps it. */
function subjectOf(kind: string, name: string, text: string): SourceObject {
  const made = object(kind, name, text);
  return { ...made, object: trimmedObject(kind, made.object as Tree) };
}

const around = [
  ...service("models/x"),
  ...service("models/iris-main"),
  ...service("models/iris-canary"),
  object("Mapping", "models/neighbour", 'spec: {prefix: /seldon/models/x/, service: "x:8000"}'),
];
const settings = { ...clusterSettings, gatewayNamespace: "models" };

function servedOf(translation: Translation): string {
  const { problems: _problems, ...rest } = contentOf(translation) as Tree & { readonly problems: unknown };
  return JSON.stringify(rest);
}

/** Mappings of an object that get requests. */
function readyOf(translation: Translation, name: string): readonly string[] {
  return [...translation.mappings.values()]
    .filter(
      ({ source, target }) =>
        source.name === name && (target.kind === "redirect" || translation.endpoints.get(target.upstream)!.ready),
    )
    .map(({ id }) => id);
}

function edited(
  first: SourceObject | null,
  second: SourceObject,
): { readonly translation: Translation; readonly before: string; readonly errors: readonly string[] } {
  const translator = new Translator(settings);
  translator.apply({ set: first === null ? around : [...around, first], removed: [] });
  const before = servedOf(translator.current());
  translator.apply({ set: [second], removed: [] });
  const translation = translator.current();
  return {
    translation,
    before,
    errors: translation.problems
      .filter(({ level, subject }) => level === "error" && subject.name === second.ref.name)
      .map(({ field }) => field),
  };
}

const mapping = (metadata: string, rest = ""): string =>
  `{metadata: {${metadata}}, spec: {prefix: /seldon/models/x/, service: "x:8000", hostname: a.example}${rest}}`;
const deployment = (metadata: string, predictors = "{name: main, graph: {name: m}}", rest = ""): string =>
  `{metadata: {${metadata}}, spec: {predictors: [${predictors}]${rest}}}`;
const guarded = "annotations: {sluice.io/auth: corp}";
const twoPredictors = "{name: main, traffic: 95, graph: {name: m}}, {name: canary, traffic: 5, graph: {name: m}}";

/** Maps below a predictor into which its own keys may slip. */
const belowPredictor: readonly (readonly [at: string, part: (more: string) => string])[] = [
  ["graph", (more) => `graph: {name: m, ${more}}`],
  ["graph.children[0]", (more) => `graph: {name: m, children: [{name: n, ${more}}]}`],
  ["graph.endpoint", (more) => `graph: {name: m, endpoint: {type: REST, ${more}}}`],
  ["graph.logger", (more) => `graph: {name: m, logger: {mode: all, ${more}}}`],
  ["graph.parameters[0]", (more) => `graph: {name: m, parameters: [{name: n, ${more}}]}`],
  ["componentSpecs[0].hpaSpec", (more) => `graph: {name: m}, componentSpecs: [{hpaSpec: {maxReplicas: 2, ${more}}}]`],
  ["componentSpecs[0].spec", (more) => `graph: {name: m}, componentSpecs: [{spec: {nodeName: m, ${more}}}]`],
];

const cases: readonly (readonly [what: string, kind: string, good: string, wrong: string, field: string])[] = [
  ["annotations beside metadata", "Mapping", mapping(guarded), mapping("", `, ${guarded}`), "annotations"],
  [
    "metadata.annotation",
    "Mapping",
    mapping(guarded),
    mapping("annotation: {sluice.io/auth: corp}"),
    "metadata.annotation",
  ],
  [
    "annotations.annotations",
    "Mapping",
    mapping(guarded),
    mapping(`annotations: {${guarded}}`),
    'metadata.annotations["annotations"]',
  ],
  ["the guard in metadata", "Mapping", mapping(guarded), mapping("sluice.io/auth: corp"), "metadata.sluice.io/auth"],
  [
    "the guard in spec",
    "Mapping",
    mapping(guarded),
    '{spec: {prefix: /seldon/models/x/, service: "x:8000", hostname: a.example, sluice.io/auth: corp}}',
    "spec.sluice.io/auth",
  ],
  [
    "the guard misspelt",
    "Mapping",
    mapping(guarded),
    mapping("annotations: {sluice.io/auht: corp}"),
    'metadata.annotations["sluice.io/auht"]',
  ],
  ...(
    [
      ["{nmae: main, traffic: 95, graph: {name: m}}, {name: canary, traffic: 5, graph: {name: m}}", "[0]"],
      ["{name: Main, traffic: 95, graph: {name: m}}, {name: canary, traffic: 5, graph: {name: m}}", "[0].name"],
      ["{name: main, traffic: 95, graph: {name: m}}, {name: main, traffic: 5, graph: {name: m}}", "[1].name"],
    ] as const
  ).map(
    ([predictors, at]) =>
      [
        `predictors ${predictors}`,
        "SeldonDeployment",
        deployment("", twoPredictors),
        deployment("", predictors),
        `spec.predictors${at}`,
      ] as const,
  ),
  ...[
    "seldon.io/ambassador-header=location",
    "seldon.io/ambassador-header:location",
    "seldon.io/ambassador-header\u00a0x",
  ].map(
    (name) =>
      [
        `an annotation named ${name}`,
        "SeldonDeployment",
        deployment('annotations: {seldon.io/ambassador-header: "location: london"}'),
        deployment(`annotations: {"${name}": london}`),
        `metadata.annotations["${name}"]`,
      ] as const,
  ),
  [
    "annotations as a list",
    "Mapping",
    mapping(guarded),
    mapping("annotations: [sluice.io/auth]"),
    "metadata.annotations",
  ],
  [
    "a map as an annotation",
    "Mapping",
    mapping(guarded),
    mapping("annotations: {team: {sluice.io/auth: corp}}"),
    'metadata.annotations["team"]',
  ],
  [
    "Ambassador_id",
    "Mapping",
    mapping(""),
    '{spec: {prefix: /seldon/models/x/, service: "x:8000", hostname: a.example, Ambassador_id: other}}',
    "spec.Ambassador_id",
  ],
  [
    "ambassador-id",
    "Mapping",
    mapping(""),
    '{spec: {prefix: /seldon/models/x/, service: "x:8000", hostname: a.example, ambassador-id: [other]}}',
    "spec.ambassador-id",
  ],
  [
    "ambassador_ids",
    "Mapping",
    mapping(""),
    '{spec: {prefix: /seldon/models/x/, service: "x:8000", hostname: a.example, ambassador_ids: [other]}}',
    "spec.ambassador_ids",
  ],
  ["ambassador_id beside spec", "Mapping", mapping(""), mapping("", ", ambassador_id: [other]"), "ambassador_id"],
  [
    "a condition one out of headers",
    "Mapping",
    '{spec: {prefix: /seldon/models/x/, service: "x:8000", headers: {x-user: me}}}',
    '{spec: {prefix: /seldon/models/x/, service: "x:8000", headers: null, x-user: me}}',
    "spec.x-user",
  ],
  [
    "annotations in labels",
    "Mapping",
    mapping(guarded),
    mapping(`labels: {${guarded}}`),
    'metadata.labels["annotations"]',
  ],
  [
    "method at two letters",
    "Mapping",
    mapping(""),
    '{spec: {prefix: /seldon/models/x/, service: "x:8000", mtod: GET}}',
    "spec.mtod",
  ],
  [
    "a condition below cors",
    "Mapping",
    mapping(""),
    '{spec: {prefix: /seldon/models/x/, service: "x:8000", cors: {origins: "*", hostname: a.example}}}',
    "spec.cors.hostname",
  ],
  [
    "annotations beside metadata",
    "SeldonDeployment",
    deployment(guarded),
    `{${guarded}, spec: {predictors: [{name: main, graph: {name: m}}]}}`,
    "annotations",
  ],
  [
    "metadata.annotation",
    "SeldonDeployment",
    deployment(guarded),
    deployment("annotation: {sluice.io/auth: corp}"),
    "metadata.annotation",
  ],
  [
    "annotations.annotations",
    "SeldonDeployment",
    deployment(guarded),
    deployment(`annotations: {${guarded}}`),
    'metadata.annotations["annotations"]',
  ],
  [
    "annotations.annotations in spec",
    "SeldonDeployment",
    deployment("", undefined, `, ${guarded}`),
    deployment("", undefined, `, annotations: {${guarded}}`),
    'spec.annotations["annotations"]',
  ],
  [
    "the guard on a predictor",
    "SeldonDeployment",
    deployment(guarded),
    deployment("", `{name: main, graph: {name: m}, ${guarded}}`),
    'spec.predictors[0].annotations["sluice.io/auth"]',
  ],
  [
    "the guard on pods",
    "SeldonDeployment",
    deployment(guarded),
    deployment(
      "",
      `{name: main, graph: {name: m}, componentSpecs: [{metadata: {${guarded}}, spec: {containers: [{name: m}]}}]}`,
    ),
    'spec.predictors[0].componentSpecs[0].metadata.annotations["sluice.io/auth"]',
  ],
  [
    "seldon.io/ambassador-ids",
    "SeldonDeployment",
    deployment(""),
    deployment("annotations: {seldon.io/ambassador-ids: other}"),
    'metadata.annotations["seldon.io/ambassador-ids"]',
  ],
  [
    "seldon.io/ambassador-cofnig",
    "SeldonDeployment",
    deployment(""),
    deployment('annotations: {seldon.io/ambassador-cofnig: "kind: Mapping"}'),
    'metadata.annotations["seldon.io/ambassador-cofnig"]',
  ],
  [
    "sluice.io/traffics",
    "SeldonDeployment",
    deployment(
      'annotations: {sluice.io/traffic: "main=95,canary=5"}',
      "{name: main, graph: {name: m}}, {name: canary, graph: {name: m}}",
    ),
    deployment(
      'annotations: {sluice.io/traffics: "main=95,canary=5"}',
      "{name: main, graph: {name: m}}, {name: canary, graph: {name: m}}",
    ),
    'metadata.annotations["sluice.io/traffics"]',
  ],
  [
    "shadow below graph",
    "SeldonDeployment",
    deployment("", "{name: main, graph: {name: m}}, {name: canary, graph: {name: m}, shadow: true}"),
    deployment("", "{name: main, graph: {name: m}}, {name: canary, graph: {name: m, shadow: true}}"),
    "spec.predictors[1].graph.shadow",
  ],
  [
    "shares below graph",
    "SeldonDeployment",
    deployment("", twoPredictors),
    deployment("", "{name: main, graph: {name: m, traffic: 95}}, {name: canary, graph: {name: m, traffic: 5}}"),
    "spec.predictors[0].graph.traffic",
  ],
  [
    "traffic below componentSpecs",
    "SeldonDeployment",
    deployment("", twoPredictors),
    deployment(
      "",
      "{name: main, graph: {name: m}, componentSpecs: [{traffic: 95, spec: {containers: [{name: m}]}}]}, {name: canary, traffic: 5, graph: {name: m}}",
    ),
    "spec.predictors[0].componentSpecs[0].traffic",
  ],
  ...[
    "traffic: 5",
    "shadow: true",
    "ssl: {certSecretName: x}",
    "annotations: {a: b}",
    "explainer: {type: x}",
    "predictors: []",
  ].flatMap((key) =>
    belowPredictor.map(([at, part]): (typeof cases)[number] => {
      const word = key.split(":")[0]!;
      return [
        `${key} in ${at}`,
        "SeldonDeployment",
        deployment(""),
        deployment("", `{name: main, ${part(key)}}`),
        `spec.predictors[0].${at.startsWith("graph") ? `${at}.${word}` : `${at}["${word}"]`}`,
      ];
    }),
  ),
  [
    "traffic in spec",
    "SeldonDeployment",
    deployment("", "{name: main, traffic: 0, graph: {name: m}}, {name: canary, graph: {name: m}}"),
    deployment("", "{name: main, graph: {name: m}}, {name: canary, graph: {name: m}}", ", traffic: 0"),
    "spec.traffic",
  ],
  [
    "SSL",
    "SeldonDeployment",
    deployment("", "{name: main, graph: {name: m}, ssl: {certSecretName: x}}"),
    deployment("", "{name: main, graph: {name: m}, SSL: {certSecretName: x}}"),
    "spec.predictors[0].SSL",
  ],
  [
    "seldon.io/svcname",
    "SeldonDeployment",
    deployment("", "{name: main, graph: {name: m}, annotations: {seldon.io/svc-name: x}}"),
    deployment("", "{name: main, graph: {name: m}, annotations: {seldon.io/svcname: x}}"),
    'spec.predictors[0].annotations["seldon.io/svcname"]',
  ],
];

describe("an object with what decides where nobody reads it", () => {
  test.each(cases)("%s of a %s is not served", (_what, kind, _good, wrong, field) => {
    const { translation, errors } = edited(null, subjectOf(kind, "models/iris", wrong));
    expect(errors).toContain(field);
    expect(readyOf(translation, "iris")).toEqual([]);
  });

  test.each(cases)("%s of a %s: the last good form stays", (_what, kind, good, wrong, field) => {
    const { translation, before, errors } = edited(
      subjectOf(kind, "models/iris", good),
      subjectOf(kind, "models/iris", wrong),
    );
    expect(before).toContain("models/iris");
    expect(errors).toContain(field);
    expect(servedOf(translation)).toBe(before);
  });
});

test.each([
  [
    "iris.yaml",
    "apiVersion: getambassador.io/v2\nkind: Mapping\nmetadata:\n  name: iris\n  annotations: {sluice.io/auth: corp}\n  annotations: {}\nspec: {prefix: /x/, service: x}\n",
  ],
  [
    "iris.yaml",
    'apiVersion: getambassador.io/v2\nkind: Mapping\nmetadata: {name: iris}\nspec:\n  prefix: /x/\n  service: x\n  hostname: a.example\n  hostname: ""\n',
  ],
  [
    "iris.yaml",
    'apiVersion: getambassador.io/v2\nkind: Mapping\nmetadata: {name: iris}\nspec: {prefix: /x/, service: x, hostname: a.example, hostname: ""}\n',
  ],
  [
    "iris.json",
    '{"apiVersion": "getambassador.io/v2", "kind": "Mapping", "metadata": {"name": "iris", "annotations": {"sluice.io/auth": "corp"}, "annotations": {}}, "spec": {"prefix": "/x/", "service": "x"}}',
  ],
])("a key that is written twice: %s is not read", (file, text) => {
  const { objects, problems } = parseManifest(Buffer.from(text), {
    file,
    defaultNamespace: "default",
    lastGood: [],
  });
  expect(objects).toEqual([]);
  expect(problems.map(({ level }) => level)).toEqual(["error"]);
});

test.each(["[]", '"yes"', "[{type: AnchorTabular}]", "{type: [AnchorTabular]}", "{type: 7}"])(
  "explainer: %s is an error, and its predictor is served",
  (explainer) => {
    const { translation, errors } = edited(
      null,
      subjectOf(
        "SeldonDeployment",
        "models/iris",
        deployment("", `{name: main, graph: {name: m}, explainer: ${explainer}}`),
      ),
    );
    expect(errors[0]).toMatch(/^spec\.predictors\[0\]\.explainer/);
    expect(readyOf(translation, "iris")).toEqual([
      "SeldonDeployment models/iris http main",
      "SeldonDeployment models/iris grpc main",
      "SeldonDeployment models/iris grpc-bare main",
    ]);
  },
);

test("what another gateway serves is not looked at", () => {
  const others = subjectOf(
    "SeldonDeployment",
    "models/iris",
    deployment("annotations: {seldon.io/ambassador-id: other}, annotation: {sluice.io/auth: corp}"),
  );
  const { translation, errors } = edited(null, others);
  expect(errors).toEqual([]);
  expect(translation.ofAnother.map(({ ids }) => ids)).toEqual([["other"]]);
  const othersMapping = subjectOf(
    "Mapping",
    "models/iris",
    '{metadata: {annotation: {sluice.io/auth: corp}}, spec: {prefix: /seldon/models/x/, service: "x:8000", ambassador_id: other}}',
  );
  expect(edited(null, othersMapping).errors).toEqual([]);
});

test.each([
  'metadata: {name: one, annotations: {sluice.io/auth: corp}}\\nspec: {prefix: /seldon/models/x/, service: "x:8000"}',
  "name: one\\nsluice.io/auth: corp\\nprefix: /seldon/models/x/\\nservice: x:8000",
  "name: one\\nannotations: {sluice.io/auth: corp}\\nprefix: /seldon/models/x/\\nservice: x:8000",
])("a guard inside a document of a text is read by nobody: %s", (text) => {
  const made = subjectOf(
    "Service",
    "models/door",
    JSON.stringify({
      metadata: {
        annotations: {
          "getambassador.io/config": `apiVersion: getambassador.io/v2\nkind: Mapping\n${text.replaceAll("\\n", "\n")}\n`,
        },
      },
    }),
  );
  const { translation, errors } = edited(null, made);
  expect(errors).toHaveLength(1);
  expect(readyOf(translation, "door")).toEqual([]);
});

const documents =
  "apiVersion: getambassador.io/v2\\nkind: Mapping\\nname: one\\nprefix: /seldon/models/x/\\nhostname: a.example\\nservice: x:8000\\n";
const asks = "apiVersion: getambassador.io/v2\\nkind: AuthService\\nname: door\\nauth_service: x:8000\\n";
const annotated = (annotations: string, rest = ""): string =>
  `{metadata: {annotations: {${annotations}}}, spec: {ports: [{name: http, port: 8000}]}${rest}}`;
const config = (text: string): string => `getambassador.io/config: "${text}"`;

const ofServices: readonly (readonly [what: string, wrong: string, field: string])[] = [
  [
    "the guard in metadata",
    `{metadata: {annotations: {${config(documents)}}, sluice.io/auth: corp}, spec: {ports: [{name: http, port: 8000}]}}`,
    "metadata.sluice.io/auth",
  ],
  ["the guard beside metadata", annotated(config(documents), ", sluice.io/auth: corp"), "sluice.io/auth"],
  [
    "the guard in spec",
    `{metadata: {annotations: {${config(documents)}}}, spec: {ports: [{name: http, port: 8000}], sluice.io/auth: corp}}`,
    "spec.sluice.io/auth",
  ],
  [
    "the guard in annotations beside metadata",
    annotated(config(documents), ", annotations: {sluice.io/auth: corp}"),
    "annotations",
  ],
  [
    "the guard one too deep",
    annotated(`${config(documents)}, annotations: {sluice.io/auth: corp}`),
    'metadata.annotations["annotations"]',
  ],
  [
    "all annotations beside metadata",
    `{annotations: {${config(documents)}, sluice.io/auth: corp}, spec: {ports: [{name: http, port: 8000}]}}`,
    "annotations",
  ],
  [
    "getambassador.io/configs",
    annotated(`getambassador.io/configs: "${documents}", sluice.io/auth: corp`),
    'metadata.annotations["getambassador.io/configs"]',
  ],
  [
    "a list",
    annotated("getambassador.io/config: [{kind: Mapping}], sluice.io/auth: corp"),
    'metadata.annotations["getambassador.io/config"]',
  ],
  [
    "a map",
    annotated("getambassador.io/config: {kind: Mapping}, sluice.io/auth: corp"),
    'metadata.annotations["getambassador.io/config"]',
  ],
  [
    "annotations as a list",
    "{metadata: {annotations: [x]}, spec: {ports: [{name: http, port: 8000}]}}",
    "metadata.annotations",
  ],
];

describe("a Service with documents", () => {
  test.each(ofServices)("%s: who may call stays", (_what, wrong, field) => {
    const good = subjectOf("Service", "models/door", annotated(`${config(documents)}, sluice.io/auth: corp`));
    const { translation, before, errors } = edited(good, subjectOf("Service", "models/door", wrong));
    expect(before).toContain('"names":["corp"]');
    expect(errors).toContain(field);
    expect(servedOf(translation)).toBe(before);
  });

  test.each(ofServices.filter(([what]) => what !== "annotations as a list"))(
    "%s: at a start nobody may call",
    (_what, wrong, field) => {
      const { translation, errors } = edited(null, subjectOf("Service", "models/door", wrong));
      expect(errors).toContain(field);
      expect(readyOf(translation, "door")).toEqual([]);
    },
  );

  const lostAuth: readonly (readonly [what: string, wrong: string])[] = [
    ["getambassador.io/configs", annotated(`getambassador.io/configs: "${asks}"`)],
    ["getambassador.io/Config", annotated(`getambassador.io/Config: "${asks}"`)],
    ["a map", annotated('getambassador.io/config: {kind: AuthService, name: door, auth_service: "x:8000"}')],
    ["a list", annotated('getambassador.io/config: [{kind: AuthService, name: door, auth_service: "x:8000"}]')],
    ["beside metadata", `{annotations: {${config(asks)}}, spec: {ports: [{name: http, port: 8000}]}}`],
    ["one too deep", annotated(`annotations: {${config(asks)}}`)],
    ["in labels", `{metadata: {labels: {${config(asks)}}}, spec: {ports: [{name: http, port: 8000}]}}`],
  ];

  test.each(lostAuth)("%s: its AuthService holds", (_what, wrong) => {
    const good = subjectOf("Service", "models/door", annotated(config(asks)));
    const { translation, before } = edited(good, subjectOf("Service", "models/door", wrong));
    expect(before).toContain("AuthService");
    expect(servedOf(translation)).toBe(before);
  });

  test.each(lostAuth)("%s: at a start its AuthService answers for all", (_what, wrong) => {
    const { translation, errors } = edited(null, subjectOf("Service", "models/door", wrong));
    expect(errors).not.toEqual([]);
    expect(translation.settings.external.auth.kind).toBe("closed");
  });
});

describe("what decides nothing", () => {
  const levelsOf = (kind: string, text: string): readonly string[] =>
    edited(null, subjectOf(kind, "models/iris", text)).translation.problems.flatMap(({ level, code, field, subject }) =>
      subject.name === "iris" ? [`${level} ${code} ${field}`] : [],
    );

  test.each([
    ["Mapping", mapping("x-sluice.io/auth: corp", ", x-note: {method: GET}"), []],
    [
      "SeldonDeployment",
      deployment("x-note: {traffic: 5}", undefined, ", note: 1"),
      ["warning unknown-field spec.note"],
    ],
    ["Mapping", mapping("label: {team: a}"), ["warning unknown-field metadata.label"]],
    ["Mapping", mapping("labels: {method: GET, traffic: heavy}"), []],
    // It is written where it is read.
    ["Mapping", mapping("").replace("hostname", "hostnames: 1, hostname"), ["warning unknown-field spec.hostnames"]],
    ["Mapping", mapping("").replace("hostname", "timeout: 1, hostname"), ["warning unknown-field spec.timeout"]],
  ])("%s %s", (kind, text, said) => {
    expect(levelsOf(kind, text)).toEqual(said);
  });

  test.each([
    ["Host", "spec: {hostname: a.example, note: 1}"],
    ["TLSContext", "spec: {hosts: [a.example], note: 1}"],
    ["AuthService", 'spec: {auth_service: "x:8000", note: 1}'],
    ["RateLimitService", 'spec: {service: "x:8000", note: 1}'],
  ])("but in a %s, which keeps people out, every unknown key is an error", (kind, text) => {
    const made = object(kind, "models/iris", `{${text}}`, "getambassador.io/v2");
    const { translation } = edited(null, made);
    expect(translation.problems.map(({ level, code, field }) => `${level} ${code} ${field}`)).toContain(
      "error unknown-field spec.note",
    );
  });

  test("more keys than anybody compares are not understood", () => {
    const told = (count: number): readonly string[] => {
      const keys = Array.from({ length: count }, (_, index) => `unheard-of-${index}: 1`).join();
      return levelsOf("Mapping", mapping("").replace("hostname", `${keys}, hostname`)).filter((line) =>
        line.startsWith("error"),
      );
    };
    expect(told(127)).toEqual([]);
    expect(told(128)).toEqual([]);
    expect(told(129)).toEqual(["error unknown-field spec.unheard-of-128"]);
  });
});
