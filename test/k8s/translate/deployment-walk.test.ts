// Every field of a SeldonDeployment that its custom resource definition has, by name: it changes what is served, or it stands here with the reason why
// routing has no use for it; and no name of it, rightly written, is called unknown.
import { describe, expect, test } from "vitest";
import { trimmedObject } from "../../../k8s/translate/deployments/trimmed-object.ts";
import { deploymentSchema } from "../../../k8s/translate/fields/deployment-fields.ts";
import type { SourceObject } from "../../../k8s/translate/model/object.ts";
import { object, service, translate } from "./objects.ts";

interface Read {
  readonly value: unknown;
  /** What it needs beside it in its part. */
  readonly beside?: Readonly<Record<string, unknown>>;
  readonly objects?: readonly SourceObject[];
}

interface Unread {
  readonly value: unknown;
  readonly because: string;
}

type Walk<Part extends keyof typeof deploymentSchema> = Readonly<
  Record<keyof (typeof deploymentSchema)[Part], Read | Unread>
>;

const pods = "it is about pods";
const noEngine = { annotations: { "seldon.io/no-engine": "true" } };
const container = (name: string): object => ({
  spec: { containers: [{ name, image: "m:1", ports: [{ name: "http", containerPort: 7000 }] }] },
});

const spec: Walk<"spec"> = {
  name: {
    value: "old",
    objects: [object("Service", "prod/iris-old-main", "{spec: {ports: [{name: http, port: 8000}]}}")],
  },
  annotations: { value: { "seldon.io/rest-timeout": "17" } },
  predictors: { value: [{ name: "another", graph: { name: "m" } }] },
  oauth_key: { value: "key", because: "it was for the gateway of Seldon 0.2, which gave tokens" },
  oauth_secret: { value: "secret", because: "as oauth_key" },
  protocol: { value: "v2", because: "every protocol passes" },
  transport: { value: "grpc", because: "both are served, as from operator 1.5 on" },
  replicas: { value: 3, because: pods },
  serverType: { value: "kafka", because: "whether anybody answers is what Endpoints say" },
};

const predictor: Walk<"predictor"> = {
  name: { value: "another" },
  graph: { value: { name: "m", children: [] }, beside: { ...noEngine, componentSpecs: [container("m")] } },
  componentSpecs: { value: [container("m")], beside: { ...noEngine, graph: { name: "m" } } },
  componentSpec: { value: container("m"), beside: { ...noEngine, graph: { name: "m" } } },
  replicas: { value: 0, because: "who is there is what Endpoints say" },
  engineResources: { value: { limits: { cpu: "1" } }, because: pods },
  labels: { value: { version: "v2" }, because: pods },
  annotations: { value: { "seldon.io/svc-name": "another" } },
  traffic: { value: 30 },
  shadow: { value: true },
  explainer: { value: { type: "AnchorTabular" } },
  ssl: { value: { certSecretName: "certificate" } },
  svcOrchSpec: { value: { env: [{ name: "A", value: "b" }] }, because: pods },
  progressDeadlineSeconds: { value: 17, because: pods },
};

const explainer: Walk<"explainer"> = {
  type: { value: "AnchorTabular" },
  endpoint: { value: { service_port: 9001 }, beside: { type: "AnchorTabular" } },
  modelUri: { value: "gs://x", because: pods },
  serviceAccountName: { value: "account", because: pods },
  containerSpec: { value: { name: "explainer" }, because: pods },
  config: { value: { a: "b" }, because: pods },
  envSecretRefName: { value: "secret", because: pods },
  storageInitializerImage: { value: "image", because: pods },
  replicas: { value: 2, because: pods },
  initParameters: { value: "{}", because: pods },
};

const endpoint: Walk<"endpoint"> = {
  service_port: { value: 9001 },
  service_host: { value: "elsewhere", because: "the operator writes it, of a graph: it is inside the predictor" },
  type: { value: "GRPC", because: "explainers are called over REST" },
  httpPort: { value: 9002, because: "the operator makes the Service of an explainer from service_port alone" },
  grpcPort: { value: 9003, because: "as httpPort" },
};

const ssl: Walk<"ssl"> = { certSecretName: { value: "certificate" } };

/** A SeldonDeployment whose second predictor, or what is in it, has these fields. */
const wholes: Readonly<Record<keyof typeof deploymentSchema, (fields: object) => object>> = {
  spec: (fields) => ({ predictors: [{ name: "main", graph: { name: "m" } }], ...fields }),
  predictor: (fields) => ({
    predictors: [
      { name: "main", graph: { name: "x" } },
      { name: "second", ...fields },
    ],
  }),
  explainer: (fields) => wholes.predictor({ explainer: fields }),
  endpoint: (fields) => wholes.explainer({ type: "AnchorTabular", endpoint: fields }),
  ssl: (fields) => wholes.predictor({ ssl: fields }),
};

function outcomeOf(
  whole: object,
  objects: readonly SourceObject[],
  isEssence = false,
): { readonly served: string; readonly problems: readonly string[] } {
  const given = object("SeldonDeployment", "prod/iris", JSON.stringify({ spec: whole }));
  const subject = isEssence
    ? { ...given, object: trimmedObject("SeldonDeployment", given.object as Record<string, unknown>) }
    : given;
  const { mappings, upstreams, endpoints, problems } = translate([subject, ...service("prod/another"), ...objects]);
  return {
    served: JSON.stringify([[...mappings], [...upstreams], [...endpoints]]),
    problems: problems.map(({ code, field }) => `${code} ${field}`),
  };
}

describe.each(
  Object.entries({ spec, predictor, explainer, endpoint, ssl }) as [
    keyof typeof deploymentSchema,
    Readonly<Record<string, Read | Unread>>,
  ][],
)("%s", (part, walk) => {
  const whole = wholes[part];

  test("the walk is whole", () => {
    expect(Object.keys(walk).sort()).toEqual(Object.keys(deploymentSchema[part]).sort());
  });

  test.each(Object.keys(walk))("%s", (name) => {
    const field = walk[name]!;
    const beside = "because" in field ? {} : (field.beside ?? {});
    const objects = "because" in field ? [] : (field.objects ?? []);
    const without = outcomeOf(whole(beside), objects);
    const given = whole({ ...beside, [name]: field.value });
    const outcome = outcomeOf(given, objects);
    expect(outcome.problems.filter((problem) => problem.startsWith("unknown-field"))).toEqual([]);
    expect({ name, isRead: outcome.served !== without.served }).toEqual({ name, isRead: !("because" in field) });
    // What has no effect needs no word, and a Source keeps all that has.
    if ("because" in field) expect(outcome.problems).toEqual(without.problems);
    expect(outcomeOf(given, objects, true)).toEqual(outcome);
  });

  test.each(Object.keys(walk))("%s misspelt is told", (name) => {
    const field = walk[name]!;
    const beside = "because" in field ? {} : (field.beside ?? {});
    const misspelt = `${name.slice(0, 2)}${name.slice(3)}`;
    const { problems } = outcomeOf(whole({ ...beside, [misspelt]: field.value }), []);
    expect(problems.filter((problem) => /^(?:unknown-field|bad-predictor|no-predictors)/.test(problem))).not.toEqual(
      [],
    );
  });
});

test("a field without a name of ours is told in each part", () => {
  for (const part of Object.keys(wholes) as (keyof typeof wholes)[]) {
    expect(
      outcomeOf(wholes[part]({ somethingElse: 1 }), []).problems.filter(
        (problem) => problem.startsWith("unknown-field") && problem.endsWith("somethingElse"),
      ),
    ).toHaveLength(1);
  }
});
