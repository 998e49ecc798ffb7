// Smoke: a few seconds of predictions on every deployment. Nothing fails.
import { deployment, duration, noFailures, numberOf, predict, summaryTrendStats } from "./target.ts";

export const options = {
  scenarios: {
    smoke: { executor: "constant-vus", vus: numberOf("VUS", 2), duration: duration("DURATION", "5s"), exec: "smoke" },
  },
  thresholds: { ...noFailures, http_req_duration: [`p(99)<${numberOf("P99_MS", 500)}`] },
  summaryTrendStats,
};

export function smoke(): void {
  for (const name of Object.values(deployment)) predict(name);
}
