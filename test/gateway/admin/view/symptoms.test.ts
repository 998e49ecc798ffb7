// A Status says what each alert of the chart says: a new alert without a case here fails.
import { describe, expect, test } from "vitest";
import { failingPredictors, symptomsOf, type SymptomSources } from "../../../../gateway/admin/view/symptoms.ts";
import { statusOf, withoutEndpoint, type Facts } from "../../../../gateway/admin/view/status.ts";
import type { MeasuredPredictor } from "../../../../gateway/api/counted.ts";
import type { Rollout } from "../../../../gateway/api/rollouts.ts";
import { troubleBounds, type Trouble } from "../../../../gateway/api/status.ts";
import { CountedLately } from "../../../../gateway/control/measured/counted-lately.ts";
import { measuredOf } from "../../../../gateway/control/measured/measured.ts";
import { flagSentence } from "../../../../gateway/explain/measured-words.ts";
import type { FailureFlag } from "../../../../gateway/failure-flags.ts";
import { fixed } from "../../../../gateway/shared/metrics/fixed.ts";
import { alerts } from "../../../../gateway/pages/monitoring/alerts.ts";
import { Slices } from "../../../../gateway/shared/slices.ts";

import { wellFacts } from "./well-facts.ts";

const nothing: SymptomSources = {
  measured: [],
  withoutEndpoint: [],
  rollouts: [],
  lately: { replaced: 0, unanswered: 0 },
};

type Counted = readonly [requests: number, modelErrors: number, flags?: Partial<Record<FailureFlag, number>>];

const none: Counted = [0, 0];

/** A predictor of prod/iris: what was counted in the last five minutes, and of it in the last. */
function counted(predictor: string, five: Counted, one: Counted = none): MeasuredPredictor {
  const [lastFiveMinutes, lastMinute] = [five, one].map(([requests, modelErrors, flags = {}]) =>
    measuredOf(
      [
        {
          buckets: [requests, 0, 0, 0, 0, 0, 0, 0, 0, 0],
          totalMs: 0,
          modelErrors,
          flags: new Map(Object.entries(flags) as [FailureFlag, number][]),
        },
      ],
      flagSentence,
    ),
  );
  return {
    predictor: { namespace: "prod", deployment: "iris", predictor, role: "live" },
    lastMinute: lastMinute!,
    lastFiveMinutes: lastFiveMinutes!,
  };
}

function symptoms(measured: readonly MeasuredPredictor[]): readonly Trouble[] {
  return symptomsOf({ ...nothing, measured }, 0);
}

function rollout(of: Partial<Rollout>): Rollout {
  return { ...({ namespace: "prod", name: "iris", kind: "rollout", waitsFor: null, sinceMs: 0 } as Rollout), ...of };
}

function said(troubles: readonly Trouble[]): readonly string[] {
  return troubles.map(({ kind, sentence }) => `${kind}: ${sentence}`);
}

describe("predictors that fail", () => {
  const sentences = (...given: Parameters<typeof counted>): readonly string[] =>
    failingPredictors([counted(...given)]).map(({ sentence }) => sentence);

  test("are said with the numbers of the last minute, and of the last five only as such", () => {
    expect(sentences("main", [300, 270], [30, 20])).toEqual([
      "20 of 30 failed in the last minute: the model answered a server error",
    ]);
    // For five minutes after the last of them it said "in the last minute".
    expect(sentences("main", [30, 27])).toEqual([
      "27 of 30 failed in the last five minutes: the model answered a server error",
    ]);
  });

  test("begin at the bounds of the alert", () => {
    const { requests, failingShare } = troubleBounds;
    const half = requests * failingShare;
    expect([half, half + 1].map((failed) => sentences("main", [requests, failed]).length)).toEqual([0, 1]);
    expect(sentences("main", [requests - 1, requests - 1])).toEqual([]);
  });
});

describe("requests", () => {
  test("to a canary that fails more than twice as often as all", () => {
    const of = (failed: number): readonly string[] =>
      said(symptoms([counted("main", [900, 0]), counted("canary", [100, failed])]));
    expect(of(5)).toEqual([]);
    expect(of(6)).toEqual([
      "canary-failing: prod/iris canary fails more than twice as often as the whole deployment: 6 of 100 failed in the last five minutes: the model answered a server error.",
    ]);
    expect(said(symptoms([counted("main", [100, 50]), counted("canary", [100, 100])]))).toEqual([]);
    expect(said(symptoms([counted("main", [900, 0]), counted("canary", [19, 19])]))).toEqual([]);
  });

  test("that find no Endpoint, or a breaker at its limit", () => {
    const both = [
      counted("main", [100, 0, { UH: 7, UO: 3 }], [10, 0, { UO: 1 }]),
      counted("canary", [9, 0, { UH: 2 }]),
    ];
    expect(said(symptoms(both)).filter((one) => !one.startsWith("canary"))).toEqual([
      "no-endpoint: Of 100 requests to prod/iris main in the last five minutes 7 found no ready Endpoint (and 1 more).",
      "breaker-open: Of 10 requests to prod/iris main in the last minute 1 were refused by a circuit breaker.",
    ]);
  });

  test("that limits refuse: more than a tenth", () => {
    const of = (refused: number): readonly string[] => said(symptoms([counted("main", [100, 0, { RL: refused }])]));
    expect(of(10)).toEqual([]);
    expect(of(11)).toEqual([
      "limits-refusing: Rate limits refused 11 of 100 requests to prod/iris in the last five minutes: sluice who shows them.",
    ]);
  });

  test("that access refuses, all of them", () => {
    const of = (requests: number, refused: number): readonly string[] =>
      said(symptoms([counted("main", [requests, 0, { UAEX: refused }])]));
    expect([of(5, 4), of(4, 4)]).toEqual([[], []]);
    expect(of(5, 5)).toEqual([
      "access-refusing: Access refused all 5 requests to prod/iris in the last five minutes: sluice who shows who may call.",
    ]);
  });
});

