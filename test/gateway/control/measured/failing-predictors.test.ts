import { expect, test } from "vitest";
import { FailingPredictors } from "../../../../gateway/control/measured/failing-predictors.ts";
import { measuredOf } from "../../../../gateway/control/measured/measured.ts";
import { flagSentence, minRequests } from "../../../../gateway/explain/measured-words.ts";
import type { Measured } from "../../../../gateway/api/deployments.ts";
import type { FailureFlag } from "../../../../gateway/failure-flags.ts";
import { printProblem } from "../../../../routing/text/problem.ts";
import { seriesOf } from "../../fixtures.ts";

const iris = seriesOf("iris");
const measured = (requests: number, failed: number, flag: FailureFlag = "UF"): Measured =>
  measuredOf(
    [{ buckets: [requests, 0, 0, 0, 0, 0, 0, 0, 0, 0], totalMs: 0, modelErrors: 0, flags: new Map([[flag, failed]]) }],
    flagSentence,
  );

/** What becomes of these minutes in turn: 1 where it fails. */
function minutes(...all: readonly (readonly [requests: number, failed: number])[]): readonly number[] {
  const failing = new FailingPredictors();
  return all.map(([requests, failed]) => {
    failing.look([iris], () => measured(requests, failed));
    return failing.problems.length;
  });
}

test.each([
  [minRequests - 1, minRequests - 1, 0],
  [minRequests, minRequests, 1],
  [minRequests + 1, minRequests + 1, 1],
  [100, 49, 0],
  [100, 50, 1],
  [100, 51, 1],
])("of %d requests %d fail: %d", (requests, failed, expected) => {
  expect(minutes([requests, failed])).toEqual([expected]);
});

test("it ends below a fifth, and neither above nor in a minute without requests", () => {
  expect(minutes([100, 60], [100, 49], [100, 21], [100, 20], [0, 0], [100, 19], [100, 49], [100, 50])).toEqual([
    1, 1, 1, 1, 1, 0, 0, 1,
  ]);
});

test("one that nobody asks any more, or that has gone, fails no longer", () => {
  const failing = new FailingPredictors();
  expect(failing.look([iris], () => measured(9, 9))).toBe(true);
  expect(failing.look([], () => measured(0, 0))).toBe(true);
  expect(failing.problems).toEqual([]);
});

test("requests that Sluice refuses are nobody's failure", () => {
  const failing = new FailingPredictors();
  expect(failing.look([iris], () => measured(1000, 1000, "UAEX"))).toBe(false);
  expect(failing.problems).toEqual([]);
});

test("its Problem has one sentence while it lasts, so that it is logged once", () => {
  const failing = new FailingPredictors();
  failing.look([iris], () => measured(30, 27));
  const { problems } = failing;
  expect(problems.map(printProblem)).toEqual([
    "warning predictor-failing SeldonDeployment prod/iris spec.predictors: default: most requests fail: 27 of 30 failed within a minute: UF, Sluice could not connect to the Endpoint",
  ]);
  expect(failing.look([iris], () => measured(60, 59))).toBe(false);
  expect(failing.problems).toBe(problems);
});
