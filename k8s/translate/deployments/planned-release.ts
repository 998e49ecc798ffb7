// What the annotations of an SD say about its release: the plan, or why nothing moves.
import { annotationOf } from "../fields/annotation.ts";
import { annotations as declared } from "../fields/annotations.ts";
import { printReward } from "../../../routing/release/bandit/plan.ts";
import { printJsonPath, type JsonPath } from "../../../routing/text/json-path.ts";
import { predictorShares } from "../../../routing/route/weights.ts";
import type { Deployment } from "../model/deployment.ts";
import type { PlannedRelease } from "../model/release.ts";
import type { Lookups } from "../meaning/meaning.ts";
import type { Report } from "../values/report.ts";
import { quoted } from "../values/value.ts";
import type { DeploymentPolicy } from "./deployment-policy.ts";
import { reportUncompared } from "./compared.ts";
import { digestOf, digestOfArms } from "./model-digest.ts";
import { reportIdleOrders } from "./idle-orders.ts";

/** Live predictors of an SD whose traffic is moved: what replicas ask each other about it, and keep of it, is bounded by that. */
export const maxArms = 32;

/** null: it asks for none. What is wrong stops it, with a Problem: nobody's share grows by a contradiction. */
export function plannedRelease(
  deployment: Deployment,
  policy: DeploymentPolicy,
  around: Lookups,
  report: Report,
): PlannedRelease | null {
  const { annotations, predictors, ref } = deployment;
  const [rollout, bandit] = [declared.rollout, declared.bandit].map((one) => annotationOf(annotations, one));
  const written = rollout ?? bandit;
  reportIdleOrders(annotations, rollout !== null ? "rollout" : bandit !== null ? "bandit" : null, report);
  if (written === null || written === undefined) return null;
  const live = predictors.flatMap((one, at) => (one.shadow ? [] : [{ ...one, traffic: policy.shares[at]! }]));
  const arms = live.map(({ name }) => name);
  const models = live.map(({ model }) => model);
  const orders = { isPaused: policy.rolloutPause, isAborted: policy.rolloutAbort, isPromoted: policy.rolloutPromote };
  const planned = (plan: PlannedRelease["plan"], released: readonly string[]): PlannedRelease => ({
    ref,
    field: written.field,
    plan,
    arms,
    declared: predictorShares(live.map(({ traffic }) => traffic)).shares.map((share) => share * 100),
    text: digestOf(written.text),
    models: digestOfArms(arms, models, released),
    ...orders,
  });
  const stopped = (why: string): PlannedRelease => planned({ kind: "stopped", why, models }, []);
  const conflict = (why: string, write: string): PlannedRelease => {
    report(
      "error",
      "release-conflict",
      written.field,
      `${why}, so no traffic moves and each predictor keeps its share; ${write}`,
    );
    return stopped(why);
  };
  if (policy.rollout === "unreadable" || policy.bandit === "unreadable")
    return stopped("its annotation cannot be read");
  const other = otherDecider(deployment, policy, around);
  if (rollout !== null && bandit !== null)
    return conflict(`${declared.bandit.name} moves the same traffic`, "remove one of the two");
  if (other !== null) return conflict(...other);
  if (!around.settings.releases) {
    const why = "this gateway moves no traffic by itself";
    report(
      "error",
      "releases-off",
      written.field,
      `${why}, so each predictor keeps its share; set rollouts: true in the values of the chart, or write --releases-record, or remove the annotation`,
    );
    return stopped(why);
  }
  if (arms.length > maxArms)
    return conflict(
      `${arms.length} predictors have live traffic, and Sluice moves it between ${maxArms} at most`,
      "remove some, or the annotation",
    );
  if (arms.length < 2)
    return conflict("it needs two predictors with live traffic", "add one, or remove the annotation");
  if (policy.rolloutPromote && (policy.rolloutAbort || policy.rolloutPause))
    report(
      "warning",
      "release-conflict",
      `metadata.annotations["${declared.rolloutPromote.name}"]`,
      "another annotation pauses or aborts the rollout, so Sluice does not promote it; remove one of them",
    );
  if (policy.rollout !== null) {
    const { to } = policy.rollout;
    if (!arms.includes(to))
      return predictors.some(({ name }) => name === to)
        ? conflict(`the predictor ${quoted(to)} is a shadow and takes no live traffic`, "name one that is no shadow")
        : conflict(`the spec has no predictor ${quoted(to)}`, "name one that it has");
    if (arms[0] === to)
      return conflict(`${quoted(to)} is the first predictor, from which a rollout takes traffic`, "name another one");
    reportUncompared(policy.rollout, policy.compare, predictors, written.field, report);
    return planned({ kind: "rollout", plan: policy.rollout }, [to]);
  }
  if (policy.bandit === null) return null;
  const release = planned({ kind: "bandit", plan: policy.bandit }, arms);
  const path = rewardPathOf(release);
  if (path !== null)
    report(
      "info",
      "reward-path-rest-only",
      written.field,
      `feedback over gRPC has no reward, because Sluice reads ${printJsonPath(path)} in JSON alone; send feedback over REST, or write "reward feedback" and send the number in the field reward`,
    );
  return release;
}

/** Where the feedback of its predictors has its reward; null: where Seldon's clients have it. */
export function rewardPathOf(release: PlannedRelease | null): JsonPath | null {
  const reward = release?.plan.kind === "bandit" ? release.plan.plan.reward : null;
  return reward?.kind === "feedback" && printReward(reward) !== reward.kind ? reward.path : null;
}

/** What else decides about the same traffic; null: nothing. */
function otherDecider(
  { ref, annotations }: Deployment,
  policy: DeploymentPolicy,
  around: Lookups,
): readonly [why: string, write: string] | null {
  for (const one of [declared.traffic, declared.weight, declared.shadow]) {
    const written = annotationOf(annotations, one);
    if (written !== null && written.text !== "")
      return [`${one.name} decides about the same traffic`, "remove one of the two"];
  }
  return around.nameShared(ref.namespace, policy.externalName)
    ? [
        `another SeldonDeployment shares the name ${quoted(policy.externalName)} and takes part of its traffic`,
        "give each a name of its own",
      ]
    : null;
}
