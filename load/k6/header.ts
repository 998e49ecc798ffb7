// Header route: every request with the header goes to the second predictor, and none without it.
import { Rate } from "k6/metrics";
import { deployment, noFailures, numberOf, predict, summaryTrendStats } from "./target.ts";

const [field = "location", value = "london"] = (__ENV["ROUTE_HEADER"] ?? "location: london").split(/:\s*/u);

const withHeader = new Rate("canary_with_header");
const without = new Rate("canary_without_header");

export const options = {
  scenarios: {
    header: {
      executor: "shared-iterations",
      vus: numberOf("VUS", 4),
      iterations: numberOf("REQUESTS", 1000),
      maxDuration: "10m",
      exec: "header",
    },
  },
  thresholds: { ...noFailures, canary_with_header: ["rate==1"], canary_without_header: ["rate==0"] },
  summaryTrendStats,
};

export function header(): void {
  withHeader.add(predict(deployment.header, { [field]: value }) === "canary");
  without.add(predict(deployment.header) === "canary");
  // Another value of the same header is another request.
  without.add(predict(deployment.header, { [field]: `${value}x` }) === "canary");
}