test("a predictor without an Endpoint, where another of its deployment has one", async () => {
  const key = (predictor: string) => ({ namespace: "prod", deployment: "iris", predictor, role: "live" as const });
  const ready = [{ address: "10.0.0.1:9000", state: "ready" as const, slots: [] }];
  const found = await withoutEndpoint(
    {
      counted: {
        predictorEndpoints: [
          { predictor: key("main"), endpoints: ready },
          { predictor: key("canary"), endpoints: [] },
        ],
      } as never,
      hasMapping: () => true,
      translation: { isScaledToZero: () => false },
    },
    new Slices(
      () => 0,
      async () => undefined,
    ),
  );
  expect(found).toEqual({ deployments: { count: 0, deployments: [] }, others: ["prod/iris canary"] });
});

test("rollouts that were rolled back, or wait for more than a day", () => {
  const dayMs = troubleBounds.rolloutSeconds * 1000;
  expect(
    said(symptomsOf({ ...nothing, rollouts: [rollout({ state: "stepping", waitsFor: "requests" })] }, dayMs)),
  ).toEqual([]);
  expect(
    said(symptomsOf({ ...nothing, rollouts: [rollout({ state: "stepping", waitsFor: "requests" })] }, dayMs + 1)),
  ).toEqual([
    "rollout-waits: The rollout of prod/iris has been at one step for more than a day, and waits for requests: sluice rollout says more.",
  ]);
  expect(
    said(symptomsOf({ ...nothing, rollouts: [rollout({ state: "aborted" }), rollout({ state: "aborted" })] }, 0)),
  ).toEqual(["rollout-aborted: The rollout of prod/iris was rolled back: sluice rollout says why (and 1 more)."]);
});

test("threads that were replaced in 15 minutes, and calls to Redis without an answer in five", () => {
  let nowMs = 0;
  const block = new Float64Array(4096);
  block[fixed.workerRestarts] = 7;
  const lately = new CountedLately([block], () => nowMs);
  const step = (minutes: number): void => {
    for (let look = 0; look < minutes * 6; look++) {
      nowMs += 10_000;
      lately.look();
    }
  };
  expect(lately.now).toEqual({ replaced: 0, unanswered: 0 });
  step(20);
  block[fixed.workerRestarts]! += 2;
  block[fixed.redisCalls.late]! += 3;
  block[fixed.redisCalls.answered]! += 3;
  expect(lately.now).toEqual({ replaced: 2, unanswered: 3 });
  step(4.5);
  expect(lately.now).toEqual({ replaced: 2, unanswered: 3 });
  step(1);
  expect(lately.now).toEqual({ replaced: 2, unanswered: 0 });
  step(10);
  expect(lately.now).toEqual({ replaced: 0, unanswered: 0 });
});

/** By the name of each alert of the chart, a gateway for which it fires. */
const firing: Readonly<
  Record<string, { readonly facts?: Partial<Facts>; readonly sources?: Partial<SymptomSources> }>
> = {
  SluicePredictorFailing: { facts: { failingPredictors: failingPredictors([counted("main", [20, 11])]) } },
  SluiceCanaryFailing: { sources: { measured: [counted("main", [90, 0]), counted("canary", [20, 2])] } },
  SluiceNoEndpoint: { sources: { measured: [counted("main", [90, 0, { UH: 1 }])] } },
  SluicePredictorWithoutEndpoint: { sources: { withoutEndpoint: ["prod/iris main"] } },
  SluiceBreakerFull: { sources: { measured: [counted("main", [90, 0, { UO: 1 }])] } },
  SluiceLimitsRefusing: { sources: { measured: [counted("main", [9, 0, { RL: 1 }])] } },
  SluiceRedisAway: { sources: { lately: { replaced: 0, unanswered: 1 } } },
  SluiceCertificateEnds: { facts: { certificates: [{ name: "a", endsAtMs: 14 * 86_400_000 - 1 }] } },
  SluiceSourceStale: { facts: { sources: [{ kind: "cluster", ageSeconds: 301, trouble: "away" }] } },
  SluiceRolloutAborted: { sources: { rollouts: [rollout({ state: "aborted" })] } },
  SluiceRolloutWaits: { sources: { rollouts: [rollout({ state: "held", sinceMs: -86_400_001 })] } },
  SluiceWorkerReplaced: { sources: { lately: { replaced: 1, unanswered: 0 } } },
  SluiceProblems: { facts: { problems: { error: 1, warning: 0, info: 0 } } },
};

describe("each alert of the chart", () => {
  // What several replicas say is joined elsewhere.
  test.each(alerts.filter(({ name }) => name !== "SluiceReplicasDisagree"))(
    "$name has its line in a Status: $trouble",
    ({ name, trouble }) => {
      const { facts, sources } = firing[name]!;
      const { troubles } = statusOf({ ...wellFacts, ...facts }, 0, symptomsOf({ ...nothing, ...sources }, 0));
      expect(troubles.map(({ kind }) => kind)).toContain(trouble);
    },
  );
});
