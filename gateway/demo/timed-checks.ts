// What the demo asks of releases that take their time: they run side by side, and beside the other checks.
import { join } from "node:path";
import type { Rollout } from "../api/rollouts.ts";
import { flowers, payloadOf } from "./flowers.ts";
import { annotatedTraffic, manifests, replaceFile, rolloutFile } from "./manifests.ts";
import { deploymentPath, firstItem, lanes, post, tally, tallyOf, type Tally } from "./predictions.ts";
import { eventually, words, type Check, type Finding, type Stage } from "./stage.ts";

/** Enough that the old share, one in five, does not look like none: 0.8^40 is 1 in 7,000. */
const probeRequests = 40;
const afterRequests = 200;
/** TCP's port 1 answers nobody on a machine of today. */
const closedPort = 1;
/** For a release that goes on every 10 s. */
const slow = { factor: 12, pauseMs: 100 };
/** After so many feedbacks the bandit gives the better model most traffic. */
const feedbacks = 300;
/** Of requests: well below the 95 % that it gets, well above the 50 % that it begins with. */
const mostShare = 0.8;

/** In the order in which the demo prints them. */
export const timedChecks: readonly Check[] = [abortedRollout, promotedRollout, bandit];

/** A rollout whose canary keeps its gates: it goes from step to step, and then gets all requests. */
async function promotedRollout(stage: Stage): Promise<Finding> {
  const { base, admin } = stage;
  const path = deploymentPath("iris-release", "api/v1.0/predictions");
  const percents = new Set<number>();
  let [requests, failed] = [0, 0];
  const ended = await eventually(
    stage,
    async () => {
      const answers = await tally(base, path, lanes);
      requests += lanes;
      failed += answers.failed;
      const rollout = await firstItem<Rollout>(admin, "rollouts", "iris-release");
      for (const { predictor, percent } of rollout?.shares ?? []) if (predictor === "canary") percents.add(percent);
      return rollout;
    },
    (rollout) => rollout?.state === "promoted",
    slow,
  );
  const after = await tally(base, path, afterRequests);
  return {
    asked: "a rollout to a canary that keeps its gates: steps 50 % and 100 %, every 10 s",
    answered: `shares of the canary: ${[...percents].map((percent) => `${percent} %`).join(", ")}; then ${ended?.state ?? "unknown"}: ${words(after)}; of ${requests} requests ${failed} failed`,
    expected:
      ended?.state === "promoted" &&
      [...percents].join() === "50,100" &&
      failed === 0 &&
      after.second === afterRequests,
  };
}

/** A rollout whose canary begins to fail: its traffic goes back to main, and stays there. */
async function abortedRollout(stage: Stage): Promise<Finding> {
  const { base, folder, ports } = stage;
  let asked = 0;
  let failed = 0;
  const ask = async (count: number): Promise<Tally> => {
    const answers = await tally(base, deploymentPath("iris-rollout", "api/v1.0/predictions"), count);
    asked += count;
    failed += answers.failed;
    return answers;
  };
  const release = (port: number): Promise<void> =>
    replaceFile(join(folder, rolloutFile), manifests(ports, annotatedTraffic, port).get(rolloutFile)!);
  const begun = await eventually(
    stage,
    () => ask(probeRequests),
    ({ second }) => second > 0,
  );
  await release(closedPort);
  const met = await eventually(
    stage,
    () => ask(probeRequests),
    (answers) => answers.failed > 0,
  );
  // Three looks at the counts, one each ten seconds, see it.
  const ended = await eventually(
    stage,
    () => ask(afterRequests),
    ({ first }) => first === afterRequests,
    slow,
  );
  await release(ports.second.http);
  const after = await ask(afterRequests);
  return {
    asked: "a rollout to a canary that begins to fail at its first step, 20 %",
    answered: `of ${asked} requests ${failed} met the fault; then ${words(ended)}, and after its repair ${words(after)}`,
    expected: begun.second > 0 && met.failed > 0 && ended.failed === 0 && after.first === afterRequests,
  };
}

/** A reward for each right answer, under the puid that the answer's own body has: the better model gets most traffic. */
async function bandit(stage: Stage): Promise<Finding> {
  const { base, admin } = stage;
  const path = deploymentPath("iris-bandit", "api/v1.0/predictions");
  const right = { "1": 0, "2": 0 };
  let [next, misrouted] = [0, 0];
  const asked = await tallyOf(feedbacks, lanes, async () => {
    const flower = flowers[next++ % flowers.length]!;
    const { status, text, version } = await post(base, path, payloadOf(flower));
    if (status !== 200 || version === null) return { version: null, failure: `${status} ${text.trim()}` };
    const isRight = labelOf(text) === flower.klass;
    if (isRight) right[version] += 1;
    // No header: what a client has of the answer is its body.
    const feedback = `{"request":${payloadOf(flower)},"response":${text},"reward":${isRight ? 1 : 0}}`;
    const taken = await post(base, deploymentPath("iris-bandit", "api/v1.0/feedback"), feedback);
    if (taken.version !== version) misrouted += 1;
    return { version, failure: "" };
  });
  await eventually(
    stage,
    () => firstItem<Rollout>(admin, "rollouts", "iris-bandit"),
    (reading) => reading?.shares.some(({ predictor, percent }) => predictor === "canary" && percent >= 90) === true,
    slow,
  );
  const isMost = ({ second }: Tally): boolean => second >= mostShare * afterRequests;
  const after = await eventually(stage, () => tally(base, path, afterRequests), isMost);
  return {
    asked: `a bandit: after ${feedbacks} feedbacks, with meta.puid of the answer in the body, most requests go to the better model`,
    answered: `right: version 1 ${right["1"]} of ${asked.first}, version 2 ${right["2"]} of ${asked.second}; ${misrouted} feedbacks went to the other model; then ${words(after)}`,
    expected: asked.failed === 0 && misrouted === 0 && right["2"] > 0 && isMost(after),
  };
}

/** The most probable class of an answer's first row; null: it is no answer of the model. */
function labelOf(text: string): string | null {
  const { data } = JSON.parse(text) as {
    data?: { names?: readonly string[]; ndarray?: readonly (readonly number[])[] };
  };
  const row = data?.ndarray?.[0] ?? [];
  return data?.names?.[row.indexOf(Math.max(...row))] ?? null;
}
