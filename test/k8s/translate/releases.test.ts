// Shares of a release, as the record and the annotations have them after somebody edits what is under way.
import { expect, test } from "vitest";
import type { ReleaseEntry } from "../../../k8s/translate/model/release.ts";
import type { SourceObject } from "../../../k8s/translate/model/object.ts";
import { maxArms } from "../../../k8s/translate/deployments/planned-release.ts";
import { Translator } from "../../../k8s/translate/translator.ts";
import { clusterSettings, codesOf, deployment, object, partsOf } from "./objects.ts";

const rollout = { "sluice.io/rollout": "to canary; steps 5%, 50%, 100%" };

function entryOf(percent: number): ReleaseEntry {
  return {
    namespace: "p",
    name: "m",
    kind: "rollout",
    text: "",
    models: "",
    shares: { canary: percent },
    state: percent === 0 ? "aborted" : "stepping",
    step: 0,
    sinceMs: 0,
    why: "",
    isPromoteUsed: false,
    reward: "",
    rewards: {},
  };
}

/** Of p/m, with these predictors, one after the other, and a record that gives the canary so much. */
function percentsOf(
  percent: number | null,
  ...edits: readonly (readonly [predictors: readonly string[], annotations: Readonly<Record<string, string>>])[]
): readonly Readonly<Record<string, number>>[] {
  const translator = new Translator(clusterSettings);
  return edits.map(([predictors, annotations], at) => {
    translator.apply({ set: [deployment("p/m", predictors, annotations)], removed: [] });
    const [planned] = translator.plannedReleases();
    if (at === 0 && percent !== null) {
      const entry = { ...entryOf(percent), text: planned!.text, models: planned!.models };
      translator.setReleases(new Map([["p/m", entry]]));
    }
    const shares: Record<string, number> = {};
    for (const [part, { role }] of partsOf(translator.current(), "p/m"))
      if (role.kind === "live") shares[part.split(" ").at(-1)!] = Math.round(role.share * 10_000) / 100;
    return shares;
  });
}

test("a predictor whose name changes beside an annotation that does not gets no more than the spec declares", () => {
  const begun = [["main", "canary"], rollout] as const;
  for (const percent of [0, 5, 50]) {
    expect(percentsOf(percent, begun, [["main", "canary2"], rollout])).toEqual([
      { main: 100 - percent, canary: percent },
      { main: 100, canary2: 0 },
    ]);
    expect(percentsOf(percent, begun, [["main", "canary2:20"], rollout])[1]).toEqual({ main: 80, canary2: 20 });
    expect(percentsOf(percent, begun, [["main2", "canary"], rollout])[1]).toEqual({
      main2: 100 - percent,
      canary: percent,
    });
    // The one that is released is the first one now, or the only one, or its text cannot be read.
    expect(percentsOf(percent, begun, [["canary", "main"], rollout])[1]).toEqual({
      main: 100 - percent,
      canary: percent,
    });
    expect(percentsOf(percent, begun, [["canary"], rollout])[1]).toEqual({ canary: 100 });
    for (const text of ["to canary; steps many", "to canary; steps 100%, 5%", "x".repeat(262_144)])
      expect(percentsOf(percent, begun, [["main", "canary"], { "sluice.io/rollout": text }])[1]).toEqual({
        main: 100 - percent,
        canary: percent,
      });
  }
});

test("another model beside an annotation that cannot be read or contradicts another gets nothing of what the model before it had reached", () => {
  const withModel = (model: string, annotations: Readonly<Record<string, string>>): SourceObject =>
    object(
      "SeldonDeployment",
      "p/m",
      JSON.stringify({
        metadata: { annotations },
        spec: {
          predictors: [
            ["main", "one"],
            ["canary", model],
          ].map(([name, graph]) => ({ name, graph: { name: graph } })),
        },
      }),
    );
  for (const wrong of [
    { "sluice.io/rollout": "to canary; steps many" },
    { ...rollout, "sluice.io/traffic": "main=50,canary=50" },
  ])
    for (const percent of [0, 5, 100]) {
      const translator = new Translator(clusterSettings);
      const canaryOf = (model: string, annotations: Readonly<Record<string, string>>): number => {
        translator.apply({ set: [withModel(model, annotations)], removed: [] });
        const found = [...partsOf(translator.current(), "p/m")].find(([part]) => part.endsWith("canary"));
        const role = found?.[1].role;
        return role?.kind === "live" ? role.share * 100 : NaN;
      };
      canaryOf("two", rollout);
      const { text, models } = [...translator.plannedReleases()][0]!;
      translator.setReleases(new Map([["p/m", { ...entryOf(percent), text, models }]]));
      expect([canaryOf("two", rollout), canaryOf("two", wrong), canaryOf("three", wrong)]).toEqual([
        percent,
        percent,
        0,
      ]);
    }
});

test.each([
  [5, "gives traffic to g0, g1, g2, g3, g4, which"],
  [6, "gives traffic to g0, g1, g2, g3, g4 and 1 more, which"],
])("a sentence about %d predictors that only the record names", (count, words) => {
  const translator = new Translator(clusterSettings);
  translator.apply({ set: [deployment("p/m", ["main", "canary"], rollout)], removed: [] });
  const { text, models } = [...translator.plannedReleases()][0]!;
  const gone = Array.from({ length: count }, (_, at) => [`g${at}`, 1]);
  const entry: ReleaseEntry = { ...entryOf(5), text, models, shares: Object.fromEntries(gone) };
  translator.setReleases(new Map([["p/m", entry]]));
  expect(translator.current().problems.map(({ sentence }) => sentence)).toContainEqual(expect.stringContaining(words));
});

test.each([maxArms - 1, maxArms, maxArms + 1])(
  `of %d predictors a bandit moves traffic, of at most ${maxArms}`,
  (count) => {
    const translator = new Translator(clusterSettings);
    const predictors = Array.from({ length: count }, (_, at) => `m${at}`);
    const bandit = deployment("p/m", predictors, { "sluice.io/bandit": "policy thompson" });
    translator.apply({ set: [bandit], removed: [] });
    const isTooMany = count > maxArms;
    expect([...translator.plannedReleases()].map(({ plan }) => plan.kind)).toEqual([isTooMany ? "stopped" : "bandit"]);
    expect(codesOf(translator.current()).includes("error release-conflict")).toBe(isTooMany);
  },
);
