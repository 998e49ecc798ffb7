// Deployments as /api/v1/deployments answers them.
import type { Deployment, Measured, Predictor } from "../../../../gateway/api/deployments.ts";

export function measured(requests: number, failed = 0, p99Ms: number | null = null): Measured {
  return { requests, failed, modelErrors: 0, failures: [], meanMs: p99Ms, p50Ms: p99Ms, p90Ms: p99Ms, p99Ms };
}

export function predictor(
  name: string,
  declaredPercent: number,
  servedPercent: number,
  fields: Partial<Predictor> = {},
): Predictor {
  const windows = { lastMinute: measured(0), lastFiveMinutes: measured(0) };
  return {
    name,
    role: "live",
    declaredPercent,
    servedPercent,
    measuredPercent: null,
    ...windows,
    endpoints: [{ address: "10.0.0.1:9000", state: "ready", ejectedBy: 0, ...endpointWindows(0, 0) }],
    ...fields,
  };
}

/** So many tries of an Endpoint in each window, of which so many failed to connect. */
export function endpointWindows(
  requests: number,
  failed: number,
): Pick<Predictor["endpoints"][number], "lastMinute" | "lastFiveMinutes"> {
  const failures = failed === 0 ? [] : [{ flag: "UF", count: failed, sentence: "refused" }];
  const window = { requests, answers: requests - failed, failed, modelErrors: 0, failures };
  return { lastMinute: window, lastFiveMinutes: window };
}

export function deployment(name: string, lastMinute: Measured, fields: Partial<Deployment> = {}): Deployment {
  return {
    namespace: "prod",
    name,
    state: "ready",
    sentence: "",
    predictors: [],
    lastMinute,
    lastFiveMinutes: lastMinute,
    ...fields,
  };
}
