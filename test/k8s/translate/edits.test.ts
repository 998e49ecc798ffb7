// What a change says of objects: which fields differ, in words, bounded and without secrets.
import { describe, expect, test } from "vitest";
import { objectKey, type SourceObject } from "../../../k8s/translate/model/object.ts";
import { Translator } from "../../../k8s/translate/translator.ts";
import { maxTold, maxToldOfNamespace } from "../../../k8s/translate/graph/edits.ts";
import { maxDifferences } from "../../../k8s/translate/declarers/declared-edits.ts";
import { clusterSettings, deployment, object, service, slice } from "./objects.ts";

/** What is told of the last of these changes: `kind ns/name kind`, then its fields. */
function toldOf(...changes: readonly (readonly SourceObject[])[]): readonly string[] {
  const translator = new Translator(clusterSettings);
  let told: readonly string[] = [];
  for (const set of changes) told = toldBy(translator, set);
  return told;
}

function toldBy(translator: Translator, set: readonly SourceObject[], removed: readonly string[] = []): string[] {
  translator.apply({ set, removed });
  const { edits, more } = translator.drainEdits();
  return [
    ...edits.map(({ ref, kind, fields }) =>
      [
        `${ref.kind} ${ref.namespace}/${ref.name} ${kind}`,
        ...fields.map(
          ({ field, from, to, refused }) => `${field}: ${from} > ${to}${refused === null ? "" : ` (${refused})`}`,
        ),
      ].join("; "),
    ),
    ...Array.from(more, ([namespace, count]) => `${count} more in ${namespace}`),
  ];
}

