import { expect, test } from "vitest";
import { Backends } from "../../../../k8s/translate/graph/backend-records.ts";
import { ObjectGraph } from "../../../../k8s/translate/graph/object-graph.ts";
import { objectKey, type SourceObject } from "../../../../k8s/translate/model/object.ts";
import { compareProblems } from "../../../../routing/text/problem.ts";
import { Translator } from "../../../../k8s/translate/translator.ts";
import { clusterSettings, deployment, object, service } from "../objects.ts";

function namesOf({ records: { backends, names, secrets, contexts } }: ObjectGraph): readonly string[] {
  const all = [...backends.registry.values(), ...names.values(), ...secrets.values(), ...contexts.values()];
  return all.map(({ namespace, name }) => `${namespace}/${name}`).sort();
}

function change(graph: ObjectGraph, set: readonly SourceObject[], removed: readonly SourceObject[] = []): void {
  for (const { ref } of removed) graph.remove(objectKey(ref));
  for (const one of set) graph.set(one);
  Array.from(graph.translateChanged());
  graph.records.sweep();
}

test("what a declarer looked for and no longer does is forgotten: an SD that came before its Services, and objects that go", () => {
  const graph = new ObjectGraph(clusterSettings, new Backends(clusterSettings));
  const tls = object("SeldonDeployment", "a/x", "spec: {predictors: [{name: main, ssl: {certSecretName: cert}}]}");
  const raw = object("Mapping", "a/m", "spec: {prefix: /seldon/a/m/, service: y, tls: ctx}");
  const services = service("a/x-main");
  change(graph, [tls, raw]);
  expect(namesOf(graph)).toEqual(["a/cert", "a/ctx", "a/x", "a/x--main", "a/x-main", "a/y"]);
  change(graph, services);
  expect(namesOf(graph)).toEqual(["a/cert", "a/ctx", "a/x", "a/x-main", "a/y"]);
  change(graph, [deployment("a/x")]);
  expect(namesOf(graph)).toEqual(["a/ctx", "a/x", "a/x-main", "a/y"]);
  change(graph, [], [tls, raw, ...services]);
  expect(namesOf(graph)).toEqual([]);
});

test("Problems are gathered with a pause after each object, and only what says who may call is asked about it", () => {
  const translator = new Translator(clusterSettings);
  const open = object(
    "SeldonDeployment",
    "a/open",
    "metadata: {annotations: {sluice.io/auth: none}}\nspec: {predictors: [{name: main}]}",
  );
  const set = [
    ...Array.from({ length: 40 }, (_, index) =>
      deployment(`a/m${index}`, ["main"], { "seldon.io/rest-timeout": "soon" }),
    ),
    open,
  ];
  translator.apply({ set, removed: [] });
  const pauses: void[] = [];
  const gathering = translator.gatherProblems();
  let step = gathering.next();
  for (; step.done !== true; step = gathering.next()) pauses.push(step.value);
  expect(pauses.length).toBeGreaterThanOrEqual(set.length * 3);
  expect(step.value.toSorted(compareProblems)).toEqual(translator.current().problems);
  expect(step.value.filter(({ code }) => code === "bad-value").length).toBe(40);
  const guarded = (): string[] => Array.from(translator.guards(), ({ ref }) => ref.name);
  expect(guarded()).toEqual(["open"]);
  translator.apply({
    set: [deployment("a/open"), deployment("a/m1", ["main"], { "sluice.io/deny": "10.0.0.0/8" })],
    removed: [],
  });
  expect(guarded()).toEqual(["m1"]);
  translator.apply({ set: [], removed: [objectKey({ kind: "SeldonDeployment", namespace: "a", name: "m1" })] });
  expect(guarded()).toEqual([]);
});
