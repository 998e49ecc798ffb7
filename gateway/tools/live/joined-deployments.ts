// Deployments of several replicas as one: requests add up, and the worst state and the slowest latency count.
import type { Deployment, Measured, Predictor } from "../../api/deployments.ts";

/** In the order of the first replica that knows each. */
export function joinedDeployments(replicas: readonly (readonly Deployment[])[]): readonly Deployment[] {
  const same = Map.groupBy(replicas.flat(), ({ namespace, name }) => `${namespace}/${name}`);
  return [...same.values()].map((all) => (all.length === 1 ? all[0]! : joinedDeployment(all)));
}

const severity: readonly Deployment["state"][] = ["ready", "unready", "failing"];

function joinedDeployment(all: readonly Deployment[]): Deployment {
  const worst = all.reduce((one, other) => (severity.indexOf(other.state) > severity.indexOf(one.state) ? other : one));
  const predictors = Map.groupBy(
    all.flatMap((one) => one.predictors),
    ({ name, role }) => `${role} ${name}`,
  );
  const live = sum(all, (one) => liveRequests(one.predictors));
  return {
    ...worst,
    predictors: [...predictors.values()].map((same) => joinedPredictor(same, live)),
    lastMinute: joinedMeasured(all.map((one) => one.lastMinute)),
    lastFiveMinutes: joinedMeasured(all.map((one) => one.lastFiveMinutes)),
  };
}

/** Shares that differ: those of the replica that serves least of it. */
function joinedPredictor(same: readonly Predictor[], liveRequestsOfAll: number): Predictor {
  const least = same.reduce((one, other) => (other.servedPercent < one.servedPercent ? other : one));
  const lastMinute = joinedMeasured(same.map((one) => one.lastMinute));
  const measured = same.some(({ measuredPercent }) => measuredPercent !== null) && liveRequestsOfAll > 0;
  const endpoints = Map.groupBy(
    same.flatMap((one) => one.endpoints),
    ({ address }) => address,
  );
  return {
    ...least,
    measuredPercent: measured ? Math.min(100, (100 * lastMinute.requests) / liveRequestsOfAll) : least.measuredPercent,
    lastMinute,
    lastFiveMinutes: joinedMeasured(same.map((one) => one.lastFiveMinutes)),
    endpoints: [...endpoints.values()].map((of) => of.find(({ state }) => state !== "ready") ?? of[0]!),
  };
}

function liveRequests(predictors: readonly Predictor[]): number {
  return sum(predictors, ({ role, lastMinute }) => (role === "shadow" ? 0 : lastMinute.requests));
}

function joinedMeasured(all: readonly Measured[]): Measured {
  const requests = sum(all, (one) => one.requests);
  const failures = Map.groupBy(
    all.flatMap((one) => one.failures),
    ({ flag, sentence }) => `${flag} ${sentence}`,
  );
  const slowest = (of: (one: Measured) => number | null): number | null =>
    all.reduce<number | null>((most, one) => {
      const ms = of(one);
      return ms === null || (most !== null && most >= ms) ? most : ms;
    }, null);
  const measured = all.filter(({ meanMs }) => meanMs !== null);
  const weight = sum(measured, (one) => one.requests);
  return {
    requests,
    failed: sum(all, (one) => one.failed),
    modelErrors: sum(all, (one) => one.modelErrors),
    failures: [...failures.values()].map((same) => ({ ...same[0]!, count: sum(same, (one) => one.count) })),
    meanMs: weight === 0 ? slowest((one) => one.meanMs) : sum(measured, (one) => one.meanMs! * one.requests) / weight,
    p50Ms: slowest((one) => one.p50Ms),
    p90Ms: slowest((one) => one.p90Ms),
    p99Ms: slowest((one) => one.p99Ms),
  };
}

function sum<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((total, one) => total + of(one), 0);
}