describe("what a change says of objects", () => {
  test("an object that comes, goes, and is left to another gateway", () => {
    const translator = new Translator(clusterSettings);
    const fraud = deployment("prod/fraud");
    expect(toldBy(translator, [fraud])).toEqual(["SeldonDeployment prod/fraud created"]);
    expect(toldBy(translator, [fraud])).toEqual([]);
    expect(toldBy(translator, [deployment("prod/fraud", ["main"], { "seldon.io/ambassador-id": "other" })])).toEqual([
      "SeldonDeployment prod/fraud withdrawn",
    ]);
    expect(toldBy(translator, [fraud])).toEqual(["SeldonDeployment prod/fraud created"]);
    expect(toldBy(translator, [], [objectKey(fraud.ref)])).toEqual(["SeldonDeployment prod/fraud deleted"]);
  });

  test("traffic, annotations, and predictors that come and go", () => {
    expect(
      toldOf(
        [deployment("prod/fraud", ["main:80", "canary:20"], { "seldon.io/rest-timeout": "3000" })],
        [deployment("prod/fraud", ["main:60", "shadow:40"], { "seldon.io/rest-timeout": "5000" })],
      ),
    ).toEqual([
      "SeldonDeployment prod/fraud changed; predictors[main].traffic: 80 > 60; predictors[shadow]: absent > traffic 40; " +
        "predictors[canary]: traffic 20 > absent; annotation seldon.io/rest-timeout: 3000 > 5000",
    ]);
  });

  test("of a release another model is told without its digest, and the digests that come and go with the annotation are not", () => {
    const canary = (annotations: object, image: string): SourceObject =>
      object(
        "SeldonDeployment",
        "prod/fraud",
        JSON.stringify({
          metadata: { annotations },
          spec: {
            predictors: ["main", image].map((model) => ({
              name: model === "main" ? model : "canary",
              graph: { name: "classifier", modelUri: model },
            })),
          },
        }),
      );
    const asked = { "sluice.io/rollout": "canary" };
    expect(toldOf([canary({}, "model:1")], [canary(asked, "model:1")])).toEqual([
      "SeldonDeployment prod/fraud changed; annotation sluice.io/rollout: absent > canary",
    ]);
    expect(toldOf([canary(asked, "model:1")], [canary(asked, "model:2")])).toEqual([
      "SeldonDeployment prod/fraud changed; predictors[canary].graph or its pods:  > ",
    ]);
  });

  test("a text that cannot be read is told with the reason for which it does not hold, and one that keeps its last good text is no edit", () => {
    const good = { "seldon.io/rest-timeout": "3000", "seldon.io/ambassador-weight": "10" };
    const [told] = toldOf(
      [deployment("prod/fraud", ["main"], good)],
      [deployment("prod/fraud", ["main"], { ...good, "seldon.io/rest-timeout": "soon" })],
    );
    expect(told).toMatch(/rest-timeout: 3000 > soon \("soon" is not a number of milliseconds .* uses the default;/);
    expect(
      toldOf(
        [deployment("prod/fraud", ["main"], good)],
        [deployment("prod/fraud", ["main"], { ...good, "seldon.io/ambassador-weight": "some" })],
      ),
    ).toEqual([]);
  });

  test("no value of a condition on headers, of a header that a Mapping adds, or of a Secret", () => {
    const secrets = (word: string): readonly SourceObject[] => [
      deployment("prod/fraud", ["main"], { "seldon.io/ambassador-header": `x-key: ${word}` }),
      object(
        "Mapping",
        "prod/raw",
        `{ spec: { prefix: /seldon/prod/${word === "one" ? "raw" : "raw2"}/, service: "model:80", weight: ${word === "one" ? 10 : 20}, add_request_headers: { authorization: ${word} }, headers: { x-key: ${word} } } }`,
      ),
      object("Secret", "prod/tls", JSON.stringify({ data: { "tls.crt": word } })),
    ];
    const told = toldOf(secrets("one"), secrets("two")).join("\n");
    expect(told).toContain("annotation seldon.io/ambassador-header:  > ");
    expect(told).toContain("Mapping raw weight: 10 > 20");
    expect(told).toContain("Mapping raw path: kind prefix, prefix /seldon/prod/raw/");
    expect(told).toContain("Mapping raw headers:  > ");
    expect(told).toContain("Mapping raw requestHeaders:  > ");
    expect(told).toContain("Secret prod/tls changed; data:  > ");
    expect(told).not.toMatch(/\b(?:one|two)\b/);
  });

  test("how many Endpoints of a Service are ready, once for all its ports, and that they are others", () => {
    const start = [deployment("prod/fraud"), ...service("prod/fraud-main", ["10.1.0.1", "10.1.0.2"])];
    const now = (...addresses: readonly string[]): readonly SourceObject[] => [
      slice(
        "prod/fraud-main-1",
        "fraud-main",
        addresses.map((address) => ({ addresses: [address] })),
      ),
    ];
    expect(toldOf(start, now("10.1.0.2"))).toEqual(["Service prod/fraud-main changed; endpoints: 2 ready > 1 ready"]);
    expect(toldOf(start, now("10.1.0.2", "10.1.0.3"))).toEqual([
      "Service prod/fraud-main changed; endpoints: 2 ready > 2 ready, at other addresses",
    ]);
    expect(toldOf(start, now())).toEqual(["Service prod/fraud-main changed; endpoints: 2 ready > 0 ready"]);
  });

  test("of one namespace 16 objects, of all 64, and how many more there are", () => {
    const many = (namespace: string, count: number): readonly SourceObject[] =>
      Array.from({ length: count }, (_, index) => deployment(`${namespace}/d${index}`));
    expect(toldOf(many("a", maxToldOfNamespace))).toHaveLength(maxToldOfNamespace);
    const beyond = toldOf([...many("a", maxToldOfNamespace + 2), ...many("b", 1)]);
    expect(beyond).toHaveLength(maxToldOfNamespace + 2);
    expect(beyond.at(-1)).toBe("2 more in a");
    const spaces = Array.from({ length: maxTold + 1 }, (_, index) => many(`n${index}`, 1)).flat();
    expect(toldOf(spaces.slice(1)).some((line) => line.includes("more"))).toBe(false);
    expect(toldOf(spaces).at(-1)).toBe(`1 more in n${maxTold}`);
  });

  test("other objects take no room from steps of rollouts, of which one change has as many", () => {
    const rollouts = Array.from({ length: maxToldOfNamespace + 1 }, (_, at) =>
      deployment(`a/r${at}`, ["main", "canary"], { "sluice.io/rollout": "canary" }),
    );
    const translator = new Translator({ ...clusterSettings, releases: true });
    toldBy(translator, rollouts);
    const entry = {
      namespace: "a",
      kind: "rollout",
      text: "",
      models: "",
      shares: { canary: 5 },
      state: "stepping",
      step: 0,
      sinceMs: 0,
      why: "it begins",
      isPromoteUsed: false,
      reward: "",
      rewards: {},
    } as const;
    translator.apply({
      set: Array.from({ length: maxToldOfNamespace + 2 }, (_, at) => deployment(`a/d${at}`)),
      removed: [],
    });
    translator.setReleases(new Map(rollouts.map(({ ref: { name } }) => [`a/${name}`, { ...entry, name }])));
    const { edits, more } = translator.drainEdits();
    expect(edits.filter(({ kind }) => kind === "stepped")).toHaveLength(maxToldOfNamespace);
    expect(edits).toHaveLength(2 * maxToldOfNamespace);
    expect(edits.at(-1)!.fields).toEqual([
      { field: "rollout", from: "none", to: "canary 5%: it begins", refused: null },
    ]);
    expect(more).toEqual(new Map([["a", 3]]));
  });

  test("of one object 16 fields, and a long value is cut", () => {
    const predictors = (count: number): readonly string[] => Array.from({ length: count }, (_, at) => `p${at}`);
    const fieldsOf = (count: number): readonly string[] =>
      toldOf(
        [deployment("prod/fraud", ["main"])],
        [deployment("prod/fraud", ["main", ...predictors(count)])],
      )[0]!.split("; ");
    expect(fieldsOf(maxDifferences)).toHaveLength(1 + maxDifferences);
    expect(fieldsOf(maxDifferences).at(-1)).toContain("predictors[p15]");
    expect(fieldsOf(maxDifferences + 1).at(-1)).toBe("2 more fields:  > ");
    const [long] = toldOf(
      [deployment("prod/fraud")],
      [deployment("prod/fraud", ["main"], { "seldon.io/ambassador-service-name": "x".repeat(200) })],
    );
    expect(long).toContain(`absent > ${"x".repeat(80)}…`);
  });
});
