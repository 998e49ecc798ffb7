// Spike: from a quiet rate to ten times as much within a second, held, and back. Nothing fails, and p99 stays below a bound in the spike too.
import { deployment, duration, noFailures, numberOf, predict, summaryTrendStats } from "./target.ts";

const quiet = numberOf("RATE", 50);
const spiked = numberOf("SPIKE_RATE", quiet * 10);

export const options = {
  scenarios: {
    spike: {
      executor: "ramping-arrival-rate",
      startRate: quiet,
      timeUnit: "1s",
      preAllocatedVUs: numberOf("VUS", 100),
      maxVUs: 1000,
      stages: [
        { target: quiet, duration: duration("QUIET", "5s") },
        { target: spiked, duration: "1s" },
        { target: spiked, duration: duration("SPIKE", "10s") },
        { target: quiet, duration: "1s" },
        { target: quiet, duration: duration("QUIET", "5s") },
      ],
      exec: "spike",
    },
  },
  thresholds: {
    ...noFailures,
    dropped_iterations: ["count==0"],
    http_req_duration: [`p(99)<${numberOf("P99_MS", 500)}`],
  },
  summaryTrendStats,
};

export function spike(): void {
  predict(deployment.plain);
}
