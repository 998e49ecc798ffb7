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
    endpoints: [{ address: "10.0.0.1:9000", state: "ready" }],
    ...fields,
  };
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
