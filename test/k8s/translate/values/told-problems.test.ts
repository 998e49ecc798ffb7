import { expect, test } from "vitest";
import { mostTold } from "../../../../k8s/translate/values/told-problems.ts";
import { deployment, object, translate } from "../objects.ts";

/** Problems of a SeldonDeployment with so many annotations that are nearly known, and one that is wrong. */
function problemsOf(
  count: number,
): readonly { readonly level: string; readonly code: string; readonly sentence: string }[] {
  const annotations = Object.fromEntries(
    Array.from({ length: count }, (_, i) => [i === count - 1 ? "seldon.io/ambassador-weight" : `sluice.io/a${i}`, "x"]),
  );
  return translate([deployment("prod/m", ["main"], annotations)]).problems.filter(
    ({ code }) => code === "bad-value" || code === "unknown-annotation" || code === "more-problems",
  );
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
