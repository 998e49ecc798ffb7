// Symptoms: what a Status says of requests, releases and threads. Each is what an alert of the chart fires for, but for access that refuses every call.
import { namespacedName } from "../../../routing/text/namespaced-name.ts";
import type { Measured } from "../../api/deployments.ts";
import type { Rollout } from "../../api/rollouts.ts";
import { troubleBounds, type Status, type Trouble, type TroubleKind } from "../../api/status.ts";
import { failedWords, minRequests, mostFail } from "../../explain/measured-words.ts";
import type { FailureFlag } from "../../failure-flags.ts";
import type { LatelyCounted, MeasuredPredictor } from "../../api/counted.ts";

const windows = [
  ["lastMinute", "in the last minute"],
  ["lastFiveMinutes", "in the last five minutes"],
] as const;

/** Predictors most of whose requests fail, each with how many, of which window, and why. */
export function failingPredictors(measured: readonly MeasuredPredictor[]): Status["failingPredictors"] {
  return measured.flatMap(({ predictor: { namespace, deployment, predictor }, lastMinute, lastFiveMinutes }) => {
    const { requests, failed } = lastFiveMinutes;
    const sentence = mostFail(lastMinute)
      ? failedWords(lastMinute)
      : requests >= troubleBounds.requests && failed > requests * troubleBounds.failingShare
        ? failedWords(lastFiveMinutes, "in the last five minutes")
        : "";
    return sentence === "" ? [] : [{ namespace, deployment, predictor, sentence }];
  });
}

export interface SymptomSources {
  readonly measured: readonly MeasuredPredictor[];
  /** Names of predictors without a ready Endpoint, where another of the deployment has one. */
  readonly withoutEndpoint: readonly string[];
  readonly rollouts: readonly Rollout[];
  readonly lately: LatelyCounted;
}

/** `nowMs`: epoch. */
export function symptomsOf(
  { measured, withoutEndpoint, rollouts, lately }: SymptomSources,
  nowMs: number,
): readonly Trouble[] {
  return [
    ...requestSymptoms(measured),
    ...trouble(
      "predictor-without-endpoint",
      withoutEndpoint.map((name) => `${name} has no ready Endpoint: other predictors get its share`),
    ),
    ...rolloutSymptoms(rollouts, nowMs),
    ...threadSymptoms(lately),
  ];
}

/** What becomes of requests that fail or are refused. */
function requestSymptoms(measured: readonly MeasuredPredictor[]): readonly Trouble[] {
  const deployments = Map.groupBy(measured, ({ predictor: { namespace, deployment } }) =>
    namespacedName(namespace, deployment),
  );
  const canaries: string[] = [];
  const limited: string[] = [];
  const closed: string[] = [];
  for (const [name, predictors] of deployments) {
    const all = predictors.map(({ lastFiveMinutes }) => lastFiveMinutes);
    const [requests, failed] = [sum(all, (one) => one.requests), sum(all, (one) => one.failed)];
    for (const { predictor, lastFiveMinutes: own } of predictors)
      if (
        own.requests >= troubleBounds.requests &&
        own.failed > own.requests * troubleBounds.canaryShare &&
        own.failed * requests > troubleBounds.canaryTimes * failed * own.requests
      )
        canaries.push(
          `${name} ${predictor.predictor} fails more than twice as often as the whole deployment: ${failedWords(own, "in the last five minutes")}`,
        );
    const refused = sum(all, (one) => countOf(one, "RL"));
    if (refused > requests * troubleBounds.limitedShare)
      limited.push(
        `Rate limits refused ${refused} of ${requests} requests to ${name} in the last five minutes: sluice who shows them`,
      );
    for (const [window, when] of windows) {
      const some = predictors.map((one) => one[window]);
      const asked = sum(some, (one) => one.requests);
      if (asked < minRequests || sum(some, (one) => countOf(one, "UAEX")) < asked) continue;
      closed.push(`Access refused all ${asked} requests to ${name} ${when}: sluice who shows who may call`);
      break;
    }
  }
  return [
    ...trouble(
      "no-endpoint",
      flagged(measured, "UH", (count) => `${count} found no ready Endpoint`),
    ),
    ...trouble("access-refusing", closed),
    ...trouble("canary-failing", canaries),
    ...trouble(
      "breaker-open",
      flagged(measured, "UO", (count) => `${count} were refused by a circuit breaker`),
    ),
    ...trouble("limits-refusing", limited),
  ];
}

/** Rollouts that were rolled back, and those that wait for a day at one step. `nowMs`: epoch. */
function rolloutSymptoms(rollouts: readonly Rollout[], nowMs: number): readonly Trouble[] {
  const aborted = rollouts.filter(({ state }) => state === "aborted");
  const waiting = rollouts.filter(
    ({ kind, state, sinceMs }) =>
      kind === "rollout" &&
      (state === "stepping" || state === "held") &&
      sinceMs !== null &&
      nowMs - sinceMs > troubleBounds.rolloutSeconds * 1000,
  );
  return [
    ...trouble(
      "rollout-aborted",
      aborted.map(
        ({ namespace, name }) => `The rollout of ${namespace}/${name} was rolled back: sluice rollout says why`,
      ),
    ),
    ...trouble(
      "rollout-waits",
      waiting.map(
        ({ namespace, name, waitsFor }) =>
          `The rollout of ${namespace}/${name} has been at one step for more than a day${waitsFor === null ? "" : `, and waits for ${waitsFor}`}: sluice rollout says more`,
      ),
    ),
  ];
}

function threadSymptoms({ replaced, unanswered }: LatelyCounted): readonly Trouble[] {
  return [
    ...trouble(
      "redis-away",
      unanswered === 0
        ? []
        : [`Redis did not answer ${unanswered} calls in the last five minutes: the log says why (redis-away)`],
    ),
    ...trouble(
      "thread-replaced",
      replaced === 0
        ? []
        : [
            `${replaced} ${replaced === 1 ? "thread" : "threads"} ended and ${replaced === 1 ? "was" : "were"} replaced in the last ${troubleBounds.replacedMinutes} minutes: the log says why (worker-ended)`,
          ],
    ),
  ];
}

/** The first sentence, and how many more there are; without one none. */
function trouble(kind: TroubleKind, sentences: readonly string[]): readonly Trouble[] {
  const [first, ...others] = sentences;
  if (first === undefined) return [];
  return [{ kind, sentence: `${first}${others.length === 0 ? "" : ` (and ${others.length} more)`}.` }];
}

/** Of each predictor that has failures with this flag, those of the shortest window that has some. */
function flagged(
  measured: readonly MeasuredPredictor[],
  flag: FailureFlag,
  words: (count: number) => string,
): readonly string[] {
  return measured.flatMap(({ predictor: { namespace, deployment, predictor }, ...own }) => {
    for (const [window, when] of windows) {
      const count = countOf(own[window], flag);
      if (count > 0)
        return [
          `Of ${own[window].requests} requests to ${namespace}/${deployment} ${predictor} ${when} ${words(count)}`,
        ];
    }
    return [];
  });
}

function countOf({ failures }: Measured, flag: FailureFlag): number {
  return failures.find((one) => one.flag === flag)?.count ?? 0;
}

function sum<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((total, one) => total + of(one), 0);
}
