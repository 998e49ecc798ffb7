// Deployments of several replicas as one: requests add up, and the worst state and the slowest latency count.
import type { Deployment, Measured, Predictor } from "../../api/deployments.ts";

type Endpoint = Predictor["endpoints"][number];

const severity: readonly Deployment["state"][] = ["ready", "unready", "failing"];

/** One deployment, as each replica knows it. */
export function joinedDeployment(all: readonly Deployment[]): Deployment {
  if (all.length === 1) return all[0]!;
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
    endpoints: [...endpoints.values()].map(joinedEndpoint),
  };
}

/** The state of a replica that does not see it ready. Without the numbers of all replicas there are none. */
function joinedEndpoint(of: readonly Endpoint[]): Endpoint {
  const window = (named: "lastMinute" | "lastFiveMinutes"): Endpoint["lastMinute"] => {
    const all = of.flatMap((one) => one[named] ?? []);
    if (all.length < of.length) return null;
    return {
      requests: sum(all, (one) => one.requests),
      answers: sum(all, (one) => one.answers),
      failed: sum(all, (one) => one.failed),
      modelErrors: sum(all, (one) => one.modelErrors),
      failures: joinedFailures(all),
    };
  };
  return {
    ...(of.find(({ state }) => state !== "ready") ?? of[0]!),
    ejectedBy: sum(of, (one) => one.ejectedBy),
    lastMinute: window("lastMinute"),
    lastFiveMinutes: window("lastFiveMinutes"),
  };
}

function joinedFailures(all: readonly Pick<Measured, "failures">[]): Measured["failures"] {
  const failures = Map.groupBy(
    all.flatMap((one) => one.failures),
    ({ flag, sentence }) => `${flag} ${sentence}`,
  );
  return [...failures.values()].map((same) => ({ ...same[0]!, count: sum(same, (one) => one.count) }));
}

function liveRequests(predictors: readonly Predictor[]): number {
  return sum(predictors, ({ role, lastMinute }) => (role === "shadow" ? 0 : lastMinute.requests));
}

function joinedMeasured(all: readonly Measured[]): Measured {
  const requests = sum(all, (one) => one.requests);
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
    failures: joinedFailures(all),
    meanMs: weight === 0 ? slowest((one) => one.meanMs) : sum(measured, (one) => one.meanMs! * one.requests) / weight,
    p50Ms: slowest((one) => one.p50Ms),
    p90Ms: slowest((one) => one.p90Ms),
    p99Ms: slowest((one) => one.p99Ms),
  };
}

function sum<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((total, one) => total + of(one), 0);
}
