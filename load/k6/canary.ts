// Canary: the share of answers that the canary gave lies within its confidence bound.
//
// SHARE is the share that the manifest declares. Of N fair draws the observed share lies within z·√(share·(1−share)/N) of it; with z = 4.5 a right
// split falls outside once in 147,000 runs, and with the default N of 4,000 a share that is off by five points is found out practically always.
import { Rate } from "k6/metrics";
import { deployment, noFailures, numberOf, predict, summaryTrendStats } from "./target.ts";

const share = numberOf("SHARE", 0.25);
const requests = numberOf("REQUESTS", 4000);
const bound = numberOf("Z", 4.5) * Math.sqrt((share * (1 - share)) / requests);

const canaryShare = new Rate("canary_share");

export const options = {
  scenarios: {
    canary: {
      executor: "shared-iterations",
      vus: numberOf("VUS", 8),
      iterations: requests,
      maxDuration: "10m",
      exec: "canary",
    },
  },
  thresholds: { ...noFailures, canary_share: [`rate>=${share - bound}`, `rate<=${share + bound}`] },
  summaryTrendStats,
};

export function canary(): void {
  canaryShare.add(predict(deployment.canary) === "canary");
}
