import { expect, test } from "vitest";
import { mostTold } from "../../../../k8s/translate/values/told-problems.ts";
import { object, translate } from "../objects.ts";

/** Problems of a SeldonDeployment: so many, of which one is an error. */
function problemsOf(
  count: number,
): readonly { readonly level: string; readonly code: string; readonly sentence: string }[] {
  const predictors = Array.from({ length: count - 1 }, (_, at) => ({ name: `p${at}`, traffic: null }));
  const metadata = { annotations: { "seldon.io/ambassador-weight": "x" } };
  return translate([object("SeldonDeployment", "prod/m", JSON.stringify({ metadata, spec: { predictors } }))]).problems;
}

test("of one object so many Problems are told, the most severe ones, and the others are counted", () => {
  expect([mostTold - 1, mostTold, mostTold + 1, 3000].map((count) => problemsOf(count).length)).toEqual([
    mostTold - 1,
    mostTold,
    mostTold,
    mostTold,
  ]);
  expect(problemsOf(mostTold).some(({ code }) => code === "more-problems")).toBe(false);
  const told = problemsOf(3000);
  expect(told.filter(({ level }) => level === "error").length).toBe(1);
  expect(
    told.filter(({ code }) => code === "more-problems").map(({ level, sentence }) => [level, sentence.slice(0, 34)]),
  ).toEqual([["warning", "this object has 2901 more Problems"]]);
});

test("thousands of ids of other gateways in one object are read", () => {
  const ids = Array.from({ length: 300_000 }, (_, i) => i.toString(36));
  expect(
    translate([
      object("Mapping", "prod/m", JSON.stringify({ spec: { prefix: "/x/", service: "s", ambassador_id: ids } })),
    ]).ofAnother.map((one) => one.ids.length),
  ).toEqual([300_000]);
});

test("of one claim that thousands lost to, some of them are told, and each of them is told why", () => {
  const claims = Array.from({ length: 20 }, (_, space) =>
    Array.from({ length: 500 }, (__, i) => object("Mapping", `ns${space}/m${i}`, "spec: { prefix: /, service: s }")),
  ).flat();
  const contests = translate(claims).problems.filter(({ code }) => code === "claim-contested");
  const told = (namespace: string, name: string): number =>
    contests.filter(({ subject }) => subject.namespace === namespace && subject.name === name).length;
  expect([told("ns0", "m0"), told("ns0", "m499"), told("ns1", "m0"), told("ns19", "m499")]).toEqual([16, 0, 16, 16]);
  expect(contests.length).toBe(16 * 19 * 500 + 16 * 16);
});
